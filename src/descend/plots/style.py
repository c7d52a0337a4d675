"""style: one colour, dash and letter a variant, the same in every picture, on light and on dark pages.

Each colour has a contrast of at least 3 to 1 against both backgrounds, and no two variants differ by colour alone.
"""

from dataclasses import dataclass

LIGHT, DARK = "#ffffff", "#16191d"
INK, FAINT, GRID = "#7a828c", "#8a929c", "#8a929c"


@dataclass(frozen=True)
class Pen:
    """How a variant is drawn: colour, dash pattern (empty for a solid line), letter."""

    colour: str
    dash: str
    letter: str


PENS = {
    "gd": Pen("#5f7fbf", "", "G"),
    "sgd": Pen("#bd6b1f", "2 3", "S"),
    "minibatch": Pen("#2f9360", "7 3", "M"),
    "momentum": Pen("#c8504f", "", "H"),
    "nesterov": Pen("#9068c0", "9 3 2 3", "N"),
    "adagrad": Pen("#8b7355", "", "A"),
    "rmsprop": Pen("#cc5fa0", "5 2", "R"),
    "adam": Pen("#2187a8", "", "D"),
    "adamw": Pen("#2187a8", "6 3", "W"),
    "amsgrad": Pen("#2187a8", "2 2", "X"),
    "nadam": Pen("#9068c0", "3 3", "Z"),
    "adadelta": Pen("#8b7355", "4 4", "L"),
    "lion": Pen("#8a8420", "", "O"),
}
OTHER = Pen("#7a828c", "4 2", "")


def pen(variant: str) -> Pen:
    """Return how a variant is drawn; unknown ones share one grey pen."""
    return PENS.get(variant, OTHER)


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
