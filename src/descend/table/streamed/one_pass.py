"""one_pass: the second moments of a streamed table, and the rows that are drawn from it, in one reading of all rows."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.blas import one_blas_thread
from descend.errors import DataError, ModelError
from descend.memory import size_text
from descend.options import Options
from descend.table.columns import Feature, Schema, Use, refuse_missing, schema_of, use_of
from descend.table.identifiers import numbers_rows
from descend.table.moments import Accumulator, Gram, Rows
from descend.table.prepare import no_features
from descend.table.scale import MOST_COLUMNS
from descend.table.streamed.parts import Part, WholeColumns, taken_rows
from descend.table.streamed.pieces import Piece, pieces
from descend.table.streamed.source import StreamedTable, joined
from descend.table.table import Column, Kind
from descend.table.target import Target

LARGE_WHOLE = 2.0**40  # a whole number below which a column is far from what float64 does not hold
Places = Callable[[int, int], Sequence[Array]]


class _UnsettledError(Exception):
    """Some column of numbers is not what its first rows have shown."""


@dataclass(frozen=True, eq=False)
class Taken:
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


def schema_and_rows(
    columns: WholeColumns, names: Sequence[str], found: Target, parts: tuple[Part, Part], options: Options,
    looked_at: Places,
) -> tuple[Schema, Taken]:  # fmt: skip
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


def _settled(source: StreamedTable, names: Sequence[str], train: Part, options: Options) -> dict[str, Feature]:
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
            or numbers_rows(taken_rows(column, rows), None, False)
        ):
            continue
        if np.abs(values).max() < LARGE_WHOLE:
            found[column.name] = Feature(column=column.name, kind=column.kind, pattern=column.pattern)
    return found


def _use(column: Column, train: Part, found: Target, options: Options) -> Use:
    """What becomes of a column, by all of its training rows."""
    own, asked = taken_rows(column, np.flatnonzero(train.mask)), column.name in options.features
    numbering = None if asked else numbers_rows(own, train.y, bool(found.classes))
    if options.missing == "error":
        refuse_missing((own,))
    return use_of(own, options.missing, options.max_levels, asked, numbering)


def _read_all(
    columns: WholeColumns, schema: Schema, settled: Mapping[str, Feature], parts: tuple[Part, Part],
    wanted: Sequence[Sequence[Array]], threads: int,
) -> Taken:  # fmt: skip
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
        return Taken((first.gram(), second.gram() if seen[1] else None), (at_hand[0], at_hand[1]), read, filled)


def _filled(piece: Piece, kept: Array) -> dict[str, int]:
    """How many cells of each column were filled, in the rows that are used."""
    counts, used = piece.filled(), kept[piece.places]
    return counts if used.all() or not counts else piece.taken(np.flatnonzero(used)).filled()


def _check_wanted(source: StreamedTable, wanted: Sequence[Sequence[Array]], features: int) -> None:
    """Raise DataError where the rows that a search looks at take more than half of the memory."""
    size = 8 * features * sum(len(places) for sets in wanted for places in sets)
    if 2 * size > source.memory:
        raise DataError(
            f"the rows on which settings compete take {size_text(size)} with {features:,} features, more than half of the "
            f"{size_text(source.memory)} that are allowed",
            fix="raise --memory, leave columns out with --drop, or lower --max-levels", code="too-large",
        )  # fmt: skip
