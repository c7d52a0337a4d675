"""Data are taken by rows, and their weights keep mean 1."""

import numpy as np
import pytest

from descend.data import Data


def test_taking_rows():
    data = Data(np.arange(6.0).reshape(3, 2), np.arange(3.0), np.array([0.5, 0.5, 2.0]), ("a", "b"))
    some = data.take(np.array([2, 0]))
    assert some.X.tolist() == [[4.0, 5.0], [0.0, 1.0]]
    assert some.y.tolist() == [2.0, 0.0]
    assert some.weight.mean() == pytest.approx(1.0)
    assert some.weight[0] / some.weight[1] == pytest.approx(4.0)
    assert (data.rows, data.features, some.names) == (3, 2, ("a", "b"))
