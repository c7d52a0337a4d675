"""D1: training leaves the useful range, or nearly does."""

import numpy as np

from descend import optimum as exact
from descend.diagnosis.evidence import LEARNED, Evidence
from descend.diagnosis.finding import Entry, Finding
from descend.diagnosis.formatting import times
from descend.diagnosis.postmortem import SHOWN, postmortem
from descend.outcome import Outcome

GROWTH = 10.0  # of signals or slopes from one end of a network to the other, that explains an explosion
SPIKE = 3.0  # times the median of the losses before
BEFORE = 5  # record points that a spike is compared with
SPIKES = 0.1  # of what was gained: a smaller rise is noise
OFTEN = 5  # spikes


def _exploding(e: Evidence) -> bool:
    return e.start is not None and len(e.start.signal) > 2 and e.start.growth ** (len(e.start.signal) - 1) >= GROWTH


def above_limit(e: Evidence) -> Finding | None:
    """D101."""
    rising = len(e.losses) > 1 and e.outcome in (Outcome.STOPPED, Outcome.BUDGET) and not e.losses[-1] <= e.losses[0]
    if e.limit is None or not e.setting.lr > e.limit or not (e.outcome.failed or rising) or _exploding(e):
        return None
    column, share = e.largest
    largest, scaled = e.landscape.curvature.largest, e.problem.scaled
    blame = f", {share:.1%} of it from column {column!r}" if e.problem.network is None else " at the start"
    text = (
        f"learning rate {e.setting.lr:.3g} is {times(e.setting.lr / e.limit)} × the stability limit {e.limit:.3g} "
        f"(curvature {largest:.3g}{blame}); left the useful range by step {e.ended:,}"
    )
    evidence = {
        "lr": e.setting.lr,
        "limit": e.limit,
        "curvature": largest,
        "step": e.steps,
        "column": column,
        "share": share,
    }
    return Finding(
        "D101", "error", text, evidence, ("--lr auto",) if scaled else ("--scale", "--lr auto", "--scale --lr auto")
    )


def exploding(e: Evidence) -> Finding | None:
    """D102."""
    start, network = e.start, e.problem.network
    if start is None or network is None or not e.outcome.failed or not _exploding(e):
        return None
    layer = int(np.argmax(np.nan_to_num(start.gradient, nan=np.inf))) + 1
    norm, growth = float(start.gradient[layer - 1]), start.growth
    text = (
        f"gradients explode: the network multiplies what passes by {growth:.3g} a layer, the gradient of layer {layer} of "
        f"{len(start.gradient)} has norm {norm:.3g} before the first step; left the useful range by step {e.ended:,}"
    )
    own = "he" if network.activation in ("relu", "leaky_relu") else "xavier"
    evidence = {"layer": layer, "growth": growth, "norm": norm, "norms": start.gradient.tolist(), "step": e.steps}
    fixes = (f"--init {own}", "--clip 1", f"--init {own} --lr auto", "--batch-norm")
    return Finding("D102", "error", text, evidence, fixes)


def nonfinite(e: Evidence) -> Finding | None:
    """D103."""
    if not e.outcome.failed:
        return None
    found = postmortem(e) if e.outcome == Outcome.NONFINITE else None
    lr, fixes = e.setting.lr, ["--lr auto", f"--lr {e.setting.lr / 10:.3g}"]
    if not e.problem.scaled:
        fixes.insert(0, "--scale")
    if found is None:
        how = "left the finite range" if e.outcome == Outcome.NONFINITE else "grew far beyond where it began"
        text = f"the loss {how} by step {e.ended:,} at learning rate {lr:.3g}"
        if not e.problem.scaled:
            column, share = e.largest
            text += f"; {share:.1%} of the curvature comes from column {column!r}"
        return Finding("D103", "error", text, {"lr": lr, "step": e.steps}, tuple(fixes))
    rows = ", ".join(str(int(r)) for r in found.rows[:SHOWN]) + (", …" if len(found.rows) > SHOWN else "")
    text = (
        f"the first value that is not finite is in {found.place} at step {found.step:,}, training rows {rows} "
        f"({len(found.rows):,} in all), at learning rate {lr:.3g}"
    )
    evidence = {"lr": lr, "step": found.step, "place": found.place, "rows": found.rows[:100].tolist()}
    return Finding("D103", "error", text, evidence, tuple(fixes))


def spikes(e: Evidence) -> Finding | None:
    """D104."""
    losses, found = e.losses, []
    if e.outcome.failed or e.outcome == Outcome.CONVERGED or len(losses) < 2 * BEFORE:
        return None
    gained = float(losses[0] - np.nanmin(losses))
    for k in range(BEFORE, len(losses)):
        usual = float(np.median(losses[k - BEFORE : k]))
        if losses[k] > SPIKE * usual and losses[k] - usual > SPIKES * gained > 0:
            found.append((int(e.trace.epochs[0, k]), float(losses[k] / max(usual, 1e-300))))
    if not found:
        return None
    epoch, height = max(found, key=lambda one: one[1])
    text = (
        f"the training loss spikes {len(found)} times, most at epoch {epoch:,}, to {times(height)} × its median of "
        f"{BEFORE} points before"
    )
    fixes = ("--clip 1", f"--lr {e.setting.lr / 3:.3g}", "--lr auto")
    level = "warning" if len(found) >= OFTEN or not e.learned else "note"
    return Finding("D104", level, text, {"epoch": epoch, "height": height, "spikes": len(found)}, fixes)


