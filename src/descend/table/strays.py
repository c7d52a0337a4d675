"""strays: lines of a text table that are no data: comments, the header again, totals and footnotes at the end."""

import codecs
import csv
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from descend.table import files
from descend.table.dialect import Dialect, Unfinished, data_records
from descend.table.preamble import COMMENT

TOTAL = re.compile(
    r"(?i)(grand |sub)?-?(total|totals|sum|average|mean|summe|gesamt|insgesamt|mittelwert|somme|moyenne|totaal|totale|media|suma)"
    r"( (general|général|générale|generale))?:?"
)
FOOTNOTE = re.compile(
    r"(?i)(source|note|quelle|anmerkung|fuente|nota|data from|generated|exported|footnote)s?\b.*|[*†©].*|\(\d+ rows?.*"
)
SHOWN = 5  # lines that a note names


class Stray(StrEnum):
    """Why a line is no data."""

    COMMENT = "a comment"
    HEADER = "the header again"
    TOTAL = "a total"
    FOOTNOTE = "a footnote"


@dataclass(frozen=True)
class Scan:
    """What the bytes of a file show, in one pass.

    Args:
        mixed_line_ends: whether line ends of several kinds stand in it, be it within quotes.
        underscore: whether "_" stands below the header: DuckDB reads "1_000" as a number.
        suspected: whether there may be stray lines.
    """

    mixed_line_ends: bool
    underscore: bool
    suspected: bool


def scan(path: Path, dialect: Dialect) -> Scan:
    """Return what the bytes of a UTF-8 file show."""
    feeds = returns = pairs = 0
    underscore = suspected = bare = False
    header: bytes | None = None
    last = block = b""
    with files.opened(path) as file:
        while fresh := file.read(files.HEAD):
            block = last + fresh
            below = block
            if header is None:
                header = _header_line(block, dialect)
                below = block.partition(header)[2] if header else block
            underscore = underscore or b"_" in below
            suspected = suspected or _comments(block) or (bool(header) and _repeats(below, header))
            if b"\r" in fresh or last[-1:] == b"\r":
                feeds, returns = feeds + fresh.count(b"\n"), returns + fresh.count(b"\r")
                pairs += fresh.count(b"\r\n") + (last[-1:] == b"\r" and fresh[:1] == b"\n")
            else:
                bare = bare or b"\n" in fresh
            last = block[-len(header) - 2 :]
    mixed = bool(returns and (feeds or bare) and (bare or not feeds == returns == pairs))
    return Scan(mixed, underscore, suspected or _ends_with_stray(block[-4096:], dialect))


def find_strays(path: Path, dialect: Dialect) -> tuple[Dialect, tuple[str, ...]]:
    """Return the dialect with the stray lines of a file, and a note for each kind of them; one pass over all records."""
    strays: dict[int, Stray] = {}
    width, firsts = len(dialect.names), dict[str, int]()
    tail: list[tuple[int, list[str]]] = []
    try:
        for line, cells in data_records(path, dialect):
            first = cells[0].strip() if cells else ""
            if first.startswith(COMMENT) and len(cells) != width:
                strays[line] = Stray.COMMENT
                continue
            if dialect.header and width > 1 and [cell.strip() for cell in cells] == list(dialect.names):
                strays[line] = Stray.HEADER
                continue
            if TOTAL.fullmatch(first):
                firsts[first] = firsts.get(first, 0) + 1
            tail = [*tail[-9:], (line, cells)]
    except Unfinished:
        return dialect, ()
    while tail and len(tail[-1][1]) != width and FOOTNOTE.fullmatch((tail[-1][1] or [""])[0].strip()):
        strays[tail.pop()[0]] = Stray.FOOTNOTE
    if tail and _is_total(tail[-1][1], width) and firsts.get(tail[-1][1][0].strip(), 1) == 1:
        strays[tail[-1][0]] = Stray.TOTAL
    notes = tuple(
        _note(kind, sorted(line for line, k in strays.items() if k == kind))
        for kind in Stray
        if kind in strays.values()
    )
    return replace(dialect, strays=frozenset(strays)), notes


def _note(kind: Stray, lines: list[int]) -> str:
    if len(lines) == 1:
        return f"line {lines[0]} is left out: {kind.value}"
    shown = ", ".join(map(str, lines[:SHOWN])) + (", …" if len(lines) > SHOWN else "")
    return f"{len(lines):,} lines are left out ({shown}): {kind.value}"


def _header_line(block: bytes, dialect: Dialect) -> bytes:
    """The bytes of the header, without its line end; empty where there is none, or one of a single name."""
    if not dialect.header or len(dialect.names) < 2:
        return b""
    lines = re.split(rb"\r\n|\r|\n", block.removeprefix(codecs.BOM_UTF8), maxsplit=dialect.skip + 1)
    return lines[dialect.skip] if len(lines) > dialect.skip else b""


def _repeats(block: bytes, header: bytes) -> bool:
    return b"\n" + header in block or b"\r" + header in block if header in block else False


def _comments(block: bytes) -> bool:
    sign = COMMENT.encode()
    return sign in block and (b"\n" + sign in block or b"\r" + sign in block)


def _ends_with_stray(tail: bytes, dialect: Dialect) -> bool:
    lines = [line for line in tail.decode("utf-8", errors="replace").splitlines() if line.strip()]
    if len(lines) < 2:
        return False
    cells = next(csv.reader([lines[-1]], delimiter=dialect.delimiter), [])
    return _is_total(cells, len(dialect.names)) or bool(cells and FOOTNOTE.fullmatch(cells[0].strip()))


def _is_total(cells: list[str], width: int) -> bool:
    filled = [cell.strip() for cell in cells if cell.strip()]
    numbers = any(any(c.isdigit() for c in cell) for cell in filled[1:])
    return len(cells) == width > 1 and bool(filled) and numbers and bool(TOTAL.fullmatch(filled[0]))
