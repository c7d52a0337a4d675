"""diff: what two runs have in common and what not: options, data, choice, metrics, findings, curves."""

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from descend import store
from descend.arrays import Array
from descend.blas import one_blas_thread
from descend.errors import DataError, ModelError, UsageError
from descend.evaluation import Evaluation
from descend.evaluation.paired import PairedVerdict, Verdict
from descend.options import OPTIONS, Options, flags_of_options
from descend.options.flags import in_keywords
from descend.report.numbers import number, span
from descend.report.summary import Summary, html, text
from descend.run.config import incomplete, options_of
from descend.run.document import load, metrics_of, number_of
from descend.run.record import Run
from descend.run.tracking import UNTRAINED
from descend.table.prepare import how_to_read, prepare
from descend.table.prepare import load as load_table
from descend.table.table import Table
from descend.text import counted

DATA = ("name", "sha256", "rows", "columns", "target", "train_rows", "validation_rows", "test_rows")
CHOICE = ("optimizer", "lr", "batch", "engine")
WORDS = {Verdict.BETTER: "is better", Verdict.TIE: "ties with the first", Verdict.WORSE: "is worse"}
HEADER = ("", "what", "first", "second")


@dataclass(frozen=True)
class Change:
    """One thing that is not the same in both runs; None where a run does not have it."""

    name: str
    first: Any
    second: Any

    @property
    def difference(self) -> float:
        """The second less the first; NaN where they are no numbers."""
        if all(isinstance(v, (int, float)) for v in (self.first, self.second)):
            return float(self.second - self.first)
        return math.nan


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The training loss of the run that was kept (points,), at these epochs (points,), or steps where a loop in torch was watched."""

    epochs: tuple[float, ...]
    loss: tuple[float, ...]
    unit: str = "epoch"


@dataclass(frozen=True, kw_only=True, repr=False)
class Diff:
    """What is not the same in two runs.

    Args:
        runs: their folders.
        statuses: how their trainings ended, a word each.
        options: flags that are not the same; None where a flag has its default.
        data, choice: of what was read, and of what was chosen.
        metrics: each metric of each part, as "test rmse"; equal ones too.
        findings: codes that only one of them has.
        curves: of both runs, for charts.
        losses: the training loss of both after 1, 10, 100 … epochs, and at the end.
        paired: how the second model compares with the first on the same test rows; None where it cannot be told.
        rows: how many these are.
        reason: why it cannot be told; empty where it can.
    """

    runs: tuple[str, str]
    statuses: tuple[str, str]
    options: tuple[Change, ...]
    data: tuple[Change, ...]
    choice: tuple[Change, ...]
    metrics: tuple[Change, ...]
    findings: tuple[Change, ...]
    curves: tuple[Curve, Curve]
    losses: tuple[Change, ...]
    paired: PairedVerdict | None
    rows: int
    reason: str

    @property
    def verdict(self) -> str:
        """One sentence: whether the second model is better than the first, and by how much."""
        if self.paired is None:
            return f"not compared row by row: {self.reason}"
        p = self.paired
        return (
            f"the second {WORDS[p.verdict]} by {p.metric} on the same {self.rows:,} test rows: {p.difference:+.4g}, "
            f"95 % interval {span(p.low, p.high)}"
        )

    def sections(self) -> Iterator[tuple[str, tuple[Change, ...]]]:
        """Yield what changed, section by section, without the empty ones."""
        for name in ("options", "data", "choice", "metrics", "findings", "losses"):
            changes = getattr(self, name)
            if changes:
                yield name, changes

    def rows_of_table(self) -> tuple[tuple[str, ...], ...]:
        """Return a row for each change, below `HEADER`."""
        return tuple(
            (name if k == 0 else "", change.name, _shown(change.first), _shown(change.second))
            for name, changes in self.sections()
            for k, change in enumerate(changes)
        )

    def __repr__(self) -> str:
        return text(self._summary())

    def _repr_html_(self) -> str:
        return html(self._summary())

    def _summary(self) -> Summary:
        first, second = (f"{folder} ({status})" for folder, status in zip(self.runs, self.statuses, strict=True))
        title = f"Two runs: {first} and {second}"
        return Summary(title=title, verdict=self.verdict, header=HEADER, rows=self.rows_of_table(), right=(2, 3))


def _shown(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "–" if value is None else str(value)
    return number(value) if isinstance(value, float) else f"{value:,}"


@in_keywords()
@one_blas_thread()
def diff(first: str | os.PathLike[str], second: str | os.PathLike[str], data: Any = None) -> Diff:
    """Return what is not the same in two run folders, and which model is better on rows that were test rows of both.

    Args:
        first, second: run folders of `descend train`.
        data: the data of both, where they are no longer where they were.

    The models are compared row by row, see `descend.evaluation`, on the test rows that they share.

    Raises ModelError when a folder is no run, or is damaged.
    """
    one, other = _Side(first), _Side(second)
    paired, rows, reason = _paired(one, other, data)
    return Diff(
        runs=(one.name, other.name), statuses=(one.status, other.status),
        options=_changes(one.flags, other.flags), data=_changes(one.section("data", DATA), other.section("data", DATA)),
        choice=_changes(one.section("chosen", CHOICE), other.section("chosen", CHOICE)),
        metrics=_both(one.metrics, other.metrics), findings=_changes(one.codes, other.codes),
        curves=(one.curve, other.curve), losses=_losses(one.curve, other.curve), paired=paired, rows=rows, reason=reason,
    )  # fmt: skip


class _Side:
    """One of the two runs, as far as its folder tells."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder, self.name = Path(folder), os.fspath(folder)
        self.document = store.read_document(self.folder)
        trace = store.read_trace(self.folder)
        try:
            self.status = str(self.document["verdict"]["status"])
            self.options = options_of(self.document)
            self.metrics = {
                f"{part} {metric}": value
                for part, values in metrics_of(self.document).items()
                if part in UNTRAINED or self.document["status"] != "failed"
                for metric, value in values.items()
            }
            self.codes = {f["code"]: f["level"] for f in self.document["findings"]}
            unit = "step" if "step" in trace else "epoch"
            losses = tuple(number_of(v) for v in trace["loss"])
            self.curve = Curve(epochs=tuple(trace[unit]), loss=losses, unit=unit)
        except (KeyError, TypeError, AttributeError) as error:
            raise incomplete(folder, error) from error

    @property
    def flags(self) -> dict[str, str]:
        """The flags that were not at their defaults, with their values."""
        given = self.options.user_set
        default = Options()
        return {
            o.flag.split("/")[0]: " ".join(flags_of_options(default.replace(**{o.name: getattr(self.options, o.name)})))
            for o in OPTIONS if o.name in given
        }  # fmt: skip

    def section(self, name: str, keys: tuple[str, ...]) -> dict[str, Any]:
        """Some values of a section of the document."""
        return {key: self.document[name].get(key) for key in keys}


