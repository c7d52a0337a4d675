"""The engine that trains a plan: the fastest that is right."""

import importlib

import numpy as np
import pytest
from scipy.sparse import csr_array

from descend.engines import choose, full_pass
from descend.errors import UsageError
from descend.losses import loss
from descend.plan import Plan, setting
from descend.problem import Problem, objectives
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


def ill_conditioned(rows=200, features=6, condition=1e6):
    rng = np.random.default_rng(0)
    U, V = np.linalg.qr(rng.normal(size=(rows, features)))[0], np.linalg.qr(rng.normal(size=(features, features)))[0]
    X = np.sqrt(rows) * (U * np.geomspace(1, 1 / condition, features)) @ V.T
    return Problem(Data(X, X @ rng.normal(size=features) + rng.normal(size=rows)), loss("squared"))


def test_a_run_that_would_stray_is_trained_on_the_rows_and_the_others_by_moments(monkeypatch):
    problem, module = ill_conditioned(), importlib.import_module("descend.engines.choose")
    monkeypatch.setattr(module, "_sound", lambda problem, plan, gram: plan.settings[0].rule.name == "sgd")
    stable, straying = setting("sgd", lr=0.1), setting("momentum", lr=0.1, beta=0.99)
    assert [choose(problem, Plan((s,))).name for s in (stable, straying)] == ["gram", "linear"]
    both = train(problem, Plan((stable, straying)), limits=Limits(epochs=300))
    alone = [train(problem, Plan((s,)), limits=Limits(epochs=300)).weights[0] for s in (stable, straying)]
    assert both.engine == "gram"
    np.testing.assert_array_equal(both.weights[0], alone[0])
    np.testing.assert_array_equal(both.weights[1], alone[1])


def test_of_many_rows_no_run_is_trained_on_the_rows_for_its_last_digits(monkeypatch):
    monkeypatch.setattr(full_pass, "LARGE_CELLS", 1)
    assert choose(ill_conditioned(), Plan((setting("momentum", lr=0.1, beta=0.99),))).name == "gram"


@pytest.mark.parametrize("threads", [1, 2])
def test_networks_are_measured_run_by_run_with_the_same_bits(threads):
    rng = np.random.default_rng(0)
    data = Data(rng.normal(size=(60, 3)), rng.normal(size=60))
    problem = Problem(data, loss("squared"), network=Network((3, 4, 1)))
    weights = rng.normal(size=(5, problem.params))
    engine = choose(problem, Plan((setting("sgd", lr=0.01),)), held_out=data, threads=threads)
    np.testing.assert_array_equal(engine.objectives(weights), objectives(problem, weights))
    np.testing.assert_array_equal(engine.held_out(weights), objectives(problem, weights))
