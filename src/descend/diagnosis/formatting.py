"""formatting: numbers as findings and verdicts show them."""


def percent(share: float) -> str:
    """Return a share as per cent with two digits.

    >>> percent(0.000123), percent(0.0), percent(0.5)
    ('0.012 %', '0 %', '50 %')
    """
    value = 100 * max(share, 0.0)
    return "0 %" if value < 5e-7 else f"{value:.2g} %" if value < 10 else f"{value:.0f} %"


def factor(ratio: float) -> str:
    """Return a ratio with the digits that matter.

    >>> factor(3.14159), factor(410_000.0), factor(2e9)
    ('3.14', '410,000', '2.0e+09')
    """
    return f"{ratio:.3g}" if ratio < 1000 else f"{ratio:,.0f}" if ratio < 1e7 else f"{ratio:.1e}"
