"""Schema: how columns become features; fitted on training rows, applied to any."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import DataError, ModelError
from descend.table.categorical import Categorical, objects
from descend.table.identifiers import names_rows, numbers_rows
from descend.table.reading import Kind, Reading
from descend.table.scaled_rows import taken_rows
from descend.table.table import Column, Table
from descend.table.types import texts_of_numbers

MISSING = "(missing)"  # the level of a category's missing cells
OTHER = "(other)"  # the level of the rare values of a category of too many levels
MEDIAN_ROWS = 1 << 16  # of many: their median is within 0.4 % of the rows of that of all
MOST_LEVELS = 6  # of a category, named where its use is told; arbitrary
FEWEST_OF_A_LEVEL = 5  # rows of a level that is kept of too many: the usual least count of a cell of a table


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One column that is used.

    Args:
        column: its name.
        kind: what it holds.
        pattern: how text is written, as in `Reading`.
        levels: of a category, in order.
        rare: how many values of a category share the level "(other)".
        median: fills missing cells of other kinds.
        flag: whether a feature of its own says which cells were missing.
    """

    column: str
    kind: Kind
    pattern: str = ""
    levels: tuple[str, ...] = ()
    rare: int = 0
    median: float = 0.0
    flag: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names."""
        if self.kind == Kind.CATEGORY:
            return tuple(f"{self.column}={level}" for level in self.levels)
        return (self.column, f"{self.column} is missing") if self.flag else (self.column,)


@dataclass(frozen=True, eq=False)
class Encoded:
    """Features of some rows.

    Args:
        X: (rows, features), float64, C order.
        names: a name a feature.
        unseen: cells a column whose level was never seen in training; they are zero in all of its features.
        filled: cells a column that were missing and filled with the median.
    """

    X: Array
    names: tuple[str, ...]
    unseen: dict[str, int]
    filled: dict[str, int]


@dataclass(frozen=True, eq=False)
class Coded:
    """Columns from which features are made.

    Args:
        columns: of each, the level of each row, -1 for none (rows,), or its features (rows, width); and their number.
        unseen, filled: as `Encoded` has them.
        matrix: the features themselves (rows, features), where the table is an array of numbers of which all are used.
    """

    columns: tuple[tuple[Array, int], ...]
    unseen: dict[str, int]
    filled: dict[str, int]
    matrix: Array | None = None

    def features(self, rows: slice | Array) -> Any:
        """Return the features of some rows (rows, features), float64; of a matrix as it is, if they are many as TakenRows."""
        if self.matrix is not None:
            return self.matrix[rows] if isinstance(rows, slice) else taken_rows(self.matrix, rows)
        taken = [(column[rows], width) for column, width in self.columns]
        X, at = np.zeros((len(taken[0][0]), sum(width for _, width in taken))), 0
        for column, width in taken:
            if column.ndim == 1:
                known = np.flatnonzero(column >= 0)
                X[known, at + column[known]] = 1.0
            else:
                X[:, at : at + width] = column
            at += width
        return X


@dataclass(frozen=True)
class Schema:
    """The columns that are used, and why the others are not.

    Args:
        features: in the order of the training table.
        dropped: column name to reason.
        missing: "median", "drop" or "error".
    """

    features: tuple[Feature, ...]
    dropped: dict[str, str]
    missing: str

    @property
    def names(self) -> tuple[str, ...]:
        """All features' names."""
        return tuple(name for feature in self.features for name in feature.names)

    @property
    def kinds(self) -> dict[str, Reading]:
        """How each column that is used was read; whatever is predicted is read in the same way."""
        return {f.column: Reading(f.kind, f.pattern) for f in self.features}

    @cached_property
    def uses(self) -> dict[str, str]:
        """What becomes of each column: the first of its features' names, or why it is left out."""
        used = {
            f.column: ", ".join(f.names[:MOST_LEVELS]) + (" …" if len(f.names) > MOST_LEVELS else "")
            for f in self.features
        }
        return used | {name: f"left out: {why}" for name, why in self.dropped.items()}

    def encode(self, table: Table) -> Encoded:
        """Return the features of a table; columns are found by name, others are ignored.

        Raises ModelError when columns are missing, or one holds text where training had numbers.
        """
        coded = self.coded(table)
        return Encoded(coded.features(slice(None)), self.names, coded.unseen, coded.filled)

    def coded(self, table: Table) -> "Coded":
        """Return what `encode` needs of each column, so that rows can be encoded block by block; raises as `encode` does."""
        if table.matrix is not None and table.names == self.names:
            return Coded((), {}, {}, table.matrix)
        self._check(table)
        columns = {f.column: (_code if f.kind == Kind.CATEGORY else _fill)(f, table[f.column]) for f in self.features}
        return Coded(
            tuple((column, len(f.names)) for f, (column, _, _) in zip(self.features, columns.values(), strict=True)),
            unseen={name: unseen for name, (_, unseen, _) in columns.items() if unseen},
            filled={name: filled for name, (_, _, filled) in columns.items() if filled},
        )

    def _check(self, table: Table) -> None:
        known = set(table.names)
        absent = [f.column for f in self.features if f.column not in known]
        if absent:
            raise ModelError(
                f"the data have no column {', '.join(map(repr, absent))}, which the model was trained on",
                fix="bring data with the columns of the training data",
                code="missing-columns",
            )
        for f in self.features:
            column = table[f.column]
            if f.kind == Kind.CATEGORY or column.missing == table.rows:
                continue
            if (f.kind == Kind.DATE) != (column.kind == Kind.DATE) and column.kind != Kind.CATEGORY:
                raise ModelError(
                    f"the column {f.column!r} holds {column.kind.value}s, the model was trained on {f.kind.value}s",
                    fix="correct the column",
                    code="column-kind",
                )
            if column.kind == Kind.CATEGORY:
                at = int(np.argmin(column.is_missing))
                raise ModelError(
                    f"the column {f.column!r} holds text, such as {str(column.values[at])[:60]!r} in row {at + 1}, the model "
                    f"was trained on a {f.kind.value}",
                    fix="correct the column",
                    code="column-kind",
                )

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        return {"features": [vars(f) | {"kind": f.kind.value, "levels": list(f.levels)} for f in self.features],
                "dropped": dict(self.dropped), "missing": self.missing}  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Schema":
        """Read what `to_json` returned; documents of earlier versions have no patterns."""
        features = tuple(
            Feature(
                column=f["column"], kind=Kind(f["kind"]), pattern=f.get("pattern", ""), levels=tuple(f["levels"]),
                rare=int(f.get("rare", 0)), median=float(f["median"]), flag=bool(f["flag"]),
            )
            for f in document["features"]
        )  # fmt: skip
        return cls(features, dict(document["dropped"]), document["missing"])


