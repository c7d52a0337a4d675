"""Schema: how columns become features; fitted on training rows, applied to any."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import DataError, ModelError
from descend.table.table import Column, Kind, Table, text_of

MISSING = "(missing)"  # the level of a category's missing cells
NEW_SHARE = 0.9  # a text column whose cells are new so often is an identifier
FEWEST_ROWS = 20  # below this many rows nothing is called an identifier


@dataclass(frozen=True)
class Feature:
    """One column that is used.

    Args:
        column: its name.
        kind: what it holds.
        levels: of a category, in order.
        median: fills missing cells of other kinds.
        flag: whether a feature of its own says which cells were missing.
    """

    column: str
    kind: Kind
    levels: tuple[str, ...] = ()
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

    def encode(self, table: Table) -> Encoded:
        """Return the features of a table; columns are found by name, others are ignored.

        Raises ModelError when columns are missing, or one holds text where training had numbers.
        """
        self._check(table)
        unseen: dict[str, int] = {}
        filled: dict[str, int] = {}
        X, at = np.zeros((table.rows, len(self.names))), 0
        for feature in self.features:
            column, width = table[feature.column], len(feature.names)
            encode = _encode_category if feature.kind == Kind.CATEGORY else _encode_number
            unseen_here, filled_here = encode(feature, column, X[:, at : at + width])
            unseen |= {feature.column: unseen_here} if unseen_here else {}
            filled |= {feature.column: filled_here} if filled_here else {}
            at += width
        return Encoded(X, self.names, unseen, filled)

    def _check(self, table: Table) -> None:
        absent = [f.column for f in self.features if f.column not in table.names]
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
                    fix="mend the column",
                    code="column-kind",
                )
            if column.kind == Kind.CATEGORY:
                at = int(np.argmin(column.is_missing))
                raise ModelError(
                    f"the column {f.column!r} holds text, such as {str(column.values[at])[:60]!r} in row {at + 1}, the model "
                    f"was trained on a {f.kind.value}",
                    fix="mend the column",
                    code="column-kind",
                )

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back."""
        features = [
            {"column": f.column, "kind": f.kind.value, "levels": list(f.levels), "median": f.median, "flag": f.flag}
            for f in self.features
        ]
        return {"features": features, "dropped": dict(self.dropped), "missing": self.missing}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Schema":
        """Read what `to_json` returned."""
        features = tuple(
            Feature(f["column"], Kind(f["kind"]), tuple(f["levels"]), float(f["median"]), bool(f["flag"]))
            for f in document["features"]
        )
        return cls(features, dict(document["dropped"]), document["missing"])


def fit_schema(table: Table, *, missing: str = "median", max_levels: int = 50) -> Schema:
    """Decide, from training rows alone, how each column is used.

    Args:
        table: training rows, without target and weights.
        missing: "median" fills and flags; "drop" expects complete rows; "error" refuses missing cells.
        max_levels: a category with more levels is left out.

    Constant columns, columns without values and identifiers are left out, with the reason. Whole numbers that count
    the rows are an identifier only beside other columns, and never in an array, whose columns somebody chose.
    """
    if missing == "error":
        _refuse_missing(table)
    dropped = {c.name: reason for c in table.columns if (reason := _useless(c, max_levels))}
    counters = {c.name: reason for c in table.columns if c.name not in dropped and (reason := _counter(c))}
    if table.source.format != "array" and len(dropped) + len(counters) < len(table.columns):
        dropped |= counters
    features = tuple(_feature(c, missing) for c in table.columns if c.name not in dropped)
    return Schema(features, dropped, missing)


def complete_rows(table: Table, schema: Schema) -> Array:
    """Return which rows have a value in every column that the schema uses (rows,)."""
    whole = np.ones(table.rows, bool)
    for feature in schema.features:
        whole &= ~table[feature.column].is_missing
    return whole


def _useless(column: Column, max_levels: int) -> str | None:
    given = column.values[~column.is_missing]
    if len(given) == 0:
        return "every cell is missing"
    distinct = np.unique(given.astype(str) if column.kind == Kind.CATEGORY else given)
    if len(distinct) == 1 and column.missing == 0:
        shown = repr(str(distinct[0])[:60]) if column.kind == Kind.CATEGORY else f"{distinct[0]:g}"
        return f"constant: every value is {shown}"
    if column.kind == Kind.CATEGORY:
        if len(distinct) > max(2, NEW_SHARE * len(given)) and len(given) >= FEWEST_ROWS:
            return f"identifier: {len(distinct):,} levels in {len(given):,} rows"
        if len(distinct) > max_levels:
            return f"{len(distinct):,} levels, more than {max_levels} (see --max-levels)"
    return None


def _counter(column: Column) -> str | None:
    """The reason to leave out whole numbers that rise row by row through nearly all of their range."""
    given = column.values[~column.is_missing]
    if column.kind != Kind.NUMBER or len(given) < FEWEST_ROWS or (given != np.round(given)).any():
        return None
    if (np.diff(given) <= 0).any() or given[-1] - given[0] >= 2 * len(given):
        return None
    return f"identifier: it numbers the rows from {given[0]:g} to {given[-1]:g}"


def _feature(column: Column, missing: str) -> Feature:
    gone = column.is_missing
    if column.kind == Kind.CATEGORY:
        given = {str(v) for v in column.values[~gone]}
        levels = sorted(given - {MISSING}) + ([MISSING] if gone.any() or MISSING in given else [])
        return Feature(column.name, column.kind, tuple(levels))
    return Feature(
        column.name, column.kind, (), float(np.median(column.values[~gone])), bool(gone.any()) and missing != "drop"
    )


def _encode_category(feature: Feature, column: Column, X: Array) -> tuple[int, int]:
    at = {level: j for j, level in enumerate(feature.levels)}
    texts = _texts(column, feature.levels)
    index = np.array([at.get(text, -1) for text in texts], np.int64)
    known = index >= 0
    X[np.flatnonzero(known), index[known]] = 1.0
    return int((~known & ~column.is_missing).sum()), 0


def _encode_number(feature: Feature, column: Column, X: Array) -> tuple[int, int]:
    gone = column.is_missing
    values = np.full(len(gone), np.nan) if column.kind == Kind.CATEGORY else column.values
    X[:, 0] = np.where(gone, feature.median, values)
    if feature.flag:
        X[:, 1] = gone
    return 0, int(gone.sum())


def _texts(column: Column, levels: tuple[str, ...]) -> list[str]:
    """Cells as text; at prediction, a column of digits may have been read as numbers, and one of true and false as booleans."""
    if column.kind == Kind.BOOLEAN:
        spelled = {level.lower(): level for level in levels}
        cells = ["true" if value else "false" for value in column.values]
        cells = [spelled.get(cell, cell) for cell in cells]
    else:
        cells = [value if isinstance(value, str) else text_of(value or 0.0) for value in column.values]
    return [MISSING if gone else cell for cell, gone in zip(cells, column.is_missing, strict=True)]


def _refuse_missing(table: Table) -> None:
    gone = [(c.name, c.missing, int(np.argmax(c.is_missing)) + 1) for c in table.columns if c.missing]
    if gone:
        told = ", ".join(f"{name!r} ({count} cells, first in row {row})" for name, count, row in gone[:10])
        raise DataError(
            f"cells are missing in {told}", fix="use --missing median or --missing drop", code="missing-cells"
        )
