"""DescentRegressor and DescentClassifier keep scikit-learn's contract and reach scikit-learn's optimum."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import ElasticNet, LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from descend import DescentClassifier, DescentRegressor, DivergenceError, UsageError


# Small random data at 1,000 epochs may end short of the tolerance.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
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
    assert caught.value.fix == 'scale=True or lr="auto" or scale=True, lr="auto"'


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"lr": 0}, "lr is 0, it must be a finite number above 0; try lr=\"auto\", which finds it"),
        ({"l2": -1}, "l2 is -1, it must be a finite number of at least 0; try 1e-4"),
        ({"averaging": True}, "averaging is True, this version takes False alone; leave averaging at False"),
        ({"dropout": 0.5}, "dropout is 0.5, but a linear model has no hidden layers; add hidden_layer_sizes, such as hidden_layer_sizes=(64, 64)"),
        ({"hidden_layer_sizes": (5, 0)},
         "hidden_layer_sizes is 0, it must be whole numbers of at least 1, with commas between; try 64,64"),
        ({"hidden_layer_sizes": (5,), "activation": "rulu"},
         "there is no activation 'rulu', there are identity, sigmoid, tanh, relu, leaky_relu, elu, gelu, softplus; try 'relu'"),
        ({"hidden_layer_sizes": (5,), "dropout": 1.0},
         "dropout is 1.0, it must be a number of at least 0 and below 1; try 0.2"),
        ({"hidden_layer_sizes": (5,), "fit_intercept": False},
         "fit_intercept is False, but a network has biases in every layer; leave fit_intercept at True"),
        ({"loss": "logistic"}, "the loss logistic is for classification; use one of squared, huber, poisson, quantile"),
    ],
)  # fmt: skip
def test_parameters_are_checked_in_fit_with_a_sentence(given, text):
    with pytest.raises(UsageError) as caught:
        DescentRegressor(**given).fit([[0.0], [1.0]], [0.0, 1.0])
    assert str(caught.value) == text


def test_several_targets_are_least_squares_of_each():
    X, y = load_diabetes(return_X_y=True)
    Y = np.column_stack([y, X[:, 0] * 3 - y / 7, np.sin(y)])
    ours = DescentRegressor(l2=0, tol=1e-10, max_epochs=100_000).fit(X, Y)
    theirs = LinearRegression().fit(X, Y)

    assert ours.coef_.shape == theirs.coef_.shape == (3, 10)
    assert ours.predict(X).shape == (len(X), 3)
    errors = [np.square(m.predict(X) - Y).mean(axis=0) for m in (ours, theirs)]
    np.testing.assert_allclose(*errors, rtol=1e-7)


def test_the_penalty_of_several_targets_is_that_of_ridge():
    X, y = load_diabetes(return_X_y=True)
    X, Y = StandardScaler().fit_transform(X), StandardScaler().fit_transform(np.column_stack([y, y**2]))
    ours = DescentRegressor(l2=0.1, tol=1e-12, max_epochs=100_000, scale=False).fit(X, Y)
    theirs = Ridge(alpha=0.1 / 2 * len(y) * 2).fit(X, Y)

    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)


def test_a_target_of_one_column_keeps_its_shape():
    X, y = load_diabetes(return_X_y=True)
    flat, column = DescentRegressor().fit(X, y), DescentRegressor().fit(X, y[:, None])

    assert column.coef_.shape == (1, 10)
    np.testing.assert_array_equal(column.predict(X), flat.predict(X)[:, None])


def test_elastic_net_has_scikit_learns_weights_and_zeros():
    X, y = load_diabetes(return_X_y=True)
    X, y = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()
    l1, l2 = 0.2, 0.1
    ours = DescentRegressor(l1=l1, l2=l2, tol=1e-12, max_epochs=100_000, scale=False).fit(X, y)
    theirs = ElasticNet(alpha=(l1 + l2) / 2, l1_ratio=l1 / (l1 + l2), tol=1e-12, max_iter=100_000).fit(X, y)

    np.testing.assert_array_equal(ours.coef_ == 0, theirs.coef_ == 0)
    assert (ours.coef_ == 0).any()
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)


def test_sparse_and_dense_input_give_the_same_model():
    """C34: 1000 x 5 dense numbers stored as CSR; the columns are not centred, so neither are the dense ones here."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 5))
    y = X @ [1, -2, 3, 0, 0.5] + 4 + 0.1 * rng.normal(size=1000)
    models = [DescentRegressor(scale=False, random_state=0).fit(given, y) for given in (X, csr_array(X))]

    np.testing.assert_allclose(models[1].coef_, models[0].coef_, rtol=1e-6)
    assert models[1].intercept_ == pytest.approx(models[0].intercept_, rel=1e-6)


