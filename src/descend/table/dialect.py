"""dialect: encoding, delimiter and header of a text table, decided from its first rows and checked on all of them."""

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from descend.errors import DataError, UsageError
from descend.table import files
from descend.table.preamble import Row, find_header, separator_line

DELIMITERS = (",", ";", "\t", "|")
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
SAMPLE_LINES, SCORED_LINES = 500, 100  # records that find the header, and the delimiter (arbitrary)
LONGEST_LINE = 1 << 22
TOO_LONG = "line larger than the limit"


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a text table is written.

    Args:
        delimiter: one character.
        encoding: as Python names it.
        header: whether the first record names the columns.
        names: the columns' names.
        notes: what a person should know.
        skip: lines before the first record: the header if there is one and `header` is true.
        strays: lines at which records begin that are no data, such as comments and repeated headers.
        line_feeds: whether each record ends with a line feed alone, whatever stands within quotes.
    """

    delimiter: str
    encoding: str
    header: bool
    names: tuple[str, ...]
    notes: tuple[str, ...]
    skip: int = 0
    strays: frozenset[int] = frozenset()
    line_feeds: bool = False


def sniff(
    path: Path, head: bytes, delimiter: str | None, encoding: str | None, header: bool | None, skip_rows: int | None = None
) -> Dialect:  # fmt: skip
    """Decide what was not declared; raises DataError for text that is no table."""
    _check_line_end(path, head)
    encoding = _encoding(path, head, encoding)
    text = _decode(path, head, encoding)
    if not text.strip():
        raise _bad(path, "holds only white space", "bring a table with a header and rows", "empty-file")
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        what = f"delimiter is {delimiter!r}, it must be one character, and no quote or line end"
        raise UsageError(what, fix="try ,", code="bad-delimiter")
    named, above = separator_line(text) if skip_rows is None else (None, skip_rows)
    rows = {d: _rows(text, d, above, SCORED_LINES) for d in DELIMITERS}
    better = max(DELIMITERS, key=lambda d: _score(rows[d]))
    chosen = delimiter or named or better
    first = _rows(text, chosen, above, SAMPLE_LINES)
    if not first:
        raise _bad(path, f"has no more than {above} lines", "use a smaller --skip-rows", "empty-file")
    found = find_header(first, header, search=skip_rows is None)
    if delimiter not in (None, better) and len(found.cells) == 1 and len(rows[better][0][1]) > 1:
        raise _bad(
            path, f"has one column, {found.cells[0][:60]!r}, with the delimiter {delimiter!r}",
            f"leave --delimiter out: {NAMES[better]} gives {len(rows[better][0][1])} columns", "wrong-delimiter",
        )  # fmt: skip
    notes = found.notes + ((f"line 1 names the delimiter {named!r}",) if named and delimiter is None else ())
    cells = found.cells if found.present else tuple(f"column{j + 1}" for j in range(len(found.cells)))
    usual = found.present and found.after is None
    skip = found.line - 1 if found.after is None else found.after
    return Dialect(
        delimiter=chosen,
        encoding=encoding,
        header=usual,
        names=tuple(cell.strip() for cell in cells),
        notes=notes,
        skip=skip,
    )


def _check_line_end(path: Path, head: bytes) -> None:
    """Raise DataError where the line in which the head ends is longer than there may be: DuckDB keeps all of a header."""
    begun = max(head.rfind(b"\n"), head.rfind(b"\r")) + 1
    if len(head) < files.HEAD:
        return
    with files.opened(path) as file:
        file.seek(begun)
        length = 0
        while length <= LONGEST_LINE and (block := file.read(1 << 16)):
            if b"\n" in block or b"\r" in block:
                return
            length += len(block)
    if length > LONGEST_LINE:
        raise _too_long(path, "more than", head.count(b"\n") + 1)


def _encoding(path: Path, head: bytes, declared: str | None) -> str:
    marks = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    marked = next((name for mark, name in marks.items() if head.startswith(mark)), None)
    if declared is None:
        if marked == "utf-16":
            raise _bad(path, "is UTF-16 text", "use --encoding utf-16", "encoding")
        return marked or "utf-8"
    try:
        "".encode(declared)
    except LookupError:
        raise UsageError(
            f"there is no encoding {declared!r}", fix="try utf-8, latin-1, cp1252 or utf-16", code="bad-encoding"
        ) from None
    plain = declared.lower().replace("_", "-")
    if plain in ("utf-8", "utf8"):
        return "utf-8-sig" if marked == "utf-8-sig" else "utf-8"
    if plain.startswith("utf-16"):
        if b"\x00" not in head:
            raise _bad(path, f"is not {declared} text: it holds no zero byte", "leave --encoding out", "encoding")
        return marked or declared
    return declared


def _decode(path: Path, head: bytes, encoding: str) -> str:
    try:
        text = head.decode(encoding)
    except UnicodeDecodeError as error:
        if error.start > len(head) - 8 and len(head) >= 1 << 20:
            return head[: error.start].decode(encoding, errors="ignore")
        line = head[: error.start].count(b"\n") + 1
        raise _bad(
            path, f"is not {encoding} text: byte {head[error.start]:#04x} in line {line}",
            advise_encoding(head), "encoding",
        ) from None  # fmt: skip
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        raise _bad(path, f"holds a NUL byte in line {line} and is no text", "export it as CSV", "binary-file")
    return text


def advise_encoding(content: bytes) -> str:
    """Return what to try for bytes that are no UTF-8: 0x80 to 0x9f are letters and signs in cp1252, controls in latin-1.

    >>> advise_encoding("50 €".encode("cp1252"))
    'name its encoding, such as --encoding cp1252'
    """
    try:
        content.decode("cp1252")
        windows = any(0x80 <= byte <= 0x9F for byte in set(content))
    except UnicodeDecodeError:
        windows = False
    return f"name its encoding, such as --encoding {'cp1252' if windows else 'latin-1'}"


def _rows(text: str, delimiter: str, above: int, most: int) -> list[Row]:
    """The first records below some lines, each with its line; empty lines do not count."""
    lines, rows = io.StringIO(text, newline=""), []
    for _ in range(above):
        lines.readline()
    reader, line = csv.reader(lines, delimiter=delimiter), above + 1
    try:
        for row in reader:
            if row:
                rows.append((line, row))
            line = above + reader.line_num + 1
            if len(rows) >= most:
                break
    except csv.Error:
        pass
    return rows if rows or above else [(1, [""])]


def _score(rows: list[Row]) -> tuple[float, int]:
    """How much this looks like the right delimiter: rows of one width, then more columns."""
    if not rows:
        return 0.0, 0
    width, count = Counter(len(cells) for _, cells in rows).most_common(1)[0]
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
        for begun, row in data_records(path, dialect, strict=True):
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
        "quote cells that hold the delimiter, use --delimiter, or --skip-rows where the header comes later", "ragged-row",
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
            reader = csv.reader(_lines(file), delimiter=dialect.delimiter, strict=strict)
            for row in reader:
                yield begun, row
                begun = reader.line_num + 1
    except csv.Error as error:
        raise Unfinished(begun, str(error)) from None
    finally:
        csv.field_size_limit(limit)


def _lines(file: TextIO) -> Iterator[str]:
    """Yield the lines of a file; raises csv.Error for a longer one than there may be, before it fills the memory."""
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise csv.Error(TOO_LONG)
        yield line


def _too_long(path: Path, what: str, line: int) -> DataError:
    what = f"has {what} {LONGEST_LINE:,} characters in line {line}"
    return _bad(path, what, "check that it is a table", "line-too-long")


def _unfinished(path: Path, error: Unfinished) -> DataError:
    if "limit" in str(error):
        return _too_long(path, "more than" if str(error) == TOO_LONG else "a cell of more than", error.line)
    what = f"has a quote that opens in line {error.line} and is not closed properly"
    return _bad(path, what, "correct that line", "quote")


def data_records(
    path: Path, dialect: Dialect, *, strict: bool = False, errors: str = "replace"
) -> Iterator[tuple[int, list[str]]]:  # fmt: skip
    """Yield the line and the cells of each row: no header, no stray line, and no empty line unless that is an empty cell."""
    header, lone = dialect.header, len(dialect.names) == 1
    for line, cells in records(path, dialect, strict=strict, errors=errors):
        if line <= dialect.skip or line in dialect.strays or not (cells or lone):
            continue
        if not header:
            yield line, cells
        header = False


def line_of(path: Path, dialect: Dialect, row: int) -> int:
    """Return the line of the file at which a data row (0 is the first) begins."""
    return next(itertools.islice(data_records(path, dialect), row, None))[0]


def _bad(path: Path, what: str, fix: str, code: str) -> DataError:
    return DataError(f"the file {str(path)!r} {what}", fix=fix, code=code)
