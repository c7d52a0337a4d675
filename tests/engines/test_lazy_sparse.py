"""Sparse features through every rule: the same weights as the dense run, whatever moves only when it is touched."""

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array

from descend.engines import choose, lazy_sparse, linear, plain, start
from descend.losses import loss
from descend.outcome import Outcome
from descend.plan import Plan, setting
from descend.problem import Problem
from descend.rules import adagrad, sgd
from descend.table.data import Data

ROWS, FEATURES = 90, 40
RULES = ("sgd", "momentum", "nesterov", "adagrad", "adagrad_keras", "rmsprop", "adam", "lion")
POINTS = np.array([ROWS // 2, 3 * ROWS, 5 * ROWS])


def sparse_features(dtype=np.float64):
    """About a tenth non-zero; column 7 is never used."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, FEATURES)) * (rng.random((ROWS, FEATURES)) < 0.1)
    X[:, 7] = 0
    return X.astype(dtype)


def problem_of(X, name="squared", outputs=1, weighted=False, **options):
    rng = np.random.default_rng(1)
    y = {"squared": rng.normal(size=ROWS), "logistic": rng.random(ROWS) < 0.5, "softmax": rng.integers(0, 3, ROWS)}[
        name
    ]
    if name == "squared" and outputs > 1:
        y = rng.normal(size=(ROWS, outputs))
    weight = rng.random(ROWS) + 0.5 if weighted else None
    weight = None if weight is None else weight / weight.mean()
    return Problem(Data(X, y, weight), loss(name), outputs=outputs, **options)


def trained(engine, problem, plan, threads=1):
    return engine.advance(problem, plan, start(problem, plan), POINTS, threads)


@pytest.mark.parametrize("batch", [1, 7, 64, 0])
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("options", [{}, {"l2": 0.3}, {"l1": 0.02}, {"intercept": False, "l2": 0.1}], ids=str)
def test_sparse_and_dense_take_the_same_path(name, batch, options):
    X = sparse_features()
    plan = Plan((setting(name, lr=0.03, batch_size=batch, seed=3),))

    _, dense = trained(plain, problem_of(X, weighted=True, **options), plan)
    _, sparse = trained(linear, problem_of(csr_array(X), weighted=True, **options), plan)

    np.testing.assert_allclose(sparse, dense, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("batch", [1, 7, 0])
@pytest.mark.parametrize("name", ["sgd", "adagrad", "adam"])
@pytest.mark.parametrize(("kind", "outputs"), [("logistic", 1), ("softmax", 3), ("squared", 2)])
def test_the_same_for_every_kind_of_loss(kind, outputs, name, batch):
    X, plan = sparse_features(), Plan((setting(name, lr=0.1, batch_size=batch, seed=3),))

    _, dense = trained(plain, problem_of(X, kind, outputs, l2=0.01), plan)
    _, sparse = trained(linear, problem_of(csr_array(X), kind, outputs, l2=0.01), plan)

    np.testing.assert_allclose(sparse, dense, rtol=1e-9, atol=1e-12)


def test_plain_reads_sparse_features_too():
    X, plan = sparse_features(), Plan((setting("adam", lr=0.1, batch_size=7),))

    np.testing.assert_allclose(
        trained(plain, problem_of(csr_array(X)), plan)[1],
        trained(plain, problem_of(X), plan)[1],
        rtol=1e-12,
        atol=1e-14,
    )


def test_float32_stays_float32():
    X, plan = sparse_features(np.float32), Plan((setting("sgd", lr=0.1, batch_size=7),))

    _, sparse = trained(linear, problem_of(csr_array(X), l2=0.1), plan)
    _, dense = trained(plain, problem_of(X, l2=0.1), plan)

    assert sparse.dtype == np.float32
    np.testing.assert_allclose(sparse, dense, rtol=1e-3, atol=1e-5)


def test_explicit_zeros_duplicates_and_unsorted_columns_change_nothing():
    X, plan = sparse_features(), Plan((setting("sgd", lr=0.1, batch_size=7),))
    at = np.nonzero(X)
    twice = np.concatenate([at[0], at[0], [0, 1]]), np.concatenate([at[1], at[1], [0, 2]])
    halves = np.concatenate([X[at] / 2, X[at] / 2, [0.0, 0.0]])
    mixed = np.random.default_rng(5).permutation(len(halves))
    given = coo_array((halves[mixed], (twice[0][mixed], twice[1][mixed])), shape=X.shape)

    same = trained(linear, problem_of(csr_array(X)), plan)[1]

    np.testing.assert_array_equal(trained(linear, problem_of(given), plan)[1], same)


def test_a_schedule_and_a_penalty_shrink_the_untouched_alike():
    X = sparse_features()
    falling = setting("sgd", lr=0.5, batch_size=3, seed=2)
    plan = Plan((type(falling)(**{**falling.__dict__, "factors": np.linspace(1, 0.1, 40)}),))
    start_at = np.ones(FEATURES + 1)
    plan = Plan(plan.settings, start_at)

    _, dense = trained(plain, problem_of(X, l2=0.4), plan)
    _, sparse = trained(linear, problem_of(csr_array(X), l2=0.4), plan)

    assert 0 < abs(dense[0, -1, 7]) < 1
    np.testing.assert_allclose(sparse, dense, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "batch", "options", "fits"),
    [
        ("sgd", 1, {}, True),
        ("sgd", 1, {"l2": 0.1}, True),
        ("adagrad", 7, {}, True),
        ("adagrad", 7, {"l2": 0.1}, False),
        ("sgd", 7, {"l1": 0.1}, False),
        ("momentum", 7, {}, False),
        ("sgd", 0, {}, False),
        ("sgd", 1, {"l2": 100.0}, False),
    ],
)
def test_only_rules_that_rest_at_zero_gradient_let_weights_wait(name, batch, options, fits):
    problem = problem_of(csr_array(sparse_features()), **options)

    assert lazy_sparse.fits(problem, setting(name, lr=0.1, batch_size=batch)) is fits


@pytest.mark.parametrize("rule", [sgd, adagrad])
def test_a_run_that_leaves_the_finite_range_stops_where_the_dense_one_does(rule):
    X = sparse_features() * 1e200
    plan = Plan((setting(rule, lr=1e200, batch_size=2),))

    dense, _ = trained(plain, problem_of(X), plan)
    sparse, _ = trained(linear, problem_of(csr_array(X)), plan)

    assert sparse.outcome[0] == dense.outcome[0] == Outcome.NONFINITE
    assert sparse.steps[0] == dense.steps[0]


@pytest.mark.parametrize("batch", [1, 64, 0])
def test_the_bits_do_not_depend_on_threads(batch):
    problem = problem_of(csr_array(sparse_features()), l2=0.1)
    plan = Plan(tuple(setting(name, lr=0.05, batch_size=batch) for name in RULES))

    one, two = (trained(linear, problem, plan, threads)[1] for threads in (1, 2))

    np.testing.assert_array_equal(one, two)


def test_the_intercept_moves_at_full_rate():
    """C34: one step on X = [[0]], y = [10] with a rate of 0.1 for half the squared error."""
    problem = Problem(Data(csr_array(np.zeros((1, 1))), np.array([10.0])), loss("squared"))

    state, _ = linear.advance(problem, (p := Plan((setting("sgd", lr=0.05),))), start(problem, p), np.array([1]))

    assert state.weights[0].tolist() == [0.0, 1.0]


def test_squares_on_the_whole_batch_go_by_moments_where_that_is_cheap():
    problem = problem_of(csr_array(sparse_features()[:, :10]))

    assert choose(problem, Plan((setting("sgd", lr=0.1),))).name == "gram"
