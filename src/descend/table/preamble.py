"""preamble: what stands before the rows of a text table: a line that names the delimiter, comments, titles, the header."""

import re
from collections import Counter
from dataclasses import dataclass

NUMBER = re.compile(r"\s*[+-]?(\d+([.,]\d+)*|[.,]\d+)(e[+-]?\d+)?\s*", re.IGNORECASE)
SEPARATOR = re.compile(r'"?sep=(\\t|.)"?[ \t]*(\r\n|\r|\n)', re.IGNORECASE)
COMMENT = "#"

Row = tuple[int, list[str]]  # the line at which a record begins, the first being 1, and its cells


@dataclass(frozen=True)
class Header:
    """Where the rows begin, and what the columns are called.

    Args:
        line: of the record that names the columns, or of the first row where none does.
        cells: of that record; a comment sign is taken off, and a column of row names that has no name gets an empty one.
        present: whether the record names the columns.
        after: lines to skip so that the record after the header comes first; None where the header is a usual first record.
        notes: what a person should know.
    """

    line: int
    cells: tuple[str, ...]
    present: bool
    after: int | None = None
    notes: tuple[str, ...] = ()


def separator_line(text: str) -> tuple[str | None, int]:
    """Return the delimiter that a first line such as "sep=;" names, and how many lines that takes.

    >>> separator_line("sep=;\\na;b\\n"), separator_line("a;b\\n")
    ((';', 1), (None, 0))
    """
    match = SEPARATOR.match(text)
    return (None, 0) if match is None else (match[1].replace("\\t", "\t"), 1)


def find_header(rows: list[Row], declared: bool | None, search: bool) -> Header:
    """Return where the header is.

    Args:
        rows: the first records, empty lines left out.
        declared: whether there is a header, if that is known.
        search: whether titles and comments may stand before it.
    """
    if not search:
        return _header(rows[0], rows[1:], declared, [])
    width = Counter(len(cells) for _, cells in rows).most_common(1)[0][0]
    start, notes = 0, list[str]()
    while start + 1 < len(rows) and _is_comment(rows[start], width):
        start += 1
    if start:
        before, first = rows[start - 1], rows[start]
        if width > 1 and len(before[1]) == len(first[1]) == width and not _names_columns(first[1], rows[start + 1 :]):
            cells = (before[1][0].lstrip(COMMENT).strip(), *before[1][1:])
            return Header(before[0], cells, True, first[0] - 1, _skipped(rows[: start - 1], "comments"))
        notes += _skipped(rows[:start], "comments")
    rest = rows[start:]
    titles = _titles(rest, width)
    notes += _skipped(rest[:titles], "titles before the header")
    return _header(rest[titles], rest[titles + 1 :], declared, notes)


def _header(first: Row, rest: list[Row], declared: bool | None, notes: list[str]) -> Header:
    line, cells = first
    present = not all(NUMBER.fullmatch(cell) for cell in cells) if declared is None else declared
    if not present:
        if declared is None:
            notes = [*notes, "the first row holds numbers only: read as data, columns are named column1, column2, ..."]
        return Header(line, tuple(cells), False, notes=tuple(notes))
    widths = {len(row) for _, row in rest}
    if widths == {len(cells) + 1}:
        trailing = all(row[-1].strip() == "" for _, row in rest)
        names = (*cells, "") if trailing else ("", *cells)
        if not trailing:
            notes = [
                *notes,
                "the header has one name less than the rows have cells: the first cell of each row is its name",
            ]
        return Header(line, names, True, rest[0][0] - 1, tuple(notes))
    return Header(line, tuple(cells), True, notes=tuple(notes))


def _titles(rows: list[Row], width: int) -> int:
    """How many records stand before the header: narrower than the table, or with a single cell that is not empty."""
    if width < 2:
        return 0
    at = next((k for k, (_, cells) in enumerate(rows) if len(cells) == width and _filled(cells) > min(1, width - 2)), 0)
    if at == 0 and width == 2 and rows[0][1][0].strip() and _filled(rows[0][1]) == 1 and _filled(rows[1][1]) == 2:
        at = int(_names_columns(rows[1][1], rows[2:]))  # a title that is padded with a delimiter
    if at == 0:
        return 0
    below = rows[at + 1 :]
    short = len(rows[0][1]) == width - 1 and at == 1 and not _names_columns(rows[1][1], below)
    one_width = all(len(cells) == width for _, cells in below)
    if short or not one_width or any(NUMBER.fullmatch(cell) for cell in rows[at][1]):
        return 0
    return at


def _names_columns(cells: list[str], below: list[Row]) -> bool:
    """Whether cells name columns: text that stands over numbers, or text in a table without any number."""
    if any(NUMBER.fullmatch(cell) for cell in cells):
        return False
    numbers = [any(NUMBER.fullmatch(row[k]) for _, row in below if k < len(row)) for k in range(len(cells))]
    return any(numbers)


def _is_comment(row: Row, width: int) -> bool:
    cells = row[1]
    if not cells[0].lstrip().startswith(COMMENT):
        return False
    return width > 1 or len(cells) != width or cells[0].lstrip()[1:2] in ("", " ", COMMENT)


def _filled(cells: list[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _skipped(rows: list[Row], what: str) -> tuple[str, ...]:
    rows = [row for row in rows if _filled(row[1])]
    if not rows:
        return ()
    first, last = rows[0][0], rows[-1][0]
    lines = f"line {first} is" if len(rows) == 1 else f"lines {first} to {last} are"
    return (f"{lines} left out as {what}; --skip-rows 0 reads from the first line",)