def fit_schema(
    table: Table, *, missing: str = "median", max_levels: int = 50, asked: Sequence[str] = (), target: Array | None = None,
    classes: bool = False,
) -> Schema:  # fmt: skip
    """Decide, from training rows alone, how each column is used.

    Args:
        table: training rows, without target and weights, in the order of the file.
        missing: "median" fills and flags; "drop" expects complete rows; "error" refuses missing cells.
        max_levels: a category with more levels keeps its most frequent ones, and the others share one.
        asked: columns that were asked for by name: they are never left out as identifiers.
        target: numbers or class indices of the rows, by which a count of the rows may be worth keeping.
        classes: whether the target is of classes.

    Constant columns, columns without values and identifiers are left out, with the reason. Whole numbers that count
    the rows are an identifier only beside other columns, and never in an array, whose columns somebody chose.
    """
    if missing == "error":
        refuse_missing(table.columns)
    uses = []
    for c in table.columns:
        named = c.name in asked
        numbering = None if named or table.source.format == "array" else numbers_rows(c, target, classes)
        uses.append(use_of(c, missing, max_levels, named, numbering))
    return schema_of(uses, missing)


@dataclass(frozen=True, kw_only=True)
class Use:
    """What becomes of a column.

    Args:
        name: of the column.
        feature: what it would be; None where it is left out.
        useless: why it is left out whatever the other columns are, or None.
        numbering: why it is left out where others are left, or None.
    """

    name: str
    feature: Feature | None
    useless: str | None = None
    numbering: str | None = None


def use_of(column: Column, missing: str, max_levels: int, asked: bool, numbering: str | None = None) -> Use:
    """Return what `fit_schema` makes of one column of training rows; `numbering` says in which way it numbers the rows."""
    counts = _counts(column)
    why = _useless(column, counts, max_levels, asked)
    if why is not None:
        return Use(name=column.name, feature=None, useless=why)
    return Use(name=column.name, feature=_feature(column, counts, missing, max_levels), numbering=numbering)


def schema_of(uses: Sequence[Use], missing: str) -> Schema:
    """Return the schema of these columns; those that number the rows are left out beside others."""
    left = [use for use in uses if use.feature is not None]
    beside = any(use.numbering is None for use in left)
    why = {use.name: use.useless for use in uses if use.useless is not None}
    why |= {use.name: use.numbering for use in left if beside and use.numbering is not None}
    features = tuple(use.feature for use in left if use.feature is not None and use.name not in why)
    return Schema(features, why, missing)


