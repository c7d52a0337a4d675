"""The type of every array."""

from typing import get_origin

import numpy as np

from descend.arrays import Array


def test_an_array_is_numpys():
    assert get_origin(Array) is np.ndarray
