"""ticks: round values to label an axis with."""

import math

MANTISSAS = ((1, 2, 3, 5), (1, 2, 5), (1, 3), (1,))  # of a logarithmic axis, the densest first


def linear_ticks(low: float, high: float, most: int) -> list[float]:
    """Return about `most` values, a round step apart, from low to high.

    >>> linear_ticks(0, 10, 5)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    raw = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * m for m in (1, 2, 2.5, 5, 10) if unit * m >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = 12 - math.floor(math.log10(step))
    return [round(k * step, digits) for k in range(first, last + 1)]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Return about `most` round values from low to high, both positive: as many a decade as fit.

    >>> log_ticks(0.15, 12, 5)
    [0.2, 0.5, 1.0, 2.0, 5.0, 10.0]
    """
    decades = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    ticks: list[float] = []
    for mantissas in MANTISSAS:
        ticks = [t for e in decades for m in mantissas if low <= (t := float(f"{m}e{e}")) <= high]
        if len(ticks) <= most + 1:
            break
    if len(ticks) < 2:
        return [t for t in linear_ticks(low, high, most) if t > 0]
    return ticks[:: math.ceil(len(ticks) / (most + 1))]


def number_label(value: float) -> str:
    """Return a tick's text.

    >>> [number_label(v) for v in (0, 2007, 12_000, 1e-6, 0.05, 2.5e7)]
    ['0', '2007', '12,000', '1e-6', '0.05', '2.5e7']
    """
    size = abs(value)
    if value == 0:
        return "0"
    if size < 1e-3 or size >= 1e6:
        digits, exponent = f"{value:.11e}".split("e")
        return f"{digits.rstrip('0').rstrip('.')}e{int(exponent)}"
    return f"{value:,.12g}" if size >= 1e4 else f"{value:.12g}"
