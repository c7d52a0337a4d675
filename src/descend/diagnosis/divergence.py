"""D1: training diverges, or is about to."""

import numpy as np

from descend import optimum as exact
from descend.arrays import Array
from descend.diagnosis.evidence import LEARNED, VERY_FAR, Evidence
from descend.diagnosis.finding import Entry, Finding, Level
from descend.diagnosis.formatting import factor
from descend.diagnosis.postmortem import postmortem
from descend.diagnosis.slow import SATURATED
from descend.outcome import Outcome

EXPLODING = 10.0  # growth of signals or gradients across the hidden layers (arbitrary)
SPIKE = 3.0  # height over the median of the points before (arbitrary)
SPIKE_WINDOW = 5  # record points of that median (arbitrary)
SPIKE_GAIN = 0.1  # height as a share of all that was gained; smaller rises are batch noise (arbitrary)
MANY_SPIKES = 5  # that make the note a warning (arbitrary)
RISE = 3.0  # of the training loss in the first record points, over the larger of its initial value and the baseline (arbitrary)
OVERSHOT = 0.2  # of the size of a layer's weights, that one step changes; a few thousandths are usual (arbitrary)
FAR_OVERSHOT = 0.6  # the same, for a note about a network that has learned all the same (arbitrary)
FIRST_POINTS = 5  # record points in which such a rise is looked for (arbitrary)
LARGE_TARGET = 10.0  # root mean square of a target that is not scaled (arbitrary; a scaled one has 1)
ROWS_IN_TEXT = 5  # row numbers that a text lists
ROWS_IN_EVIDENCE = 100  # row numbers that the evidence lists


def _explodes(e: Evidence) -> bool:
    """Whether the first batch shows signals or gradients that grow by EXPLODING from one end to the other."""
    return e.start is not None and len(e.start.signal) > 2 and e.start.growth ** (len(e.start.signal) - 1) >= EXPLODING


def above_limit(e: Evidence) -> Finding | None:
    """D101 for rules with a stability limit."""
    rising = len(e.losses) > 1 and e.outcome in (Outcome.STOPPED, Outcome.BUDGET) and not e.losses[-1] <= e.losses[0]
    stuck = "lr" in e.user_set and (not e.learned if e.problem.network is not None else e.learned_nothing)
    if not (e.outcome.failed or rising or stuck) or _explodes(e) or not e.limit or not e.setting.lr > e.limit:
        return None
    column, share = e.largest_column
    eigenvalue, target = e.landscape.curvature.largest, _large_target(e)
    source = f", {share:.1%} of it from column {column!r}" if e.problem.network is None else " at the initial weights"
    if target is not None:
        source = f", since the target is not scaled: its root mean square is {target:.3g}"
    text = (
        f"learning rate {e.setting.lr:.3g} is {factor(e.setting.lr / e.limit)} × the stability limit {e.limit:.3g} "
        f"(largest Hessian eigenvalue {eigenvalue:.3g}{source}); "
        f"{f'training diverged by step {e.last_step:,}' if e.outcome.failed or rising else 'the model has hardly learned'}"
    )
    evidence = {
        "lr": e.setting.lr, "limit": e.limit, "curvature": eigenvalue, "step": e.steps, "column": column, "share": share,
    }  # fmt: skip
    if target is not None:
        evidence["target"] = target
    scaled = e.problem.scaled and (target is None or not e.problem.loss.scales_target)
    fix = ("--lr auto",) if scaled else ("--scale", "--lr auto", "--scale --lr auto")
    return Finding(code="D101", level=Level.ERROR, text=text, evidence=evidence, fix=fix)


def _weight_share(e: Evidence) -> Array:
    """The norm of each layer's weights at the first record point over that of weights drawn for it (Glorot and Bengio 2010), 1 at most.

    Weights that start far too small change by much of their size in any step; their start is at fault, not the rate.
    """
    assert e.problem.network is not None
    sizes = np.array(e.problem.network.sizes, float)
    drawn = np.sqrt(2 * sizes[:-1] * sizes[1:] / (sizes[:-1] + sizes[1:]))
    return np.asarray(np.minimum(e.layer_stat("weight")[0] / drawn, 1.0))


