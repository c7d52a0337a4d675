"""Passes over all rows that several ranks share have the bits of one process."""

from dataclasses import replace

import numpy as np
import pytest

from descend.cluster.passes import SharedPasses, served
from descend.engines import linear, start
from descend.engines.full_pass import full_gradient, full_objectives
from descend.engines.kernels.loops import BLOCK
from descend.plan import Plan, setting

ROWS = 5 * BLOCK + 123  # six blocks, the last of them short


@pytest.fixture
def together(in_threads):
    """Return what a job on a problem whose passes are shared returns on rank 0, and what the others return, None."""

    def run(problem, world, job):
        def rank(group):
            if group.rank:
                return group.wait(served(group, [problem], threads=2))
            shared = replace(problem, data=problem.data.with_team(SharedPasses(group, 0)))
            with group.at_work():
                return job(shared)

        return in_threads(world, rank)

    return run


@pytest.mark.parametrize("world", [2, 3, 8], ids=["even", "even parts of two", "more ranks than blocks"])
@pytest.mark.parametrize("name", ["logistic", "poisson", "huber", "squared"])
def test_losses_and_gradients_have_the_bits_of_one_process(small, together, name, world):
    problem = small(name, rows=ROWS, weighted=True, l2=0.1)
    weights = np.random.default_rng(1).standard_normal((2, problem.params))

    def job(shared):
        return full_objectives(shared, 2)(weights).tobytes(), full_gradient(shared)(weights[0]).tobytes()

    found = together(problem, world, job)
    assert found == [job(problem), *[None] * (world - 1)]


def test_full_batch_steps_have_the_bits_of_one_process(small, together, monkeypatch):
    monkeypatch.setattr(linear, "SHARED_CELLS", 1)
    problem = small("logistic", rows=ROWS)
    plan, points = Plan((setting("adam", lr=0.1, batch_size=0),)), np.array([3, 7]) * ROWS

    def job(shared):
        state, path = linear.advance(shared, plan, start(shared, plan), points)
        return state.weights.tobytes() + path.tobytes()

    found = together(problem, 3, job)
    assert found[0] == job(problem)


def test_each_rank_fills_its_part_alone(small, in_threads):
    problem, filled = small("logistic", rows=ROWS), {}

    def rank(group):
        if group.rank:
            return group.wait(served(group, [problem], threads=1))
        blocks = np.full((6, problem.params), np.nan)
        with group.at_work():
            SharedPasses(group, 0).fill(1, np.zeros(problem.params), blocks, lambda lo, hi: filled.update(own=(lo, hi)))
        return np.isnan(blocks).all(axis=1).tolist()

    found = in_threads(3, rank)
    assert filled["own"] == (0, 2)
    assert found[0] == [True, True, False, False, False, False]  # what rank 0 was to fill and did not; the others did


def test_where_nobody_waits_rank_0_fills_all(in_threads):
    filled = []
    in_threads(
        1,
        lambda group: SharedPasses(group, 0).fill(0, np.zeros(1), np.zeros(4), lambda lo, hi: filled.append((lo, hi))),
    )
    assert filled == [(0, 4)]


def test_a_pass_that_is_cut_short_ends_the_sharing(in_threads):
    def interrupted(lo, hi):
        raise KeyboardInterrupt

    def rank(group):
        filled = []
        with group.at_work():
            with pytest.raises(KeyboardInterrupt):
                SharedPasses(group, 0).fill(0, np.zeros(1), np.zeros(4), interrupted)
            SharedPasses(group, 0).fill(0, np.zeros(1), np.zeros(4), lambda lo, hi: filled.append((lo, hi)))
            assert filled == [(0, 4)]

    (error,) = in_threads(1, rank)
    assert str(error) == "rank 0 of 1 was interrupted in a pass that it shared; start all again"


def test_a_part_of_the_rows_has_no_team(small):
    data = small("logistic", rows=20).data
    shared = data.with_team(SharedPasses(None, 0))
    assert shared.team is not None
    assert shared.with_gram(data.gram()).team is shared.take(np.arange(5)).team is None
    assert data.with_gram(data.gram()).with_team(SharedPasses(None, 0)).has_gram
