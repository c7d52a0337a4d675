"""arrays: the type of every NumPy array here, whose shapes docstrings say, places spread over one, and arrays as bytes."""

import json
from collections.abc import Mapping
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


def packed(arrays: Mapping[str, Array], about: object = None) -> bytes:
    """Return arrays of numbers by name, and plain values about them, as bytes that `unpacked` reads.

    >>> unpacked(packed({"a": np.array([1.0, 2.0])}, ["b"]))
    ({'a': array([1., 2.])}, ['b'])
    """
    from safetensors.numpy import save

    return bytes(save({name: np.ascontiguousarray(a) for name, a in arrays.items()}, {"about": json.dumps(about)}))


def unpacked(data: bytes) -> tuple[dict[str, Array], Any]:
    """Return what `packed` was given."""
    from safetensors.numpy import load

    size = int.from_bytes(data[:8], "little")  # of the header, as the format says
    return load(data), json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["about"])
