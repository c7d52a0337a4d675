"""Moments that several ranks add up have the bits that one process gives them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descend.cluster import moments as module
from descend.cluster.moments import accumulate
from descend.table import moments as alone
from descend.table.moments import Rows, share_of


def rows_of(n, d=3, weighted=True, seed=0):
    rng = np.random.default_rng(seed)
    return Rows(
        rng.standard_normal((n, d)) + 5, rng.standard_normal((n, 1)), rng.uniform(0, 2, n) if weighted else None
    )


def bits(gram):
    return [np.asarray(getattr(gram, name)).tobytes() for name in gram.__dataclass_fields__]


@pytest.fixture
def small_shards(monkeypatch):
    """Shards of one block of 256 rows, the least there is."""
    monkeypatch.setattr(alone, "BLOCK_CELLS", 1)
    monkeypatch.setattr(alone, "SHARD_BLOCKS", 1)


@given(count=st.integers(0, 60), world=st.integers(1, 12))
def test_parts_cover_the_shards_in_order_and_are_even_up_to_one(count, world):
    parts = [share_of(count, rank, world) for rank in range(world)]
    assert [k for one in parts for k in one] == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize(
    ("n", "world"), [(2000, 1), (2000, 2), (2000, 3), (300, 4), (100, 3), (2, 5)],
    ids=["alone", "even", "uneven", "empty parts", "one shard", "more ranks than rows"],
)  # fmt: skip
@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
def test_all_ranks_have_the_bits_of_one_process(in_threads, small_shards, n, world, weighted):
    rows = rows_of(n, weighted=weighted)
    expected = bits(alone.accumulate([rows]))
    found = in_threads(world, lambda group: accumulate(group, [rows], threads=2))
    assert [bits(gram) for gram in found] == [expected] * world


def test_the_oracle_can_fail_since_another_order_of_the_sums_has_other_bits(in_threads, small_shards, monkeypatch):
    rows = rows_of(2000)
    monkeypatch.setattr(module, "share_of", lambda count, rank, world: range(rank, count, world))
    found = in_threads(2, lambda group: accumulate(group, [rows]))
    assert bits(found[0]) == bits(found[1]) != bits(alone.accumulate([rows]))
    np.testing.assert_allclose(found[0].G, alone.accumulate([rows]).G, rtol=1e-12)


def test_each_rank_reads_its_own_rows_and_those_of_the_first_shard(in_threads, small_shards):
    class Watched:
        def __init__(self, X):
            self.X, self.shape, self.read = X, X.shape, set()

        def __getitem__(self, key):
            self.read.update(range(*key.indices(len(self.X))))
            return self.X[key]

    watched = [Watched(rows_of(2048).X) for _ in range(2)]
    y = rows_of(2048).y
    in_threads(2, lambda group: accumulate(group, [Rows(watched[group.rank], y, None)]))
    assert watched[0].read == set(range(1024))
    assert watched[1].read == set(range(256)) | set(range(1024, 2048))


@settings(max_examples=20, deadline=None)
@given(d=st.integers(1, 5), seed=st.integers(0, 99))
def test_sums_survive_being_packed(d, seed):
    rng = np.random.default_rng(seed)
    sums = alone.Sums(rng.uniform(), rng.standard_normal(d), rng.standard_normal((d, d)), 7)
    again = module._unpacked(module._packed(sums), d)
    assert (again.mass, again.rows) == (sums.mass, 7)
    assert again.mean.tobytes() + again.scatter.tobytes() == sums.mean.tobytes() + sums.scatter.tobytes()
