"""read: a file to a table, by DuckDB, saying what was decided."""

import csv
import io
import os
import sys
import zlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from descend.errors import DataError
from descend.table import files
from descend.table.dialect import LONGEST_LINE, Dialect, faults, line_of, records, sniff
from descend.table.frames import check_names
from descend.table.table import Source, Table
from descend.table.types import column_of_text, column_of_values


def read(
    path: str | os.PathLike[str], *, format: str = "auto", delimiter: str | None = None, decimal: str | None = None,
    encoding: str | None = None, null: Sequence[str] = (), header: bool | None = None,
) -> Table:  # fmt: skip
    """Read a table from a path, or from standard input when it is "-".

    Args:
        path: a CSV, Parquet or JSON-lines file; CSV may be gzipped.
        format: "auto", "csv", "parquet" or "jsonl".
        delimiter, encoding, header: of CSV; found when None.
        decimal: "." or ","; found when None.
        null: words that mean missing, besides the usual ones.

    Raises DataError when the file cannot be read as a table, naming the file and, where there is one, line and column.
    """
    if str(path) == "-":
        return _from_stdin(format, delimiter, decimal, encoding, null, header)
    return _read(Path(path), Path(path).name, format, delimiter, decimal, encoding, null, header)


def _from_stdin(format: str, *options: Any) -> Table:
    """Read standard input, spooled to a file that is removed; errors name it, and not the file."""
    spooled = files.spool(sys.stdin.buffer)
    try:
        return _read(spooled, "standard input", format, *options)
    except DataError as error:
        what = error.what.replace(f"the file {str(spooled)!r}", "standard input").replace(str(spooled), "-")
        raise DataError(what, fix=error.fix, code=error.code) from None
    finally:
        spooled.unlink()


def _read(
    path: Path, name: str, format: str, delimiter: str | None, decimal: str | None,
    encoding: str | None, null: Sequence[str], header: bool | None,
) -> Table:  # fmt: skip
    files.check(path)
    head = files.head_of(path)
    format = files.format_of(path, format, head)
    if format != "csv":
        return _typed(path, name, format)
    dialect = sniff(path, head, delimiter, encoding, header)
    check_names(list(dialect.names), f"the file {str(path)!r}")
    connection = _connect()
    try:
        _load(connection, path, dialect)
        rows = connection.execute("SELECT count(*) FROM cells").fetchone()[0]
        if rows == 0:
            raise faults(path, dialect) or DataError(
                f"the file {str(path)!r} has a header of {len(dialect.names)} columns and no rows",
                fix="bring a table with rows", code="no-rows",
            )  # fmt: skip
        european = decimal == "," or (decimal is None and dialect.delimiter != ",")
        columns, notes = [], list(dialect.notes)
        for at, column in enumerate(dialect.names):
            read, said = column_of_text(
                connection, f"c{at}", column, decimal, european, null, lambda row: _where(path, dialect, row)
            )
            columns.append(read)
            notes += said
    finally:
        connection.close()
    encoding = {"utf-8-sig": "UTF-8 with BOM", "utf-8": "UTF-8"}.get(dialect.encoding, dialect.encoding)
    source = Source(name, "csv", dialect.delimiter, encoding, dialect.header, files.sha256(path), path.stat().st_size)
    return Table(tuple(columns), rows, source, tuple(notes))


def _connect() -> Any:
    import duckdb

    return duckdb.connect(
        ":memory:", config={"autoload_known_extensions": "false", "autoinstall_known_extensions": "false"}
    )


def _where(path: Path, dialect: Dialect, row: int) -> str:
    return f"the file {str(path)!r}, line {line_of(path, dialect, row)}"


def _load(connection: Any, path: Path, dialect: Dialect) -> None:
    """Make the table `cells` of text columns c0, c1, ...; raises DataError naming the lines at fault."""
    import duckdb

    with ExitStack() as spooled:
        source, read_as = path, dialect
        if dialect.encoding not in ("utf-8", "utf-8-sig"):
            source, read_as = _as_utf8(path, dialect.encoding), replace(dialect, encoding="utf-8")
            spooled.callback(source.unlink)
        try:
            if files.has_mixed_line_ends(source):
                source, read_as = _rewritten(source, path, read_as), replace(read_as, encoding="utf-8", skip=0)
                spooled.callback(source.unlink)
            _copy(connection, source, read_as)
        except (EOFError, OSError, zlib.error) as error:
            raise files.damaged(path, error) from error
        except duckdb.Error as error:
            raise _fault(path, dialect) or _unread(path, error) from error


