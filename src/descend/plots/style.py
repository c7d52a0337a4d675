"""style: one colour, dash, marker and letter a variant, the same in every chart, on light and on dark pages.

Each colour has a contrast of at least 3 to 1 against both backgrounds, and no two variants differ by colour alone.
"""

from dataclasses import dataclass

LIGHT, DARK = "#ffffff", "#16191d"
NEUTRAL = "#737a84"  # of text and grids where the page sets no colour
ACCENT = "#2187a8"

# Paths around (0, 0), in pixels.
MARKERS = {
    "circle": "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",
    "square": "M-3.2 -3.2h6.4v6.4h-6.4z",
    "up": "M0 -4.2l4 7h-8z",
    "down": "M0 4.2l-4 -7h8z",
    "diamond": "M0 -4.6l4.6 4.6l-4.6 4.6l-4.6 -4.6z",
    "plus": "M-1.2 -4h2.4v2.8h2.8v2.4h-2.8v2.8h-2.4v-2.8h-2.8v-2.4h2.8z",
    "hourglass": "M-3.6 -4h7.2l-7.2 8h7.2z",
    "star": "M0 -5.4l1.5 3.9l3.9 1.5l-3.9 1.5l-1.5 3.9l-1.5 -3.9l-3.9 -1.5l3.9 -1.5z",
}


@dataclass(frozen=True)
class LineStyle:
    """How a variant is drawn.

    Args:
        colour: of its line and marker.
        dash: of its held-out line, as SVG's stroke-dasharray.
        letter: stands for it where there is no colour.
        marker: a key of MARKERS.
        hollow: whether the marker is an outline.
    """

    colour: str
    dash: str
    letter: str
    marker: str
    hollow: bool = False


LINE_STYLES = {
    "gd": LineStyle("#5f7fbf", "5 3", "G", "circle"),
    "sgd": LineStyle("#bd6b1f", "2 3", "S", "down"),
    "minibatch": LineStyle("#2f9360", "7 3", "M", "square"),
    "momentum": LineStyle("#c8504f", "8 2 2 2", "H", "up"),
    "nesterov": LineStyle("#9068c0", "9 3 2 3", "N", "diamond"),
    "adagrad": LineStyle("#8b7355", "3 2", "A", "plus"),
    "rmsprop": LineStyle("#cc5fa0", "5 2", "R", "hourglass"),
    "adam": LineStyle("#2187a8", "4 3", "D", "star"),
    "adamw": LineStyle("#2187a8", "6 3", "W", "star", hollow=True),
    "amsgrad": LineStyle("#2187a8", "2 2", "X", "circle", hollow=True),
    "nadam": LineStyle("#9068c0", "3 3", "Z", "diamond", hollow=True),
    "adadelta": LineStyle("#8b7355", "4 4", "L", "plus", hollow=True),
    "lion": LineStyle("#8a8420", "6 2 2 2", "O", "up", hollow=True),
}
OTHER = LineStyle("#7a828c", "4 2", "", "square", hollow=True)


def line_style(variant: str) -> LineStyle:
    """Return how a variant is drawn; unknown variants share one grey style."""
    return LINE_STYLES.get(variant, OTHER)


def contrast(a: str, b: str) -> float:
    """Return the contrast of two colours by WCAG 2.2, from 1 to 21.

    >>> contrast("#000000", "#ffffff")
    21.0
    """
    light, dark = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
