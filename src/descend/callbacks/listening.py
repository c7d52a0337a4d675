"""listening: what all callbacks share: scikit-learn's protocol, and the numbers that a fit tells."""

import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Generic, TypeVar

from descend.errors import OutputError
from descend.export.record import Point, points_of

Row = dict[str, float]
Kept = TypeVar("Kept")


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A fit that has begun.

    Args:
        number: which fit of this callback, from 1.
        estimator: the name of its class.
        params: its parameters, as text.
        at: seconds since 1970 in UTC.
    """

    number: int
    estimator: str
    params: Mapping[str, str]
    at: float

    @property
    def name(self) -> str:
        """What a tracker calls the fit."""
        return f"{self.estimator}-{self.number}"


@dataclass(eq=False)
class _Fit(Generic[Kept]):
    """A fit that is heard: its outermost task, since when by a clock that never goes back, and what the callback keeps."""

    begun: Begun
    task: object
    since: float
    kept: Kept
    told: Row
    steps: int = 0
    ended: bool = False


class Callback(Generic[Kept]):
    """A callback of scikit-learn that hears each task of a fit that tells numbers as one row; other tasks are passed over.

    A row has the number of the fit, seconds since its begin, and what was told: epoch, loss, val and lr of the estimators of
    descend. Where no epoch is told, it counts the rows as `step`. Tasks that tell the same again are one row.

    Clones of an estimator share its callbacks, so several fits may be heard at a time. A pickle, such as another process gets,
    has nothing of fits that have not ended.
    """

    def __init__(self) -> None:
        self._fits: dict[int, _Fit[Kept]] = {}
        self._number = 0

    def _open(self, begun: Begun) -> Kept:
        """Return what is kept of a fit while it is heard."""
        raise NotImplementedError

    def _hear(self, kept: Kept, row: Row) -> bool:
        """Hear a row; True ends the fit."""
        raise NotImplementedError

    def _close(self, kept: Kept, failed: bool) -> None:
        """End what is kept of a fit."""

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin to hear a fit."""
        self._number += 1
        params = {key: str(value) for key, value in estimator.get_params(deep=False).items() if value is not None}
        begun = Begun(number=self._number, estimator=type(estimator).__name__, params=params, at=time.time())
        self._fits[id(estimator)] = _Fit(begun, context, time.monotonic(), self._open(begun), {})

    def teardown(self, estimator: Any, context: Any) -> None:
        """Hear no more of a fit."""
        fit = self._fits.pop(id(estimator), None)
        if fit is not None:
            self._close(fit.kept, not fit.ended)

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Nothing is told when a task begins."""

    def on_fit_task_end(self, estimator: Any, context: Any, *, metadata: Mapping[str, object] | None = None) -> bool:
        """Hear a task; True ends the fit."""
        fit = self._fits.get(id(estimator))
        if fit is None:  # a task of a search that another process runs, whose copy has heard no begin
            return False
        if context is fit.task:  # the fit as a whole, of which scikit-learn tells what was passed to `fit`
            fit.ended = True
            return False
        numbers = {name: value for name, value in (metadata or {}).items() if isinstance(value, Real)}
        told = {name: int(value) if isinstance(value, Integral) else float(value) for name, value in numbers.items()}
        if not told or repr(told) == repr(fit.told):  # by their text, since NaN is not equal to NaN
            return False
        fit.told, fit.steps = told, fit.steps + 1
        counted = told if "epoch" in told else {"step": fit.steps, **told}
        return self._hear(fit.kept, {"fit": fit.begun.number, "seconds": time.monotonic() - fit.since, **counted})

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_fits": {}}


class Writer(Callback[list[Kept]]):
    """A callback that writes rows somewhere. Where that fails, it says so in one warning, and the fit goes on unwritten.

    What is kept is a list of the open place, empty once it has failed.
    """

    def _start(self, begun: Begun) -> Kept:
        """Open the place for a fit."""
        raise NotImplementedError

    def _write(self, place: Kept, row: Row) -> None:
        """Write a row."""
        raise NotImplementedError

    def _finish(self, place: Kept, failed: bool) -> None:
        """Close the place."""

    def _open(self, begun: Begun) -> list[Kept]:
        places: list[Kept] = []
        with self._warned(places):
            places.append(self._start(begun))
        return places

    def _hear(self, kept: list[Kept], row: Row) -> bool:
        with self._warned(kept):
            for place in kept:
                self._write(place, row)
        return False

    def _close(self, kept: list[Kept], failed: bool) -> None:
        with self._warned(kept):
            for place in kept:
                self._finish(place, failed)

    @contextmanager
    def _warned(self, places: list[Kept]) -> Iterator[None]:
        try:
            yield
        except (OSError, OutputError) as error:
            places.clear()
            why = str(error) if isinstance(error, OutputError) or not error.strerror else _said(error)
            text = f"{type(self).__name__} writes no more of this fit: {why}; training goes on"
            warnings.warn(text, UserWarning, stacklevel=3)  # this file, not contextlib


def points(row: Row) -> Iterator[Point]:
    """Yield the numbers of a row as those of a finished run are exported."""
    return points_of({name: [value] for name, value in row.items() if name != "fit"})


class Appended:
    """A file that each piece is appended to at once; nothing stays open between them, after a failure, or in a pickle."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, data: bytes) -> None:
        """Append bytes."""
        with self.path.open("ab") as file:
            file.write(data)


def _said(error: OSError) -> str:
    where = "" if error.filename is None else f"{str(error.filename)!r}: "
    return where + str(error.strerror).lower()
