"""text_table: a text table to arrays: columns that look like numbers are cast as a whole by DuckDB's reader; where it
refuses a cell, one query casts what it can, and only columns with a mark of a refused cell are read again as text.

DuckDB's cast to DOUBLE takes more than a number: "1_000", "+-1", "007" for 7, and whole numbers beyond 2^53, which it
rounds. A scan of the bytes, beside the query, tells whether such cells may be in the file; if so they are looked for.
"""

import csv
import io
import re
import zlib
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from descend.arrays import Array
from descend.errors import DataError
from descend.table import files
from descend.table.categorical import Categorical
from descend.table.dialect import LONGEST_LINE, Dialect, advise_encoding, data_records, faults
from descend.table.numbers import EXACT, PLAIN
from descend.table.reading import VERBATIM_TEXT, Conventions
from descend.table.strays import find_strays, scan
from descend.table.texts import BLANKS, MISSING_AMONG_NUMBERS, MISSING_WORDS, Engine, floats, quoted

SAMPLED = 500  # records whose cells decide which columns are cast (arbitrary)
Cast = Array | Categorical  # numbers, NaN where missing, or text
LOOKS_NUMERIC = re.compile(rf"[ \t]*-?(?!0\d)(?:{PLAIN.removeprefix('[+-]?')})[ \t]*", re.ASCII)


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of the columns that were asked for.

    Args:
        columns: by position in the file; float64 with NaN where missing, or text.
        rows: the number of rows.
        sha256: of the file, where it was read as it is.
        dialect: with the stray lines that were left out.
        notes: what a person should know.
    """

    columns: dict[int, Cast]
    rows: int
    sha256: str | None
    dialect: Dialect
    notes: tuple[str, ...]


def read_cells(
    engine: Engine, path: Path, dialect: Dialect, at: Sequence[int], text: Sequence[int], conventions: Conventions
) -> Cells:  # fmt: skip
    """Read columns of a text table.

    Args:
        engine: reads the file.
        path: of the file.
        dialect: how it is written.
        at: positions of the columns.
        text: positions of those that stay text, whatever they look like.
        conventions: words that mean missing, and the decimal sign.

    Raises DataError naming the lines at fault.
    """
    import duckdb

    failure, columns = None, dict[int, Cast]()
    with ExitStack() as copies:
        source, written = path, dialect
        try:
            if dialect.encoding not in ("utf-8", "utf-8-sig"):
                source, written = _as_utf8(path, dialect.encoding), replace(dialect, encoding="utf-8")
                copies.callback(source.unlink)
            with ThreadPoolExecutor(1) as pool:
                scanning = pool.submit(scan, source, written)
                try:
                    columns = _query(engine, source, written, at, text, conventions)
                except duckdb.Error as error:
                    failure = error
                bytes_ = scanning.result()
            notes: tuple[str, ...] = ()
            if bytes_.suspected:
                found, notes = find_strays(source, written)
                dialect, written = replace(dialect, strays=found.strays), found
            if bytes_.mixed_line_ends or written.strays:
                source = _rewritten(source, path, written)
                copies.callback(source.unlink)
                written = replace(written, encoding="utf-8", header=False, skip=0, strays=frozenset(), line_feeds=True)
                columns = _query(engine, source, written, at, text, conventions)
            elif failure is not None:
                raise failure
            if bytes_.odd:
                columns |= _odd(engine, source, written, [j for j in at if not isinstance(columns[j], Categorical)])
        except (EOFError, OSError, zlib.error) as error:
            raise files.damaged(path, error) from error
        except duckdb.Error as error:
            raise _fault(path, dialect) or unread(path, error) from error
    rows = len(next(iter(columns.values()))) if columns else 0
    if rows == 0:
        raise faults(path, dialect) or DataError(
            f"the file {str(path)!r} has a header of {len(dialect.names)} columns and no rows",
            fix="bring a table with rows", code="no-rows",
        )  # fmt: skip
    digest = bytes_.sha256 if dialect.encoding in ("utf-8", "utf-8-sig") and not files.is_gzip(path) else None
    return Cells(columns, rows, digest, dialect, notes + _control_notes(columns, dialect))


def _query(
    engine: Engine, source: Path, dialect: Dialect, at: Sequence[int], text: Sequence[int], conventions: Conventions
) -> dict[int, Cast]:  # fmt: skip
    looks = look(source, dialect, conventions.null)
    numeric = [j for j in at if j in looks.numeric and j not in text]
    columns = _cast(engine, source, dialect, at, numeric, looks.words, conventions)
    if columns is None:
        columns = _select(
            engine, source, dialect, with_marks(at, numeric, conventions), text=set(at).difference(numeric)
        )
    again = [j for j in numeric if is_doubtful(columns[j], conventions)]
    return columns | _select(engine, source, dialect, {j: f"c{j}" for j in again}, text=again)


def _cast(
    engine: Engine, source: Path, dialect: Dialect, at: Sequence[int], numeric: Sequence[int], words: set[str],
    conventions: Conventions,
) -> dict[int, Cast] | None:  # fmt: skip
    """Columns whose numbers the reader itself casts, which never makes text of them; None where it refuses a cell.

    Its words for missing hold for all columns: those of the first records serve, where they mean missing in text too.
    """
    import duckdb

    if not numeric or not castable(words, conventions):
        return None
    try:
        return _select(
            engine, source, dialect, {j: f"c{j}" for j in at}, text=set(at).difference(numeric), cast=numeric,
            null={"", *words},
        )  # fmt: skip
    except duckdb.Error:
        return None


def castable(words: set[str], conventions: Conventions) -> bool:
    """Tell whether these words mean missing in columns of text too, so that the reader may take them so in all columns."""
    verbatim = VERBATIM_TEXT in (conventions.readings or {}).values()
    return not words.difference(() if verbatim else MISSING_WORDS, conventions.null, ("",))


def is_doubtful(values: Cast, conventions: Conventions) -> bool:
    """Tell whether a column holds a mark, or points that may be thousands separators."""
    assert not isinstance(values, Categorical)
    if (np.abs(values) >= EXACT).any():
        return True
    if not (conventions.decimal == "," or (conventions.decimal is None and conventions.grouped_points)):
        return False
    broken = values[(values != np.floor(values)) & ~np.isnan(values)]
    return bool(broken.size) and bool(
        np.allclose(broken * 1000, np.round(broken * 1000), rtol=1e-12) or conventions.decimal == ","
    )


def with_marks(at: Sequence[int], numeric: Collection[int], conventions: Conventions) -> dict[int, str]:
    """Return the SQL of columns by position: those of numbers with marks, text as it is."""
    words = ", ".join(map(quoted, (*MISSING_AMONG_NUMBERS, *conventions.null)))
    return {j: _marked(f"c{j}", words) if j in numeric else f"c{j}" for j in at}


def _marked(cell: str, words: str) -> str:
    """The SQL of a column of numbers: NaN where missing, inf where a cell is refused."""
    blanks = quoted(BLANKS)
    missing = f"{cell} IS NULL OR trim({cell}, {blanks}) IN ({words})"
    return f"coalesce(TRY_CAST({cell} AS DOUBLE), CASE WHEN {missing} THEN 'nan'::DOUBLE ELSE 'inf'::DOUBLE END)"


def _odd(engine: Engine, source: Path, dialect: Dialect, at: Sequence[int]) -> dict[int, Cast]:
    """As text, the columns of numbers with a cell that the cast takes for another number than it shows, if any."""
    odd = odd_columns(engine, source, dialect, at)
    return _select(engine, source, dialect, {j: f"c{j}" for j in odd}, text=odd)


def odd_columns(engine: Engine, source: Path, dialect: Dialect, at: Sequence[int]) -> list[int]:
    """Return the columns of numbers with a cell that the cast takes for another number than it shows."""
    # Few parts: DuckDB plans comparisons of 500 columns for 7 s, and these three for 0.2 s; rows take the same time.
    tests = "contains({c}, '_') OR {c} < '-' OR regexp_matches({c}, '^-?0[0-9]')"
    found = _select(engine, source, dialect, {j: f"bool_or({tests.format(c=f'c{j}')})" for j in at})
    return [j for j in at if np.asarray(found[j])[0] == 1]


@dataclass(frozen=True)
class Looks:
    """What the first records show.

    Args:
        numeric: positions of the columns of which each cell is a number or missing, and one is a number.
        words: for missing, in these columns.
    """

    numeric: frozenset[int]
    words: set[str]


def look(source: Path, dialect: Dialect, null: Sequence[str]) -> Looks:
    """Return what the first records show, which decides how columns are cast."""
    missing = {*MISSING_AMONG_NUMBERS, *null}
    text = files.head_of(source).decode("utf-8-sig", errors="replace")
    head = io.StringIO(text, newline="")
    for _ in range(dialect.skip):
        head.readline()
    width, records = len(dialect.names), []
    limit = csv.field_size_limit(LONGEST_LINE)
    try:
        for row in csv.reader(head, delimiter=dialect.delimiter):
            records += [row] if len(row) == width else []
            if len(records) > SAMPLED:
                break
    except csv.Error:
        pass
    finally:
        csv.field_size_limit(limit)
    numeric, words = set(), set[str]()
    for j, cells in enumerate(zip(*records[int(dialect.header) :], strict=True)):
        present = [cell for cell in cells if cell.strip(BLANKS) not in missing]
        if present and all(map(LOOKS_NUMERIC.fullmatch, present)):
            numeric.add(j)
            words.update(set(cells).difference(present))
    return Looks(frozenset(numeric), words)


def _select(
    engine: Engine, source: Path, dialect: Dialect, expressions: dict[int, str], *, text: Iterable[int] = (),
    cast: Collection[int] = (), null: Iterable[str] = ("",),
) -> dict[int, Cast]:  # fmt: skip
    """Run one query over the file.

    Args:
        engine, source, dialect: what reads, what is read, and how it is written.
        expressions: of SQL, by position: the file's columns are c0, c1, ...
        text: positions of the expressions that are text.
        cast: positions of the columns that the reader casts to numbers.
        null: cells that are missing.
    """
    if not expressions:
        return {}
    query, parameters = query_of(source, dialect, expressions, cast=cast, null=null)
    found = engine.columns(query, parameters, [f"c{j}" for j in text])
    return {j: v if isinstance(v := found[f"c{j}"], Categorical) else floats(v) for j in expressions}


def query_of(
    source: Path, dialect: Dialect, expressions: dict[int, str], *, cast: Collection[int] = (), null: Iterable[str] = ("",)
) -> tuple[str, list[str]]:  # fmt: skip
    """Return the query that `_select` runs, whose columns are c0, c1, ..., and its parameters."""
    types = ", ".join(f"'c{j}': '{'DOUBLE' if j in cast else 'VARCHAR'}'" for j in range(len(dialect.names)))
    chosen = ", ".join(f"{expression} AS c{j}" for j, expression in expressions.items())
    line_end = "new_line='\\n', " if dialect.line_feeds else ""  # DuckDB may take that of a quoted cell else
    query = (
        f"SELECT {chosen} FROM read_csv(?, delim=?, quote='\"', escape='\"', header={dialect.header}, columns={{{types}}}, "
        f"auto_detect=false, strict_mode=true, null_padding=false, nullstr=[{', '.join(map(quoted, null))}], "
        f"skip={dialect.skip}, {line_end}compression='{'gzip' if files.is_gzip(source) else 'none'}', "
        f"max_line_size={LONGEST_LINE})"
    )
    return query, [str(source), dialect.delimiter]


def _fault(path: Path, dialect: Dialect) -> DataError | None:
    try:
        return faults(path, dialect)
    except (EOFError, OSError, zlib.error) as error:
        return files.damaged(path, error)


def _rewritten(source: Path, path: Path, dialect: Dialect) -> Path:
    """The rows alone, with line ends of one kind, in a temporary file, which the caller removes."""
    if fault := faults(source, dialect, called=path):
        raise fault
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=dialect.delimiter, lineterminator="\n")
    try:
        writer.writerows(cells or [""] for _, cells in data_records(source, dialect, strict=True, errors="strict"))
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    return files.spool(io.BytesIO(text.getvalue().encode()))


def _as_utf8(path: Path, encoding: str) -> Path:
    with files.opened(path) as file:
        content = file.read()
    try:
        return files.spool(io.BytesIO(content.decode(encoding).encode()))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(
            f"the file {str(path)!r} is not {encoding} text: line {line} holds bytes that are none",
            fix="try another --encoding", code="encoding",
        ) from None  # fmt: skip


def _control_notes(columns: dict[int, Cast], dialect: Dialect) -> tuple[str, ...]:
    """Say it when text that was declared latin-1 holds control characters, which are letters and signs in cp1252."""
    if dialect.encoding.lower().replace("_", "-") not in ("latin-1", "latin1", "iso-8859-1", "iso8859-1"):
        return ()
    cells = (cell for values in columns.values() if isinstance(values, Categorical) for cell in values.categories)
    count = sum(any("\x80" <= c <= "\x9f" for c in cell) for cell in (*cells, *dialect.names))
    if not count:
        return ()
    return (
        f"{count:,} different cells hold control characters, which no text does: --encoding cp1252 reads them as letters and signs",
    )


def unread(path: Path, error: object, fix: str = "open it in an editor and check that line") -> DataError:
    """Return what to raise for a file that DuckDB does not read."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given")
    if "unicode" in str(error).lower() or "utf-8" in str(error).lower():
        return _not_utf8(path)
    return DataError(f"the file {str(path)!r} cannot be read: {text[:200].rstrip('.')}", fix=fix, code="unreadable")


def _not_utf8(path: Path) -> DataError:
    with files.opened(path) as file:
        content = file.read()
    for line, text in enumerate(content.split(b"\n"), 1):
        try:
            text.decode()
        except UnicodeDecodeError as error:
            return DataError(
                f"the file {str(path)!r} is not utf-8 text: byte {text[error.start]:#04x} in line {line}",
                fix=advise_encoding(content), code="encoding",
            )  # fmt: skip
    return DataError(f"the file {str(path)!r} is not utf-8 text", fix="name its encoding", code="encoding")
