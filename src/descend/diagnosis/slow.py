"""D2: training is too slow, or stands still."""

import shlex

import numpy as np

from descend.activations import activation
from descend.arrays import Array
from descend.diagnosis.evidence import FAR, LEARNED, NO_GAIN, VERY_FAR, Evidence
from descend.diagnosis.finding import Entry, Finding, Level
from descend.diagnosis.formatting import percent
from descend.outcome import Outcome
from descend.sparse import is_wide
from descend.text import counted

MUCH_TOO_LOW = (
    0.05  # learning rate over the stability limit: a good one is at a tenth of it or more (Goodfellow et al. 2016)
)
VANISHED = 1e-4  # gradient norm of the first hidden layer over the last one's; ten healthy layers stay above 1e-2
ILL_CONDITIONED = 1e4  # condition number; gradient descent then needs tens of thousands of steps
REDUNDANT = 1e-13  # eigenvalue of a correlation matrix, per column, that is 0 up to rounding of the features
DECAYED = 0.1  # movement of the weights in the last epoch over that in the first (arbitrary)
MIN_MOVEMENTS = 5  # record points from which a decay is read (arbitrary)
ZIGZAG = -0.3  # mean cosine between successive steps (arbitrary: random steps have 0)
MIN_STEPS = 6  # single steps on record from which a zig-zag is read (arbitrary)
DEAD = 0.5  # share of the units of a layer (arbitrary: some dead units are normal)
SATURATED = 0.75  # share of the outputs of a layer; weights drawn for the activation leave fewer than 0.05
MISSING_ZEROS = 0.1  # share of the zero weights of the optimum (arbitrary: a few near the threshold come last)
DISAGREEING = 0.25  # share of the best start's gain that the worst one lacks (arbitrary)


def out_of_budget(e: Evidence) -> Finding | None:
    """D201."""
    out = e.outcome == Outcome.BUDGET
    user_rate = e.unfinished and e.gap is not None and "lr" in e.user_set
    if e.outcome.failed or not (out or e.premature or user_rate):
        return None
    steps, lr, gap = max(e.steps, 1), e.setting.lr, e.gap
    evidence: dict[str, object] = {"gap": gap, "steps": steps, "lr": lr}
    distance = "" if gap is None else f" with a gap of {percent(gap)} to the optimum"
    time = e.more_time if e.cut else ()
    when = f"the time was over after {counted(e.epochs, 'epoch')}" if e.cut else f"in {counted(e.epochs, 'epoch')}"
    text = f"not converged{':' if e.cut else ''} {when}{distance}"
    fix = [*time, "--lr auto", "--optimizer nesterov"]
    if e.premature:
        text = f"not converged: training stopped improving after {counted(e.epochs, 'epoch')}{distance}"
    if e.problem.network is None and not e.has_limit and e.landscape.optimum.weights is not None:
        start = e.trace.weights[0, 0] if e.trace.weights.size else 0.0
        farthest = float(np.abs(e.landscape.optimum.weights - start).max())
        needed = farthest / steps
        evidence |= {"farthest": farthest, "lr_needed": needed, "steps_needed": farthest / lr}
        if needed > lr / 2:
            text += (
                f": {e.setting.rule.name} moves a weight by about lr per step, and one is {farthest:.3g} from its optimum, "
                f"which needs lr {needed:.2g} or {farthest / lr:,.0f} steps"
            )
            fix.insert(0, f"--lr {needed:.2g}")
    if e.limit and lr < MUCH_TOO_LOW * e.limit and "lr" in e.user_set:
        text += f"; learning rate {lr:.2g} is {percent(lr / e.limit)} of the stability limit {e.limit:.3g}"
    level = Level.WARNING if far_from_optimum(e) or _too_low(e) else Level.NOTE
    return Finding(code="D201", level=level, text=text, evidence=evidence, fix=tuple(fix))


def _too_low(e: Evidence) -> bool:
    """Whether a rate that the user set, and not the time, left the run far from where it could get."""
    far = e.gap > VERY_FAR if e.gap is not None else not e.learned
    below = e.setting.lr < MUCH_TOO_LOW * e.limit if e.limit else True
    return "lr" in e.user_set and not e.cut and far and below


def far_from_optimum(e: Evidence) -> bool:
    """Return whether training stopped improving so far from the optimum that the model must not be taken for a trained one."""
    return e.premature and e.gap is not None and e.gap > VERY_FAR


