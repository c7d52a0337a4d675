"""All engines are called alike."""

import inspect

import numpy as np
import pytest

from descend.engines import gram, linear, network, plain
from descend.engines.contract import Advance
from descend.engines.state import start
from descend.plan import Plan, setting


@pytest.mark.parametrize("engine", [plain, linear, gram, network], ids=lambda e: e.__name__)
def test_every_engine_keeps_the_contract(engine):
    contract = list(inspect.signature(Advance.__call__).parameters.values())[1:]

    assert list(inspect.signature(engine.advance).parameters.values())[: len(contract)] == contract


@pytest.mark.parametrize("engine", [plain, linear, gram], ids=lambda e: e.__name__)
def test_an_engine_returns_weights_at_each_record_point_and_leaves_the_state_it_got(engine, small):
    problem, plan = small("squared"), Plan((setting("sgd", lr=0.1), setting("sgd", lr=0.2)))
    begin = start(problem, plan)
    before = begin.weights.copy()
    rows = problem.data.rows
    state, weights = engine.advance(problem, plan, begin, np.array([rows, 3 * rows]))
    assert weights.shape == (2, 2, problem.params)
    assert state.seen.tolist() == [3 * rows, 3 * rows]
    np.testing.assert_array_equal(weights[:, -1], state.weights)
    np.testing.assert_array_equal(begin.weights, before)
