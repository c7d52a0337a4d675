"""D5: numbers that the computer cannot hold, or holds too coarsely."""

import numpy as np

from descend.diagnosis.evidence import VERY_FAR, Evidence
from descend.diagnosis.finding import Entry, Finding, Level
from descend.diagnosis.stagnation import stagnation
from descend.optimum.noise_scale import noise_scale
from descend.outcome import Outcome
from descend.text import counted

CONFIDENT = 25.0  # log loss of a row whose class had a probability below 1.4e-11 (arbitrary)
AT_OPTIMUM = 1e-6  # gap below which float32 has no digits left to improve the loss
NOISE_SCALE = 10.0  # in batches (arbitrary)
STALLED = 0.2  # share of the gap that the later half of the record has closed (arbitrary)
MIN_POINTS = 8  # record points from which that is read (arbitrary)


def stagnated(e: Evidence) -> Finding | None:
    """D501."""
    if e.state is None or e.problem.dtype != np.float32 or e.outcome == Outcome.CONVERGED or e.outcome.failed:
        return None
    if e.gap is not None and e.gap <= AT_OPTIMUM:
        return None
    seen = stagnation(e.problem, e.setting, e.state)
    if not seen.stuck:
        return None
    text = (
        f"float32 stagnation: the next step leaves {seen.lost} of {seen.moving} weights unchanged, since it is about "
        f"{seen.step:.2g} and half a unit in their last place is {seen.half_ulp:.2g}; this is not convergence"
    )
    evidence = {"lost": seen.lost, "moving": seen.moving, "step": seen.step, "half_place": seen.half_ulp}
    fix = ("pass float64 data", "--lr auto")
    return Finding(code="D501", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def small_epsilon(e: Evidence) -> Finding | None:
    """D502."""
    eps, least = e.setting.constants.get("eps"), float(np.sqrt(np.finfo(e.problem.dtype).tiny))
    if eps is None or not eps < least:
        return None
    text = (
        f"epsilon {eps:.2g} is too small for {e.problem.dtype}: the square of a gradient below {least:.1g} underflows to 0, "
        f"and the step then divides by epsilon alone"
    )
    level = Level.WARNING if e.unfinished else Level.NOTE
    fix = ("--eps 1e-8", "--eps 1e-8 --lr auto")
    return Finding(code="D502", level=level, text=text, evidence={"eps": eps, "least": least}, fix=fix)


def overconfident(e: Evidence) -> Finding | None:
    """D503."""
    if e.problem.loss.name not in ("logistic", "softmax") or e.outcome.failed:
        return None
    losses = e.train_losses if e.test_losses is None else e.test_losses
    count, largest = int((losses > CONFIDENT).sum()), float(losses.max(initial=0.0))
    if count == 0:
        return None
    text = (
        f"overconfident predictions: {count:,} of {len(losses):,} rows have a class to which the model gives a probability "
        f"of almost 0, the largest log loss of a row is {largest:.3g}"
    )
    level = Level.WARNING if losses.mean() > e.landscape.baseline else Level.NOTE
    evidence = {"rows": count, "most": largest}
    return Finding(code="D503", level=level, text=text, evidence=evidence, fix=("--l2 0.01", "--l2 0.1"))


def noisy(e: Evidence) -> Finding | None:
    """D504."""
    if e.full_batch or e.outcome not in (Outcome.BUDGET, Outcome.STOPPED) or e.gap is None or not e.unfinished:
        return None
    losses = e.losses
    if len(losses) < MIN_POINTS or e.setting.schedule == "plateau" or len(e.setting.factors) > 1:
        return None
    optimum, half = e.landscape.optimum.objective, len(losses) // 2
    early = float(np.median(losses[half // 2 : half]) - optimum)
    late = float(np.median(losses[-max(half // 2, 1) :]) - optimum)
    if not late > (1 - STALLED) * early > 0:
        return None
    scale = noise_scale(e.problem, e.weights.astype(e.problem.dtype), e.setting.seed)
    if scale is None or not scale.rows > NOISE_SCALE * e.batch_size:
        return None
    needed = f"it takes about {scale.rows:,.0f} rows" if np.isfinite(scale.rows) else "no number of rows is enough"
    text = (
        f"batch noise dominates: the loss stays at a gap of {late / max(e.landscape.baseline - optimum, 1e-300):.2g} to the "
        f"optimum, since batches of {counted(e.batch_size, 'row')} point anywhere there: {needed} to see the gradient through the noise"
    )
    fix = ["--schedule plateau", f"--lr {e.setting.lr / 10:.3g}"]
    if e.setting.label != "sgd":
        fix.append(f"--batch {min(8 * e.batch_size, e.problem.data.rows)}")
    level = Level.WARNING if "lr" in e.user_set and e.poor else Level.NOTE
    evidence = {"noise_scale": scale.rows, "batch": e.batch_size, "gap": e.gap}
    return Finding(code="D504", level=level, text=text, evidence=evidence, fix=tuple(fix))


CHECKS = (stagnated, small_epsilon, overconfident, noisy)

ENTRIES = (
    Entry(
        code="D501",
        title="stagnation in float32",
        meaning="A step smaller than half a unit in the last place of a weight does not change it: training stands still, far "
        "from the optimum, and looks as if it had converged.",
        detected=f"Data in float32, the run neither converged nor within a gap of {AT_OPTIMUM:g}, and the next step, computed "
        "in float64, would leave unchanged weights that have more than half of the squared gradient; a single large intercept "
        "is enough.",
        fixes="Float64 data; a larger learning rate.",
        reference="Gupta, Agrawal, Gopalakrishnan and Narayanan 2015; Higham 2002",
    ),
    Entry(
        code="D502",
        title="epsilon too small",
        meaning="Adaptive rules divide by the root of averaged squares plus epsilon. Where squares underflow to 0, the step is "
        "the gradient over epsilon: a huge number.",
        detected="epsilon is below the root of the smallest normal number of the dtype: 1e-19 in float32, 1.5e-154 in "
        "float64.",
        fixes="The default, 1e-8.",
        reference="Kingma and Ba 2015; Yuan and Gao 2020",
    ),
    Entry(
        code="D503",
        title="overconfident predictions",
        meaning="The model gave a probability of almost 0 to the class of a row. The log loss of such a row can outweigh all "
        "others.",
        detected=f"A test row, or without test rows a training row, has a log loss above {CONFIDENT:g}. A warning "
        "where the mean loss is above the baseline's: worse than a constant prediction.",
        fixes="A larger penalty, which keeps probabilities away from 0 and 1.",
        reference="Guo, Pleiss, Sun and Weinberger 2017",
    ),
    Entry(
        code="D504",
        title="batch noise dominates",
        meaning="With a constant learning rate, batches keep the weights moving around the optimum, at a distance that falls "
        "with the rate and the batch size.",
        detected=f"The optimum is not reached, the later half of the record closed less than {STALLED:.0%} of the distance, "
        f"and the gradient noise scale at the kept weights is above {NOISE_SCALE:g} batches. A note where the learning rate "
        f"was found, since then no rate that was tried is better, or where the gap to the optimum is at most {VERY_FAR:.0%}.",
        fixes="A schedule that lowers the rate (--schedule plateau); a smaller rate; larger batches.",
        reference="McCandlish et al. 2018; Bottou, Curtis and Nocedal 2018, section 4",
    ),
)
