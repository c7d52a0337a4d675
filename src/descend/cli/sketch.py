"""sketch: small scatter plots and curves in braille characters, or in ASCII where there are none."""

import math
from collections.abc import Sequence

BRAILLE = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by row and column of a cell
Points = Sequence[tuple[float, float]]


def sketch(
    points: Points, title: str, x_label: str, *, width: int = 34, height: int = 9, ascii_only: bool = False
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
    rows = canvas([(_fraction(x, left, right), _fraction(y, low, high)) for x, y in points], width, height)
    (bottom, top), (start, end) = ticks(low, high), ticks(left, right)
    labels = [top, *[""] * (height - 2), bottom] if height > 1 else [top]
    margin = max(len(top), len(bottom))
    bar = "|" if ascii_only else "│"
    body = [f"{label.rjust(margin)} {bar}{row}" for label, row in zip(labels, rows, strict=True)]
    body += [] if height > 1 else [bottom.rjust(margin)]
    return [title, *body, " " * (margin + 2) + _x_axis(start, x_label, end, width)]


def side_by_side(*plots: list[str], gap: int = 3) -> list[str]:
    """Return plots side by side, as lines."""
    height = max(map(len, plots))
    widths = [max(map(len, plot)) for plot in plots]
    rows = zip(*[plot + [""] * (height - len(plot)) for plot in plots], strict=True)
    return [(" " * gap).join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def ticks(low: float, high: float) -> tuple[str, str]:
    """Return the labels of the two ends of an axis, in three digits of the larger of its span and its end.

    >>> ticks(4e-11, 15.04), ticks(-31.4159, 1200.0)
    (('0', '15'), ('−30', '1.2e+03'))
    """
    step = 10 ** math.floor(math.log10(max(abs(high - low), abs(high), 1e-300)) - 2)
    low, high = (0.0 if abs(v) < step / 2 else round(v / step) * step for v in (low, high))
    return tuple(f"{value:.3g}".replace("-", "−") for value in (low, high))  # type: ignore[return-value]


def _x_axis(left: str, name: str, right: str, width: int) -> str:
    space = width - len(left) - len(right)
    return left + name.center(space) + right if len(name) <= space else f"{left} {name} {right}"


def _fraction(value: float, low: float, high: float) -> float:
    return 0.5 if high <= low else (value - low) / (high - low)


def _cells(points: Points, columns: int, rows: int) -> set[tuple[int, int]]:
    """The (row, column) of each point on a grid, row 0 at the top."""
    return {(rows - 1 - min(int(y * rows), rows - 1), min(int(x * columns), columns - 1)) for x, y in points}


def _braille(points: Points, width: int, height: int) -> list[str]:
    codes = [[0] * width for _ in range(height)]
    for row, column in _cells(points, 2 * width, 4 * height):
        codes[row // 4][column // 2] |= DOTS[row % 4][column % 2]
    return ["".join(chr(BRAILLE + code) for code in line) for line in codes]


def _ascii(points: Points, width: int, height: int) -> list[str]:
    halves = _cells(points, width, 2 * height)
    marks = {(False, False): " ", (True, False): "'", (False, True): ".", (True, True): ":"}
    return ["".join(marks[(2 * r, c) in halves, (2 * r + 1, c) in halves] for c in range(width)) for r in range(height)]