@pytest.mark.parametrize("estimator", [DescentRegressor, DescentClassifier])
def test_scaled_sparse_columns_have_the_dense_optimum(estimator):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 8)) * (rng.random((300, 8)) < 0.3) * [1, 10, 1, 1, 0.1, 1, 1, 1]
    y = (X @ rng.normal(size=8) + rng.normal(size=300) > 0).astype(float)
    options = {"l2": 0.01, "tol": 1e-10, "max_epochs": 100_000}
    dense, sparse = (estimator(**options).fit(given, y) for given in (X, csr_array(X)))

    np.testing.assert_allclose(sparse.coef_, dense.coef_, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(sparse.predict(csr_array(X)), sparse.predict(X))


def test_a_network_takes_dense_features():
    with pytest.raises(UsageError) as caught:
        DescentRegressor(hidden_layer_sizes=(3,)).fit(csr_array(np.eye(30)), np.arange(30.0))

    assert str(caught.value) == "X is sparse, but a network takes dense features; use X.toarray()"


def test_a_network_learns_what_a_line_cannot():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(600, 2))
    y = np.sin(2 * X[:, 0]) * X[:, 1]
    line = DescentRegressor().fit(X, y)
    network = DescentRegressor(
        hidden_layer_sizes=(32, 32), activation="tanh", max_epochs=300, time_budget=20, random_state=0
    ).fit(X, y)

    assert line.score(X, y) < 0.1
    assert network.score(X, y) > 0.9
    assert [w.shape for w in network.coefs_] == [(2, 32), (32, 32), (32, 1)]


def test_a_network_of_several_targets_and_of_classes():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(400, 2))
    labels = np.where(np.square(X).sum(axis=1) < 1.5, "in", "out")
    classes = DescentClassifier(hidden_layer_sizes=(16,), optimizer="adam", lr=0.03, max_epochs=60, random_state=0).fit(
        X, labels
    )
    two = DescentRegressor(hidden_layer_sizes=(16,), optimizer="adam", lr=0.03, max_epochs=60, random_state=0).fit(
        X, np.square(X)
    )

    assert classes.score(X, labels) > 0.95
    assert classes.predict_proba(X).shape == (400, 2)
    assert two.score(X, np.square(X)) > 0.9
    assert two.predict(X).shape == (400, 2)


def test_a_network_goes_on_with_warm_start_and_partial_fit():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(200, 2))
    y = np.square(X).sum(axis=1)
    options = {"hidden_layer_sizes": (16,), "optimizer": "adam", "lr": 0.01, "early_stopping": False}
    warm = DescentRegressor(**options, max_epochs=5, warm_start=True)
    with pytest.warns(ConvergenceWarning):
        first = warm.fit(X, y).loss_curve_
    with pytest.warns(ConvergenceWarning):
        second = warm.fit(X, y).loss_curve_
    step = DescentRegressor(**options)
    for _ in range(30):
        step.partial_fit(X, y)

    assert second[0] == pytest.approx(first[-1])
    assert step.score(X, y) > 0.8


def test_restarts_keep_the_best_start_and_report_the_spread():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(300, 2))
    y = np.sin(3 * X[:, 0])
    model = DescentRegressor(
        hidden_layer_sizes=(4,), optimizer="adam", lr=0.03, max_epochs=30, restarts=4, random_state=0
    )
    with pytest.warns(ConvergenceWarning):
        why = model.fit(X, y).why_["restarts"]

    assert len(why["losses"]) == 4
    assert why["spread"] > 0
    assert why["losses"][why["seed"]] == min(why["losses"])