def overshooting(e: Evidence) -> Finding | None:
    """D101 of networks under rules without a stability limit: no rise of the loss need be on record."""
    updates = e.layer_stat("update") if e.problem.network is not None else np.empty((0, 0))
    if (
        e.limit is not None
        or not len(updates)
        or "lr" not in e.user_set
        or e.outcome == Outcome.NONFINITE
        or _explodes(e)
    ):
        return None
    first = float(np.nanmax(updates[0] * _weight_share(e), initial=0.0))
    poor = e.outcome.failed or not e.learned
    if not first > (OVERSHOT if poor else FAR_OVERSHOT):
        return None
    text = (
        f"learning rate {e.setting.lr:.3g} is too high for {e.setting.rule.name}: at epoch {int(e.trace.epochs[0, 1]):,} a single step "
        f"changed the weights of a layer by {first:.0%} of their size, where a hundredth is usual"
        f"{', and the network has hardly learned' if poor else ''}"
    )
    fix = ("--lr auto", f"--lr {e.setting.lr / 10:.3g}", f"--lr {e.setting.lr / 100:.3g}")
    evidence = {"lr": e.setting.lr, "update": first, "step": e.steps}
    level = Level.ERROR if e.outcome.failed else Level.WARNING if poor else Level.NOTE
    return Finding(code="D101", level=level, text=text, evidence=evidence, fix=fix)


def too_high(e: Evidence) -> Finding | None:
    """D101; where the units are saturated before the first step, their start is at fault."""
    if e.start is not None and (e.start.saturated >= SATURATED).any():
        return None
    return above_limit(e) or too_fast(e) or overshooting(e)


def _large_target(e: Evidence) -> float | None:
    """The root mean square of a target whose size makes the eigenvalue large; None where it does not.

    A Hessian depends on the target through the residuals of a network, and through the mean count of poisson.
    """
    depends = (e.problem.network is not None and e.problem.loss.scales_target) or e.problem.loss.name == "poisson"
    size = float(np.sqrt(np.square(e.problem.data.y.astype(np.float64)).mean()))
    return size if depends and e.problem.scaled and size > LARGE_TARGET else None


def too_fast(e: Evidence) -> Finding | None:
    """D101 for rules without a stability limit."""
    losses = e.losses[: FIRST_POINTS + 1]
    if len(losses) < 2 or e.outcome == Outcome.NONFINITE or not e.poor or _explodes(e) or e.has_limit:
        return None
    before, peak = max(float(losses[0]), e.landscape.baseline), float(losses[1:].max())
    rise = (peak - e.floor) / max(before - e.floor, 1e-300)
    if not np.isfinite(rise) or not rise > RISE:
        return None
    target = _large_target(e)
    blame = "" if target is None else f"; the target is not scaled, its root mean square is {target:.3g}"
    text = (
        f"learning rate {e.setting.lr:.3g} is too high for {e.setting.rule.name}, which moves every weight by about that "
        f"much per step: the training loss rose from {losses[0]:.3g} to {peak:.3g} at the start{blame}"
    )
    evidence = {"lr": e.setting.lr, "before": float(losses[0]), "peak": peak, "step": e.steps}
    fix = ["--lr auto", f"--lr {e.setting.lr / 10:.3g}", f"--lr {e.setting.lr / 100:.3g}"]
    if not e.problem.scaled or (target is not None and e.problem.loss.scales_target):
        fix.insert(0, "--scale --lr auto")
    level = Level.ERROR if e.outcome.failed else Level.WARNING
    return Finding(code="D101", level=level, text=text, evidence=evidence, fix=tuple(fix))


def exploding(e: Evidence) -> Finding | None:
    """D102."""
    start, network = e.start, e.problem.network
    if start is None or network is None or (e.learned and not e.outcome.failed) or not _explodes(e):
        return None
    layer = int(np.argmax(np.nan_to_num(start.gradient, nan=np.inf))) + 1
    norm, growth = float(start.gradient[layer - 1]), start.growth
    text = (
        f"exploding gradients: signals or gradients grow by a factor of {growth:.3g} per layer, the gradient of layer "
        f"{layer} of {len(start.gradient)} has norm {norm:.3g} before the first step; "
        f"{f'training diverged by step {e.last_step:,}' if e.outcome.failed else 'training has not recovered from it'}"
    )
    init = "he" if network.activation in ("relu", "leaky_relu") else "xavier"
    evidence = {"layer": layer, "growth": growth, "norm": norm, "norms": start.gradient.tolist(), "step": e.steps}
    fix = (f"--init {init}", "--clip 1", f"--init {init} --lr auto", "--batch-norm")
    level = Level.ERROR if e.outcome.failed else Level.WARNING
    return Finding(code="D102", level=level, text=text, evidence=evidence, fix=fix)


