"""postmortem: the step that first left the finite range, taken once more with everything written down."""

from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.diagnosis.evidence import Evidence
from descend.diagnosis.layers import replay
from descend.problem import losses_and_slopes, scores
from descend.sparse import dense

SHOWN = 5  # rows that are named


@dataclass(frozen=True, eq=False)
class Postmortem:
    """Where the first value that is not finite came up.

    Args:
        step: of the run, counted from 1.
        rows: of the training data, those of the batch whose prediction or loss was not finite, or all of it.
        place: such as "the output of layer 3", or "column 'x1'".
    """

    step: int
    rows: Array
    place: str


def postmortem(e: Evidence) -> Postmortem | None:
    """Replay the step that failed from the last weights before it; None when its state is gone or replays finite.

    Training itself pays nothing: an engine leaves the weights and the count of rows of a failed step as they were.
    """
    if e.state is None:
        return None
    w, seen, step = e.state.weights[0], int(e.state.seen[0]), int(e.state.steps[0]) + 1
    rows = e.rows_of(seen)
    if not np.isfinite(w).all():
        return Postmortem(step - 1, rows, _weight(e, w))
    with np.errstate(all="ignore"):
        z = scores(e.problem, w, e.problem.data.X[rows])
        value, slope = losses_and_slopes(e.problem, z, e.problem.data.y[rows])
        bad = ~(np.isfinite(value) & np.isfinite(slope.reshape(len(rows), -1)).all(axis=1))
    named = rows[bad] if bad.any() else rows
    if e.problem.network is not None:
        place = replay(e.problem, w, rows).where
        return Postmortem(step, named, place) if place else None
    return Postmortem(step, named, f"column {e.names[_column(e, w, named)]!r}")


def _column(e: Evidence, w: Array, rows: Array) -> int:
    """The feature that adds most to the predictions of these rows, or to their gradient."""
    W, _ = e.problem.split(w.astype(np.float64))
    X = dense(e.problem.data.X[rows[:1000]])
    with np.errstate(all="ignore"):
        size = np.abs(X).max(axis=0) * np.maximum(np.abs(W).max(axis=1), 1e-300)
    return int(np.argmax(np.nan_to_num(size, nan=np.inf)))


def _weight(e: Evidence, w: Array) -> str:
    """The layer or column of the first weight that is not finite."""
    at = int(np.argmin(np.isfinite(w)))
    if e.problem.network is not None:
        number = next(k for k, layer in enumerate(e.problem.network.layers) if at < layer.last)
        return f"the weights of layer {number + 1}"
    feature = at // e.problem.outputs
    return f"column {e.names[feature]!r}" if feature < e.problem.data.features else "the intercept"