LINE = ("coef_", "intercept_")
NETWORK = ("coefs_", "intercepts_", "network_", "weights_")
Z = np.random.default_rng(24).standard_normal((200, 10))
T = Z @ np.arange(1.0, 11)


def test_a_refit_leaves_nothing_of_the_earlier_model():
    deep = {"hidden_layer_sizes": (8,), "optimizer": "adam", "lr": 0.01, "tol": 0.05}
    model = DescentRegressor(**deep, random_state=0).fit(Z, T)
    assert [name for name in (*LINE, *NETWORK) if hasattr(model, name)] == list(NETWORK)
    network = model.predict(Z)
    model.set_params(hidden_layer_sizes=())
    np.testing.assert_array_equal(model.predict(Z), network)
    model.fit(Z[:, :4], T)
    assert [name for name in (*LINE, *NETWORK) if hasattr(model, name)] == list(LINE)
    assert set(vars(model)) == set(vars(DescentRegressor(random_state=0).fit(Z[:, :4], T)))
    model.partial_fit(Z[:, :4], T).set_params(**deep).fit(Z, T)
    assert [name for name in (*LINE, *NETWORK) if hasattr(model, name)] == list(NETWORK)


def test_a_failed_refit_leaves_no_model():
    model = DescentRegressor().fit(Z, T)
    with pytest.raises(UsageError):
        model.set_params(lr=-1).fit(Z, T)
    with pytest.raises(NotFittedError):
        model.predict(Z)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # a fresh seed may need more epochs
@pytest.mark.parametrize("hidden", [(), (4,)])
def test_a_fit_without_a_seed_is_fresh_and_its_seed_reproduces_it(hidden):
    options = {"optimizer": "minibatch", "batch_size": 16, "lr": 0.01, "hidden_layer_sizes": hidden, "tol": 0.05}
    one, two = (DescentRegressor(**options).fit(Z, T) for _ in range(2))
    again = DescentRegressor(**options, random_state=one.seed_).fit(Z, T)

    assert one.seed_ != two.seed_
    assert one.loss_curve_ != two.loss_curve_
    assert again.loss_curve_ == one.loss_curve_


def test_a_generator_gives_one_seed_a_fit():
    generator = np.random.RandomState(7)
    seeds = [DescentRegressor(random_state=generator).fit(Z, T).seed_ for _ in range(2)]
    same = np.random.RandomState(7)
    assert seeds == [same.randint(2**31 - 1) for _ in range(2)]
    assert DescentRegressor(random_state=5).fit(Z, T).seed_ == 5


@pytest.mark.parametrize("hidden", [(), (4,)])
def test_early_stopping_on_too_few_rows_is_refused(hidden):
    model = DescentRegressor(early_stopping=True, hidden_layer_sizes=hidden)
    with pytest.raises(UsageError) as caught:
        model.fit(Z[:19], T[:19])
    assert str(caught.value) == (
        "early_stopping is True, but 19 rows are too few to take validation rows from: at least 20 are needed; use "
        "early_stopping=False or more rows"
    )
    weight = np.r_[np.ones(19), np.zeros(181)]
    with pytest.raises(UsageError, match="but 19 rows are too few"):
        model.fit(Z, T, sample_weight=weight)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, "some"])
def test_a_validation_fraction_out_of_range_is_refused(share):
    with pytest.raises(UsageError) as caught:
        DescentRegressor(validation_fraction=share).fit(Z, T)
    assert str(caught.value) == (f"validation_fraction is {share!r}, it must be a number above 0 and below 1; try 0.1")


OWN = {
    "early_stopping": ("maybe", "early_stopping is 'maybe', it must be 'auto', True or False; try 'auto'"),
    "warm_start": (3, "warm_start is 3, it must be True or False; try True"),
    "fit_intercept": ("no", "fit_intercept is 'no', it must be True or False; try True"),
    "verbose": (-1, "verbose is -1, it must be 0, 1 or 2; try 1"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "value", "text"), [(n, *v) for n, v in OWN.items()], ids=OWN)
def test_a_parameter_that_is_no_option_is_read_too(name, value, text):
    with pytest.raises(UsageError) as caught:
        DescentRegressor(**{name: value}).fit(Z, T)
    assert str(caught.value) == text