def schema_of_matrix(matrix: Array, names: Sequence[str], rows: Array, missing: str) -> Schema:
    """Return what `fit_schema` does for the training rows, by index, of an array without a missing cell.

    Medians, which only ever fill a missing cell of other rows, are those of at most MEDIAN_ROWS of the rows.
    """
    constant = (matrix[rows[:1]] == matrix[rows[-1:]])[0]
    for j in np.flatnonzero(constant):
        constant[j] = bool((matrix[:, j][rows] == matrix[rows[0], j]).all())
    some = matrix[rows[:: -(-len(rows) // MEDIAN_ROWS)]]
    medians = np.median(some, axis=0).tolist()
    dropped = {n: f"constant: every value is {matrix[rows[0], j]:g}" for j, n in enumerate(names) if constant[j]}
    features = (Feature(column=n, kind=Kind.NUMBER, median=medians[j]) for j, n in enumerate(names) if n not in dropped)
    return Schema(tuple(features), dropped, missing)


def complete_rows(table: Table, schema: Schema) -> Array:
    """Return which rows have a value in every column that the schema uses (rows,)."""
    whole = np.ones(table.rows, bool)
    for feature in schema.features:
        whole &= ~table[feature.column].is_missing
    return whole


def _counts(column: Column) -> dict[str, int]:
    """How many rows each value of a category has; empty for other kinds."""
    if column.kind != Kind.CATEGORY:
        return {}
    cells = column.categorical
    counts = zip(cells.categories.tolist(), cells.counts.tolist(), strict=True)
    return {category: count for category, count in counts if count}


def _useless(column: Column, counts: dict[str, int], max_levels: int, asked: bool) -> str | None:
    if column.missing == len(column.cells):
        return "every cell is missing"
    if column.kind != Kind.CATEGORY:
        present = column.values[~column.is_missing]
        constant = column.missing == 0 and bool((present == present[0]).all())
        return f"constant: every value is {present[0]:g}" if constant else None
    if len(counts) == 1 and column.missing == 0:
        return f"constant: every value is {next(iter(counts))[:60]!r}"
    if not asked and (why := names_rows(column, len(counts))):
        return why
    if len(counts) > max_levels and max(counts.values()) < FEWEST_OF_A_LEVEL and not asked:
        return f"{len(counts):,} levels, none of them in {FEWEST_OF_A_LEVEL} rows or more (see --max-levels)"
    return None


def _feature(column: Column, counts: dict[str, int], missing: str, max_levels: int) -> Feature:
    gone = column.missing > 0
    if column.kind != Kind.CATEGORY:
        median, flag = _median(column.values, gone), gone and missing != "drop"
        return Feature(column=column.name, kind=column.kind, pattern=column.pattern, median=median, flag=flag)
    levels, rare = set(counts) - {MISSING, OTHER}, 0
    if len(counts) > max_levels:
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: max_levels - 1]
        frequent = {level for level, count in ranked if count >= FEWEST_OF_A_LEVEL} or {ranked[0][0]}
        levels, rare = frequent - {MISSING, OTHER}, len(levels - frequent)
    last = ([OTHER] if rare or OTHER in counts else []) + ([MISSING] if gone or MISSING in counts else [])
    return Feature(
        column=column.name, kind=column.kind, pattern=column.pattern, levels=(*sorted(levels), *last), rare=rare
    )


def _median(values: Array, gone: bool) -> float:
    """The median, by which missing cells are filled; of at most MEDIAN_ROWS of the rows where no cell of training is missing."""
    return float(np.nanmedian(values) if gone else np.median(values[:: -(-len(values) // MEDIAN_ROWS)]))


def _code(feature: Feature, column: Column) -> tuple[Array, int, int]:
    """The level of each row (rows,), -1 for none; how many have a level that is unknown; and that none is filled."""
    at = {level: j for j, level in enumerate(feature.levels)}
    cells = _categories(column, feature.levels)
    rest, absent = at.get(OTHER, -1), at.get(MISSING, -1)
    places = np.fromiter((at.get(cell, rest) for cell in cells.categories), np.int32, len(cells.categories))
    index = cells.look_up(places, absent)
    return index, int(((index < 0) & ~cells.is_missing).sum()), 0


def _fill(feature: Feature, column: Column) -> tuple[Array, int, int]:
    """The numbers, and their flag where they have one (rows, 1 or 2); that no level is unknown; how many are filled."""
    gone = column.is_missing
    values = np.full(len(gone), np.nan) if column.kind == Kind.CATEGORY else column.values
    filled = np.where(gone, feature.median, values)
    return np.stack([filled, gone], axis=1) if feature.flag else filled[:, None], 0, int(gone.sum())


def _categories(column: Column, levels: tuple[str, ...]) -> Categorical:
    """Cells as text, of a table that was not read by the schema too: it may hold numbers or booleans."""
    if column.kind == Kind.CATEGORY:
        return column.categorical
    if column.kind == Kind.BOOLEAN:
        spelled = {level.lower(): level for level in levels}
        words = [spelled.get(word, word) for word in ("false", "true")]
        codes = np.where(column.is_missing, -1, column.values).astype(np.int32)
        return Categorical(codes, objects(words))
    return texts_of_numbers(column.values)


def refuse_missing(columns: Sequence[Column]) -> None:
    """Raise DataError when cells of these columns are missing."""
    gone = [(c.name, c.missing, int(np.argmax(c.is_missing)) + 1) for c in columns if c.missing]
    if gone:
        listed = ", ".join(f"{name!r} ({count} cells, first in row {row})" for name, count, row in gone[:10])
        raise DataError(
            f"cells are missing in {listed}", fix="use --missing median or --missing drop", code="missing-cells"
        )
