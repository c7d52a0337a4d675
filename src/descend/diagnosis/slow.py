"""D2: training is too slow, or does not move at all."""

import shlex

import numpy as np

from descend.activations import activation
from descend.diagnosis.evidence import LEARNED, Evidence
from descend.diagnosis.finding import Entry, Finding
from descend.diagnosis.formatting import percent
from descend.outcome import Outcome
from descend.problem.layer_stats import KINDS
from descend.problem.moments import gram
from descend.sparse import is_wide

VANISHED = 1e-4  # of the last hidden layer's gradient norm, in the first
ILL = 1e4  # condition number
DECAYED = 0.1  # of the first movement an epoch, in the last
ZIGZAG = -0.3  # mean cosine of successive steps
DEAD = 0.5  # of the units of a layer
SATURATED = 0.75  # of the units of a layer, over the rows
APART = 0.25  # of what the best start gained, that the worst lacks
GRADIENT, UPDATE, FLAT, NEAR_ENDS = (KINDS.index(k) for k in ("gradient", "update", "dead", "saturated"))


def out_of_budget(e: Evidence) -> Finding | None:
    """D201."""
    short = e.outcome == Outcome.BUDGET
    if e.outcome.failed or not (short or (e.unfinished and e.gap is not None and "lr" in e.user_set)):
        return None
    steps, lr, gap = max(e.steps, 1), e.setting.lr, e.gap
    evidence: dict[str, object] = {"gap": gap, "steps": steps, "lr": lr}
    told = "" if gap is None else f" with a gap of {percent(gap)} to the optimum"
    text, fixes = f"not converged in {e.epochs:,} epochs{told}", ["--lr auto", "--optimizer nesterov"]
    if e.problem.network is None and e.limit is None and e.landscape.optimum.weights is not None:
        begun = e.trace.weights[0, 0] if e.trace.weights.size else 0.0
        far = float(np.abs(e.landscape.optimum.weights - begun).max())
        needed = far / steps
        evidence |= {"farthest": far, "lr_needed": needed, "steps_needed": far / lr}
        if needed > lr / 2:
            text += (
                f": {e.setting.rule.name} moves a weight by about lr a step, and one has {far:.3g} to go, "
                f"which needs lr {needed:.2g} or {far / lr:,.0f} steps"
            )
            fixes.insert(0, f"--lr {needed:.2g}")
    return Finding("D201", "note", text, evidence, tuple(fixes))


def vanishing(e: Evidence) -> Finding | None:
    """D202."""
    if e.start is None or len(e.start.signal) < 3:
        return None
    norms = e.start.gradient[:-1]
    ratio = float(norms[0] / norms[-1]) if norms[-1] > 0 else 1.0
    recorded = e.layer_stats[:, :-1, GRADIENT] if e.layer_stats.size else np.full((0, len(norms)), np.nan)
    if len(recorded) and np.isfinite(recorded[-1]).all() and recorded[-1, -1] > 0:
        ratio = min(ratio, float(recorded[-1, 0] / recorded[-1, -1])) if not e.learned else ratio
    if not ratio < VANISHED or e.start.alike.any():
        return None
    decay = ratio ** (1 / (len(norms) - 1)) if ratio > 0 else 0.0
    layer = int(np.argmax(norms > VANISHED * norms[-1]))
    text = (
        f"gradients vanish: layer 1 of {len(norms)} gets {ratio:.1e} of the gradient of layer {len(norms)}, "
        f"{decay:.2g} of it from layer to layer on the way back; layers 1 to {max(layer, 1)} hardly move"
    )
    evidence = {"layer": max(layer, 1), "decay": decay, "ratio": ratio, "norms": norms.tolist()}
    level = "warning" if not e.learned else "note"
    fixes = ("--activation relu --init he --lr auto", "--batch-norm --lr auto", "--residual --lr auto")
    return Finding("D202", level, text, evidence, fixes)