def nonfinite(e: Evidence) -> Finding | None:
    """D103."""
    if not e.outcome.failed:
        return None
    first = postmortem(e) if e.outcome == Outcome.NONFINITE else None
    lr = e.setting.lr
    fix = (*(() if e.problem.scaled else ("--scale",)), "--lr auto", f"--lr {lr / 10:.3g}")
    if first is None:
        what = "became NaN or inf" if e.outcome == Outcome.NONFINITE else "grew far above its initial value"
        text = f"the loss {what} by step {e.last_step:,} at learning rate {lr:.3g}"
        if not e.problem.scaled:
            column, share = e.largest_column
            text += f"; {share:.1%} of the curvature comes from column {column!r}"
        evidence: dict[str, object] = {"lr": lr, "step": e.steps}
        return Finding(code="D103", level=Level.ERROR, text=text, evidence=evidence, fix=fix)
    rows = e.row_numbers(first.rows)
    listed = ", ".join(str(int(r)) for r in rows[:ROWS_IN_TEXT])
    more = ", …" if len(first.rows) > ROWS_IN_TEXT else ""
    text = (
        f"the first NaN or inf is in {first.place} at step {first.step:,}, rows {listed}{more} "
        f"({len(first.rows):,} in all), at learning rate {lr:.3g}"
    )
    evidence = {"lr": lr, "step": first.step, "place": first.place, "rows": rows[:ROWS_IN_EVIDENCE].tolist()}
    return Finding(code="D103", level=Level.ERROR, text=text, evidence=evidence, fix=fix)


def spikes(e: Evidence) -> Finding | None:
    """D104."""
    losses, peaks = e.losses, []
    if e.outcome.failed or e.outcome == Outcome.CONVERGED or len(losses) < 2 * SPIKE_WINDOW:
        return None
    gained = float(losses[0] - np.nanmin(losses))
    for k in range(SPIKE_WINDOW, len(losses)):
        median = float(np.median(losses[k - SPIKE_WINDOW : k]))
        if losses[k] > SPIKE * median and losses[k] - median > SPIKE_GAIN * gained > 0:
            peaks.append((int(e.trace.epochs[0, k]), float(losses[k] / max(median, 1e-300))))
    if not peaks:
        return None
    epoch, height = max(peaks, key=lambda peak: peak[1])
    times = "once" if len(peaks) == 1 else f"{len(peaks)} times"
    text = (
        f"the training loss spikes {times}, highest at epoch {epoch:,}, to {factor(height)} × the median of "
        f"the {SPIKE_WINDOW} points before"
    )
    fix = ("--clip 1", f"--lr {e.setting.lr / 3:.3g}", "--lr auto")
    harmful = e.poor if e.gap is not None else len(peaks) >= MANY_SPIKES or not e.learned
    level = Level.WARNING if harmful else Level.NOTE
    evidence = {"epoch": epoch, "height": height, "spikes": len(peaks)}
    return Finding(code="D104", level=level, text=text, evidence=evidence, fix=fix)


def limit_crossed(e: Evidence) -> Finding | None:
    """D105."""
    changing = e.problem.network is not None or e.problem.loss.name == "poisson"
    if not changing or _explodes(e) or not np.isfinite(e.weights).all() or e.limit is None or e.setting.lr > e.limit:
        return None
    measure = exact.sharpness if e.problem.network is not None else exact.curvature
    eigenvalue = measure(e.problem, e.weights).largest
    limit = exact.limit(e.setting.rule, e.setting.constants, max(eigenvalue, 1e-300))
    if limit is None or not e.setting.lr > limit or not (e.outcome.failed or e.full_batch):
        return None
    text = (
        f"the largest Hessian eigenvalue grew from {e.landscape.curvature.largest:.3g} to {eigenvalue:.3g}: learning rate "
        f"{e.setting.lr:.3g} is below the stability limit {e.limit:.3g} of the initial weights and above the limit "
        f"{limit:.3g} of the later ones"
    )
    evidence = {"lr": e.setting.lr, "limit_at_start": e.limit, "limit": limit, "curvature": eigenvalue}
    fix = (f"--lr {limit / 2:.3g}", "--clip 1", "--lr auto")
    level = Level.ERROR if e.outcome.failed else Level.NOTE
    return Finding(code="D105", level=level, text=text, evidence=evidence, fix=fix)


CHECKS = (too_high, exploding, nonfinite, spikes, limit_crossed)

