"""Sketch: small scatter plots and curves in braille characters, or in ASCII where there are none."""

import math
from collections.abc import Sequence

BRAILLE = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by row and column of a cell
Points = Sequence[tuple[float, float]]


def sketch(
    points: Points, title: str, across: str, *, width: int = 34, height: int = 9, ascii_only: bool = False
) -> list[str]:
    """Return the lines of a plot of (x, y) points: title, canvas with the range of y, and the range of x.

    >>> print("\\n".join(sketch([(0, 0), (1, 1)], "y", "x", width=2, height=1, ascii_only=True)))
    y
    1 |.'
    0
       0 x 1
    """
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, right, low, high = min(xs), max(xs), min(ys), max(ys)
    canvas = _ascii if ascii_only else _braille
    rows = canvas([(_part(x, left, right), _part(y, low, high)) for x, y in points], width, height)
    (bottom, top), (start, end) = ticks(low, high), ticks(left, right)
    labels = [top, *[""] * (height - 2), bottom] if height > 1 else [top]
    margin = max(len(top), len(bottom))
    bar = "|" if ascii_only else "│"
    body = [f"{label.rjust(margin)} {bar}{row}" for label, row in zip(labels, rows, strict=True)]
    body += [] if height > 1 else [bottom.rjust(margin)]
    return [title, *body, " " * (margin + 2) + _under(start, across, end, width)]


def beside(*plots: list[str], gap: int = 3) -> list[str]:
    """Return plots side by side, as lines."""
    tall = max(map(len, plots))
    widths = [max(map(len, plot)) for plot in plots]
    rows = zip(*[plot + [""] * (tall - len(plot)) for plot in plots], strict=True)
    return [(" " * gap).join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def ticks(low: float, high: float) -> tuple[str, str]:
    """Return the labels of the two ends of an axis, in three digits of what it spans.

    >>> ticks(4e-11, 15.04), ticks(-31.4159, 1200.0)
    (('0', '15'), ('−30', '1.2e+03'))
    """
    step = 10 ** math.floor(math.log10(max(abs(high - low), abs(high), 1e-300)) - 2)
    low, high = (0.0 if abs(v) < step / 2 else round(v / step) * step for v in (low, high))
    return tuple(f"{value:.3g}".replace("-", "−") for value in (low, high))  # type: ignore[return-value]


def _under(left: str, name: str, right: str, width: int) -> str:
    room = width - len(left) - len(right)
    return left + name.center(room) + right if len(name) <= room else f"{left} {name} {right}"


def _part(value: float, low: float, high: float) -> float:
    return 0.5 if high <= low else (value - low) / (high - low)


def _cells(points: Points, across: int, down: int) -> set[tuple[int, int]]:
    """The (row, column) of each point on a grid, row 0 at the top."""
    return {(down - 1 - min(int(y * down), down - 1), min(int(x * across), across - 1)) for x, y in points}


def _braille(points: Points, width: int, height: int) -> list[str]:
    codes = [[0] * width for _ in range(height)]
    for row, column in _cells(points, 2 * width, 4 * height):
        codes[row // 4][column // 2] |= DOTS[row % 4][column % 2]
    return ["".join(chr(BRAILLE + code) for code in line) for line in codes]


def _ascii(points: Points, width: int, height: int) -> list[str]:
    halves = _cells(points, width, 2 * height)
    marks = {(False, False): " ", (True, False): "'", (False, True): ".", (True, True): ":"}
    return ["".join(marks[(2 * r, c) in halves, (2 * r + 1, c) in halves] for c in range(width)) for r in range(height)]
