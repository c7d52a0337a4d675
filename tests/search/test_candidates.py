"""What a search tries for a network; the linear case is in test_search."""

import numpy as np
import pytest

from descend.losses import loss
from descend.optimum.landscape import Landscape
from descend.options import read_options
from descend.plan import FULL
from descend.problem import Problem
from descend.problem.network import Network
from descend.search.candidates import NETWORK_ADAPTIVE, NETWORK_SHARES, settings
from descend.table.data import Data


@pytest.fixture(scope="module")
def problem():
    X = np.random.default_rng(0).normal(size=(640, 3))
    return Problem(Data(X, X[:, 0] ** 2), loss("squared"), network=Network((3, 4, 1)))


def options(**given):
    return read_options({"hidden_layer_sizes": (4,), **given})


def test_rates_of_linear_rules_are_parts_of_the_limit_at_the_start(problem):
    landscape = Landscape.of(problem)
    found = settings(problem, options(optimizer="gd"), landscape)

    assert [s.lr for s in found] == pytest.approx([part * 2 / landscape.curvature.largest for part in NETWORK_SHARES])
    assert {s.batch_size for s in found} == {FULL}


def test_rates_of_adaptive_rules_are_a_ladder(problem):
    assert [s.lr for s in settings(problem, options(optimizer="adam"), Landscape.of(problem))] == list(NETWORK_ADAPTIVE)


@pytest.mark.parametrize(("given", "size"), [("auto", 16), (7, 7), ("full", FULL)])
def test_batches_are_a_small_part_of_the_data(problem, given, size):
    found = settings(problem, options(optimizer="adam", lr=0.1, batch_size=given), Landscape.of(problem))

    assert [s.batch_size for s in found] == [size]


def test_the_start_that_was_typed_is_taken(problem):
    (one,) = settings(problem, options(optimizer="adam", lr=0.1, init="normal:0.3"), Landscape.of(problem))

    assert one.init == "normal:0.3"
