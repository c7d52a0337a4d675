"""The random search for wrong answers: its oracles are right, and every one of its checks can fail."""

import numpy as np
import pytest
from benchmarks.answers.__main__ import check_of, main, results, summary, tried
from benchmarks.answers.check import CHECKS, ROUND, Check, Compared
from benchmarks.answers.data import CLASSIFICATION, REGRESSION, Rows, rows
from benchmarks.answers.oracles import Objective
from benchmarks.answers.product import Refusal
from sklearn.linear_model import ElasticNet, LogisticRegression, QuantileRegressor
from sklearn.svm import LinearSVC, LinearSVR

SEED = 7  # of ten, that of the smallest problems
TRIES = 8  # rounds within which a check must catch an error
FAILED = {  # what was wrong, and cases that showed it
    "an intercept in the reference for a fit without one": ["7:2940"],
    "a reference for hinge and quantile that had not converged": ["7:1647", "7:2247", "7:3347"],
    "a reference that did not centre sparse columns": ["7:949", "7:1249"],
    "a gap that is stated, taken for one that is not": ["7:1240", "7:1340"],
    "the spread of a single row": ["7:2273"],
    "losses that end before the closing phase": ["22:1642", "23:242"],
    "labels compared with scores": ["7:178", "7:1078", "7:1878"],
}


def another(answer):
    """The answer with an error that no tolerance allows."""
    return np.asarray(answer, float) * 1.3 + 0.7


@pytest.mark.parametrize("number", CHECKS, ids=lambda n: CHECKS[n].name)
def test_a_check_catches_an_error_put_into_the_answer(number):
    for case in range(number, TRIES * ROUND, ROUND):
        if tried(check_of(case), SEED, case)["outcome"] == "right":
            wrong = tried(check_of(case), SEED, case, another)
            if wrong["outcome"].startswith("wrong"):
                return
    pytest.fail("no error was caught")


@pytest.mark.parametrize("name", [name for names in FAILED.values() for name in names])
def test_a_case_that_failed_is_right(name):
    seed, case = map(int, name.split(":"))
    row = tried(check_of(case), seed, case)
    assert row["outcome"] == "right", row


def test_a_case_is_the_same_each_time():
    one, two = (tried(check_of(42), SEED, 42) for _ in range(2))
    one.pop("seconds"), two.pop("seconds")
    assert one == two


def compared(apart, words=()):
    return lambda rng, tamper: Compared(apart=apart, allowed=1.0, detail="", words=words)


def refuses(rng, tamper):
    raise Refusal("DataError: no")


def crashes(rng, tamper):
    raise TypeError("no")


@pytest.mark.parametrize(
    ("run", "outcome"),
    [
        (compared(1.0), "right"),
        (compared(2.0), "wrong, silent"),
        (compared(2.0, ("D201",)), "wrong, said"),
        (compared(np.nan), "wrong, silent"),
        (refuses, "refused"),
        (crashes, "crash"),
    ],
)
def test_what_came_is_counted_under_its_name(run, outcome):
    check = Check("one", "a claim", "none", run)
    assert tried(check, 0, 0)["outcome"] == outcome


def test_the_summary_lists_silent_faults_by_their_seed():
    row = {
        "case": "3:41",
        "check": "reported_loss",
        "outcome": "wrong, silent",
        "apart": 0.5,
        "allowed": 0.1,
        "detail": "squared",
    }
    text = summary(results([row], 3, 0.1))
    assert "1 silently wrong, 0 crashes" in text
    assert text.endswith("- `3:41` reported_loss, wrong, silent: 0.5 apart, 0.1 allowed; squared")


def test_one_case_is_repeated_by_its_seed(capsys):
    assert main(["--case", "7:42"]) == 0
    assert '"case": "7:42"' in capsys.readouterr().out