ENTRIES = (
    Entry(
        code="D101",
        title="learning rate above the stability limit",
        meaning="Where the largest Hessian eigenvalue is L, a step longer than the limit ends further from the minimum than "
        "it started, so the loss grows with every step. The limit is 2/L for gradient descent, 2(1 + beta)/L for momentum "
        "and (2 + 2 beta)/((1 + 2 beta) L) for Nesterov; for small batches it is lower.",
        detected="The run failed, ended with a higher loss than it started with, or with a rate that the user set has learned nothing (a "
        f"network, less than {LEARNED:.0%} of the baseline's loss), and lr is above the limit, which follows "
        "from the largest eigenvalue of a bound on the Hessian (of a network: of the Hessian at the initial weights). No "
        "tolerance: above the limit, divergence is a theorem for a quadratic. Adaptive rules have no such limit: there, the "
        f"loss rose by a factor of {RISE:g} over the larger of its initial value and the baseline within {FIRST_POINTS} record "
        f"points, and the run failed, or misses the optimum by more than {VERY_FAR:.0%}, or where that is not known has not "
        "learned; or a step at the first "
        f"record point changed a layer of a network by more than {OVERSHOT:.0%} of its weights' norm, or of the norm "
        "they should have, and it has not learned; a note for "
        f"more than {FAR_OVERSHOT:.0%} where it has.",
        fixes="Let the learning rate be found (--lr auto). Where one column of large numbers, or a target that is not "
        "scaled, makes the eigenvalue large, scale them.",
        reference="Polyak 1964; Nesterov 2004, section 2.1; LeCun, Bottou, Orr and Müller 1998",
    ),
    Entry(
        code="D102",
        title="exploding gradients",
        meaning="A network multiplies signals forward, and gradients backward, by about the same factor in every layer. Where "
        "that factor is above 1, the product over many layers is huge, and the first step ruins the weights.",
        detected="In the first batch the signal or the gradient grows by a factor of "
        f"{EXPLODING:g} or more across the hidden layers, and the run failed, or has removed less than {LEARNED:.0%} of the "
        "baseline's loss; adaptive rules and clipping hide an explosion, but learn little after it. With less growth, the "
        "learning rate is the likelier cause.",
        fixes="Initial weights that preserve the size of signals (he for relu, xavier for others), gradient clipping "
        "(--clip 1), or batch normalisation (--batch-norm).",
        reference="Bengio, Simard and Frasconi 1994; Pascanu, Mikolov and Bengio 2013; Glorot and Bengio 2010",
    ),
    Entry(
        code="D103",
        title="first NaN or inf",
        meaning="A loss, gradient or weight became NaN or inf. All later values are NaN; the cause is at the first one.",
        detected="The run ended with NaN or inf, or with a loss far above its initial value. The step that failed is "
        "replayed from the last finite weights, and the first NaN or inf is named: layer or column, and the rows.",
        fixes="A smaller or automatic learning rate; scaled columns; a look at the rows that are named.",
        reference="Higham 2002, chapter 2",
    ),
    Entry(
        code="D104",
        title="loss spikes",
        meaning="The training loss jumps up and comes down again: the learning rate is near its limit, or single batches have "
        "huge gradients.",
        detected=f"At a record point the training loss is above {SPIKE:g} times the median of the {SPIKE_WINDOW} points "
        f"before, by more than {SPIKE_GAIN:.0%} of all that was gained; smaller rises are batch noise. A warning where the run ended "
        f"with a gap of more than {VERY_FAR:.0%} to the optimum; where that is not known, for {MANY_SPIKES} or more spikes, or where less "
        f"than {LEARNED:.0%} of the baseline's loss is removed. Runs that converged are exempt.",
        fixes="Gradient clipping; a smaller learning rate; warm-up.",
        reference="Pascanu, Mikolov and Bengio 2013; Cohen et al. 2021",
    ),
    Entry(
        code="D105",
        title="stability limit crossed during training",
        meaning="The Hessian changes with the weights. Training that started below the limit has reached weights where the "
        "rate is above it: full-batch training of networks tends to this edge and may stay there, or diverge.",
        detected="lr is below the limit of the initial weights and above that of the last ones, by a few Hessian-vector "
        "products. An error where the run failed; else a note, for full-batch runs.",
        fixes="Half of the later limit as learning rate; gradient clipping; an automatic learning rate.",
        reference="Cohen, Kaur, Li, Kolter and Talwalkar 2021",
    ),
)