def _copy(connection: Any, source: Path, dialect: Dialect) -> None:
    columns = "{" + ", ".join(f"'c{j}': 'VARCHAR'" for j in range(len(dialect.names))) + "}"
    connection.execute(
        f"CREATE TABLE cells AS SELECT * FROM read_csv(?, delim=?, quote='\"', escape='\"', header={dialect.header}, "
        f"columns={columns}, auto_detect=false, strict_mode=true, null_padding=false, nullstr='', skip={dialect.skip}, "
        f"compression='{'gzip' if files.is_gzip(source) else 'none'}', max_line_size={LONGEST_LINE})",
        [str(source), dialect.delimiter],
    )


def _fault(path: Path, dialect: Dialect) -> DataError | None:
    try:
        return faults(path, dialect)
    except (EOFError, OSError, zlib.error) as error:
        return files.damaged(path, error)


def _rewritten(source: Path, path: Path, dialect: Dialect) -> Path:
    """The same records with line ends of one kind, in a temporary file, which the caller removes."""
    if fault := faults(source, dialect, called=path):
        raise fault
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=dialect.delimiter, lineterminator="\n")
    lone = len(dialect.names) == 1  # an empty line is an empty cell
    try:
        found = records(source, dialect, strict=True, errors="strict")
        writer.writerows(cells or [""] for line, cells in found if cells or (lone and line > dialect.skip))
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    return files.spool(io.BytesIO(text.getvalue().encode()))


def _as_utf8(path: Path, encoding: str) -> Path:
    try:
        with files.opened(path) as file:
            content = file.read()
    except (EOFError, OSError, zlib.error) as error:
        raise files.damaged(path, error) from error
    try:
        return files.spool(io.BytesIO(content.decode(encoding).encode()))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(
            f"the file {str(path)!r} is not {encoding} text: line {line} holds bytes that are none",
            fix="try another --encoding", code="encoding",
        ) from None  # fmt: skip


def _unread(path: Path, error: object, fix: str = "open it in an editor and check that line") -> DataError:
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given")
    if "unicode" in str(error).lower() or "utf-8" in str(error).lower():
        return _not_utf8(path)
    return DataError(f"the file {str(path)!r} cannot be read: {text[:200].rstrip('.')}", fix=fix, code="unreadable")


def _not_utf8(path: Path) -> DataError:
    with files.opened(path) as file:
        for line, content in enumerate(file, 1):
            try:
                content.decode()
            except UnicodeDecodeError as error:
                return DataError(
                    f"the file {str(path)!r} is not utf-8 text: byte {content[error.start]:#04x} in line {line}",
                    fix="name its encoding, such as --encoding latin-1", code="encoding",
                )  # fmt: skip
    return DataError(f"the file {str(path)!r} is not utf-8 text", fix="name its encoding", code="encoding")


def _typed(path: Path, name: str, format: str) -> Table:
    """A file whose columns have types of their own."""
    import duckdb

    reader = {"parquet": "read_parquet(?)", "jsonl": "read_json(?, format='newline_delimited')"}[format]
    connection = _connect()
    try:
        found = connection.execute(f"SELECT * FROM {reader}", [str(path)])
        described = [(d[0], str(d[1])) for d in found.description]
        arrays = found.fetchnumpy()
    except duckdb.Error as error:
        raise _unread(path, error, fix="write it again, and whole") from error
    finally:
        connection.close()
    names = [n for n, _ in described]
    check_names(names, f"the file {str(path)!r}")
    rows = len(next(iter(arrays.values()))) if arrays else 0
    if rows == 0:
        raise DataError(f"the file {str(path)!r} has no rows", fix="bring a table with rows", code="no-rows")
    columns = tuple(column_of_values(n, kind, arrays[n]) for n, kind in described)
    return Table(columns, rows, Source(name, format, sha256=files.sha256(path), size=path.stat().st_size))