def ill_conditioned(e: Evidence) -> Finding | None:
    """D203."""
    condition = e.landscape.curvature.condition
    if e.problem.network is not None or not e.unfinished or e.outcome.failed or not condition > ILL:
        return None
    column, other, why = _fault(e)
    reached = "" if e.gap is None else f", and {percent(e.gap)} of the way to the optimum is left"
    text = f"ill-conditioned: the curvature differs {condition:.2g}-fold between directions{reached}; {why}"
    fixes = ["--optimizer auto --lr auto", "--optimizer nesterov --momentum 0.99 --lr auto", "--l2 0.01"]
    if not e.problem.scaled:
        fixes.insert(0, "--scale --lr auto")
    elif other:
        fixes.append(f"--drop {shlex.quote(other)}")
    return Finding("D203", "warning", text, {"condition": condition, "column": column, "other": other}, tuple(fixes))


def _fault(e: Evidence) -> tuple[str, str, str]:
    """The column at fault: the largest where they are not scaled, else one that others nearly repeat."""
    if not e.problem.scaled or is_wide(e.problem.data.X):
        name = e.largest[0]
        return name, "", f"column {name!r} is by far the largest"
    G = gram(e.problem).G
    size = np.sqrt(np.maximum(np.diag(G), 1e-300))
    values, vectors = np.linalg.eigh(G / np.outer(size, size))
    first, second = np.argsort(-np.abs(vectors[:, 0]))[:2] if len(size) > 1 else (0, 0)
    a, b = sorted((int(first), int(second)))
    return e.names[b], e.names[a], f"columns {e.names[a]!r} and {e.names[b]!r} nearly repeat each other or others"


def decayed(e: Evidence) -> Finding | None:
    """D204."""
    if not e.setting.rule.name.startswith("adagrad") or not e.unfinished or e.outcome.failed:
        return None
    moved = _movement(e)
    if len(moved) < 5 or not moved[0] > 0 or not moved[-1] < DECAYED * moved[0]:
        return None
    part = float(moved[-1] / moved[0])
    text = (
        f"Adagrad's rate has decayed away: an epoch moves the weights by {percent(part)} of what the first did, since the "
        f"sum of all squared gradients only grows"
    )
    fixes = ("--optimizer rmsprop --lr auto", "--optimizer adam --lr auto", f"--lr {10 * e.setting.lr:.3g}")
    level = "warning" if e.gap is not None or not e.learned else "note"
    return Finding("D204", level, text, {"part": part, "epoch": e.epochs}, fixes)


def _movement(e: Evidence) -> np.ndarray:
    """How far an epoch moved the weights, record point by record point."""
    if e.trace.weights.size:
        gaps = np.maximum(np.diff(e.trace.epochs[0]), 1)
        return np.asarray(np.linalg.norm(np.diff(e.trace.weights[0], axis=0), axis=1) / gaps)
    return np.nanmean(e.layer_stats[:, :, UPDATE], axis=1) if e.layer_stats.size else np.empty(0)