def limit_crossed(e: Evidence) -> Finding | None:
    """D105."""
    moving = e.problem.network is not None or e.problem.loss.name == "poisson"
    if e.limit is None or not moving or e.setting.lr > e.limit or _exploding(e) or not np.isfinite(e.weights).all():
        return None
    measure = exact.sharpness if e.problem.network is not None else exact.curvature
    largest = measure(e.problem, e.weights).largest
    limit = exact.limit(e.setting.rule, e.setting.constants, max(largest, 1e-300))
    if limit is None or not e.setting.lr > limit or not (e.outcome.failed or e.full):
        return None
    text = (
        f"the curvature grew from {e.landscape.curvature.largest:.3g} to {largest:.3g}, and learning rate "
        f"{e.setting.lr:.3g}, below the limit {e.limit:.3g} at the start, is above the limit {limit:.3g} where training went"
    )
    evidence = {"lr": e.setting.lr, "limit_at_start": e.limit, "limit": limit, "curvature": largest}
    fixes = (f"--lr {limit / 2:.3g}", "--clip 1", "--lr auto")
    return Finding("D105", "error" if e.outcome.failed else "note", text, evidence, fixes)


CHECKS = (above_limit, exploding, nonfinite, spikes, limit_crossed)

ENTRIES = (
    Entry(
        "D101", "learning rate above the stability limit",
        "On a loss of curvature L, a step longer than the limit lands further from the minimum than it began, so the loss "
        "grows with every step. The limit is 2/L for gradient descent, 2(1 + beta)/L for momentum and (2 + 2 beta)/((1 + "
        "2 beta) L) for Nesterov; for small batches it is shorter.",
        "The run failed, or ended above where it began, and lr is above the limit, which follows from the largest "
        "eigenvalue of the Hessian's bound (of a network: where it starts). No tolerance: above the limit divergence is a "
        "theorem for a quadratic.",
        "Let the rate be found (--lr auto). Where one column of large numbers makes the curvature, scale the columns.",
        "Polyak 1964; Nesterov 2004, section 2.1; LeCun, Bottou, Orr and Müller 1998",
    ),
    Entry(
        "D102", "exploding gradients",
        "A network multiplies signals on the way forward, and slopes on the way back, by about the same factor in every "
        "layer. Where that factor is above 1, depth makes it a huge number, and the first step throws the weights away.",
        f"The run failed, and in its first batch the signal or the slope grows {GROWTH:g}-fold or more from one end of the "
        "hidden layers to the other; with less, the learning rate is the likelier cause.",
        "Start with weights that keep the size of signals (he for relu, xavier for others), clip the gradient "
        "norm (--clip 1), or normalise layers (--batch-norm).",
        "Bengio, Simard and Frasconi 1994; Pascanu, Mikolov and Bengio 2013; Glorot and Bengio 2010",
    ),
    Entry(
        "D103", "first value that is not finite",
        "A loss, gradient or weight became NaN or infinite. All that follows is NaN; the cause is at the first one.",
        "The run ended outside the finite range. The step that failed is taken once more from the last weights before it, "
        "and the first value that is not finite is named: layer or column, and the rows of the batch.",
        "A smaller or found learning rate; scaled columns; a look at the rows that are named.",
        "Higham 2002, chapter 2",
    ),
    Entry(
        "D104", "loss spikes",
        "The training loss jumps up and comes down again: the rate is near its limit, or single batches have huge gradients.",
        f"At a record point the training loss is above {SPIKE:g} times the median of the {BEFORE} points before, by more "
        f"than {SPIKES:.0%} of all that was gained; smaller rises are the noise of batches. A warning where there are {OFTEN} or "
        f"more, or less than {LEARNED:.0%} of the baseline's loss is gone. Runs that converged are exempt.",
        "Clip the gradient norm; a smaller rate; warm-up.",
        "Pascanu, Mikolov and Bengio 2013; Cohen et al. 2021",
    ),
    Entry(
        "D105", "stability limit crossed on the way",
        "The curvature is not the same everywhere. Training that began below the limit has come to a place where it is "
        "above: full-batch training of networks climbs to this edge by itself and may stay there, or diverge.",
        "lr is below the limit of the start and above that of the weights at the end, by a few products of the Hessian "
        "with a vector. An error where the run failed; else a note, of runs with all rows a step.",
        "A rate of half the later limit; clipping; a found rate.",
        "Cohen, Kaur, Li, Kolter and Talwalkar 2021",
    ),
)  # fmt: skip
