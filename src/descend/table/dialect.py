"""dialect: encoding, delimiter and header of a text table, decided from its first rows and checked on all of them."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from descend.errors import DataError, UsageError
from descend.table import files

DELIMITERS = (",", ";", "\t", "|")
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
SAMPLE_LINES = 500
NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d+)*|[.,]\d+)(e[+-]?\d+)?\s*", re.IGNORECASE)
LONGEST_LINE = 1 << 22


@dataclass(frozen=True)
class Dialect:
    """How a text table is written.

    Args:
        delimiter: one character.
        encoding: as Python names it.
        header: whether the first row names the columns.
        names: the columns' names.
        notes: what a person should know.
        skip: blank lines before the first row.
    """

    delimiter: str
    encoding: str
    header: bool
    names: tuple[str, ...]
    notes: tuple[str, ...]
    skip: int = 0


def sniff(path: Path, head: bytes, delimiter: str | None, encoding: str | None, header: bool | None) -> Dialect:
    """Decide what was not told; raises DataError for text that is no table."""
    encoding = _encoding(path, head, encoding)
    text = _decode(path, head, encoding)
    if not text.strip():
        raise _bad(path, "holds only white space", "bring a table with a header and rows", "empty-file")
    rows = {d: _rows(text, d) for d in DELIMITERS}
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        what = f"delimiter is {delimiter!r}, it must be one character, and no quote or line end"
        raise UsageError(what, fix="try ,", code="bad-delimiter")
    found = delimiter or max(DELIMITERS, key=lambda d: _score(rows[d]))
    first = (rows[found] if found in rows else _rows(text, found))[0]
    better = max(DELIMITERS, key=lambda d: _score(rows[d]))
    if delimiter not in (None, better) and len(first) == 1 and len(rows[better][0]) > 1:
        raise _bad(
            path, f"has one column, {first[0][:60]!r}, with the delimiter {delimiter!r}",
            f"leave --delimiter out: {NAMES[better]} gives {len(rows[better][0])} columns", "wrong-delimiter",
        )  # fmt: skip
    numbers = all(NUMBER.fullmatch(cell) for cell in first)
    header = not numbers if header is None else header
    notes = (
        () if header else ("the first row holds numbers only: read as data, columns are named column1, column2, ...",)
    )
    names = tuple(cell.strip() for cell in first) if header else tuple(f"column{j + 1}" for j in range(len(first)))
    return Dialect(found, encoding, header, names, notes, _blank_lines(text))


def _encoding(path: Path, head: bytes, told: str | None) -> str:
    marks = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    marked = next((name for mark, name in marks.items() if head.startswith(mark)), None)
    if told is None:
        if marked == "utf-16":
            raise _bad(path, "is UTF-16 text", "use --encoding utf-16", "encoding")
        return marked or "utf-8"
    try:
        "".encode(told)
    except LookupError:
        raise UsageError(
            f"there is no encoding {told!r}", fix="try utf-8, latin-1, cp1252 or utf-16", code="bad-encoding"
        ) from None
    plain = told.lower().replace("_", "-")
    if plain in ("utf-8", "utf8"):
        return "utf-8-sig" if marked == "utf-8-sig" else "utf-8"
    if plain.startswith("utf-16"):
        if b"\x00" not in head:
            raise _bad(path, f"is not {told} text: it holds no zero byte", "leave --encoding out", "encoding")
        return marked or told
    return told


def _decode(path: Path, head: bytes, encoding: str) -> str:
    try:
        text = head.decode(encoding)
    except UnicodeDecodeError as error:
        if error.start > len(head) - 8 and len(head) >= 1 << 20:
            return head[: error.start].decode(encoding, errors="ignore")
        line = head[: error.start].count(b"\n") + 1
        raise _bad(
            path, f"is not {encoding} text: byte {head[error.start]:#04x} in line {line}",
            "name its encoding, such as --encoding latin-1", "encoding",
        ) from None  # fmt: skip
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        raise _bad(path, f"holds a NUL byte in line {line} and is no text", "export it as CSV", "binary-file")
    return text


def _rows(text: str, delimiter: str) -> list[list[str]]:
    """The first rows; empty lines do not count."""
    reader, rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), []
    try:
        for row in reader:
            if row:
                rows.append(row)
            if len(rows) >= SAMPLE_LINES:
                break
    except csv.Error:
        pass
    return rows or [[""]]


def _blank_lines(text: str) -> int:
    blank = text[: len(text) - len(text.lstrip("\r\n"))]
    return len(blank.splitlines())


def _score(rows: list[list[str]]) -> tuple[float, int]:
    """How much this looks like the right delimiter: rows of one width, then more columns."""
    width, count = Counter(map(len, rows)).most_common(1)[0]
    return (count / len(rows) if width > 1 else 0.0), width


def faults(path: Path, dialect: Dialect, most: int = 10, *, called: Path | None = None) -> DataError | None:
    """Return what is wrong with the rows: widths that differ, or a quote that never closes; None when nothing is.

    A temporary copy is called by the path of the file that the user knows.
    """
    name = called or path
    wrong: list[tuple[int, int]] = []
    total, width = 0, len(dialect.names)
    begun = 1
    try:
        for begun, row in records(path, dialect, strict=True):
            if row and len(row) != width:
                total += 1
                wrong += [(begun, len(row))] if len(wrong) < most else []
    except Unfinished as error:
        return _unfinished(name, error)
    if not wrong:
        return None
    lines = ", ".join(f"line {line} has {count}" for line, count in wrong)
    return _bad(
        name, f"has {width} columns, but {lines} ({total} lines in all)",
        "quote cells that hold the delimiter, or use --delimiter", "ragged-row",
    )  # fmt: skip


class Unfinished(Exception):
    """A record that cannot be read: the line at which it begins, and why."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


def records(
    path: Path, dialect: Dialect, *, strict: bool = False, errors: str = "replace"
) -> Iterator[tuple[int, list[str]]]:  # fmt: skip
    """Yield the line at which each record begins, and its cells, none for an empty line; raises Unfinished."""
    limit = csv.field_size_limit(LONGEST_LINE)
    begun = 1
    try:
        with io.TextIOWrapper(files.opened(path), dialect.encoding, errors=errors, newline="") as file:
            reader = csv.reader(file, delimiter=dialect.delimiter, strict=strict)
            for row in reader:
                yield begun, row
                begun = reader.line_num + 1
    except csv.Error as error:
        raise Unfinished(begun, str(error)) from None
    finally:
        csv.field_size_limit(limit)


def _unfinished(path: Path, error: Unfinished) -> DataError:
    if "limit" in str(error):
        what, fix = f"has a cell of more than {LONGEST_LINE:,} characters in line", "check that it is a table"
        return _bad(path, f"{what} {error.line}", fix, "line-too-long")
    what = f"has a quote that opens in line {error.line} and is not closed properly"
    return _bad(path, what, "mend that line", "quote")


def line_of(path: Path, dialect: Dialect, row: int) -> int:
    """Return the line of the file at which a data row (0 is the first) begins."""
    at = -1 if dialect.header else 0
    for line, cells in records(path, dialect):
        counts = bool(cells) or (len(dialect.names) == 1 and line > dialect.skip)  # an empty line is an empty cell
        if counts and at == row:
            return line
        at += counts
    raise IndexError(row)


def _bad(path: Path, what: str, fix: str, code: str) -> DataError:
    return DataError(f"the file {str(path)!r} {what}", fix=fix, code=code)
