"""one_pass: the second moments of a streamed table, and the rows that are drawn from it, in one reading of all rows."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from descend.arrays import Array, packed, unpacked
from descend.blas import one_blas_thread
from descend.errors import DataError, ModelError
from descend.memory import size_text
from descend.options import Options
from descend.table.columns import Feature, Schema, Use, refuse_missing, schema_of, use_of
from descend.table.identifiers import numbers_rows
from descend.table.moments import Accumulator, Gram, Rows, gram_of, shard_rows, share_of, shift_of
from descend.table.prepare import no_features
from descend.table.scale import MOST_COLUMNS
from descend.table.streamed.parts import Own, Part, WholeColumns, taken_rows
from descend.table.streamed.pieces import Piece, pieces
from descend.table.streamed.readers import ALONE, Readers, of_all, packed_cells, unpacked_cells
from descend.table.streamed.rows import StreamedRows
from descend.table.streamed.source import StreamedTable, Window, joined
from descend.table.table import Column, Kind
from descend.table.target import Target

LARGE_WHOLE = 2.0**40  # a whole number below which a column is far from what float64 does not hold
UNSETTLED = "unsettled"  # the code of what is raised where some column of numbers is not what its first rows have shown
Places = Callable[[int, int], Sequence[Array]]


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
    looked_at: Places, readers: Readers = ALONE,
) -> tuple[Schema, Taken]:  # fmt: skip
    """The schema that `fit_schema` returns for the training rows, and what a reading of all rows by it gives.

    Columns of numbers are settled by their first rows, where these show that they vary, are complete, and do not number the
    rows; all others are read whole, each by one of the processes that read the table. Should a settled column turn out to lack
    a cell, reading begins anew.
    """
    source, train = columns.source, parts[0]
    settled = _settled(source, names, train, options)
    looked: dict[str, Use] = {}
    while True:
        unknown = [name for name in names if name not in settled and name not in looked]
        looked |= _looks(columns, unknown, train, found, options, readers)
        uses = [looked.get(name) or Use(name=name, feature=settled[name]) for name in names]
        schema = schema_of(uses, options.missing)
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
            taken = _read_all(columns, schema, settled, parts, wanted, options.threads or 1, readers)
        except DataError as error:
            if error.code != UNSETTLED:
                raise
            gone = _lacking(source, list(settled), readers)
            settled = {
                name: feature for name, feature in settled.items() if gone and name not in gone
            }  # else all are read
            continue
        at = np.searchsorted(columns.rows, train.drawn_rows)
        medians = {name: float(np.median(taken.columns[name].values[at])) for name in settled}
        filled = tuple(replace(f, median=medians.get(f.column, f.median)) for f in schema.features)
        return replace(schema, features=filled), taken


def _looks(
    columns: WholeColumns, names: Sequence[str], train: Part, found: Target, options: Options, readers: Readers
) -> dict[str, Use]:  # fmt: skip
    """What becomes of columns that are read whole; each process reads some of them, one at a time."""

    def own() -> list[_Look]:
        return [_look(columns, name, train, found, options) for name in names[readers.rank :: readers.world]]

    looks = {look.use.name: look for some in of_all(readers, own, _packed_looks, _unpacked_looks) for look in some}
    for name in names:
        columns.keep(name, looks[name].drawn, looks[name].notes)
    return {name: looks[name].use for name in names}


class _Look(NamedTuple):
    """What becomes of a column, its drawn rows, and what reading decided."""

    use: Use
    drawn: Column
    notes: Sequence[str]


def _look(columns: WholeColumns, name: str, train: Part, found: Target, options: Options) -> _Look:
    column, notes = columns.look(name)
    return _Look(_use(column, train, found, options), taken_rows(column, columns.rows), notes)


def _packed_looks(looks: Sequence[_Look]) -> bytes:
    features = [Schema((), {}, "") if use.feature is None else Schema((use.feature,), {}, "") for use, _, _ in looks]
    about = [
        [use.useless, use.numbering, schema.to_json(), drawn.kind.value, drawn.pattern, list(notes)]
        for (use, drawn, notes), schema in zip(looks, features, strict=True)
    ]
    return packed_cells({look.use.name: look.drawn.cells for look in looks}, about)


def _unpacked_looks(data: bytes) -> list[_Look]:
    cells, about = unpacked_cells(data)
    looks = []
    for (name, own), (useless, numbering, schema, kind, pattern, notes) in zip(cells.items(), about, strict=True):
        features = Schema.from_json(schema).features
        use = Use(name=name, feature=features[0] if features else None, useless=useless, numbering=numbering)
        looks.append(_Look(use, Column(name, Kind(kind), own, pattern), notes))
    return looks


def _lacking(source: StreamedTable, names: Sequence[str], readers: Readers) -> set[str]:
    """The columns of numbers of which some cell is missing; each process looks at some rows."""
    rows = share_of(source.rows, readers.rank, readers.world)

    def own() -> dict[str, int]:
        return source.missing(names, (rows.start, rows.stop))

    counts = of_all(readers, own, lambda found: json.dumps(found).encode(), json.loads)
    return {name for found in counts for name, count in found.items() if count}


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


@dataclass(frozen=True, eq=False)
class _Read:
    """What one process has read of all rows, beside their sums.

    Args:
        chosen: features of the places that are looked at, of training and of test rows.
        places: of drawn rows, among all that are drawn.
        drawn: their cells, by column.
        filled: how many cells of each column were filled.
    """

    chosen: tuple[Array, Array]
    places: Array
    drawn: dict[str, Any]
    filled: dict[str, int]

    def pack(self) -> bytes:
        """Return it as bytes."""
        own = {"train": self.chosen[0], "test": self.chosen[1], "places": self.places}
        arrays = {**own, **{f"column {name}": cells for name, cells in self.drawn.items()}}
        return packed_cells(arrays, self.filled)

    @classmethod
    def unpack(cls, data: bytes) -> "_Read":
        """Return what `pack` packed."""
        cells, filled = unpacked_cells(data)
        chosen, places = (cells.pop("train"), cells.pop("test")), cells.pop("places")
        return cls(chosen, places, {name.removeprefix("column "): c for name, c in cells.items()}, filled)


def _read_all(
    columns: WholeColumns, schema: Schema, settled: Mapping[str, Feature], parts: tuple[Part, Part],
    wanted: Sequence[Sequence[Array]], threads: int, readers: Readers,
) -> Taken:  # fmt: skip
    """Read all rows once; of several processes each reads its own, and all return what all have read."""
    features = len(schema.names)
    own = [Own.of(part, shard_rows(features), readers) for part in parts]
    every = [np.unique(np.concatenate([np.zeros(0, np.int64), *places])) for places in wanted]
    shifts = _shifts(columns, schema, parts, readers)
    with one_blas_thread(), ThreadPoolExecutor(threads) as pool:
        sums = [Accumulator(threads, pool, shift) for shift in shifts]

        def read() -> _Read:
            with _unsettled(columns, schema):
                return _read_own(columns, schema, settled, parts, own, every, sums)

        found = of_all(readers, read, _Read.pack, _Read.unpack)
        grams = [
            None if not len(part.y) else s.gram() if shift is None
            else gram_of(readers.merge(s.sums(), features + 1), shift, features)
            for part, s, shift in zip(parts, sums, shifts, strict=True)
        ]  # fmt: skip
    order = np.argsort(np.concatenate([one.places for one in found]), kind="stable")
    cells = {name: joined([one.drawn[name] for one in found if len(one.places)])[order] for name in found[0].drawn}
    with _unsettled(columns, schema):
        drawn = {name: columns.source.read(name, c, 0, schema.kinds) for name, c in cells.items()}
    known = [np.concatenate([one.chosen[k] for one in found]) for k in range(2)]
    at_hand = [
        [(places, X[np.searchsorted(among, places)]) for places in sets]
        for sets, among, X in zip(wanted, every, known, strict=True)
    ]
    filled: dict[str, int] = {}
    for one in found:
        for name, count in one.filled.items():
            filled[name] = filled.get(name, 0) + count
    assert grams[0] is not None
    return Taken((grams[0], grams[1]), (at_hand[0], at_hand[1]), drawn, filled)


def _read_own(
    columns: WholeColumns, schema: Schema, settled: Mapping[str, Feature], parts: tuple[Part, Part], own: Sequence[Own],
    every: Sequence[Array], sums: Sequence[Accumulator],
) -> _Read:  # fmt: skip
    """Read the rows that fall to this process, whose moments are added to sums."""
    width = len(schema.names)
    chosen: list[list[Array]] = [[np.empty((0, width))], [np.empty((0, width))]]
    places: list[Array] = [np.zeros(0, np.int64)]
    drawn: dict[str, list[Any]] = {feature.column: [] for feature in schema.features}
    filled: dict[str, int] = {}
    kept = own[0].mask | own[1].mask
    seen = [rows.rows.start for rows in own]
    for piece in pieces(columns.source, schema, _window(own)):
        for name, count in _filled(piece, kept).items():
            if name in settled:
                raise _not_as_shown()
            filled[name] = filled.get(name, 0) + count
        for k, part in enumerate(parts):
            X = piece.features(own[k].mask)
            rows = slice(seen[k], seen[k] + len(X))
            inside = every[k][slice(*np.searchsorted(every[k], (rows.start, rows.stop)))]
            chosen[k].append(np.ascontiguousarray(X[inside - seen[k]], np.float64))
            seen[k] += len(X)
            if len(X):
                sums[k].add(Rows(X, part.y[rows], None if part.weight is None else part.weight[rows]))
        lo, hi = np.searchsorted(columns.rows, (piece.places.start, piece.places.stop))
        among = np.arange(lo, hi)[kept[columns.rows[lo:hi]]]
        places.append(among)
        for name, cells in drawn.items():
            cells.append(piece.cells[name][columns.rows[among] - piece.first])
    return _Read(
        (np.concatenate(chosen[0]), np.concatenate(chosen[1])), np.concatenate(places),
        {name: joined(cells) if cells else np.zeros(0) for name, cells in drawn.items()}, filled,
    )  # fmt: skip


def _window(own: Sequence[Own]) -> Window:
    """The rows of the table between which all of these are."""
    windows = [rows.window for rows in own if rows.rows.start < rows.rows.stop]
    return (min(lo for lo, _ in windows), max(hi for _, hi in windows)) if windows else (0, 0)


def _shifts(
    columns: WholeColumns, schema: Schema, parts: tuple[Part, Part], readers: Readers
) -> Sequence[Array | None]:  # fmt: skip
    """What the sums of training and test rows are taken about, which the first shards decide; None where one process reads them."""
    if readers.world == 1:
        return None, None

    def first(part: Part) -> Array:
        rows = slice(0, min(shard_rows(len(schema.names)), len(part.y)))
        if not rows.stop:
            return np.zeros(len(schema.names) + 1)
        window = 0, int(np.flatnonzero(part.mask)[rows.stop - 1]) + 1
        X = np.concatenate([*StreamedRows(columns.source, schema, part.mask, window=window).blocks()])
        return shift_of(Rows(X, part.y[rows], None if part.weight is None else part.weight[rows]))

    def of_first_rank() -> dict[str, Array]:
        with _unsettled(columns, schema):
            return {} if readers.rank else {str(k): first(part) for k, part in enumerate(parts)}

    found = of_all(readers, of_first_rank, packed, lambda data: unpacked(data)[0])[0]
    return [found["0"], found["1"]]


@contextmanager
def _unsettled(columns: WholeColumns, schema: Schema) -> Iterator[None]:
    """Say of cells that are not what the first rows have shown which they are, or that reading is to begin anew."""
    try:
        yield
    except ModelError as error:  # a column of numbers with another kind of cells farther on
        raise _not_as_shown() from error
    except DataError as error:
        if error.code == "infinite":
            for feature in schema.features:  # which says how many cells there are in all
                columns.source.column(feature.column)
        raise


def _not_as_shown() -> DataError:
    return DataError("a column of numbers is not what its first rows show", fix="read it whole", code=UNSETTLED)


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
