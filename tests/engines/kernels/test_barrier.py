"""Threads in compiled code wait for each other."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numba import njit

from descend.engines.kernels.barrier import abandon, atomic_add, atomic_load, barrier, wait

ROUNDS = 200


@njit(nogil=True)
def stale(state, threads, me, seen, waits):
    """Write the number of each round, and count how often another thread's number is not that of the round."""
    count = 0
    for k in range(ROUNDS):
        seen[me] = k
        if waits and not wait(state, threads):
            return -1
        for other in range(seen.size):
            count += seen[other] != k
        if waits and not wait(state, threads):
            return -1
    return count


def counted(threads, waits=True):
    state, seen = barrier(), np.full(threads, -1)
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda me: stale(state, threads, me, seen, waits), range(threads)))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_all_see_what_each_wrote_before_the_barrier(threads):
    assert counted(threads) == [0] * threads


def test_without_the_barrier_they_would_not():
    assert sum(counted(2, waits=False)) > 0


def test_an_abandoned_barrier_lets_everybody_go():
    state = barrier()
    abandon(state)

    assert stale(state, 2, 0, np.zeros(2, np.int64), True) == -1


@njit
def added(state, at, by):
    return atomic_add(state, at, by), atomic_load(state, at)


def test_an_addition_returns_what_was_there():
    state = np.array([3, 5, 7])

    assert added(state, 1, 10) == (5, 15)
    assert state.tolist() == [3, 15, 7]
