"""postmortem: the step that first produced NaN or inf, replayed to find where."""

from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.diagnosis.evidence import Evidence
from descend.diagnosis.layers import replay
from descend.problem import losses_and_slopes, scores
from descend.sparse import dense

MAX_ROWS = 1000  # of the batch that are searched for the largest cell (arbitrary: bounds the work)


@dataclass(frozen=True, eq=False)
class Postmortem:
    """Where the first NaN or inf appeared.

    Args:
        step: of the run, counted from 1.
        rows: indices of the training rows in the batch whose prediction or loss is NaN or inf, or of the whole batch.
        place: such as "the output of layer 3", or "column 'x1'".
    """

    step: int
    rows: Array
    place: str


def postmortem(e: Evidence) -> Postmortem | None:
    """Replay the step that failed from the last finite weights; None without a state, or where the replay is finite.

    Training itself pays nothing: an engine leaves the weights and the count of rows of a failed step as they were.
    """
    if e.state is None:
        return None
    w, seen, step = e.state.weights[0], int(e.state.seen[0]), int(e.state.steps[0]) + 1
    rows = e.batch_after(seen)
    if not np.isfinite(w).all():
        return Postmortem(step - 1, rows, _place_of_weight(e, w))
    with np.errstate(all="ignore"):
        z = scores(e.problem, w, e.problem.data.X[rows])
        value, slope = losses_and_slopes(e.problem, z, e.problem.data.y[rows])
        bad = ~(np.isfinite(value) & np.isfinite(slope.reshape(len(rows), -1)).all(axis=1))
    bad_rows = rows[bad] if bad.any() else rows
    if e.problem.network is not None:
        place = replay(e.problem, w, rows).nonfinite_place
        return Postmortem(step, bad_rows, place) if place else None
    return Postmortem(step, bad_rows, f"column {e.names[_largest_term(e, w, bad_rows)]!r}")


def _largest_term(e: Evidence, w: Array, rows: Array) -> int:
    """The feature that adds most to the predictions of these rows, or to their gradient."""
    W, _ = e.problem.split(w.astype(np.float64))
    X = dense(e.problem.data.X[rows[:MAX_ROWS]])
    with np.errstate(all="ignore"):
        size = np.abs(X).max(axis=0) * np.maximum(np.abs(W).max(axis=1), 1e-300)
    return int(np.argmax(np.nan_to_num(size, nan=np.inf)))


def _place_of_weight(e: Evidence, w: Array) -> str:
    """The layer or column of the first weight that is NaN or inf."""
    at = int(np.argmin(np.isfinite(w)))
    if e.problem.network is not None:
        number = next(k for k, layer in enumerate(e.problem.network.layers) if at < layer.last)
        return f"the weights of layer {number + 1}"
    feature = at // e.problem.outputs
    return f"column {e.names[feature]!r}" if feature < e.problem.data.features else "the intercept"