def zigzag(e: Evidence) -> Finding | None:
    """D205."""
    if not e.full or not e.trace.weights.size or e.outcome.failed or not e.unfinished or e.limit is None:
        return None
    epochs, weights = e.trace.epochs[0], e.trace.weights[0].astype(np.float64)
    single = np.flatnonzero(np.diff(epochs) == 1)
    moves = np.diff(weights, axis=0)[single]
    size = np.linalg.norm(moves, axis=1)
    if len(moves) < 6 or not (size > 0).all():
        return None
    turns = (moves[1:] * moves[:-1]).sum(axis=1) / (size[1:] * size[:-1])
    mean = float(turns[len(turns) // 2 :].mean())
    if not mean < ZIGZAG:
        return None
    text = (
        f"steps zig-zag across a ravine: each turns back on the one before (mean cosine {mean:.2f}) at learning rate "
        f"{e.setting.lr:.3g}, {e.setting.lr / e.limit:.0%} of the limit"
    )
    fixes = (f"--lr {e.limit / 2:.3g}", "--optimizer nesterov --lr auto", "--lr auto")
    return Finding("D205", "warning", text, {"cosine": mean, "lr": e.setting.lr, "limit": e.limit}, fixes)


def dead(e: Evidence) -> Finding | None:
    """D206."""
    if e.problem.network is None or not e.layer_stats.size:
        return None
    shares = e.layer_stats[:, :-1, FLAT]
    seen = shares[np.isfinite(shares).all(axis=1)]
    if not len(seen) or not (seen[-1] > DEAD).any():
        return None
    layer = int(np.argmax(seen[-1]))
    width = e.problem.network.sizes[layer + 1]
    first = int(np.argmax(shares[:, layer] > DEAD))
    since = "the start" if e.start is not None and e.start.dead[layer] > DEAD * width else (
        f"epoch {int(e.trace.epochs[0, 1 + first]):,}"
    )  # fmt: skip
    count, rows = round(float(seen[-1][layer]) * width), e.problem.data.rows
    text = (
        f"dead units: {count} of {width} units of layer {layer + 1} are flat for all of {rows:,} rows since {since}, and "
        f"no gradient passes them"
    )
    fixes = ("--activation leaky_relu --lr auto", "--init he --lr auto", "--batch-norm --lr auto")
    level = "warning" if not e.learned or count == width else "note"
    return Finding("D206", level, text, {"layer": layer + 1, "dead": count, "units": width, "since": since}, fixes)


def saturated(e: Evidence) -> Finding | None:
    """D207."""
    if e.start is None or activation(e.problem.network.activation).peak <= 0:  # type: ignore[union-attr]
        return None
    shares = e.start.saturated
    if e.layer_stats.size and np.isfinite(e.layer_stats[-1, :-1, NEAR_ENDS]).all():
        shares = np.maximum(shares, e.layer_stats[-1, :-1, NEAR_ENDS]) if not e.learned else shares
    if not (shares >= SATURATED).any():
        return None
    layer = int(np.argmax(shares))
    text = (
        f"saturated units: {shares[layer]:.0%} of the outputs of layer {layer + 1} are at their ends, where the slope is "
        f"below a twentieth of its peak"
    )
    fixes = ("--init auto --lr auto", "--batch-norm --lr auto", "--activation relu --init he --lr auto")
    level = "warning" if not e.learned or e.outcome.failed else "note"
    return Finding(
        "D207", level, text, {"layer": layer + 1, "share": float(shares[layer]), "shares": shares.tolist()}, fixes
    )


def symmetric(e: Evidence) -> Finding | None:
    """D208."""
    if e.start is None or not e.start.alike.any():
        return None
    layer = int(np.argmax(e.start.alike)) + 1
    text = f"symmetric start: all units of layer {layer} begin with the same weights, so they stay one unit for ever"
    return Finding(
        "D208", "warning", text, {"layer": layer, "init": e.setting.init}, ("--init auto", "--init auto --lr auto")
    )


def disagreeing(e: Evidence) -> Finding | None:
    """D209."""
    losses = np.array([v for v in e.restarts if np.isfinite(v)])
    gained = e.landscape.baseline - losses.min() if len(losses) else 0.0
    if e.problem.network is None or len(losses) < 2 or not gained > 0 or not np.ptp(losses) > APART * gained:
        return None
    text = (
        f"starts disagree: {len(losses)} of them end at losses from {losses.min():.3g} to {losses.max():.3g}; which "
        f"minimum is found is luck"
    )
    evidence = {"losses": losses.tolist(), "spread": float(losses.std(ddof=1))}
    return Finding("D209", "note", text, evidence, (f"--restarts {2 * len(losses)}", "wider hidden layers"))


CHECKS = (symmetric, vanishing, dead, saturated, ill_conditioned, decayed, zigzag, out_of_budget, disagreeing)

ENTRIES = (
    Entry(
        "D201", "out of budget",
        "Training ended before it had converged: the model is not wrong, it is not finished.",
        "The run ended by its budget, or a typed learning rate ended it more than a thousandth of the way from the "
        "baseline short of the exact optimum. Where an adaptive rule cannot have come so far, since it moves a weight by "
        "about lr a step, the rate that would is named.",
        "A found rate; a faster rule; more --epochs or --time.",
        "Bottou, Curtis and Nocedal 2018",
    ),
    Entry(
        "D202", "vanishing gradients",
        "On its way back through a network the gradient is multiplied by slopes and weights in every layer. Sigmoid slopes "
        "are 1/4 at most; with small weights the first layers get next to nothing, and stay as they were drawn.",
        f"The gradient norm of the first hidden layer is below {VANISHED:g} of the last one's, in the first batch, or at "
        "the end of a run that has not learned. A healthy network of ten layers stays within a factor of a hundred. A "
        f"warning where less than {LEARNED:.0%} of the baseline's loss is gone.",
        "An activation whose slope is 1 (relu) with weights drawn for it (he); batch normalisation; residual connections.",
        "Hochreiter 1991; Glorot and Bengio 2010; He et al. 2015 and 2016; Ioffe and Szegedy 2015",
    ),
    Entry(
        "D203", "ill-conditioned",
        "The loss is steep in one direction and flat in another. The steep one limits the rate, the flat one needs it large.",
        f"Condition number above {ILL:g}, and the run has not reached the optimum: then, and only then, it matters.",
        "Scale the columns; a rule with momentum; a penalty; drop one of the columns that repeat each other.",
        "Nesterov 2004, section 2.1; Boyd and Vandenberghe 2004, section 9.3",
    ),
    Entry(
        "D204", "Adagrad's rate has decayed away",
        "Adagrad divides by the root of the sum of all squared gradients. The sum never falls, so early large gradients "
        "slow all later steps.",
        f"An epoch moves the weights by less than {DECAYED:.0%} of what the first one did, and the optimum is not reached. A "
        f"note of networks that have removed {LEARNED:.0%} of the baseline's loss.",
        "A rule that forgets (rmsprop, adam), or a rate ten times as large.",
        "Duchi, Hazan and Singer 2011; Zeiler 2012",
    ),
    Entry(
        "D205", "zig-zag along a ravine",
        "Near its limit, gradient descent jumps from one wall of a ravine to the other and hardly moves along it.",
        f"Successive steps with all rows turn back on each other: mean cosine below {ZIGZAG:g} over the later half of the "
        "single steps on record, and the optimum is not reached.",
        "Half the limit as rate; momentum, which cancels what alternates; scaled columns.",
        "Polyak 1964; Nocedal and Wright 2006, section 3.3",
    ),
    Entry(
        "D206", "dead units",
        "A rectifier whose input is negative for every row passes no gradient, and nothing ever wakes it.",
        f"At the last record point more than {DEAD:.0%} of a hidden layer's units had slope 0 for every row since the record "
        "before. Some dead units are normal; half of a layer is not.",
        "A rectifier with a slope on both sides (leaky_relu); a smaller rate; weights drawn for relu; batch normalisation.",
        "Maas, Hannun and Ng 2013; He et al. 2015",
    ),
    Entry(
        "D207", "saturated units",
        "A sigmoid or tanh far from 0 is flat: its unit answers the same to everything and hardly learns.",
        f"{SATURATED:.0%} or more of a layer's outputs are where the slope is below a twentieth of its peak, in the first "
        "batch, or at the end of a run that has not learned. Weights drawn for the activation leave fewer than 5 %.",
        "Weights drawn for the activation; batch normalisation; an activation without ends.",
        "LeCun, Bottou, Orr and Müller 1998; Glorot and Bengio 2010",
    ),
    Entry(
        "D208", "symmetric start",
        "Units that begin alike get the same gradient and stay alike: a layer of a hundred is a layer of one.",
        "All units of a hidden layer begin with exactly the same weights.",
        "Draw the weights at random.",
        "Goodfellow, Bengio and Courville 2016, section 8.4",
    ),
    Entry(
        "D209", "starts disagree",
        "A network has many minima. Where starts end at very different losses, one run is a throw of dice.",
        f"With --restarts, the worst start lacks more than {APART:.0%} of what the best one gained on the baseline.",
        "More starts, of which the best is kept; wider layers, whose minima differ less.",
        "Choromanska et al. 2015",
    ),
)  # fmt: skip
