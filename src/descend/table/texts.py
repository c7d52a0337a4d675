"""texts: the distinct cells of a column of text, on which DuckDB computes, so that no row is looked at twice."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from descend.arrays import Array

MISSING_WORDS = ("", "NA", "N/A", "n/a", "na", "NaN", "nan", "null", "NULL", "#N/A")
MISSING_AMONG_NUMBERS = (*MISSING_WORDS, "None", "none", "?", "-", ".")
BLANKS = " \t\u00a0\u202f\u2009"


def connect() -> Any:
    """Return a DuckDB connection in memory that loads no extension by itself."""
    import duckdb

    return duckdb.connect(
        ":memory:", config={"autoload_known_extensions": "false", "autoinstall_known_extensions": "false"}
    )


class Engine:
    """A DuckDB connection that is made when it is first used."""

    def __init__(self) -> None:
        self._connection: Any = None

    @property
    def connection(self) -> Any:
        """The connection."""
        if self._connection is None:
            self._connection = connect()
        return self._connection

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Texts:
    """The distinct cells of one column, trimmed, without those that are missing in a column of numbers or dates.

    Args:
        engine: where expressions are computed.
        cells: (rows,) str or None.
        null: further words that mean missing.
    """

    def __init__(self, engine: Engine, cells: Array, null: Iterable[str] = ()) -> None:
        self._engine = engine
        self._cells: list[str | None] = cells.tolist()
        counts = Counter(self._cells)
        counts.pop(None, None)
        self._trimmed = {raw: raw.strip(BLANKS) for raw in counts if raw is not None}
        self._null = frozenset(null)
        present: dict[str, int] = {}
        for raw, cell in self._trimmed.items():
            if cell not in MISSING_AMONG_NUMBERS and cell not in self._null:
                present[cell] = present.get(cell, 0) + counts[raw]
        self.distinct = list(present)
        self.counts = np.fromiter(present.values(), np.int64, len(present))
        self._table = f"cells{id(self)}"
        self._loaded = False

    @property
    def cells(self) -> int:
        """How many cells are not missing."""
        return int(self.counts.sum())

    def compute(self, expressions: Mapping[str, str]) -> dict[str, Array]:
        """Return SQL expressions of the cell `c`, each with a value a distinct cell; masked where it is NULL."""
        selected = ", ".join(f"{expression} AS {name}" for name, expression in expressions.items())
        return dict(self._query(f"SELECT {selected} FROM {self._table} ORDER BY i").fetchnumpy())

    def numbers(self, expression: str) -> Array:
        """Return a SQL expression as float64 (distinct cells,), NaN where it is NULL."""
        return floats(self.compute({"v": f"CAST({expression} AS DOUBLE)"})["v"])

    def matches(self, *patterns: str) -> list[Array]:
        """Return which distinct cells are matched in full by each regular expression."""
        if not self.distinct:
            return [np.zeros(0, bool) for _ in patterns]
        found = self.compute({f"m{k}": f"regexp_full_match(c, {quoted(p)})" for k, p in enumerate(patterns)})
        return [np.asarray(m, bool) for m in found.values()]

    def share(self, which: Array) -> float:
        """Return which part of the cells these distinct cells make up."""
        return float(self.counts[which].sum() / max(self.cells, 1))

    def column(self, values: Array) -> Array:
        """Return a number a row, from one a distinct cell: NaN where the cell is missing."""
        by_cell = dict(zip(self.distinct, values.tolist(), strict=True))
        by_raw: dict[str | None, float] = {raw: by_cell.get(cell, np.nan) for raw, cell in self._trimmed.items()}
        by_raw[None] = np.nan
        return np.fromiter(map(by_raw.__getitem__, self._cells), np.float64, len(self._cells))

    def categories(self) -> Array:
        """Return the trimmed text of each row, None where a word means missing."""
        words = self._null.union(MISSING_WORDS)
        return self._objects({raw: None if cell in words else cell for raw, cell in self._trimmed.items()}.get)

    def verbatim(self) -> Array:
        """Return each row as it is written; None where it is empty or one of the further words for missing."""
        return self._objects(
            {raw: None if cell in self._null else raw for raw, cell in self._trimmed.items() if raw}.get
        )

    def first_row(self, which: Array) -> int:
        """Return the first row whose cell is one of these distinct cells."""
        wanted = {cell for cell, chosen in zip(self.distinct, which.tolist(), strict=True) if chosen}
        raws = {raw for raw, cell in self._trimmed.items() if cell in wanted}
        return next(row for row, cell in enumerate(self._cells) if cell in raws)

    def _objects(self, read: Callable[[Any], str | None]) -> Array:
        values = np.empty(len(self._cells), object)
        values[:] = list(map(read, self._cells))
        return values

    def _query(self, query: str) -> Any:
        connection = self._engine.connection
        if not self._loaded:
            distinct = {"i": np.arange(len(self.distinct)), "c": np.array([*self.distinct, None], object)[:-1]}
            connection.register("distinct_cells", distinct)
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {self._table} AS SELECT i, c::VARCHAR AS c FROM distinct_cells"
            )
            connection.unregister("distinct_cells")
            self._loaded = True
        return connection.execute(query)


def quoted(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def floats(values: Any) -> Array:
    """Return a possibly masked array as float64, NaN where it is masked."""
    if isinstance(values, np.ma.MaskedArray):
        return np.ma.filled(values.astype(np.float64), np.nan)
    return np.asarray(values, np.float64)
