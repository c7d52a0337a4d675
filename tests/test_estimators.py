"""DescentRegressor and DescentClassifier keep scikit-learn's contract and reach scikit-learn's optimum."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from descend import DescentClassifier, DescentRegressor, DivergenceError, UsageError


@parametrize_with_checks([DescentRegressor(), DescentClassifier()])
def test_scikit_learns_own_checks_pass_without_exception(estimator, check):
    check(estimator)


def test_a_regressor_without_penalty_reaches_least_squares():
    X, y = load_diabetes(return_X_y=True)
    ours = DescentRegressor(l2=0, tol=1e-10, max_epochs=100_000).fit(X, y)
    theirs = LinearRegression().fit(X, y)
    loss = lambda model: np.mean((model.predict(X) - y) ** 2)  # noqa: E731
    assert loss(ours) == pytest.approx(loss(theirs), rel=1e-8)


def test_the_penalty_is_that_of_ridge_on_scaled_columns():
    X, y = load_diabetes(return_X_y=True)
    X, y = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()
    ours = DescentRegressor(l2=0.1, tol=1e-10).fit(X, y)
    theirs = Ridge(alpha=0.1 / 2 * len(y)).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)


def test_a_classifier_of_three_classes_reaches_logistic_regression():
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    ours = DescentClassifier(l2=0.01, tol=1e-8, max_epochs=100_000).fit(X, y)
    theirs = LogisticRegression(C=1 / (0.01 * len(y)), tol=1e-10, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-3)


@pytest.mark.parametrize("labels", [["no", "yes"], [False, True], [-1, 7]])
def test_classes_of_any_type_come_back(labels):
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    y = np.array(labels)[[0, 0, 1, 1]]
    assert DescentClassifier().fit(X, y).predict(X).tolist() == y.tolist()


def test_partial_fit_learns_from_batches():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((600, 3))
    y = X @ [1.0, -2.0, 0.5] + 3
    model = DescentRegressor(l2=0, lr=0.05)
    for _ in range(60):
        for rows in np.split(np.arange(600), 6):
            model.partial_fit(X[rows], y[rows])
    np.testing.assert_allclose(model.coef_, [1.0, -2.0, 0.5], atol=0.02)
    assert model.n_iter_ == 360


def test_partial_fit_takes_all_classes_at_the_first_call():
    X = np.array([[0.0], [1.0], [2.0]])
    model = DescentClassifier().partial_fit(X[:2], ["a", "b"], classes=["a", "b", "c"]).partial_fit(X, ["a", "b", "c"])
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert model.predict_proba(X).shape == (3, 3)


def test_a_grid_search_over_optimizers_runs_in_a_pipeline():
    X, y = load_diabetes(return_X_y=True)
    grid = GridSearchCV(
        make_pipeline(StandardScaler(), DescentRegressor(max_epochs=300)),
        {"descentregressor__optimizer": ["nesterov", "adam"]}, cv=3,
    ).fit(X, y)  # fmt: skip
    assert grid.best_score_ > 0.4


def test_float32_stays_float32_in_training_and_agrees():
    X, y = load_diabetes(return_X_y=True)
    given = {"optimizer": "nesterov", "lr": 0.02, "max_epochs": 300, "tol": 0}
    with pytest.warns(ConvergenceWarning):
        wide = DescentRegressor(**given).fit(X, y)
    with pytest.warns(ConvergenceWarning):
        narrow = DescentRegressor(**given).fit(X.astype(np.float32), y.astype(np.float32))
    np.testing.assert_allclose(narrow.predict(X), wide.predict(X), rtol=1e-4)


def test_a_rate_above_the_limit_is_an_error_with_a_code_and_a_cure():
    X = np.arange(100.0)[:, None]
    with pytest.raises(DivergenceError, match="learning rate 0.5 is 1,642 × the stability limit 0.000304") as caught:
        DescentRegressor(optimizer="gd", lr=0.5, scale=False, l2=0).fit(X, 0.1 * X[:, 0] + 0.3)
    assert caught.value.code == "D101"
    assert caught.value.fix == "--scale or --lr auto"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"lr": 0}, "lr is 0, it must be a finite number above 0; try --lr auto, which finds it"),
        ({"l2": -1}, "l2 is -1, it must be a finite number of at least 0; try 1e-4"),
        ({"hidden_layer_sizes": (5,)},
         "hidden_layer_sizes is (5,), this version trains linear models and takes () alone; leave hidden_layer_sizes at ()"),
        ({"loss": "logistic"}, "the loss logistic is for classification; use one of squared, huber, poisson, quantile"),
    ],
)  # fmt: skip
def test_parameters_are_checked_in_fit_with_a_sentence(given, text):
    with pytest.raises(UsageError) as caught:
        DescentRegressor(**given).fit([[0.0], [1.0]], [0.0, 1.0])
    assert str(caught.value) == text
