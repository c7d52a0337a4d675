"""prepare: from a streamed table to what training starts on, as `table.prepare` does it for a table that is read whole.

The columns that need a look of their own are read one at a time; then one reading of all rows gives the second moments of
training and test rows, and the rows that are drawn for what needs rows at hand.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.blas import one_blas_thread
from descend.errors import DataError, ModelError
from descend.losses import Loss
from descend.memory import size_text
from descend.options import Options
from descend.table.columns import MEDIAN_ROWS, Feature, Schema, Use, refuse_missing, schema_of, use_of
from descend.table.data import Data, mean_one
from descend.table.identifiers import numbers_rows
from descend.table.moments import Accumulator, Gram, Rows
from descend.table.prepare import (
    Note,
    Prepared,
    Scaling,
    check_left,
    class_weights_of,
    columns_text,
    describe,
    described_split,
    example_weights,
    feature_names,
    no_features,
    split_labels,
)
from descend.table.scale import MOST_COLUMNS, fit_scale, scaled_data, scaled_gram
from descend.table.scaled_rows import LARGE_CELLS
from descend.table.split import held_out
from descend.table.streamed.opening import Need
from descend.table.streamed.pieces import Piece, pieces
from descend.table.streamed.rows import ScaledStream, StreamedRows
from descend.table.streamed.scratch import Scratch
from descend.table.streamed.source import StreamedTable, joined
from descend.table.table import Column, Kind, Table
from descend.table.target import Target, read_target
from descend.table.target_loss import loss_for, shown, task_description, typed_loss

ROW_BYTES = 48  # that each row takes in all: its target, prediction and place in the split, in their copies (measured)
LEVEL_BYTES = 400  # of a distinct cell of text, while it is looked at (measured)
FEW_LEVELS = 100_000  # that are looked at whatever is allowed: 40 MB
SAMPLED_ROWS = MEDIAN_ROWS  # training rows that are at hand, evenly spread, and half as many test rows
LARGE_WHOLE = 2.0**40  # a whole number below which a column is far from what float64 does not hold
Places = Callable[[int, int], Sequence[Array]]

PIECEWISE = ("quantile", "hinge")  # losses whose optimum is a linear program of all rows


class _UnsettledError(Exception):
    """Some column of numbers is not what its first rows have shown."""


def prepare_streamed(
    source: StreamedTable, need: Need, target: Any, options: Options, on_event: Callable[[Note], None], scratch: Scratch,
    looked_at: Places = lambda rows, features: (),
) -> Prepared:  # fmt: skip
    """Choose, split, encode and scale a table that is larger than memory.

    Args:
        source: the table.
        need: what it would take, read whole.
        target: a column's name.
        options: as `options.read_options` returns them.
        scratch: where rows are written that are read more than once.
        looked_at: returns the places of the rows that a search will look at, of a part of so many rows and features.

    Raises as `prepare` does, and DataError for what a streamed table cannot have.
    """
    notes: list[Note] = []

    def say(topic: str, text: str) -> None:
        notes.append(Note(topic, text))
        on_event(notes[-1])

    _check_possible(source, need, target, options)
    outline = source.outline
    outline[target]
    names = feature_names(outline, target, options)
    say("read", describe(outline))
    allowed = f"{size_text(need.allowed)} are allowed (--memory)"
    say("read", f"streamed: whole it would take about {size_text(need.whole)}, and {allowed}")
    for text in source.notes:
        say("read", text)
    columns = _Columns(source, say)
    weight = None if options.weight is None else example_weights(columns.read(options.weight))
    typed, constants, task = typed_loss(options)
    found = read_target(columns.read(target), task, sample_weight=weight)
    form = loss_for(found, typed)
    _check_loss(need, form)
    say("target", f"{shown(found.name)} · {task_description(found)}")
    for text in found.notes:
        say("target", text)
    train, test = _parts(columns, found, weight, options)
    check_left(found, train.y)
    by_class = class_weights_of(found, train.y, train.weight, options)
    if by_class is not None:
        of_rows = by_class[train.y.astype(np.int64)]
        train = replace(train, weight=mean_one(of_rows if train.weight is None else of_rows * train.weight))
        say("target", f"{options.class_weight} classes: the rows of every class weigh the same in training")
    columns.draw(np.union1d(train.drawn_rows, test.drawn_rows))
    found = replace(found, y=found.y[:0], kept=found.kept[:0])  # the parts have what is needed of them
    schema, taken = _schema_and_rows(columns, names, found, (train, test), options, looked_at)
    for text in columns_text(schema, taken.filled):
        say("columns", text)
    scale, gram = fit_scale(
        StreamedRows(source, schema, train.mask), train.y, train.weight, scale=options.scale, target=form.scales_target,
        gram=taken.grams[0],
    )  # fmt: skip
    say("scaling", "on · every feature has mean 0 and spread 1" if options.scale else "off")
    scaling = Scaling(scale, schema, found, form, options.threads or 1)
    job = _Job(source, scaling, columns.rows, scratch, say)
    drawn = columns.table(taken.columns)
    at_hand = [job.drawn(part, drawn) for part in (train, test) if len(part.y)]
    train_data = job.data(train, taken.looked_at[0], gram if options.scale else taken.grams[0], "train")
    test_data = None
    if taken.grams[1] is not None:
        test_data = job.data(test, taken.looked_at[1], scaled_gram(taken.grams[1], scale), "test")
    if not isinstance(options.test, float):
        test_data = scaling.file(options.test, options)
    say("split", described_split(train_data, test_data, options))
    said = " and ".join(f"{data.rows:,} {word} rows" for data, word in zip(at_hand, ("training", "test"), strict=False))
    say("split", f"findings, charts and the comparison of variants are of {said}, evenly spread; scores are of all")
    if form.name != "squared" or options.l1 > 0:  # the optimum, too, then takes many readings of all rows
        for data in (train_data, test_data):
            if data is not None and isinstance(data.X, ScaledStream):
                data.X.whole()
    places = [np.searchsorted(columns.rows, part.drawn_rows) for part in (train, test)]
    prepared = Prepared(
        table=drawn, schema=schema, scale=scale, train=at_hand[0].with_gram(train_data.gram()),
        test=at_hand[1] if len(at_hand) > 1 else test_data, validation=None, target=found,
        loss=form, constants=constants, rows=(places[0], places[1]), filled=taken.filled, notes=tuple(notes),
        class_weights=by_class, numbers=columns.rows,
    )  # fmt: skip
    rows = np.arange(0), np.flatnonzero(test.mask)
    return replace(
        prepared, table=replace(drawn, rows=source.rows), train=train_data, test=test_data, rows=rows, sample=prepared, numbers=None
    )  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class _Part:
    """The training rows, or the test rows.

    Args:
        mask: which rows of the table they are, bool (rows of the table,).
        y: their targets, or indices of classes (rows,).
        weight: their weights (rows,), or None.
        drawn: places of those that are at hand, among them.
        drawn_rows: the same, among the rows of the table.
    """

    mask: Array
    y: Array
    weight: Array | None
    drawn: Array
    drawn_rows: Array

    @classmethod
    def of(cls, mask: Array, y: Array, weight: Array | None, most: int) -> "_Part":
        """Return the part of which at most so many rows are drawn, evenly spread."""
        drawn = np.arange(0, len(y), max(-(-len(y) // most), 1))
        return cls(
            mask=mask,
            y=y,
            weight=None if weight is None else mean_one(weight),
            drawn=drawn,
            drawn_rows=np.flatnonzero(mask)[drawn],
        )


class _Columns:
    """Columns that are read whole, one at a time; the drawn rows of each are kept."""

    def __init__(self, source: StreamedTable, say: Callable[[str, str], None]) -> None:
        self.source, self.say = source, say
        self.rows = np.arange(source.rows)
        self._kept: dict[str, Column] = {}
        self._drawn = False

    def read(self, name: str) -> Column:
        """Return a column."""
        self._check_levels(name)
        column, notes = self.source.column(name)
        for note in notes:
            self.say("read", note)
        self._kept[name] = _taken(column, self.rows) if self._drawn else column
        return column

    def draw(self, rows: Array) -> None:
        """Keep these rows of each column, of those that were read and of those that will be."""
        self.rows, self._drawn = rows, True
        self._kept = {name: _taken(column, rows) for name, column in self._kept.items()}

    def table(self, others: Mapping[str, Column]) -> Table:
        """Return the drawn rows as a table, with columns that were read elsewhere."""
        columns = self._kept | dict(others)
        named = tuple(columns[name] for name in self.source.names if name in columns)
        return Table(named, len(self.rows), self.source.source, self.source.notes, self.source.unread)

    def _check_levels(self, name: str) -> None:
        """Raise DataError for a column of text whose distinct cells alone are too much."""
        if not self.source.is_text(name) or self.source.rows * LEVEL_BYTES <= self.source.memory:
            return
        levels = self.source.distinct(name)
        if levels > FEW_LEVELS and levels * LEVEL_BYTES > self.source.memory:
            raise DataError(
                f"the column {name!r} has about {levels:,} different texts, which take {size_text(levels * LEVEL_BYTES)}, and "
                f"{size_text(self.source.memory)} are allowed",
                fix="leave it out with --drop, or raise --memory", code="too-many-levels",
            )  # fmt: skip


def _taken(column: Column, rows: Array) -> Column:
    return replace(column, cells=column.cells[rows], known_ends=None)


@dataclass(frozen=True, eq=False)
class _Taken:
    """What one reading of all rows gives.

    Args:
        grams: moments of training and test rows, as they are.
        looked_at: places among the training rows, and among the test rows, and their features.
        columns: the drawn rows of the columns that are features.
        filled: how many cells of each were filled.
    """

    grams: tuple[Gram, Gram | None]
    looked_at: tuple[list[tuple[Array, Array]], list[tuple[Array, Array]]]
    columns: dict[str, Column]
    filled: dict[str, int]


def _parts(columns: _Columns, found: Target, weight: Array | None, options: Options) -> tuple[_Part, _Part]:
    """Training and test rows, which are those of the table that is read whole."""
    kept, share = found.kept, options.test if isinstance(options.test, float) else 0.0
    labels = {name: columns.read(name) for name in (options.group, options.time) if name is not None}
    table = Table(tuple(labels.values()), columns.source.rows, columns.source.source)
    group, time = (None if x is None else x[kept] for x in split_labels(table, options))
    stratify = found.y.astype(np.int64) if found.classes else None
    held = np.zeros(len(found.y), bool)
    if share:
        held = held_out(len(held), share, options.random_state, stratify=stratify, group=group, time=time)
    weight = None if weight is None else weight[kept]
    parts = []
    for part, most in ((~held, SAMPLED_ROWS), (held, SAMPLED_ROWS // 2)):
        mask = part if kept.all() else np.zeros(len(kept), bool)
        if mask is not part:
            mask[kept] = part
        parts.append(_Part.of(mask, found.y[part], None if weight is None else weight[part], most))
    return parts[0], parts[1]


def _schema_and_rows(
    columns: _Columns, names: Sequence[str], found: Target, parts: tuple[_Part, _Part], options: Options,
    looked_at: Places,
) -> tuple[Schema, _Taken]:  # fmt: skip
    """The schema that `fit_schema` returns for the training rows, and what a reading of all rows by it gives.

    Columns of numbers are settled by their first rows, where these show that they vary, are complete, and do not number the
    rows; all others are read whole. Should a settled column turn out to lack a cell, reading begins anew.
    """
    source, train = columns.source, parts[0]
    settled = _settled(source, names, train, options)
    uses: dict[str, Use] = {}
    while True:
        for name in names:
            if name in settled:
                uses[name] = Use(name=name, feature=settled[name])
            elif name not in uses:
                uses[name] = _use(columns.read(name), train, found, options)
        schema = schema_of([uses[name] for name in names], options.missing)
        if not schema.names:
            raise no_features(found.name, schema.dropped)
        if len(schema.names) > MOST_COLUMNS:
            raise DataError(
                f"the columns become {len(schema.names):,} features, a streamed table may have {MOST_COLUMNS:,}",
                fix="leave columns out with --drop, lower --max-levels, or raise --memory", code="too-large",
            )  # fmt: skip
        wanted = [list(looked_at(len(part.y), len(schema.names))) for part in parts]
        _check_wanted(source, wanted, len(schema.names))
        try:
            taken = _read_all(columns, schema, settled, parts, wanted, options.threads or 1)
        except _UnsettledError:
            gone = {name for name, count in source.missing(list(settled)).items() if count}
            settled = {name: feature for name, feature in settled.items() if gone and name not in gone}
            continue
        at = np.searchsorted(columns.rows, train.drawn_rows)
        medians = {name: float(np.median(taken.columns[name].values[at])) for name in settled}
        filled = tuple(replace(f, median=medians.get(f.column, f.median)) for f in schema.features)
        return replace(schema, features=filled), taken


def _settled(source: StreamedTable, names: Sequence[str], train: _Part, options: Options) -> dict[str, Feature]:
    """The features of columns of numbers of which the first training rows show enough."""
    numbers = [name for name in names if not source.is_text(name)]
    if not numbers:
        return {}
    head = source.head(numbers, source.piece_rows(len(numbers)))
    rows = np.flatnonzero(train.mask[: head.rows])
    found = {}
    for column in head.columns:
        values = np.zeros(0) if column.kind == Kind.CATEGORY else column.values[rows]
        if (
            len(values) < 2
            or column.missing
            or (values == values[0]).all()
            or numbers_rows(_taken(column, rows), None, False)
        ):
            continue
        if np.abs(values).max() < LARGE_WHOLE:
            found[column.name] = Feature(column=column.name, kind=column.kind, pattern=column.pattern)
    return found


def _use(column: Column, train: _Part, found: Target, options: Options) -> Use:
    """What becomes of a column, by all of its training rows."""
    own, asked = _taken(column, np.flatnonzero(train.mask)), column.name in options.features
    numbering = None if asked else numbers_rows(own, train.y, bool(found.classes))
    if options.missing == "error":
        refuse_missing((own,))
    return use_of(own, options.missing, options.max_levels, asked, numbering)


def _read_all(
    columns: _Columns, schema: Schema, settled: Mapping[str, Feature], parts: tuple[_Part, _Part],
    wanted: Sequence[Sequence[Array]], threads: int,
) -> _Taken:  # fmt: skip
    """Read all rows once."""
    every = [np.unique(np.concatenate([np.zeros(0, np.int64), *places])) for places in wanted]
    chosen: tuple[list[Array], list[Array]] = ([], [])
    drawn: dict[str, list[Any]] = {feature.column: [] for feature in schema.features}
    filled: dict[str, int] = {}
    kept = parts[0].mask | parts[1].mask
    with one_blas_thread(), ThreadPoolExecutor(threads) as pool:
        first, second = Accumulator(threads, pool), Accumulator(threads, pool)
        seen = [0, 0]
        try:
            for piece in pieces(columns.source, schema):
                for name, count in _filled(piece, kept).items():
                    if name in settled:
                        raise _UnsettledError
                    filled[name] = filled.get(name, 0) + count
                for k, (part, sums) in enumerate(zip(parts, (first, second), strict=True)):
                    X = piece.features(part.mask)
                    rows = slice(seen[k], seen[k] + len(X))
                    inside = every[k][slice(*np.searchsorted(every[k], (rows.start, rows.stop)))]
                    chosen[k].append(np.ascontiguousarray(X[inside - seen[k]], np.float64))
                    seen[k] += len(X)
                    if len(X):
                        sums.add(Rows(X, part.y[rows], None if part.weight is None else part.weight[rows]))
                places = piece.places
                among = columns.rows[slice(*np.searchsorted(columns.rows, (places.start, places.stop)))] - places.start
                for name, cells in drawn.items():
                    cells.append(piece.cells[name][among])
        except ModelError as error:  # a column of numbers with another kind of cells farther on
            raise _UnsettledError from error
        except DataError as error:
            if error.code == "infinite":
                for feature in schema.features:  # which says how many cells there are in all
                    columns.source.column(feature.column)
            raise
        read = {name: columns.source.read(name, joined(cells), 0, schema.kinds) for name, cells in drawn.items()}
        known = [np.concatenate(features) for features in chosen]
        at_hand = [
            [(places, X[np.searchsorted(among, places)]) for places in sets]
            for sets, among, X in zip(wanted, every, known, strict=True)
        ]
        return _Taken((first.gram(), second.gram() if seen[1] else None), (at_hand[0], at_hand[1]), read, filled)


def _filled(piece: Piece, kept: Array) -> dict[str, int]:
    """How many cells of each column were filled, in the rows that are used."""
    counts, used = piece.filled(), kept[piece.places]
    return counts if used.all() or not counts else piece.taken(np.flatnonzero(used)).filled()


@dataclass(frozen=True, eq=False)
class _Job:
    """What turns parts of the table into data for training."""

    source: StreamedTable
    scaling: Scaling
    rows: Array
    scratch: Scratch
    say: Callable[[str, str], None]

    def data(self, part: _Part, looked_at: list[tuple[Array, Array]], gram: Gram | None, name: str) -> Data:
        """Return all rows of a part, which are read when they are asked for; its targets are scaled in place."""
        scale, schema, target = self.scaling.scale, self.scaling.schema, self.scaling.loss.scales_target
        rows = StreamedRows(self.source, schema, part.mask, looked_at)
        X = ScaledStream(
            rows, scale.center, scale.width, self.scratch, f"{name}.rows", lambda text: self.say("cache", text)
        )
        y = part.y
        if target:
            y -= scale.target_center
            y /= scale.target_width
        gram = gram if rows.size > LARGE_CELLS else None  # as of a table that is read whole, see `scaled_data`
        return Data(X, y, part.weight, schema.names).with_gram(gram)

    def drawn(self, part: _Part, drawn: Table) -> Data:
        """Return the rows of a part that are at hand."""
        X = self.scaling.schema.encode(drawn.take(np.searchsorted(self.rows, part.drawn_rows))).X
        weight = None if part.weight is None else part.weight[part.drawn]
        return scaled_data(
            self.scaling.scale, X, part.y[part.drawn], weight, target=self.scaling.loss.scales_target, dtype=np.float64,
            names=self.scaling.schema.names,
        )  # fmt: skip


def _check_possible(source: StreamedTable, need: Need, target: Any, options: Options) -> None:
    """Raise DataError for what a streamed table cannot have."""
    least = source.rows * ROW_BYTES
    if least > need.most:
        raise DataError(
            f"the table has {source.rows:,} rows, of which targets and predictions alone take {size_text(least)}, and "
            f"{size_text(need.most)} are allowed",
            fix="raise --memory, or train on fewer rows", code="too-large",
        )  # fmt: skip
    typed_validation = options.validation not in ("auto", 0.0) or "patience" in options.user_set
    asked = {
        "a target that is no column": not isinstance(target, str),
        "hidden layers (--hidden)": bool(options.hidden_layer_sizes),
        "validation rows (--val, --patience)": typed_validation,
        "folds (--cv)": options.cv is not None,
        "--missing drop": options.missing == "drop",
    }
    for what in (what for what, given in asked.items() if given):
        raise _not_streamed(need, what)


def _check_wanted(source: StreamedTable, wanted: Sequence[Sequence[Array]], features: int) -> None:
    """Raise DataError where the rows that a search looks at take more than half of the memory."""
    size = 8 * features * sum(len(places) for sets in wanted for places in sets)
    if 2 * size > source.memory:
        raise DataError(
            f"the rows on which settings compete take {size_text(size)} with {features:,} features, more than half of the "
            f"{size_text(source.memory)} that are allowed",
            fix="raise --memory, leave columns out with --drop, or lower --max-levels", code="too-large",
        )  # fmt: skip


def _check_loss(need: Need, loss: Loss) -> None:
    """Raise DataError for losses whose optimum needs all rows at once."""
    if loss.name in PIECEWISE:
        raise _not_streamed(need, f"the loss {loss.name}")


def _not_streamed(need: Need, what: str) -> DataError:
    return DataError(
        f"{what} needs the whole table in memory, about {size_text(need.whole)}, and {size_text(need.allowed)} are allowed",
        fix="raise --memory, or train on a part of the rows", code="not-streamed",
    )  # fmt: skip
