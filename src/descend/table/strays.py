"""strays: lines of a text table that are no data: comments, the header again, totals and footnotes at the end."""

import codecs
import csv
import hashlib
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np

from descend.arrays import Array
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
FEED, RETURN, POINT, ZERO, MINUS, BLANK = b"\n\r.0- "
BLOCK = 1 << 18  # bytes that are looked at at once: their masks fit the cache
TAIL = 4096  # bytes in which the last lines are looked for (arbitrary)
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
        odd: whether a cell may begin with "0" and another digit, a blank or a sign, or hold "_".
        suspected: whether there may be stray lines.
        sha256: of the bytes.
    """

    mixed_line_ends: bool
    odd: bool
    suspected: bool
    sha256: str


def scan(path: Path, dialect: Dialect) -> Scan:
    """Return what the bytes of a UTF-8 file show."""
    digest, counts, odd, suspected = hashlib.sha256(), np.zeros(3, np.int64), False, False
    header: bytes | None = None
    last = block = b""
    with files.opened(path) as file:
        while fresh := file.read(BLOCK):
            digest.update(fresh)
            block = last + fresh
            below = block
            if header is None:
                header = _header_line(block, dialect)
                below = block.partition(header)[2] if header else b"\n" + block
            odd = odd or _is_odd(below, dialect.delimiter)
            suspected = suspected or _comments(block) or (bool(header) and _repeats(below, header))
            counts += _line_ends(last[-1:] + fresh) - _line_ends(last[-1:])
            last = block[-max(len(header) + 3, TAIL) :]
    feeds, returns, pairs = counts.tolist()
    mixed = bool(feeds and returns and not feeds == returns == pairs)
    return Scan(mixed, odd, suspected or _ends_with_stray(block[-TAIL:], dialect), digest.hexdigest())


def _line_ends(block: bytes) -> Array:
    """How many line feeds, carriage returns, and pairs of them."""
    cells = np.frombuffer(block, np.uint8)
    feeds = cells == FEED
    if b"\r" not in block:
        return np.array([np.count_nonzero(feeds), 0, 0])
    returns = cells == RETURN
    return np.array([np.count_nonzero(feeds), np.count_nonzero(returns), np.count_nonzero(returns[:-1] & feeds[1:])])


def _is_odd(block: bytes, delimiter: str) -> bool:
    """Whether a cell begins with "0" and a digit, with a blank or "+", or "_" occurs."""
    if b"_" in block or b"+" in block or (b" " in block and delimiter.encode() + b" " in block):
        return True
    cells = np.frombuffer(block, np.uint8)
    begins = cells[:-2] < POINT  # signs, quotes, blanks and the comma are below the point
    if ord(delimiter) >= POINT:
        begins |= cells[:-2] == ord(delimiter)
    found = np.flatnonzero(begins & (cells[1:-1] == ZERO) & (cells[2:] - np.uint8(ZERO) < 10))
    # "-" and a blank behind a digit stand within a cell: in dates, as 2013-01-01 05:00.
    within = (cells[found] == MINUS) | (cells[found] == BLANK)
    within &= (found == 0) | (cells[found - 1] - np.uint8(ZERO) < 10)  # the first byte is in the last block too
    return not within.all()


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
