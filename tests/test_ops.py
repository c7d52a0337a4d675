"""The shared words mean the same for floats, arrays and tensors."""

import numpy as np
import pytest
import torch

from descend import ops

VALUES = [-2.5, -1.0, 0.0, 0.5, 3.0]


@pytest.mark.parametrize("name", ["sign", "exp"])
def test_words_of_one_argument(name):
    word = getattr(ops, name)
    arrays, tensors = word(np.array(VALUES)), word(torch.tensor(VALUES, dtype=torch.float64))
    np.testing.assert_allclose(arrays, [float(word(v)) for v in VALUES])
    np.testing.assert_allclose(tensors.numpy(), arrays)


@pytest.mark.parametrize("name", ["sqrt", "log1p"])
def test_words_of_numbers_above_zero(name):
    word, values = getattr(ops, name), [0.0, 0.5, 9.0]
    np.testing.assert_allclose(word(np.array(values)), [float(word(v)) for v in values])
    np.testing.assert_allclose(word(torch.tensor(values, dtype=torch.float64)).numpy(), word(np.array(values)))


def test_maximum_takes_the_larger():
    assert ops.maximum(np.array([1.0, -2.0]), 0.0).tolist() == [1.0, 0.0]
    assert ops.maximum(torch.tensor([1.0, -2.0]), 0.0).tolist() == [1.0, 0.0]
    assert ops.maximum(torch.tensor([1.0]), torch.tensor([4.0])).tolist() == [4.0]
    assert ops.maximum(-1.0, 2.0) == 2.0


def test_where_chooses_by_condition():
    x = np.array(VALUES)
    assert ops.where(x > 0, x, 0.0).tolist() == [0.0, 0.0, 0.0, 0.5, 3.0]
    t = torch.tensor(VALUES)
    assert ops.where(t > 0, t, 0.0 * t).tolist() == [0.0, 0.0, 0.0, 0.5, 3.0]
    assert ops.where(True, 1.0, 2.0) == 1.0


def test_exp_beyond_the_range_is_infinity_without_a_warning():
    assert ops.exp(1e4) == np.inf
    assert ops.exp(np.array([1e4, -1e4])).tolist() == [np.inf, 0.0]
