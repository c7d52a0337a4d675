"""Learning-rate schedules: arrays of factors that multiply lr at step 1, 2, ...; the last one holds beyond the end.

The factor of a step is a function of the step alone, so a resumed run cannot be late or early by one.
"""

from collections.abc import Callable

import numpy as np

from descend.arrays import Array
from descend.errors import UsageError, nearest


def constant(steps: int) -> Array:
    """No change."""
    return np.ones(steps)


def step(steps: int, every: float = 1 / 3, factor: float = 0.1) -> Array:
    """Multiplied by `factor` after each `every` part of the steps."""
    return factor ** np.floor(np.arange(steps) / max(1.0, every * steps))


def exponential(steps: int, end: float = 0.01) -> Array:
    """Falls by the same part each step, to `end` at the last."""
    return end ** (np.arange(steps) / max(1, steps - 1))


def inverse_scaling(steps: int, power: float = 0.5) -> Array:
    """1 / t**power, as in Robbins and Monro 1951."""
    return np.arange(1, steps + 1) ** -power


def cosine(steps: int) -> Array:
    """Half a cosine from 1 towards 0 (Loshchilov and Hutter 2017); above 0 at the last step."""
    return 0.5 * (1 + np.cos(np.pi * np.arange(steps) / steps))


def one_cycle(steps: int, rise: float = 0.3, low: float = 0.04) -> Array:
    """Rises from `low` to 1 over the part `rise`, then falls towards 0 (Smith and Topin 2019), both as cosines."""
    top = max(1, round(rise * steps))
    up = low + (1 - low) * 0.5 * (1 - np.cos(np.pi * np.arange(top) / top))
    return np.concatenate([up, cosine(steps - top)])[:steps]


SCHEDULES: dict[str, Callable[..., Array]] = {
    f.__name__: f for f in (constant, step, exponential, inverse_scaling, cosine, one_cycle)
}


def factors(name: str, steps: int, warmup: int = 0) -> Array:
    """Return the factors (steps,) of a schedule, rising linearly over the first `warmup` steps.

    Raises UsageError for an unknown name.

    >>> factors("constant", 4, warmup=2).tolist()
    [0.5, 1.0, 1.0, 1.0]
    """
    if name not in SCHEDULES:
        raise UsageError(
            f"there is no schedule {name!r}, there are none, {', '.join(SCHEDULES)}",
            fix=f"try {(nearest(name, SCHEDULES) or ['cosine'])[0]!r}",
            code="unknown-schedule",
        )
    after = SCHEDULES[name](max(steps - warmup, 1))
    return np.concatenate([np.arange(1, warmup + 1) / max(warmup, 1), after])[: max(steps, 1)]
