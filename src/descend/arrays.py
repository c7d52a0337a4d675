"""arrays: the type of every NumPy array here, whose shapes docstrings say, and places spread over one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def evenly_spaced(count: int, most: int) -> Array:
    """Return at most so many places among a count of them, evenly spaced, both ends included, increasing.

    >>> evenly_spaced(100, 4).tolist(), evenly_spaced(3, 10).tolist()
    ([0, 33, 66, 99], [0, 1, 2])
    """
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))
