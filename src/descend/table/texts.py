"""texts: the distinct cells of a column of text, on which DuckDB computes, so that no row is looked at twice."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.table.categorical import Categorical

MISSING_WORDS = ("", "NA", "N/A", "n/a", "na", "NaN", "nan", "null", "NULL", "#N/A")
MISSING_AMONG_NUMBERS = (*MISSING_WORDS, "None", "none", "?", "-", ".")
BLANKS = " \t\u00a0\u202f\u2009"


def connect(config: Mapping[str, str] | None = None) -> Any:
    """Return a DuckDB connection in memory that loads no extension by itself, and writes nothing to standard output.

    Args:
        config: limits, such as of memory and threads; the threads for input and output, of DuckDB 2, are then one, since
            each of eight reserves addresses.
    """
    import duckdb

    own: dict[str, Any] = {
        "autoload_known_extensions": "false",
        "autoinstall_known_extensions": "false",
        **(config or {}),
    }
    try:
        connection = duckdb.connect(":memory:", config=own if config is None else {**own, "async_threads": "1"})
    except duckdb.CatalogException:  # DuckDB 1 has none
        connection = duckdb.connect(":memory:", config=own)
    with contextlib.suppress(
        duckdb.InvalidInputException
    ):  # refused in a notebook without ipywidgets, which has no bar
        connection.execute("SET enable_progress_bar = false")  # DuckDB 2 draws one after two seconds, on a pipe too
    return connection


class Engine:
    """A DuckDB connection that is made when it is first used.

    Args:
        connection: one that is there already, and is closed with this.
    """

    def __init__(self, connection: Any = None) -> None:
        self._connection = connection

    @property
    def connection(self) -> Any:
        """The connection."""
        if self._connection is None:
            self._connection = connect()
        return self._connection

    def columns(self, query: str, parameters: Sequence[str], text: Iterable[str]) -> dict[str, Any]:
        """Return the columns of a query by name: those of `text` as Categorical, others as arrays, masked where NULL.

        Text is numbered by DuckDB, in a table of its own, which costs half of making a string of each cell.
        """
        text, connection = tuple(text), self.connection
        if not text:
            return dict(connection.execute(query, parameters).fetchnumpy())
        connection.execute(f"CREATE OR REPLACE TEMP TABLE found AS {query}", parameters)
        try:
            others = f"SELECT * EXCLUDE ({', '.join(map(identifier, text))}) FROM found"
            alone = len(text) == len(connection.execute("DESCRIBE found").fetchall())
            numbers = {} if alone else dict(connection.execute(others).fetchnumpy())
            return numbers | {name: self._categorical(name) for name in text}
        finally:
            connection.execute("DROP TABLE found")

    def _categorical(self, name: str) -> Categorical:
        """A column of text of the table `found`; a join may return its rows in any order."""
        c = identifier(name)
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE categories AS SELECT c, row_number() OVER (ORDER BY first) - 1 AS code "
            f"FROM (SELECT {c} AS c, min(rowid) AS first FROM found WHERE {c} IS NOT NULL GROUP BY 1)"
        )
        rows = self.connection.execute(
            f"SELECT found.rowid AS at, coalesce(code, -1)::INTEGER AS code FROM found LEFT JOIN categories ON {c} = c"
        ).fetchnumpy()
        codes = np.empty(len(rows["at"]), np.int32)
        codes[rows["at"]] = rows["code"]
        return Categorical(codes, self.connection.execute("SELECT c FROM categories ORDER BY code").fetchnumpy()["c"])

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
        cells: of the column (rows,).
        null: further words that mean missing.
    """

    def __init__(self, engine: Engine, cells: Categorical, null: Iterable[str] = ()) -> None:
        self._engine = engine
        self._null = frozenset(null)
        absent = self._null.union(MISSING_AMONG_NUMBERS)
        self._raw = cells
        self._cells = cells.renamed(lambda raw: None if (cell := raw.strip(BLANKS)) in absent else cell)
        self.distinct: list[str] = self._cells.categories.tolist()
        self.counts = self._cells.counts
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
        return self._cells.look_up(np.asarray(values, np.float64), np.nan)

    def categories(self) -> Categorical:
        """Return the trimmed text of each row, missing where a word means missing."""
        words = self._null.union(MISSING_WORDS)
        return self._raw.renamed(lambda raw: None if (cell := raw.strip(BLANKS)) in words else cell)

    def verbatim(self) -> Categorical:
        """Return each row as it is written; missing where it is empty or one of the further words for missing."""
        return self._raw.renamed(lambda raw: None if not raw or raw.strip(BLANKS) in self._null else raw)

    def first_row(self, which: Array) -> int:
        """Return the first row whose cell is one of these distinct cells."""
        return int(np.argmax(self._cells.look_up(which, False)))

    def _query(self, query: str) -> Any:
        connection = self._engine.connection
        if not self._loaded:
            distinct = {"i": np.arange(len(self.distinct)), "c": self._cells.categories}
            connection.register("distinct_cells", distinct)
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {self._table} AS SELECT i, c::VARCHAR AS c FROM distinct_cells"
            )
            connection.unregister("distinct_cells")
            self._loaded = True
        return connection.execute(query)


def identifier(name: str) -> str:
    """Return a name of SQL, whatever its letters."""
    return '"' + name.replace('"', '""') + '"'


def quoted(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def floats(values: Any) -> Array:
    """Return a possibly masked array as float64, NaN where it is masked."""
    if isinstance(values, np.ma.MaskedArray):
        return np.ma.filled(values.astype(np.float64), np.nan)
    return np.asarray(values, np.float64)
