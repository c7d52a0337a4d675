"""Runs that several processes train have the bits of one process, whatever falls to which of them."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from descend.cluster.passes import Served, SharedPasses
from descend.engines import linear, network, shared_runs, start
from descend.plan import Plan, setting
from descend.plan.rule import rule
from descend.problem.layer_stats import KINDS
from descend.problem.network import Network


def mine(g, t=1, lr=0.1, share=0.5):
    return (share * lr * g,)


RULE = rule(mine)
SETTINGS = [
    *(setting("sgd", lr=0.01 * (k + 1), label="gd") for k in range(9)),  # a group of more than eight runs
    setting("adam", lr=0.1, batch_size=7, seed=3),
    setting("momentum", lr=0.3, batch_size=5, seed=3),
    setting("sgd", lr=0.1, batch_size=1),
    setting("sgd", lr=1e9, batch_size=3),  # fails
    setting(mine, lr=0.1, batch_size=4),
]
SETTINGS[9] = replace(SETTINGS[9], factors=np.linspace(1, 0.1, 50), schedule="linear", clip=0.5)


def advanced(engine, problem, plan, state=None):
    stats = np.full((len(plan), 3, len(problem.network.layers) if problem.network else 0, len(KINDS)), np.nan)
    points = np.array([1, 3, 4]) * problem.data.rows + (0 if state is None else 4 * problem.data.rows)
    state, path = engine.advance(problem, plan, start(problem, plan) if state is None else state, points, 2, stats)
    return state, [path.tobytes(), *(a.tobytes() for a in vars(state).values())], stats


@pytest.fixture
def by_ranks(in_threads, monkeypatch):
    """Return what ranks make of a plan together, and how many jobs fell to each."""
    monkeypatch.setattr(shared_runs, "SHARED_WORK", 0)

    def run(engine, problem, plan, world):
        counts = {}

        def rank(group):
            served = Served(group, lambda place: problem, 1, {"mine": RULE})
            if group.rank:
                return group.wait(served, served.room)
            team = SharedPasses(group, 0, problem.params)
            shared, share = replace(problem, data=problem.data.with_team(team)), SharedPasses.share

            def counted(self, told, costs, own):
                return share(
                    self,
                    told,
                    costs,
                    lambda jobs: (counts.update({len(counts): (len(jobs), len(costs))}), own(jobs))[1],
                )

            monkeypatch.setattr(SharedPasses, "share", counted)
            with group.at_work(problem.params):
                state, first, stats = advanced(engine, shared, plan)
                return first, advanced(engine, shared, plan, state)[1], stats

        return in_threads(world, rank)[0], counts

    return run


@pytest.mark.parametrize("world", [2, 5, 20])
@pytest.mark.parametrize("name", ["logistic", "softmax"])
def test_runs_of_a_linear_model_have_the_bits_of_one_process(small, by_ranks, name, world):
    problem, plan = small(name, rows=40, outputs=3 if name == "softmax" else 1, l2=0.1), Plan(tuple(SETTINGS))
    state, first, _ = advanced(linear, problem, plan)

    found, counts = by_ranks(linear, problem, plan, world)

    assert found[:2] == (first, advanced(linear, problem, plan, state)[1])
    assert counts[0][0] < counts[0][1]  # others trained some


def test_runs_of_a_network_have_the_bits_and_statistics_of_one_process(small, by_ranks):
    problem = small("squared", rows=40)
    problem = replace(problem, network=Network((3, 5, 1), "tanh", False, False, 0.2))
    plan = Plan(tuple(setting("adam", lr=0.01 * (k + 1), batch_size=8, seed=k) for k in range(5)))
    state, first, stats = advanced(network, problem, plan)

    found, counts = by_ranks(network, problem, plan, 3)

    assert found[:2] == (first, advanced(network, problem, plan, state)[1])
    np.testing.assert_array_equal(found[2], stats)
    assert counts[0] == (2, 5)


def test_the_oracle_can_fail_since_settings_that_are_told_decide(small, by_ranks, monkeypatch):
    monkeypatch.setattr(shared_runs, "PLAIN", tuple(n for n in shared_runs.PLAIN if n != "clip"))
    problem, plan = small("logistic", rows=40), Plan(tuple(SETTINGS))
    assert by_ranks(linear, problem, plan, 5)[0][0] != advanced(linear, problem, plan)[1]


def test_little_work_is_not_shared(small):
    problem = small("logistic", rows=40)
    alone = replace(
        problem, data=problem.data.with_team(SharedPasses(SimpleNamespace(world=2), 0))
    )  # to tell the others would fail
    assert advanced(linear, alone, Plan(tuple(SETTINGS)))[1] == advanced(linear, problem, Plan(tuple(SETTINGS)))[1]
