"""initialisers: from which distribution each weight of a network starts, by name."""

import math

from descend.errors import UsageError, nearest

ALIASES = {"glorot": "xavier", "glorot_uniform": "xavier_uniform", "glorot_normal": "xavier", "kaiming": "he"}
KNOWN = ("auto", "he", "he_uniform", "xavier", "xavier_uniform", "lecun", "lecun_uniform", "orthogonal", "zeros")


def check_init(how: str) -> str:
    """Return the name of an initialisation; raises UsageError for an unknown one, or a bad number after "normal:"."""
    name = ALIASES.get(how, how)
    if name in KNOWN:
        return name
    if name.startswith("normal:"):
        spread_of(name)
        return name
    known = [*KNOWN, "normal:STD"]
    raise UsageError(
        f"there is no initialisation {how!r}, there are {', '.join(known)}",
        fix=f"try {(nearest(str(how), known) or ['auto'])[0]!r}",
        code="unknown-init",
    )


def spread_of(how: str) -> float:
    """Return the standard deviation in a name such as "normal:0.1"; raises UsageError where there is none."""
    text = how.partition(":")[2]
    try:
        spread = float(text)
    except ValueError:
        spread = float("nan")
    if not (math.isfinite(spread) and spread >= 0):
        raise UsageError(
            f"the initialisation {how!r} has no standard deviation of at least 0 after its colon",
            fix="write it as in normal:0.1",
            code="bad-init",
        )
    return spread


def weight_variance(form: str, fan_in: int, fan_out: int) -> float:
    """Return the variance of a start weight: he (He et al. 2015), xavier (Glorot and Bengio 2010), lecun (LeCun 1998).

    >>> weight_variance("he", 8, 2), weight_variance("xavier", 8, 2), weight_variance("lecun", 8, 2)
    (0.25, 0.2, 0.125)
    """
    return {"he": 2 / fan_in, "xavier": 2 / (fan_in + fan_out), "lecun": 1 / fan_in}[form]