def test_truth_values_of_numpy_are_truth_values():
    own, of_numpy = (
        DescentRegressor(early_stopping=yes, fit_intercept=yes, scale=yes, random_state=0).fit(Z, T)
        for yes in (True, np.True_)
    )
    assert of_numpy.val_curve_ == own.val_curve_ is not None


def test_a_warm_start_goes_on_from_the_weights_and_names_another_shape():
    model = DescentRegressor(warm_start=True, random_state=0).fit(Z, T)
    assert model.fit(Z, T).n_iter_ <= 1
    with pytest.raises(UsageError) as caught:
        model.fit(Z[:, :4], T)
    assert str(caught.value) == (
        "warm_start goes on from a model of 10 features, 1 outputs and no hidden layers, and this is a model of 4 features, 1 "
        "outputs and no hidden layers; set warm_start=False to start afresh"
    )


def test_a_fit_tells_how_it_ended():
    model = DescentRegressor(random_state=0).fit(Z, T)
    assert model.verdict_.status == "converged"
    assert 0 <= model.gap_ <= 1e-3
    assert model.findings_ == () or all(f.level != "error" for f in model.findings_)
    assert model.val_curve_ is None
    waiting = DescentRegressor(random_state=0, early_stopping=True, optimizer="adam", lr=0.05).fit(Z, T)
    assert len(waiting.val_curve_) == len(waiting.loss_curve_)
    network = DescentRegressor(hidden_layer_sizes=(4,), optimizer="adam", lr=0.05, tol=0.05, random_state=0).fit(Z, T)
    assert network.gap_ is None


def test_a_run_that_stops_far_from_the_optimum_warns():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((500, 5)), rng.standard_normal(500)
    model = DescentRegressor(loss="squared", optimizer="minibatch", batch_size=4, lr=0.1, random_state=0, patience=1)
    with pytest.warns(ConvergenceWarning, match="not converged: .* the gap to the exact optimum is"):
        model.fit(X, X[:, 0] + y)
    assert model.gap_ > 1e-3


@pytest.mark.parametrize("estimator", [DescentRegressor, DescentClassifier])
def test_a_sparse_column_of_ones_and_one_far_from_zero_change_nothing(estimator):
    rng = np.random.default_rng(0)
    for rows in (49, 107, 300):
        X = np.column_stack([rng.standard_normal((rows, 2)), np.ones(rows), 1e6 + rng.standard_normal(rows)])
        y = X[:, :2] @ [1, 2] + X[:, 3] - 1e6 + 0.1 * rng.standard_normal(rows)
        y = (y > 0).astype(float) if estimator is DescentClassifier else y
        dense, sparse = (estimator(l2=0.01, random_state=0).fit(given, y) for given in (X, csr_array(X)))
        assert sparse.score(csr_array(X), y) == pytest.approx(dense.score(X, y), abs=0.01)
        assert dense.score(X, y) > 0.9


def test_rows_of_weight_zero_are_absent_from_a_regression():
    rng = np.random.default_rng(0)
    junk, weight = rng.standard_normal((60, 10)) * 1e3, np.r_[rng.uniform(0.1, 2, 200), np.zeros(60)]
    options = {"optimizer": "minibatch", "batch_size": 16, "lr": 0.01, "random_state": 0, "early_stopping": True}
    alone = DescentRegressor(**options).fit(Z, T, sample_weight=weight[:200])
    beside = DescentRegressor(**options).fit(np.r_[Z, junk], np.r_[T, np.full(60, 1e9)], sample_weight=weight)
    np.testing.assert_array_equal(beside.coef_, alone.coef_)
    with pytest.raises(ValueError, match="Sample weights must contain at least one non-zero number"):
        DescentRegressor().fit(Z, T, sample_weight=np.zeros(200))


def test_errors_speak_of_keywords():
    for method in ("fit", "partial_fit"):
        with pytest.raises(UsageError) as caught:
            getattr(DescentRegressor(optimizer="sgd", batch_size=8), method)(Z, T)
        assert str(caught.value) == (
            'sgd takes one row a step, but batch_size is 8; use optimizer="minibatch" for that'
        )
