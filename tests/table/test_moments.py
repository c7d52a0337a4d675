"""Moments against exact arithmetic and NumPy, for any cut of the rows."""

import itertools
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from scipy.sparse import csr_array

from descend.table import moments as module
from descend.table.data import Data
from descend.table.moments import Accumulator, Rows, accumulate
from descend.table.scaled_rows import ScaledRows


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def same_bits(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in a.__dataclass_fields__)


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 256 rows, the least there is, and shards of one block."""
    monkeypatch.setattr(module, "BLOCK_CELLS", 1)
    monkeypatch.setattr(module, "SHARD_BLOCKS", 1)


def test_moments_are_the_weighted_covariances():
    X, y, weight = random(500, 3) + 5, random(500, 2, seed=1) - 7, np.random.default_rng(2).uniform(0, 2, 500)
    moments = accumulate([Data(X, y, weight)])
    covariance = np.cov(np.c_[X, y].T, aweights=weight, bias=True) * weight.mean()
    np.testing.assert_allclose(moments.G, covariance[:3, :3], rtol=1e-12)
    np.testing.assert_allclose(moments.c, covariance[:3, 3:], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(moments.yy, np.diagonal(covariance)[3:], rtol=1e-12)
    np.testing.assert_allclose(moments.mean, np.average(X, axis=0, weights=weight), rtol=1e-12)
    assert (moments.rows, moments.mass) == (500, pytest.approx(weight.mean()))
    assert np.array_equal(moments.G, moments.G.T)


def test_the_number_of_threads_changes_no_bit(small_blocks):
    data = Data(random(3000, 4), random(3000, seed=1))
    one = accumulate([data], threads=1)
    assert same_bits(one, accumulate([data], threads=2))
    assert same_bits(one, accumulate([data], threads=3))
    assert not same_bits(one, accumulate([data.take(np.arange(3000)[::-1])]))  # another order of summing shows


@pytest.mark.parametrize("weighted", [True, False])
def test_the_order_in_memory_changes_no_bit(small_blocks, weighted):
    X, y, weight = random(3000, 4), random(3000, seed=1), np.random.default_rng(2).uniform(0, 2, 3000)
    weight = weight if weighted else None
    assert same_bits(accumulate([Data(X, y, weight)]), accumulate([Data(np.asfortranarray(X), y, weight)]))


@pytest.mark.parametrize("cuts", [[1, 2, 255, 256, 257, 2000], [1500], list(range(0, 3000, 100))])
@pytest.mark.parametrize("weighted", [True, False])
def test_a_stream_of_pieces_has_the_bits_of_the_whole(small_blocks, cuts, weighted):
    X, y, weight = random(3000, 4), random(3000, seed=1), np.random.default_rng(2).uniform(0, 2, 3000)
    parts = zip(np.split(X, cuts), np.split(y, cuts), np.split(weight, cuts), strict=True)
    pieces = (Data(a, b, c if weighted else None) for a, b, c in parts)
    assert same_bits(accumulate(pieces, threads=2), accumulate([Data(X, y, weight if weighted else None)]))


def test_weights_stand_for_repeated_rows(small_blocks):
    X, y, times = random(400, 3), random(400, seed=1), np.random.default_rng(2).integers(0, 4, 400)
    repeated = accumulate([Data(np.repeat(X, times, axis=0), np.repeat(y, times))])
    weighted = accumulate([Data(X, y, times / times.mean())])
    for name in ("G", "c", "yy", "mean", "target"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-12, atol=1e-15)


def test_a_block_of_zero_weights_adds_nothing(small_blocks):
    X, y, weight = random(768, 2), random(768, seed=1), np.repeat([1.5, 0.0, 1.5], 256)
    kept = weight > 0
    moments, expected = accumulate([Data(X, y, weight)]), accumulate([Data(X[kept], y[kept])])
    np.testing.assert_allclose(moments.G, expected.G, rtol=1e-13)
    np.testing.assert_allclose(moments.mean, expected.mean, rtol=1e-13)


def test_a_huge_mean_costs_no_digits_of_the_variance(small_blocks):
    column = 1e9 + random(1000)
    exact = [Fraction(x) for x in column]
    mean = sum(exact) / 1000
    variance = float(sum((x - mean) ** 2 for x in exact) / 1000)
    assert accumulate([Data(column[:, None], column)]).G.item() == pytest.approx(variance, rel=1e-12)
    assert (column @ column / 1000 - column.mean() ** 2) != pytest.approx(variance, rel=1e-3)  # raw moments lose it


def test_float32_is_summed_in_float64_without_a_copy():
    X, y = random(100_000, 20).astype(np.float32), random(100_000, seed=1).astype(np.float32)
    assert same_bits(accumulate([Data(X, y)]), accumulate([Data(X.astype(np.float64), y.astype(np.float64))]))
    tracemalloc.start()
    accumulate([Data(X, y)], threads=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes


def test_sorted_rows_keep_their_digits(small_blocks):
    column = np.sort(np.exp(8 * random(5000)))
    variance = float(np.var(column.astype(np.longdouble)))
    assert accumulate([Data(column[:, None], column)]).G.item() == pytest.approx(variance, rel=1e-12)


def test_rescaled_moments_are_those_of_scaled_rows():
    X, y, weight = (
        random(500, 3) * [1, 10, 1e-3] + 5,
        random(500, 2, seed=1),
        np.random.default_rng(2).uniform(0, 2, 500),
    )
    center, width = np.array([5.0, 4.0, 5.0]), np.array([2.0, 10.0, 1e-3])
    moments = accumulate([Data(X, y, weight)]).rescaled(center, width, np.array([1.0, 0.0]), np.array([3.0, 1.0]))
    expected = accumulate([Data((X - center) / width, (y - [1, 0]) / [3, 1], weight)])
    for name in ("G", "c", "yy", "mean", "target", "mass"):
        np.testing.assert_allclose(getattr(moments, name), getattr(expected, name), rtol=1e-9, atol=1e-12)


def test_data_know_their_moments_and_forget_them_where_they_change():
    data = Data(random(600, 3), random(600, seed=1))
    assert data.gram() is data.gram(threads=2)
    assert same_bits(data.gram(), accumulate([data]))
    part = data.take(np.arange(100))
    assert same_bits(part.gram(), accumulate([part]))
    assert data.with_gram(part.gram()).gram() is part.gram()


@pytest.mark.parametrize("kind", [csr_array, lambda X: ScaledRows(X, np.zeros(3), np.ones(3), np.float64)])
def test_rows_that_are_made_as_they_are_read_have_the_same_moments(small_blocks, kind):
    X, y = random(2000, 3), random(2000, seed=1)
    assert same_bits(Data(kind(X), y).gram(), Data(X, y).gram())


@pytest.mark.parametrize("threads", [1, 3])
def test_pieces_that_are_given_one_by_one_have_the_bits_of_the_whole(threads):
    rng = np.random.default_rng(0)
    X, y, weight = rng.normal(size=(30_000, 40)), rng.normal(size=30_000), rng.uniform(0, 2, 30_000)
    whole = accumulate([Rows(X, y, weight)])
    with Accumulator(threads) as sums:
        for lo, hi in itertools.pairwise((0, 7, 8, 12_000, 29_999, 30_000)):
            sums.add(Rows(np.asfortranarray(X[lo:hi]), y[lo:hi], weight[lo:hi]))
        pieces = sums.gram()
    assert np.array_equal(pieces.G, whole.G)
    assert np.array_equal(pieces.c, whole.c)
    assert (pieces.mass, pieces.rows) == (whole.mass, whole.rows)


def test_shards_that_stay_apart_merge_to_the_bits_of_the_whole(small_blocks):
    rows = Rows(random(3000, 4), random(3000, seed=1), None)
    size, whole = module.shard_rows(4), accumulate([rows])
    shift, sums = module.shift_of(module.cut(rows, 0, size)), []
    for lo, hi in ((0, 3 * size), (3 * size, 3000)):
        with module.Accumulator(shift=shift) as apart:
            apart.add(module.cut(rows, lo, hi))
            sums += apart.sums()
    assert len(sums) == -(-3000 // size)
    assert same_bits(module.gram_of(module.merged(sums), shift, 4), whole)