def test_the_objective_is_that_of_hand_worked_numbers():
    X, y = np.array([[1.0], [3.0]]), np.array([0.0, 4.0])  # mean 2, spread 1; target mean 2, spread 2
    objective = Objective.of(Rows(X=X, y=y, weight=None, loss="squared"), l2=0.5, l1=0.1)
    W, b = objective.standard(np.array([1.0]), np.array(1.0))  # 1 + x = 2, 4; in standardised units w 0.5, b 0.5
    assert W.tolist() == [[0.5]]
    assert b.tolist() == [0.5]
    assert objective.value(W, b) == pytest.approx((1.0**2 + 0.0**2) / 2 + 0.5 / 2 * 0.25 + 0.1 * 0.5)


def problem(loss, **options):
    case = rows(np.random.default_rng(1), loss, wild=False, weighted=False, fewest=60, most=200)
    return Objective.of(case, **options)


def test_the_minimum_with_both_penalties_is_that_of_the_elastic_net():
    o = problem("squared", l2=0.2, l1=0.1)
    net = ElasticNet(alpha=0.15, l1_ratio=1 / 3, tol=1e-10).fit(o.X, o.y[:, 0])  # its loss is half of ours
    assert o.minimum() == pytest.approx(o.value(net.coef_[:, None], np.atleast_1d(net.intercept_)), rel=1e-8)


def test_the_minimum_of_softmax_is_that_of_logistic_regression():
    o = problem("softmax", l2=0.01, l1=0.0)
    model = LogisticRegression(C=1 / (0.01 * len(o.X)), tol=1e-10, max_iter=10_000).fit(o.X, o.y[:, 0])
    coef, bias = model.coef_.T, model.intercept_
    if o.outputs == 2:  # scikit-learn has one row of weights for two classes
        coef, bias = np.column_stack([-coef, coef]) / 2, np.append(-bias, bias) / 2
    assert o.minimum() <= o.value(coef, bias) + 1e-9


@pytest.mark.parametrize("l1", [0.0, 0.02])
def test_the_minimum_of_quantile_is_that_of_scikit_learn(l1):
    o = problem("quantile", l2=0.0, l1=l1)
    model = QuantileRegressor(alpha=l1).fit(o.X, o.y[:, 0])
    assert o.minimum() == pytest.approx(o.value(model.coef_[:, None], np.atleast_1d(model.intercept_)), rel=1e-8)


@pytest.mark.parametrize("l2", [0.001, 0.1])
def test_the_minimum_of_hinge_with_l2_is_that_of_the_support_vector_machine(l2):
    o = problem("hinge", l2=l2, l1=0.0, intercept=False)
    model = LinearSVC(loss="hinge", C=1 / (l2 * len(o.X)), fit_intercept=False, tol=1e-10, max_iter=1_000_000)
    coef = model.fit(o.X, o.y[:, 0]).coef_
    assert o.minimum() == pytest.approx(o.value(coef.T, np.zeros(1)), rel=1e-6)


def test_the_minimum_of_quantile_with_l2_is_that_of_the_support_vector_machine():
    o = problem("quantile", l2=0.1, l1=0.0, intercept=False)
    coef = LinearSVR(C=5 / len(o.X), fit_intercept=False, tol=1e-10, max_iter=1_000_000).fit(o.X, o.y[:, 0]).coef_
    assert o.minimum() == pytest.approx(o.value(coef[:, None], np.zeros(1)), rel=1e-6)


@pytest.mark.parametrize(
    ("loss", "l2"),
    [*((loss, 0.01) for loss in (*REGRESSION, *CLASSIFICATION)), ("quantile", 0.0), ("hinge", 0.0)],
)
def test_no_weights_near_the_minimum_are_better(loss, l2):
    o = problem(loss, l2=l2, l1=0.0)
    rng, best, shape = np.random.default_rng(0), o.minimum(), (o.X.shape[1], o.outputs)
    assert best <= o.constant_value() + 1e-12
    assert all(o.value(rng.normal(size=shape), rng.normal(size=o.outputs)) > best for _ in range(50))
