"""rates: the loss that each learning rate led to, variant by variant."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.plots.axes import Axis, frame, spans_decades
from descend.plots.element import Element, tag
from descend.plots.lines import cross, line, marker
from descend.plots.panels import MOST_PANELS, Place, panel
from descend.plots.style import line_style
from descend.text import shortened

HIGHEST = 1.5  # times the loss before the first step: what is above it rose, and how far matters little


@dataclass(frozen=True, eq=False, kw_only=True)
class RateCurve:
    """The learning rates of one variant.

    Args:
        variant: its name.
        rates: that were tried, increasing (rates,).
        losses: where the training at each of them ended (rates,); infinity or NaN where it diverged.
        start: the loss before the first step.
        chosen: the rate that was chosen; None where all failed.
        limit: the rate above which it diverges; None where that is not known.
    """

    variant: str
    rates: Array
    losses: Array
    start: float
    chosen: float | None
    limit: float | None

    @property
    def drawn(self) -> Array:
        """Which rates have a dot (rates,): those whose loss did not rise far."""
        return np.isfinite(self.losses) & (self.losses <= HIGHEST * abs(self.start))


def panels(curves: Sequence[RateCurve]) -> list[Element]:
    """Return one chart for each variant, all on one scale of losses, so that they can be compared."""
    shown = curves[:MOST_PANELS]
    losses = np.concatenate([c.losses[c.drawn] for c in shown]) if shown else np.ones(1)
    log = spans_decades(losses)

    def draw(c: RateCurve, place: Place) -> list[Element]:
        return _panel(c, place, place.y(losses, log=log))

    return [
        panel(f"Loss against the learning rate of {shortened(c.variant, 40)}", _description(c), c, draw) for c in shown
    ]


def _description(c: RateCurve) -> str:
    chosen = "none was usable" if c.chosen is None else f"{c.chosen:.3g} was chosen"
    limit = "" if c.limit is None else f", the stability limit is {c.limit:.3g}"
    return f"{len(c.rates)} rates from {c.rates.min():.3g} to {c.rates.max():.3g} were tried; {chosen}{limit}."


def _panel(c: RateCurve, place: Place, y: Axis) -> list[Element]:
    limits = np.array([c.limit] if c.limit is not None else [])
    x = Axis.over(np.r_[c.rates, limits], place.x(c.rates).start, place.x(c.rates).end, log=True)
    style, there = line_style(c.variant), c.drawn
    parts = frame(x, y, f"learning rate of {shortened(c.variant, 16)}", f"loss{' (logarithmic)' if y.log else ''}", 4)
    if c.limit is not None:
        parts.append(tag("line", x1=x.at(c.limit), x2=x.at(c.limit), y1=y.start, y2=y.end, stroke="currentColor",
                         stroke_opacity="0.6", stroke_dasharray="4 3"))  # fmt: skip
    parts += line(x, y, c.rates[there], c.losses[there]).draw(style.colour, None, 1.2)
    for rate, loss, good in zip(c.rates, c.losses, there, strict=True):
        if good:
            parts.append(tag("circle", cx=x.at(float(rate)), cy=y.at(float(loss)), r=2.4, fill=style.colour))
        else:
            parts.append(cross(x.at(float(rate)), y.end + 6, style.colour))
    chosen = np.flatnonzero((c.rates == c.chosen) & there)
    return parts + [marker(style, x.at(float(c.rates[k])), y.at(float(c.losses[k]))) for k in chosen]