def _changes(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[Change, ...]:
    return tuple(c for c in _both(first, second) if c.first != c.second)


def _both(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[Change, ...]:
    return tuple(Change(name, first.get(name), second.get(name)) for name in {**first, **second})


def _losses(first: Curve, second: Curve) -> tuple[Change, ...]:
    """The losses of two curves after powers of ten of epochs that both reached, and the last ones."""
    if not (first.epochs and second.epochs) or first.unit != second.unit:
        return ()
    reached = min(first.epochs[-1], second.epochs[-1])
    powers = [10**k for k in range(int(math.log10(reached)) + 1)] if reached >= 1 else []
    rows = [Change(f"loss after {counted(e, first.unit)}", _at(first, e), _at(second, e)) for e in powers]
    ends = (f"{number(c.loss[-1])} after {c.epochs[-1]:,.0f}" for c in (first, second))
    return (*rows, Change("loss at the end", *ends))


def _at(curve: Curve, epoch: float) -> float:
    """The loss that was recorded last, at that epoch."""
    return curve.loss[int(np.searchsorted(curve.epochs, epoch, side="right")) - 1]


def _paired(first: _Side, second: _Side, data: Any) -> tuple[PairedVerdict | None, int, str]:
    """The paired verdict of the second model, on how many rows, and why there is none."""
    try:
        one, other = load(first.folder), load(second.folder)
        table, rows = _shared_test_rows(one, other, data)
        found = [run.evaluation(table.take(rows))[0] for run in (one, other)]
        return _compared(found[1], found[0], one.metric), len(found[0].y), ""
    except (ModelError, DataError, UsageError) as error:
        return None, 0, error.what


def _compared(one: Evaluation, other: Evaluation, metric: str) -> PairedVerdict:
    if type(one) is not type(other):
        raise ModelError("one predicts numbers, the other classes", fix="compare runs of one task", code="other-task")
    return one.compare(other, metric)


def _shared_test_rows(one: Run, other: Run, data: Any) -> tuple[Table, Array]:
    """The table of both runs, and the rows of it that were test rows in both trainings."""
    if one.model.target != other.model.target:
        raise ModelError(
            f"one predicts {one.model.target!r}, the other {other.model.target!r}",
            fix="compare runs of one target", code="other-target",
        )  # fmt: skip
    paths = [run.data.get("path") if data is None else data for run in (one, other)]
    for path in paths:
        if path is None or (isinstance(path, str) and not os.path.exists(path)):
            where = "a run does not say where its data are" if path is None else f"the data are no longer at {path}"
            raise ModelError(where, fix="name them with --data", code="no-data")
    first = load_table(paths[0], one.options)
    same = paths[0] is paths[1] or (paths[0] == paths[1] and how_to_read(one.options) == how_to_read(other.options))
    tables = [first, first if same else load_table(paths[1], other.options)]
    hashes = {table.source.sha256 for table in tables} | {run.data["sha256"] for run in (one, other)}
    if len(hashes) > 1:
        raise ModelError("the runs are of different data", fix="compare runs of one table", code="other-data")
    shared = np.intersect1d(_test_rows(tables[0], one), _test_rows(tables[1], other))
    if len(shared) < 2:
        raise ModelError(
            "the runs share no test rows", fix="train both with the same --test and --seed", code="no-rows"
        )
    return tables[0], shared


def _test_rows(table: Table, run: Run) -> Array:
    """The rows of the table that were test rows of a training, found as the training found them."""
    return prepare(table, run.model.target, run.options).rows[1]
