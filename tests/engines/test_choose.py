"""The engine that trains a plan: the fastest that is right."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from descend.engines import choose
from descend.errors import UsageError
from descend.losses import loss
from descend.plan import Plan, setting
from descend.problem import Problem
from descend.problem.network import Network
from descend.table.data import Data
from descend.training import Limits, train


@pytest.mark.parametrize(
    ("form", "batch_size", "engine"),
    [("dense", 0, "gram"), ("dense", 7, "linear"), ("sparse", 0, "gram"), ("network", 0, "network"), ("logistic", 0, "linear")],
)  # fmt: skip
def test_the_fastest_that_is_right(form, batch_size, engine):
    X = np.random.default_rng(0).normal(size=(60, 3))
    data = Data(csr_array(X) if form == "sparse" else X, (X[:, 0] > 0).astype(float))
    shape = Network((3, 2, 1)) if form == "network" else None
    problem = Problem(data, loss("logistic" if form == "logistic" else "squared"), network=shape)

    assert choose(problem, Plan((setting("sgd", lr=0.01, batch_size=batch_size),))).name == engine


def forgetful(g, v, t, lr=0.1):
    return (lr * g,)


def generous(g, t, lr=0.1):
    return lr * g, g


def bare(g, t, lr=0.1):
    return lr * g


def failing(g, t, lr=0.1):
    raise ZeroDivisionError("no")


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (forgetful, "the rule forgetful returns a tuple of 1, it must return (step, v); compare descend.rules.momentum"),
        (generous, "the rule generous returns a tuple of 2, it must return (step,); compare descend.rules.momentum"),
        (bare, "the rule bare returns a float64, it must return (step,); compare descend.rules.momentum"),
        (failing, "the rule failing fails for the gradient 0.5: ZeroDivisionError: no; "
                  "use operators and descend.ops in it, as descend.rules does"),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)  # fmt: skip
@pytest.mark.parametrize("batch_size", [0, 7])
def test_a_rule_that_does_not_keep_its_promise_is_refused_before_training(small, rule, text, batch_size):
    with pytest.raises(UsageError) as caught:
        choose(small("squared"), Plan((setting("adam", lr=0.1), setting(rule, lr=0.1, batch_size=batch_size))))
    assert str(caught.value) == text


def test_a_rule_that_cannot_be_compiled_is_trained_by_the_plain_engine(small):
    def held(g, v, t, lr=0.1):
        v = {"v": 0.9 * v + np.linalg.norm([1.0]) * g}["v"]
        return lr * v, v

    problem, plans = small("squared"), [Plan((setting(r, lr=0.01, batch_size=7),)) for r in (held, "momentum")]
    ours, theirs = (train(problem, plan, limits=Limits(epochs=20)) for plan in plans)
    assert (ours.engine, theirs.engine) == ("plain", "linear")
    np.testing.assert_allclose(ours.weights, theirs.weights, rtol=1e-12)
