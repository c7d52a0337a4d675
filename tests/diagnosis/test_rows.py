"""Rows are compared exactly, and a part of the rows is found in the whole."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from descend.diagnosis import rows as module
from descend.diagnosis.rows import positions_within, row_keys
from descend.table.data import Data


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_part_is_found_in_the_whole(sparse, dtype):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, size=(50, 4)).astype(dtype)
    whole = Data(csr_array(X) if sparse else X, rng.normal(size=50))
    rows = np.sort(rng.choice(50, 20, replace=False))
    assert positions_within(whole.take(rows), whole).tolist() == rows.tolist()


def test_of_equal_rows_the_first_are_found_and_other_rows_are_not():
    whole = Data(np.array([[1.0], [2.0], [2.0], [3.0]]), np.zeros(4))
    assert positions_within(whole.take(np.array([2, 3])), whole).tolist() == [1, 3]
    assert positions_within(Data(np.array([[4.0]]), np.zeros(1)), whole) is None
    assert positions_within(whole.take(np.array([3, 0])), whole) is None


def test_the_target_belongs_to_a_row():
    a, b = row_keys(Data(np.ones((2, 3)), np.array([0.0, 1.0]))).tolist()
    assert a != b


@pytest.mark.parametrize("kind", [np.asarray, csr_array])
def test_different_rows_have_different_keys_however_they_differ(kind):
    grid = np.stack(np.meshgrid(*[np.arange(20.0)] * 4), axis=-1).reshape(-1, 4)  # few bits, in all places
    near = 1 + np.arange(1000)[:, None] * np.spacing(1.0) * [1, 0, 0, 0]
    rows = np.r_[grid, near, near[:, ::-1][1:]]
    keys = row_keys(Data(kind(rows), np.zeros(len(rows))))
    assert len(np.unique(keys)) == len(np.unique(rows, axis=0))


def test_zeros_of_both_signs_are_equal_and_blocks_change_no_key(monkeypatch):
    rows = np.r_[np.zeros((1, 2)), -np.zeros((1, 2)), np.ones((200, 2))]
    keys = row_keys(Data(rows, np.zeros(202)))
    assert keys[0] == keys[1] != keys[2]
    monkeypatch.setattr(module, "BLOCK_CELLS", 1)
    assert np.array_equal(keys, row_keys(Data(rows, np.zeros(202))))
