"""numbers: numbers as text."""

import math

from descend.report.content import VariantRow

DASH = "–"


def number(value: float | None) -> str:
    """Return a number in about four digits, with thousands separated; an en dash for none, NaN and inf.

    >>> [number(v) for v in (292.2137, 4207.06, 69214.33, 9.0037e-05, 2e9, None)]
    ['292.2', '4,207', '69,214', '9.004e-05', '2e+09', '–']
    """
    if value is None or not math.isfinite(value):
        return DASH
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:.4g}"


def span(low: float, high: float) -> str:
    """Return an interval as text.

    >>> span(268.14, 1204.6)
    '268.1 to 1,205'
    """
    return f"{number(low)} to {number(high)}"


def rate(value: float | None) -> str:
    """Return a learning rate as text, shorter than other numbers.

    >>> rate(0.0024863)
    '0.00249'
    """
    return DASH if value is None or not math.isfinite(value) else f"{value:.3g}"


def metric(v: VariantRow) -> str:
    """Return a variant's metric, with its spread over seeds, to two digits, where there is one."""
    if v.spread is None or not math.isfinite(v.spread):
        return number(v.metric)
    return f"{number(v.metric)} ± {float(f'{v.spread:.2g}'):,.6g}"
