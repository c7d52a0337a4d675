"""An l1 penalty trained by batches ends with the zeros of the optimum."""

import dataclasses

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import Lasso, LogisticRegression

from descend.losses import loss
from descend.outcome import Outcome
from descend.plan import Plan, setting
from descend.problem import Problem, objectives
from descend.table.data import Data
from descend.training import Limits, train
from descend.training.closing import closing_phase

RNG = np.random.default_rng(3)
X = RNG.normal(size=(400, 12))
Z = 3 * X[:, 0] - 2 * X[:, 1] + X[:, 2] + RNG.normal(size=400)


def sparse_problem(name="squared", form="dense", dtype=np.float64, l1=0.2, l2=0.0):
    """Three columns that matter and nine that do not."""
    y = (Z > 0 if name == "logistic" else Z).astype(dtype)
    features = csr_array(X.astype(dtype)) if form == "sparse" else X.astype(dtype)
    return Problem(Data(features, y), loss(name), l1=l1, l2=l2)


def by_scikit_learn(name, l1):
    """The optimum: the halves and the sums of scikit-learn's objectives, turned into means."""
    if name == "logistic":
        model = LogisticRegression(l1_ratio=1.0, C=1 / (l1 * len(X)), solver="saga", tol=1e-10, max_iter=100_000)
        return model.fit(X, Z > 0).coef_[0]
    return Lasso(alpha=l1 / 2, tol=1e-14).fit(X, Z).coef_


@pytest.mark.parametrize("batch_size", [1, 16])
@pytest.mark.parametrize(("form", "dtype"), [("dense", np.float64), ("dense", np.float32), ("sparse", np.float64)])
@pytest.mark.parametrize(("name", "l1"), [("squared", 0.2), ("logistic", 0.03)])
def test_the_zeros_are_those_of_the_optimum(name, l1, form, dtype, batch_size):
    problem = sparse_problem(name, form, dtype, l1)
    best = by_scikit_learn(name, l1)

    fit = train(problem, Plan((setting("sgd", lr=0.02, batch_size=batch_size),)), limits=Limits(epochs=30))

    assert ((fit.weights[0, :12] == 0) == (best == 0)).all()
    assert (best == 0).sum() >= 6
    np.testing.assert_allclose(fit.weights[0, :12], best, atol=1e-3)
    assert fit.weights.dtype == dtype


def test_a_run_that_comes_to_the_optimum_so_has_converged():
    problem = sparse_problem()
    best = Lasso(alpha=0.1, tol=1e-14).fit(X, Z)
    optimum = float(objectives(problem, np.append(best.coef_, best.intercept_)[None])[0])

    fit = train(
        problem, Plan((setting("sgd", lr=0.02, batch_size=16),)),
        limits=Limits(epochs=30, optimum=optimum, aim=optimum * (1 + 1e-6)),
    )  # fmt: skip

    assert fit.outcomes == (Outcome.CONVERGED,)
    assert fit.loss[0] <= optimum * (1 + 1e-6)


def test_the_trace_ends_with_the_weights_that_are_kept():
    """Of a run that ends before the others as well, and no other point is changed."""
    plan = Plan(tuple(setting("sgd", lr=lr, batch_size=16) for lr in (0.02, 50.0, 0.002)))
    fit = train(sparse_problem(), plan, sparse_problem().data, Limits(epochs=60, early=False, patience=5))

    assert fit.outcomes[1].failed
    for run in (0, 2):
        own = fit.trace.until(run, int(fit.epochs[run]))
        w = fit.weights[run]
        mean_loss = np.mean((X @ w[:12] + w[12] - Z) ** 2)  # by hand
        np.testing.assert_array_equal(own.weights[0, -1], w)
        assert own.loss[0, -1] == fit.loss[run] == pytest.approx(mean_loss + 0.2 * np.abs(w[:12]).sum(), rel=1e-12)
        assert own.held_out[0, -1] == fit.held_out[run] == pytest.approx(mean_loss, rel=1e-12)
        assert own.loss[0, -1] < own.loss[0, :-1].min()
        assert fit.epoch[run] == fit.epochs[run]
        np.testing.assert_allclose(objectives(sparse_problem(), own.weights[0, :-1]), own.loss[0, :-1], rtol=1e-12)


def test_the_objective_never_rises():
    problem = sparse_problem(l2=0.1)
    for scale in (1e-8, 1.0, 1e8):
        weights = scale * np.random.default_rng(0).normal(size=13)
        before, after = objectives(problem, np.stack([weights, closing_phase(problem, weights)]))
        assert after <= before


def test_weights_at_the_optimum_stay():
    problem = sparse_problem()
    best = Lasso(alpha=0.1, tol=1e-14).fit(X, Z)
    optimum = np.append(best.coef_, best.intercept_)

    np.testing.assert_allclose(closing_phase(problem, optimum), optimum, atol=1e-9)
    assert not np.signbit(closing_phase(problem, optimum + 0.01)[3:12]).any()  # no coefficient reads -0


@pytest.mark.parametrize(
    ("l1", "batch_size", "held_out"), [(0.0, 16, False), (0.2, 0, False), (0.2, 16, True)],
    ids=["no l1", "all rows a step", "early stopping"],
)  # fmt: skip
def test_other_runs_keep_the_weights_they_were_trained_to(l1, batch_size, held_out):
    problem = sparse_problem(l1=l1)
    data = problem.data if held_out else None

    fit = train(problem, Plan((setting("sgd", lr=0.02, batch_size=batch_size),)), data, Limits(epochs=20))

    at = np.flatnonzero(fit.trace.epochs[0] == fit.epoch[0])[0]
    np.testing.assert_array_equal(fit.weights[0], fit.trace.weights[0, at])


def test_a_bias_is_not_penalised_and_a_diverged_run_is_left():
    shifted = sparse_problem()
    shifted = dataclasses.replace(shifted, data=Data(shifted.data.X, shifted.data.y + 100))

    fit = train(
        shifted, Plan(tuple(setting("sgd", lr=lr, batch_size=16) for lr in (0.02, 50.0))), limits=Limits(epochs=40)
    )  # fmt: skip

    assert fit.weights[0, 12] == pytest.approx(Lasso(alpha=0.1, tol=1e-14).fit(X, Z + 100).intercept_, abs=1e-3)
    assert fit.outcomes[1].failed