def zeros_missing(e: Evidence) -> Finding | None:
    """D211."""
    optimum = e.landscape.optimum.weights
    if e.problem.l1 == 0 or e.problem.network is not None or optimum is None or e.outcome.failed:
        return None
    zero = (optimum == 0) & (e.problem.penalised > 0)
    missing = int((zero & (e.weights != 0)).sum())
    if not missing > MISSING_ZEROS * zero.sum():
        return None
    text = (
        f"the zeros of the l1 penalty are not reached: {int(zero.sum())} weights are exactly 0 at the optimum, and {missing} "
        f"of them are not in the kept weights"
    )
    fix = ("--optimizer gd --lr auto", "--optimizer nesterov --batch full --lr auto")
    evidence = {"zeros": int(zero.sum()), "missing": missing}
    return Finding(code="D211", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def nothing_learned(e: Evidence) -> Finding | None:
    """D210."""
    if not e.learned_nothing:
        return None
    baseline = e.landscape.baseline
    how = "no better than" if e.train_loss <= baseline + NO_GAIN * abs(baseline) else "worse than"
    text = (
        f"nothing learned: on its own training rows the model has loss {e.train_loss:.3g}, {how} the best constant "
        f"prediction, which has {baseline:.3g}"
    )
    fix = [*e.more_time, "--lr auto", "--optimizer adam --lr auto"]
    if e.problem.network is not None:
        fix.append("--activation relu --init he --lr auto")
    evidence = {"train": e.train_loss, "baseline": baseline}
    return Finding(code="D210", level=Level.WARNING, text=text, evidence=evidence, fix=tuple(fix))


def vanishing(e: Evidence) -> Finding | None:
    """D202."""
    if e.start is None or len(e.start.signal) < 3:
        return None
    norms = e.start.gradient[:-1]
    ratio = float(norms[0] / norms[-1]) if norms[-1] > 0 else 1.0
    recorded = e.layer_stat("gradient")[:, :-1]
    if len(recorded) and np.isfinite(recorded[-1]).all() and recorded[-1, -1] > 0 and not e.learned:
        ratio = min(ratio, float(recorded[-1, 0] / recorded[-1, -1]))
    if not ratio < VANISHED or e.start.symmetric.any():
        return None
    decay = ratio ** (1 / (len(norms) - 1)) if ratio > 0 else 0.0
    layer = max(int(np.argmax(norms > VANISHED * norms[-1])), 1)
    text = (
        f"vanishing gradients: the gradient of layer 1 of {len(norms)} is {ratio:.1e} times that of layer {len(norms)}, a "
        f"factor of {decay:.2g} per layer; layers 1 to {layer} hardly change"
    )
    evidence = {"layer": layer, "decay": decay, "ratio": ratio, "norms": norms.tolist()}
    level = Level.NOTE if e.learned else Level.WARNING
    fix = ("--activation relu --init he --lr auto", "--batch-norm --lr auto", "--residual --lr auto")
    return Finding(code="D202", level=level, text=text, evidence=evidence, fix=fix)


def ill_conditioned(e: Evidence) -> Finding | None:
    """D203."""
    if e.problem.network is not None or not e.unfinished or e.outcome.failed:
        return None
    condition = e.landscape.curvature.condition
    if not condition > ILL_CONDITIONED or _too_low(e):
        return None
    columns, cause = _columns_at_fault(e)
    distance = "" if e.gap is None else f" and the gap to the optimum is {percent(e.gap)}"
    text = f"ill-conditioned: the condition number is {condition:.2g}{distance}; {cause}"
    fix = ["--optimizer auto --lr auto", "--optimizer nesterov --momentum 0.99 --lr auto", "--l2 0.01"]
    if not e.problem.scaled:
        fix.insert(0, "--scale --lr auto")
    elif len(columns) > 1:
        fix.append(f"--drop {shlex.quote(columns[1])}")
    evidence = {"condition": condition, "column": columns[0], "other": columns[1] if len(columns) > 1 else ""}
    return Finding(code="D203", level=Level.WARNING, text=text, evidence=evidence, fix=tuple(fix))


def _columns_at_fault(e: Evidence) -> tuple[tuple[str, ...], str]:
    """The largest column where columns are not scaled, else two that are nearly collinear; and the cause in words."""
    if not e.problem.scaled or is_wide(e.problem.data.X):
        name = e.largest_column[0]
        return (name,), f"column {name!r} is by far the largest"
    G = e.problem.data.gram().G
    size = np.sqrt(np.maximum(np.diag(G), 1e-300))
    values, vectors = np.linalg.eigh(G / np.outer(size, size))
    flattest = int(np.argmax(values > REDUNDANT * len(size)))
    involved = [e.column_of(int(j)) for j in np.argsort(-np.abs(vectors[:, flattest]))]
    a, *others = dict.fromkeys(involved[:2])
    if not others:
        return (a,), f"the levels of column {a!r} are nearly collinear with each other or other columns"
    first, second = sorted((a, others[0]), key=e.columns.index)
    return (second, first), f"columns {first!r} and {second!r} are nearly collinear with each other or others"


def decayed(e: Evidence) -> Finding | None:
    """D204."""
    if not e.setting.rule.name.startswith("adagrad") or not e.unfinished or e.outcome.failed:
        return None
    moved = _movements(e)
    if len(moved) < MIN_MOVEMENTS or not moved[0] > 0 or not moved[-1] < DECAYED * moved[0]:
        return None
    share = float(moved[-1] / moved[0])
    text = (
        f"Adagrad's effective learning rate has decayed: an epoch changes the weights by {percent(share)} of what the first "
        f"one did, since the sum of all squared gradients only grows"
    )
    fix = ("--optimizer rmsprop --lr auto", "--optimizer adam --lr auto", f"--lr {10 * e.setting.lr:.3g}")
    level = Level.WARNING if e.poor else Level.NOTE
    evidence = {"part": share, "epoch": e.epochs}
    return Finding(code="D204", level=level, text=text, evidence=evidence, fix=fix)


def _movements(e: Evidence) -> Array:
    """How far an epoch moved the weights, at each record point (points,)."""
    if e.trace.weights.size:
        epochs = np.maximum(np.diff(e.trace.epochs[0]), 1)
        return np.asarray(np.linalg.norm(np.diff(e.trace.weights[0], axis=0), axis=1) / epochs)
    updates = e.layer_stat("update")
    return np.nanmean(updates, axis=1) if updates.size else np.empty(0)


def zigzag(e: Evidence) -> Finding | None:
    """D205."""
    if not e.full_batch or not e.trace.weights.size or e.outcome.failed or not e.unfinished or not e.limit:
        return None
    epochs, weights = e.trace.epochs[0], e.trace.weights[0].astype(np.float64)
    steps = np.diff(weights, axis=0)[np.flatnonzero(np.diff(epochs) == 1)]
    size = np.linalg.norm(steps, axis=1)
    if len(steps) < MIN_STEPS or not (size > 0).all():
        return None
    cosines = (steps[1:] * steps[:-1]).sum(axis=1) / (size[1:] * size[:-1])
    mean = float(cosines[len(cosines) // 2 :].mean())
    if not mean < ZIGZAG:
        return None
    text = (
        f"zig-zagging steps: each step reverses much of the one before (mean cosine {mean:.2f}) at learning rate "
        f"{e.setting.lr:.3g}, {e.setting.lr / e.limit:.0%} of the stability limit"
    )
    fix = (f"--lr {e.limit / 2:.3g}", "--optimizer nesterov --lr auto", "--lr auto")
    evidence = {"cosine": mean, "lr": e.setting.lr, "limit": e.limit}
    return Finding(code="D205", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def dead(e: Evidence) -> Finding | None:
    """D206."""
    if e.problem.network is None:
        return None
    shares = e.layer_stat("dead")[:, :-1]
    finite = shares[np.isfinite(shares).all(axis=1)]
    if not len(finite) or not (finite[-1] > DEAD).any():
        return None
    layer = int(np.argmax(finite[-1]))
    width = e.problem.network.sizes[layer + 1]
    first = int(np.argmax(shares[:, layer] > DEAD))
    at_start = e.start is not None and e.start.dead[layer] > DEAD * width
    since = "the start" if at_start else f"epoch {int(e.trace.epochs[0, 1 + first]):,}"
    count, rows = round(float(finite[-1][layer]) * width), e.problem.data.rows
    text = (
        f"dead units: {count} of {width} units of layer {layer + 1} have slope 0 for all of {rows:,} rows since {since}, "
        f"so that no gradient passes them"
    )
    fix = ("--activation leaky_relu --lr auto", "--init he --lr auto", "--batch-norm --lr auto")
    level = Level.WARNING if not e.learned or count == width else Level.NOTE
    evidence = {"layer": layer + 1, "dead": count, "units": width, "since": since}
    return Finding(code="D206", level=level, text=text, evidence=evidence, fix=fix)


def saturated(e: Evidence) -> Finding | None:
    """D207."""
    network = e.problem.network
    if e.start is None or network is None or activation(network.activation).peak <= 0:
        return None
    shares, recorded = e.start.saturated, e.layer_stat("saturated")[:, :-1]
    if len(recorded) and np.isfinite(recorded[-1]).all() and not e.learned:
        shares = np.maximum(shares, recorded[-1])
    if not (shares >= SATURATED).any():
        return None
    layer = int(np.argmax(shares))
    text = (
        f"saturated units: {shares[layer]:.0%} of the outputs of layer {layer + 1} are at the ends of the activation, where "
        f"its slope is below a twentieth of its peak"
    )
    fix = ("--init auto --lr auto", "--batch-norm --lr auto", "--activation relu --init he --lr auto")
    level = Level.WARNING if not e.learned or e.outcome.failed else Level.NOTE
    evidence = {"layer": layer + 1, "share": float(shares[layer]), "shares": shares.tolist()}
    return Finding(code="D207", level=level, text=text, evidence=evidence, fix=fix)


def symmetric(e: Evidence) -> Finding | None:
    """D208."""
    if e.start is None or not e.start.symmetric.any():
        return None
    layer = int(np.argmax(e.start.symmetric)) + 1
    text = (
        f"symmetric start: all units of layer {layer} start with equal weights and stay equal, as if they were one unit"
    )
    evidence = {"layer": layer, "init": e.setting.init}
    fix = ("--init auto", "--init auto --lr auto")
    return Finding(code="D208", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def disagreeing(e: Evidence) -> Finding | None:
    """D209."""
    losses = np.array([v for v in e.restarts if np.isfinite(v)])
    gain = e.landscape.baseline - losses.min() if len(losses) else 0.0
    if e.problem.network is None or len(losses) < 2 or not gain > 0 or not np.ptp(losses) > DISAGREEING * gain:
        return None
    text = (
        f"starts disagree: {len(losses)} random starts end at losses from {losses.min():.3g} to {losses.max():.3g}, so the "
        f"minimum that is found depends on the seed"
    )
    evidence = {"losses": losses.tolist(), "spread": float(losses.std(ddof=1))}
    fix = (f"--restarts {2 * len(losses)}", "wider hidden layers")
    return Finding(code="D209", level=Level.NOTE, text=text, evidence=evidence, fix=fix)


CHECKS = (
    symmetric,
    vanishing,
    dead,
    saturated,
    ill_conditioned,
    decayed,
    zigzag,
    out_of_budget,
    disagreeing,
    zeros_missing,
    nothing_learned,
)

ENTRIES = (
    Entry(
        code="D201",
        title="not converged",
        meaning="Training ended before it converged: the model may be usable, but better training would improve it.",
        detected="The run ran out of epochs or time; or it stopped improving, or with a learning rate that the user set it "
        f"ended, with a gap of more than {FAR:g} to the exact optimum. A warning where it stopped improving at a gap of more "
        f"than {VERY_FAR:g}, or where the user set a rate, of rules with a stability limit one below {MUCH_TOO_LOW:g} of it; early "
        "stopping at a minimum of the validation loss is exempt. Where an "
        "adaptive rule cannot have reached the optimum, since it moves a weight by about lr per step, the text names the rate "
        "that would.",
        fixes="An automatic learning rate; a faster optimizer; more --epochs or --time.",
        reference="Bottou, Curtis and Nocedal 2018",
    ),
    Entry(
        code="D202",
        title="vanishing gradients",
        meaning="On its way back through a network the gradient is multiplied by slopes and weights in every layer. Sigmoid "
        "slopes are 1/4 at most; with small weights the first layers get almost no gradient, and stay as they started.",
        detected=f"The gradient norm of the first hidden layer is below {VANISHED:g} of the last one's, in the first batch, "
        "or at the end of a run that has not learned. A healthy network of ten layers stays within a factor of a hundred. A "
        f"warning where less than {LEARNED:.0%} of the baseline's loss is removed.",
        fixes="An activation whose slope is 1 (relu) with initial weights drawn for it (he); batch normalisation; residual "
        "connections.",
        reference="Hochreiter 1991; Glorot and Bengio 2010; He et al. 2015 and 2016; Ioffe and Szegedy 2015",
    ),
    Entry(
        code="D203",
        title="ill-conditioned",
        meaning="The loss is steep in one direction and flat in another. The steep one limits the learning rate, and along "
        "the flat one progress needs a large rate.",
        detected=f"The condition number is above {ILL_CONDITIONED:g}, and the run has not reached the optimum; at the "
        "optimum it does not matter. Directions that change no prediction, such as the sum of all levels of a category "
        "against the intercept, do not count.",
        fixes="Scaled columns; an optimizer with momentum; a penalty; dropping one of the collinear columns.",
        reference="Nesterov 2004, section 2.1; Boyd and Vandenberghe 2004, section 9.3",
    ),
    Entry(
        code="D204",
        title="Adagrad's learning rate has decayed",
        meaning="Adagrad divides by the root of the sum of all squared gradients. The sum never falls, so large early "
        "gradients slow all later steps.",
        detected=f"An epoch changes the weights by less than {DECAYED:.0%} of what the first one did, and the optimum is not "
        f"reached. A note where the gap to it is at most {VERY_FAR:.0%}, or for networks that have removed {LEARNED:.0%} of the "
        "baseline's loss.",
        fixes="An optimizer with a moving average (rmsprop, adam), or a learning rate ten times as large.",
        reference="Duchi, Hazan and Singer 2011; Zeiler 2012",
    ),
    Entry(
        code="D205",
        title="zig-zagging steps",
        meaning="Near its stability limit, gradient descent oscillates across a ravine of the loss and hardly moves along it.",
        detected=f"Successive full-batch steps reverse each other: their mean cosine is below {ZIGZAG:g} over the later half "
        "of the single steps on record, and the optimum is not reached.",
        fixes="Half the limit as learning rate; momentum, which cancels what alternates; scaled columns.",
        reference="Polyak 1964; Nocedal and Wright 2006, section 3.3",
    ),
    Entry(
        code="D206",
        title="dead units",
        meaning="A rectifier whose input is negative for every row passes no gradient, so its weights never change again.",
        detected=f"At the last record point more than {DEAD:.0%} of a hidden layer's units had slope 0 for every row since "
        "the record before. Some dead units are normal; half of a layer is not.",
        fixes="A rectifier with a slope on both sides (leaky_relu); a smaller learning rate; initial weights drawn for relu; "
        "batch normalisation.",
        reference="Maas, Hannun and Ng 2013; He et al. 2015",
    ),
    Entry(
        code="D207",
        title="saturated units",
        meaning="Sigmoid and tanh are flat far from 0: a unit there gives the same output for every row and hardly learns.",
        detected=f"{SATURATED:.0%} or more of a layer's outputs are where the slope is below a twentieth of its peak, in the "
        "first batch, or at the end of a run that has not learned. Weights drawn for the activation leave fewer than 5 %.",
        fixes="Initial weights drawn for the activation; batch normalisation; an activation that does not saturate.",
        reference="LeCun, Bottou, Orr and Müller 1998; Glorot and Bengio 2010",
    ),
    Entry(
        code="D208",
        title="symmetric start",
        meaning="Units that start with equal weights get equal gradients and stay equal: a layer of a hundred is a layer of "
        "one.",
        detected="All units of a hidden layer start with exactly the same weights.",
        fixes="Random initial weights.",
        reference="Goodfellow, Bengio and Courville 2016, section 8.4",
    ),
    Entry(
        code="D209",
        title="starts disagree",
        meaning="A network has many minima. Where random starts end at very different losses, a single run is unreliable.",
        detected=f"With --restarts, the worst start lacks more than {DISAGREEING:.0%} of what the best one gained over the "
        "baseline.",
        fixes="More starts, of which the best is kept; wider layers, whose minima differ less.",
        reference="Choromanska et al. 2015",
    ),
    Entry(
        code="D210",
        title="nothing learned",
        meaning="The model fits the rows that it was trained on no better than a constant. Nothing that it predicts is of use, "
        "and no other finding about its fit means anything.",
        detected=f"The loss on the training rows is not below the best constant prediction's by at least {NO_GAIN:g} of it, "
        "though the exact optimum is, or is not known. Shown where no other finding of the families D1 and D2 says why.",
        fixes="An automatic learning rate; another optimizer; for a network, an activation and initial weights that fit each "
        "other; a look at whether the columns say anything about the target.",
        reference="Goodfellow, Bengio and Courville 2016, section 11.5",
    ),
    Entry(
        code="D211",
        title="zeros of the l1 penalty not reached",
        meaning="An l1 penalty sets weights to exactly 0 at the optimum. The noise of batches moves them away from 0 again, so "
        "that more columns seem to matter than do, though the loss is nearly the same.",
        detected=f"More than {MISSING_ZEROS:.0%} of the weights that are 0 at the exact optimum are not 0 in the kept weights.",
        fixes="Full-batch steps, which end at exact zeros.",
        reference="Tibshirani 1996; Langford, Li and Zhang 2009",
    ),
)
