"""ScaledRows against the scaled copy, however they are read."""

import numpy as np
import pytest

from descend.sparse import column_squares, dense, row_squares
from descend.table import scaled_rows as module
from descend.table.scaled_rows import ScaledRows, TakenRows, taken_rows

RNG = np.random.default_rng(0)
SOURCE = (RNG.standard_normal((500, 4)) * [1, 100, 1e-3, 5] + [5, -3, 0, 1e6]).astype(np.float32)
CENTER, WIDTH = SOURCE.mean(axis=0, dtype=float), SOURCE.std(axis=0, dtype=float)
COPY = ((SOURCE - CENTER) / WIDTH).astype(np.float32)


@pytest.fixture
def rows(monkeypatch):
    monkeypatch.setattr(module, "BLOCK_CELLS", 64 * 4)
    return ScaledRows(SOURCE, CENTER, WIDTH, np.float32, threads=2)


def test_any_rows_and_columns_are_those_of_the_copy(rows):
    keys = [slice(3, 90), slice(None), np.array([7, 0, 7]), SOURCE[:, 0] > 5, (slice(None), 2), (slice(5, 9), [0, 3])]
    before = [rows[key] for key in keys]
    rows.whole()
    for key, first in zip(keys, before, strict=True):
        np.testing.assert_array_equal(first, COPY[key])
        np.testing.assert_array_equal(rows[key], COPY[key])
        assert (first.dtype, first.flags.c_contiguous) == (np.float32, True)


def test_shape_and_dtype_are_those_of_the_copy(rows):
    assert (rows.shape, rows.ndim, rows.dtype, rows.itemsize) == ((500, 4), 2, np.float32, 4)


def test_the_copy_is_made_once_whatever_the_threads(rows):
    whole = rows.whole()
    np.testing.assert_array_equal(whole, COPY)
    assert whole is rows.whole()
    assert np.asarray(rows) is whole
    assert dense(rows) is whole
    assert np.asarray(rows, np.float64).dtype == np.float64


@pytest.mark.parametrize("shape", [(4,), (4, 3)])
def test_products_are_those_of_the_copy(rows, shape):
    W = RNG.standard_normal(shape)
    exact = (SOURCE.astype(float) - CENTER) / WIDTH @ W  # which the copy rounds to float32
    np.testing.assert_allclose(rows @ W, exact, atol=1e-12 * 1e6)  # the last column is 200,000 widths from 0
    np.testing.assert_allclose(rows @ W, COPY @ W, atol=1e-6)
    assert (rows @ W).dtype == np.float64
    rows.whole()
    np.testing.assert_array_equal(rows @ W, np.concatenate([COPY[part] @ W for part in rows._blocks()]))


@pytest.mark.parametrize(("center", "width"), [(1e9, 1.0), (0.0, 1e-200), (1e200, 1e-200)])
def test_columns_too_far_from_zero_are_centred_before_they_are_multiplied(center, width):
    offsets = np.arange(6.0)[:, None] - 2.5
    far = ScaledRows(
        np.column_stack([offsets * width + center, offsets]),
        np.array([center, 0.0]),
        np.array([width, 1.0]),
        np.float64,
    )
    W = np.array([[1.0], [2.0]])
    np.testing.assert_array_equal(far @ W, far[:] @ W)
    assert module._for_the_source(W, far.center, far.width) is None


def test_sums_of_squares_are_those_of_the_copy(rows):
    np.testing.assert_allclose(column_squares(rows), np.square(COPY.astype(float)).sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(row_squares(rows[:9]), np.square(COPY[:9].astype(float)).sum(axis=1), rtol=1e-12)


def test_taken_rows_are_those_of_the_table():
    rows = np.arange(0, 500, 3)
    taken = TakenRows(SOURCE, rows)
    assert (taken.shape, taken.ndim, taken.dtype, taken.size) == ((167, 4), 2, np.float32, 668)
    for key in (
        slice(3, 90),
        np.array([7, 0]),
        (slice(None), 2),
        (slice(4, 9), np.array([0, 3])),
        (slice(5), slice(1, 3)),
    ):
        np.testing.assert_array_equal(taken[key], SOURCE[rows][key])


def test_a_part_is_copied_only_where_it_is_small(monkeypatch):
    assert taken_rows(SOURCE, np.arange(500)) is SOURCE
    assert isinstance(taken_rows(SOURCE, np.arange(499)), np.ndarray)
    monkeypatch.setattr(module, "LARGE_CELLS", 1)
    assert isinstance(taken_rows(SOURCE, np.arange(499)), TakenRows)


def test_a_loop_may_read_a_source_that_lies_as_it_reads():
    source, zero, one = np.arange(6.0).reshape(3, 2), np.zeros(2), np.ones(2)
    assert ScaledRows(source, zero, one, np.float64).readable
    assert not ScaledRows(source, zero, one, np.float32).readable
    assert not ScaledRows(np.asfortranarray(source), zero, one, np.float64).readable
    assert not ScaledRows(TakenRows(source, np.array([0, 2])), zero, one, np.float64).readable
    assert not ScaledRows(source, zero, one * 1e-309, np.float64).readable  # the inverse of the width would be infinite
    copied = ScaledRows(source, zero, one, np.float64)
    copied.whole()
    assert not copied.readable
