"""D5: numbers that the computer cannot hold, or holds too coarsely."""

import numpy as np

from descend.diagnosis.evidence import Evidence
from descend.diagnosis.finding import Entry, Finding
from descend.diagnosis.stagnation import stagnation
from descend.optimum.noise_scale import noise_scale
from descend.outcome import Outcome

SURE = 25.0  # a log loss: the probability of what happened was below 1.4e-11
NOISE = 10.0  # times the batch
STALE = 0.2  # of the gap that the later half of the record has closed
FEWEST = 8  # record points


def stagnated(e: Evidence) -> Finding | None:
    """D501."""
    if e.state is None or e.problem.dtype != np.float32 or e.outcome == Outcome.CONVERGED or e.outcome.failed:
        return None
    if e.gap is not None and e.gap <= 1e-6:
        return None
    seen = stagnation(e.problem, e.setting, e.state)
    if not seen.stuck:
        return None
    text = (
        f"float32 stagnation: the next step leaves {seen.lost} of {seen.moving} weights where they are, it is about "
        f"{seen.step:.2g} and half a unit in their last place {seen.place:.2g}; this is not convergence"
    )
    evidence = {"lost": seen.lost, "moving": seen.moving, "step": seen.step, "half_place": seen.place}
    return Finding("D501", "warning", text, evidence, ("pass float64 data", "--lr auto"))


def small_epsilon(e: Evidence) -> Finding | None:
    """D502."""
    eps, least = e.setting.constants.get("eps"), float(np.sqrt(np.finfo(e.problem.dtype).tiny))
    if eps is None or not eps < least:
        return None
    text = (
        f"epsilon {eps:.2g} is too small for {e.problem.dtype}: the square of a gradient below {least:.1g} is 0, and the step "
        f"then divides by epsilon alone"
    )
    level = "warning" if e.unfinished else "note"
    return Finding("D502", level, text, {"eps": eps, "least": least}, ("--eps 1e-8", "--eps 1e-8 --lr auto"))


def sure_and_wrong(e: Evidence) -> Finding | None:
    """D503."""
    if e.problem.loss.name not in ("logistic", "softmax") or e.outcome.failed:
        return None
    losses = e.own_losses if e.held_out_losses is None else e.held_out_losses
    count, most = int((losses > SURE).sum()), float(losses.max(initial=0.0))
    if count == 0:
        return None
    text = (
        f"logarithm of nearly zero: {count:,} of {len(losses):,} rows have a class that the model calls all but impossible, "
        f"the worst with a log loss of {most:.3g}"
    )
    level = "warning" if losses.mean() > e.landscape.baseline else "note"
    return Finding("D503", level, text, {"rows": count, "most": most}, ("--l2 0.01", "--l2 0.1"))


def noisy(e: Evidence) -> Finding | None:
    """D504."""
    if e.full or e.outcome not in (Outcome.BUDGET, Outcome.STOPPED) or e.gap is None or not e.unfinished:
        return None
    losses = e.losses
    if len(losses) < FEWEST or e.setting.schedule == "plateau" or len(e.setting.factors) > 1:
        return None
    best, half = e.landscape.optimum.objective, len(losses) // 2
    early, late = (
        float(np.median(losses[half // 2 : half]) - best),
        float(np.median(losses[-max(half // 2, 1) :]) - best),
    )
    if not late > (1 - STALE) * early > 0:
        return None
    found = noise_scale(e.problem, e.weights.astype(e.problem.dtype), e.setting.seed)
    if found is None or not found.rows > NOISE * e.batch:
        return None
    told = "without bound" if not np.isfinite(found.rows) else f"about {found.rows:,.0f} rows"
    text = (
        f"batch noise dominates: the loss hovers {late / max(e.landscape.baseline - best, 1e-300):.2g} of the way above the "
        f"optimum, and at batches of {e.batch:,} rows the gradient is noise (its noise scale is {told})"
    )
    bigger = min(8 * e.batch, e.problem.data.rows)
    fixes = ["--schedule plateau", f"--lr {e.setting.lr / 10:.3g}"]
    if e.setting.label != "sgd":
        fixes.append(f"--batch {bigger}")
    level = "warning" if "lr" in e.user_set else "note"
    return Finding("D504", level, text, {"noise_scale": found.rows, "batch": e.batch, "gap": e.gap}, tuple(fixes))


CHECKS = (stagnated, small_epsilon, sure_and_wrong, noisy)

ENTRIES = (
    Entry(
        "D501", "stagnation in float32",
        "A step smaller than half the last digit of a weight does not change it: training stands still, far from the "
        "optimum, and looks as if it had converged.",
        "Data in float32, the run neither converged nor within a millionth of the optimum, and the next step, computed in "
        "float64, would leave more than half of the weights that should move where they are.",
        "Float64 data; a larger rate.",
        "Gupta, Agrawal, Gopalakrishnan and Narayanan 2015; Higham 2002",
    ),
    Entry(
        "D502", "epsilon too small",
        "Adaptive rules divide by the root of averaged squares plus epsilon. Where squares underflow to 0, the step is the "
        "gradient over epsilon: a huge number.",
        "epsilon is below the root of the smallest normal number of the dtype: 1e-19 in float32, 1.5e-154 in float64.",
        "The default, 1e-8.",
        "Kingma and Ba 2015; Yuan and Gao 2020",
    ),
    Entry(
        "D503", "logarithm of nearly zero",
        "The model gave a probability of nearly 0 to what then happened. The log loss of such a row is as large as the "
        "computer allows, and one of them outweighs all others.",
        f"A held-out row, or without these a training row, has a log loss above {SURE:g}. A warning "
        "where the mean loss is above the baseline's: worse than knowing nothing.",
        "A larger penalty holds probabilities back from 0 and 1.",
        "Guo, Pleiss, Sun and Weinberger 2017",
    ),
    Entry(
        "D504", "batch noise dominates",
        "With a constant rate, batches shake the weights about the optimum at a distance that falls with the rate and the "
        "size of the batch.",
        f"The optimum is not reached, the later half of the record closed less than {STALE:.0%} of the distance, and the "
        f"gradient's noise scale at the kept weights is above {NOISE:g} batches. A note where the rate was found: then no rate "
        "that was tried is better.",
        "A rate that falls (--schedule plateau); a smaller rate; larger batches.",
        "McCandlish et al. 2018; Bottou, Curtis and Nocedal 2018, section 4",
    ),
)  # fmt: skip
