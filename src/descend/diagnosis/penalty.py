"""D3, of the penalty: too large for these data, or too small for more columns than rows."""

import numpy as np

from descend.arrays import Array
from descend.diagnosis.evidence import Evidence, mean_loss
from descend.diagnosis.finding import Entry, Finding, Level
from descend.outcome import Outcome
from descend.problem import losses_and_slopes, scores
from descend.problem.initialise import initial

SHRUNKEN = 0.1  # of what the predictions could gain, that a factor alone adds: they were held back (arbitrary)
SHRUNKEN_START = 0.5  # of a network's weights at the start (arbitrary: training alone makes them longer)
LEAST = 0.01  # of the constant prediction's loss, that this must be (arbitrary: less is no loss to a user)
BY_CHANCE = 3.0  # times the share of a loss that columns without meaning remove: an F statistic that ten reach once in 500 tables
LARGEST_FACTOR = 1e6  # of the predictions that is tried
FACTORS = 61  # between 1 and that one
ZERO = 1e-6  # of a weight: the penalty has left nothing
KEPT = 0.5  # share of the gain on training rows that test rows must see, for more columns than rows to be no fault (arbitrary)
MIN_TEST_ROWS = 5


def too_large(e: Evidence) -> Finding | None:
    """D307."""
    if e.outcome.failed or not (e.problem.l2 > 0 or e.problem.l1 > 0) or not {"l2", "l1"} & e.user_set:
        return None
    name, size = ("l1", e.problem.l1) if e.problem.l1 > 0 and "l1" in e.user_set else ("l2", e.problem.l2)
    weights = np.abs(e.weights[e.problem.penalised > 0])
    fix = tuple(f"--{name} {size / part:.2g}" for part in (100, 10_000)) + (
        f"--{name} 1e-4" if name == "l2" else f"--{name} 0",
    )
    possible = e.landscape.baseline - e.floor
    if not weights.max(initial=0.0) > ZERO:
        text = f"penalty too large: {name} {size:g} leaves no weight above {ZERO:g}, so the model is a constant"
        return Finding(code="D307", level=Level.WARNING, text=text, evidence={name: size, "factor": None}, fix=fix)
    if (left := _left_of_start(e)) is not None and left < SHRUNKEN_START and not e.learned:
        text = (
            f"penalty too large: {name} {size:g} has drawn the weights of the network to {left:.0%} of the length that they started with, "
            f"and it has learned little"
        )
        return Finding(
            code="D307", level=Level.WARNING, text=text, evidence={name: size, "factor": None, "left": left}, fix=fix
        )
    fits_anything = (
        e.problem.network is None and e.problem.data.features >= e.problem.data.rows
    )  # gains from any larger weights
    z = None if fits_anything else _held_back(e)
    if z is None:
        return None
    factor, before, after = _best_factor(e, z)
    gained, gain = before - after, e.landscape.baseline - after
    if not (gained > SHRUNKEN * gain and gained > LEAST * possible):
        return None
    columns, rows = e.problem.data.features, e.problem.data.rows
    by_chance = after * columns / max(rows - columns, 1)
    nothing_left = gained > (1 - SHRUNKEN) * gain and gain > BY_CHANCE * by_chance
    if not nothing_left and not _better_on_test_rows(e, z, factor):
        return None
    text = (
        f"penalty too large: {name} {size:g} holds the predictions back; {factor:.2g} times as far from their mean they would remove "
        f"{gained / possible:.0%} more of the loss on the training rows"
    )
    evidence = {name: size, "factor": factor, "gained": gained}
    return Finding(code="D307", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def _left_of_start(e: Evidence) -> float | None:
    """The length of a network's weights at its end over that at its start; None where it is not known."""
    if e.problem.network is None or e.state is None:
        return None
    penalised = e.problem.penalised > 0
    start = float(np.linalg.norm(initial(e.problem.network, e.setting.init, e.setting.seed)[penalised]))
    return float(np.linalg.norm(e.state.weights[0][penalised])) / start if start > 0 else None


def _held_back(e: Evidence) -> Array | None:
    """The scores of the training rows at the optimum, penalty included; of a network at its end; None where it is not known."""
    optimum = e.landscape.optimum.weights
    if e.problem.network is None and optimum is not None:
        return scores(e.problem, optimum.astype(e.problem.dtype)).astype(np.float64)
    return None if e.problem.network is None or e.outcome == Outcome.BUDGET else e.predictions.astype(np.float64)


def _best_factor(e: Evidence, z: Array) -> tuple[float, float, float]:
    """The factor by which scores, as distances from their mean, fit the training rows best, and the loss without and with it."""
    factors = np.geomspace(1, LARGEST_FACTOR, FACTORS)
    y, weight = e.problem.data.y, e.problem.data.sample_weight
    with np.errstate(all="ignore"):
        losses = [mean_loss(losses_and_slopes(e.problem, _apart(z, z, f), y)[0], weight) for f in factors]
    best = int(np.nanargmin(losses))
    return float(factors[best]), losses[0], losses[best]


def _apart(z: Array, among: Array, factor: float) -> Array:
    """Scores so many times as far from the mean of those of the training rows."""
    mean = among.mean(axis=0)
    return np.asarray(mean + factor * (z - mean))


def _better_on_test_rows(e: Evidence, z: Array, factor: float) -> bool:
    """Whether test rows are predicted better with the factor too; without test rows the training rows decide."""
    if e.prepared is None or e.prepared.test is None or e.test_losses is None:
        return True
    test = e.prepared.as_trained(e.prepared.test)
    weights = (
        e.weights
        if e.problem.network is not None or e.landscape.optimum.weights is None
        else e.landscape.optimum.weights
    )
    own = scores(e.problem, weights.astype(e.problem.dtype), test.X).astype(np.float64)
    with np.errstate(all="ignore"):
        before, after = (
            mean_loss(losses_and_slopes(e.problem, _apart(own, z, f), test.y)[0], test.sample_weight)
            for f in (1.0, factor)
        )
    return after < before


def more_columns_than_rows(e: Evidence) -> Finding | None:
    """D308."""
    rows, features = e.problem.data.rows, e.problem.data.features
    if e.problem.network is not None or e.outcome.failed or features < rows:
        return None
    kept = _kept(e)
    text = f"more columns than rows: {features:,} features for {rows:,} training rows, so that a model fits them exactly whatever they mean"
    if kept is not None:
        text += f"; test rows see {max(kept, 0):.0%} of the gain on training rows"
    level = Level.NOTE if kept is not None and kept >= KEPT else Level.WARNING
    fix = ("--l1 0.1", "--l1 0.03", "--l2 1", "--l2 10", "fewer columns, or more rows")
    return Finding(
        code="D308", level=level, text=text, evidence={"features": features, "rows": rows, "kept": kept}, fix=fix
    )


def _kept(e: Evidence) -> float | None:
    """The share of the gain on training rows that test rows see."""
    test, baseline = e.test_losses, e.test_baseline_losses
    gain = e.landscape.baseline - e.train_loss
    if test is None or baseline is None or len(test) < MIN_TEST_ROWS or not gain > 0:
        return None
    return (mean_loss(baseline, e.test_weight) - mean_loss(test, e.test_weight)) / gain


CHECKS = (too_large, more_columns_than_rows)

ENTRIES = (
    Entry(
        code="D307",
        title="penalty too large",
        meaning="A penalty draws every weight towards 0. Where it outweighs the loss, predictions stay close to their mean even where "
        "the columns say more.",
        detected="A penalty was set, and either no weight is left, or the predictions of the optimum, moved away from their mean by one "
        f"factor, would gain {SHRUNKEN:.0%} of what they could, and {LEAST:.0%} of the constant prediction's loss, on the training rows, "
        f"and would be better on test rows too; or less than {SHRUNKEN:.0%} of that gain is left, and it is {BY_CHANCE:g} times what "
        f"columns without meaning would give; or a network's weights end below {SHRUNKEN_START:.0%} of their length at the start, and it "
        "has not learned. Of more columns than rows only the first is asked: such a model gains from any larger weights.",
        fixes="A hundredth of the penalty, or the default; each is tried.",
        reference="Hastie, Tibshirani and Friedman 2009, section 3.4",
    ),
    Entry(
        code="D308",
        title="more columns than rows",
        meaning="With as many features as rows a linear model fits any target exactly, a meaningless one too. What it predicts then "
        "depends on the penalty alone.",
        detected="A linear model of at least as many features as training rows. A warning where test rows see less than "
        f"{KEPT:.0%} of the gain on the training rows, or there are none.",
        fixes="An l1 penalty, which leaves few columns; a larger l2 penalty; fewer columns; more rows.",
        reference="Hastie, Tibshirani and Friedman 2009, chapter 18; Tibshirani 1996",
    ),
)
