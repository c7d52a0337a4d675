"""record: a run as trackers of experiments keep it: parameters, scores, and what was recorded epoch by epoch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

STEPS = ("epoch", "step")  # columns that count: of a training, and of a loop in torch that was watched
LOSSES = {"loss": "train_loss", "val": "val_loss", "test": "test_loss"}
WEIGHTS = "w:"  # columns of weights are left out: trackers keep a file a series, and run folders hold them


@dataclass(frozen=True)
class Point:
    """One recorded number: its series, the epoch or step, the seconds of training until then, and its value."""

    name: str
    step: int
    seconds: float
    value: float


@dataclass(frozen=True, eq=False, kw_only=True)
class RunRecord:
    """A run as plain values.

    Args:
        name: of the run.
        params: what was chosen and asked for, as text.
        tags: how it ended, of which data and by which version, as text.
        scores: each finite metric of each part, as "test_rmse".
        trace: columns of record points, see `store.read_trace`.
        ended: seconds since 1970 in UTC at its end.
        seconds: of the whole job.
        failed: whether there is no usable model.
        files: of its run folder, name to bytes.
    """

    name: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    scores: Mapping[str, float]
    trace: Mapping[str, Sequence[Any]]
    ended: float
    seconds: float
    failed: bool
    files: Mapping[str, bytes]

    @property
    def begun(self) -> float:
        """Seconds since 1970 in UTC at its begin."""
        return self.ended - self.seconds

    @property
    def steps(self) -> list[int]:
        """The epoch, or the step, of each record point."""
        return _steps(self.trace)

    def points(self) -> Iterator[Point]:
        """Yield every finite recorded number, series by series."""
        return points_of(self.trace)

    def scored(self) -> Iterator[Point]:
        """Yield each score, at the end."""
        last = max(self.steps, default=0)
        return (Point(name, last, self.seconds, value) for name, value in self.scores.items())


def points_of(trace: Mapping[str, Sequence[Any]]) -> Iterator[Point]:
    """Yield every finite number of a trace, series by series."""
    steps = _steps(trace)
    seconds = trace.get("seconds", [0.0] * len(steps))
    for column, values in trace.items():
        if column in (*STEPS, "seconds") or column.startswith(WEIGHTS):
            continue
        for step, second, value in zip(steps, seconds, values, strict=True):
            if value is not None and np.isfinite(value):
                yield Point(series_name(column), step, float(second or 0.0), float(value))


def _steps(trace: Mapping[str, Sequence[Any]]) -> list[int]:
    counts = next((trace[name] for name in STEPS if name in trace), [])
    return [int(v) for v in counts]


def series_name(column: str) -> str:
    """Return the name of a column of the trace in a tracker, in letters that all of them take.

    >>> series_name("loss"), series_name("gradient:1")
    ('train_loss', 'gradient/layer 1')
    """
    kind, _, layer = column.partition(":")
    return f"{kind}/layer {layer}" if layer else LOSSES.get(column, column)
