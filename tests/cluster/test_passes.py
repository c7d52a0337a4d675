"""Passes over all rows that several ranks share have the bits of one process."""

from dataclasses import replace

import numpy as np
import pytest
from tests.conftest import Member

from descend.cluster import passes
from descend.cluster.passes import Served, SharedPasses, assigned
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
            served = Served(group, lambda place: problem, threads=2)
            if group.rank:
                return group.wait(served, served.room)
            shared = replace(problem, data=problem.data.with_team(SharedPasses(group, 0, problem.params)))
            with group.at_work(problem.params):
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
            return group.wait(Served(group, lambda place: problem, threads=1), problem.params)
        blocks = np.full((6, problem.params), np.nan)
        with group.at_work(problem.params):
            SharedPasses(group, 0).fill(1, np.zeros(problem.params), blocks, lambda lo, hi: filled.update(own=(lo, hi)))
        return np.isnan(blocks).all(axis=1).tolist()

    found = in_threads(3, rank)
    assert filled["own"] == (0, 2)
    assert found[0] == [True, True, False, False, False, False]  # what rank 0 was to fill and did not; the others did


def test_where_nobody_waits_nothing_is_filled(in_threads):
    assert in_threads(1, lambda group: SharedPasses(group, 0).fill(0, np.zeros(1), np.zeros(4), None)) == [False]


def test_a_pass_that_is_cut_short_ends_the_sharing(in_threads):
    def interrupted(lo, hi):
        raise KeyboardInterrupt

    def rank(group):
        with group.at_work(1):
            with pytest.raises(KeyboardInterrupt):
                SharedPasses(group, 0).fill(0, np.zeros(1), np.zeros(4), interrupted)
            assert not SharedPasses(group, 0).fill(0, np.zeros(1), np.zeros(4), None)

    (error,) = in_threads(1, rank)
    assert str(error) == "rank 0 of 1 was interrupted in a pass that it shared; start all again"


def test_a_part_of_the_rows_has_no_team(small):
    data = small("logistic", rows=20).data
    shared = data.with_team(SharedPasses(None, 0))
    assert shared.team is not None
    assert shared.drawn(5, seed=3).team.sample == (5, 3)
    assert shared.drawn(50, seed=3).team is shared.team
    assert shared.with_gram(data.gram()).team is shared.take(np.arange(5)).team is None
    assert data.with_gram(data.gram()).with_team(SharedPasses(None, 0)).has_gram


def steps(problem, plan, epochs=2):
    state, path = linear.advance(problem, plan, start(problem, plan), np.arange(1, epochs + 1) * problem.data.rows)
    return state, path


@pytest.mark.parametrize("world", [2, 3, 8])
@pytest.mark.parametrize("name", ["logistic", "softmax", "hinge", "squared"])
def test_batches_that_ranks_share_have_the_sums_of_one_process(small, together, monkeypatch, name, world):
    monkeypatch.setattr(linear, "SHARED_BATCH", 1)
    problem = small(name, rows=500, outputs=3 if name == "softmax" else 1, weighted=True, l2=0.1)
    plan = Plan((setting("adam", lr=0.1, batch_size=70, seed=5),))
    counts, exchange = [0] * world, Member.exchange

    def counted(self, like, own):
        counts[self.rank] += 1
        return exchange(self, like, own)

    monkeypatch.setattr(Member, "exchange", counted)

    state, path = together(problem, world, lambda shared: steps(shared, plan))[0]

    expected, expected_path = steps(problem, plan)
    np.testing.assert_allclose(path, expected_path, rtol=1e-11, atol=1e-13)
    assert (state.steps.tolist(), state.seen.tolist()) == (expected.steps.tolist(), expected.seen.tolist())
    assert counts == [2 * 8] * world  # eight batches an epoch


def test_batches_of_a_sample_are_those_of_its_rows(small, together, monkeypatch):
    monkeypatch.setattr(linear, "SHARED_BATCH", 1)
    problem, plan = small("logistic", rows=500), Plan((setting("adam", lr=0.1, batch_size=70, seed=5),))

    def on_sample(whole):
        return steps(replace(whole, data=whole.data.drawn(200, seed=9)), plan)[1]

    np.testing.assert_allclose(together(problem, 3, on_sample)[0], on_sample(problem), rtol=1e-11, atol=1e-13)


def test_the_oracle_can_fail_where_ranks_add_the_same_part(small, together, monkeypatch):
    monkeypatch.setattr(linear, "SHARED_BATCH", 1)
    monkeypatch.setattr(passes, "share_of", lambda count, rank, world: range(count // 2))
    problem, plan = small("logistic", rows=500), Plan((setting("adam", lr=0.1, batch_size=70, seed=5),))
    path = together(problem, 2, lambda shared: steps(shared, plan))[0][1]
    assert np.abs(path - steps(problem, plan)[1]).max() > 1e-4


def test_a_batch_run_that_fails_ends_as_in_one_process(small, together, monkeypatch):
    monkeypatch.setattr(linear, "SHARED_BATCH", 1)
    problem, plan = small("poisson", rows=500), Plan((setting("sgd", lr=1e4, batch_size=70),))
    state = together(problem, 2, lambda shared: steps(shared, plan)[0])[0]
    expected = steps(problem, plan)[0]
    assert [a.tolist() for a in (state.outcome, state.steps, state.seen)] == [
        a.tolist() for a in (expected.outcome, expected.steps, expected.seen)
    ]


def test_full_batches_of_several_classes_are_shared_but_for_rounding(small, together, monkeypatch):
    monkeypatch.setattr(linear, "SHARED_CELLS", 1)
    problem = small("softmax", rows=2 * BLOCK + 7, outputs=3)
    plan, filled, fill = Plan((setting("adam", lr=0.1, batch_size=0),)), [], SharedPasses.fill
    monkeypatch.setattr(SharedPasses, "fill", lambda self, *given: (filled.append(given[0]), fill(self, *given))[1])
    path = together(problem, 2, lambda shared: steps(shared, plan, 5)[1])[0]
    np.testing.assert_allclose(path, steps(problem, plan, 5)[1], rtol=1e-11, atol=1e-13)
    assert filled == [1] * 5


@pytest.mark.parametrize(
    ("jobs", "world"), [([1.0, 5, 2, 2], 2), ([1.0], 3), ([], 2), ([1.0] * 7, 3)], ids=["uneven", "few", "none", "even"]
)
def test_every_job_is_assigned_once(jobs, world):
    found = assigned(jobs, world)
    assert len(found) == world
    assert sorted(job for part in found for job in part) == list(range(len(jobs)))
    loads = [sum(jobs[k] for k in part) for part in found]
    assert max(loads) - min(loads) <= max(jobs, default=0)
