"""dialect: encoding, delimiter and header of a text table, decided from its first rows and checked on all of them."""

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from descend.errors import DataError, UsageError

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
    """

    delimiter: str
    encoding: str
    header: bool
    names: tuple[str, ...]
    notes: tuple[str, ...]


def sniff(path: Path, head: bytes, delimiter: str | None, encoding: str | None, header: bool | None) -> Dialect:
    """Decide what was not told; raises DataError for text that is no table."""
    encoding = _encoding(path, head, encoding)
    text = _decode(path, head, encoding)
    if not text.strip():
        raise _bad(path, "holds only white space", "bring a table with a header and rows", "empty-file")
    if max(map(len, text.splitlines()[:SAMPLE_LINES])) >= LONGEST_LINE:
        raise _bad(
            path, f"has a line of more than {LONGEST_LINE:,} characters", "check that it is a table", "line-too-long"
        )
    rows = {d: _rows(text, d) for d in DELIMITERS}
    if delimiter is not None and len(delimiter) != 1:
        raise UsageError(f"delimiter is {delimiter!r}, it must be one character", fix="try ,", code="bad-delimiter")
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
    return Dialect(found, encoding, header, names, notes)


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
    return marked if told.lower().replace("_", "-") in ("utf-8", "utf8") and marked == "utf-8-sig" else told


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
    """The first rows; blank lines do not count."""
    reader, rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), []
    try:
        for row in reader:
            if row and any(cell.strip() for cell in row):
                rows.append(row)
            if len(rows) >= SAMPLE_LINES:
                break
    except csv.Error:
        pass
    return rows or [[""]]


def _score(rows: list[list[str]]) -> tuple[float, int]:
    """How much this looks like the right delimiter: rows of one width, then more columns."""
    width, count = Counter(map(len, rows)).most_common(1)[0]
    return (count / len(rows) if width > 1 else 0.0), width


def faults(path: Path, dialect: Dialect, most: int = 10) -> DataError | None:
    """Return what is wrong with the rows: widths that differ, or a quote that never closes; None when nothing is."""
    wrong: list[tuple[int, int]] = []
    total, width = 0, len(dialect.names)
    with path.open(encoding=dialect.encoding, errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=dialect.delimiter, strict=True)
        begun = 1
        try:
            for row in reader:
                if row and len(row) != width:
                    total += 1
                    wrong += [(begun, len(row))] if len(wrong) < most else []
                begun = reader.line_num + 1
        except csv.Error:
            return _bad(
                path, f"has a quote that opens in line {begun} and is not closed properly", "mend that line", "quote"
            )
    if not wrong:
        return None
    lines = ", ".join(f"line {line} has {count}" for line, count in wrong)
    return _bad(
        path, f"has {width} columns, but {lines} ({total} lines in all)",
        "quote cells that hold the delimiter, or use --delimiter", "ragged-row",
    )  # fmt: skip


def line_of(path: Path, dialect: Dialect, row: int) -> int:
    """Return the line of the file at which a data row (0 is the first) begins."""
    with path.open(encoding=dialect.encoding, errors="replace", newline="") as file:
        reader, at, begun = csv.reader(file, delimiter=dialect.delimiter), -1 if dialect.header else 0, 1
        for cells in reader:
            if cells and at == row:
                return begun
            at += bool(cells)
            begun = reader.line_num + 1
    return begun


def _bad(path: Path, what: str, fix: str, code: str) -> DataError:
    return DataError(f"the file {str(path)!r} {what}", fix=fix, code=code)
