"""Further training: k calls of partial_fit on the same rows are one fit of k epochs, and a stream goes on from a fit."""

import io
import pickle
import warnings

import joblib
import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning

from descend import DescentClassifier, DescentRegressor, DivergenceError, UsageError

RNG = np.random.default_rng(0)
X = RNG.standard_normal((61, 4)) * [1, 5, 0.1, 1] + [0, 3, 0, 0]
Y = X @ [1, 2, 3, 0.3] + 0.5 * RNG.standard_normal(61)
WEIGHT = RNG.uniform(0, 7, 61) * (RNG.random(61) < 0.8)
K = 6
RULES = [
    ("gd", "full"), ("sgd", 1), ("minibatch", 7), ("minibatch", "auto"), ("momentum", 7), ("momentum", "full"),
    ("nesterov", 32), ("adagrad", 7), ("rmsprop", 7), ("adam", 7), ("adam", "full"), ("adamw", 1), ("amsgrad", 7),
    ("nadam", 7), ("adadelta", 7), ("lion", 7),
]  # fmt: skip


def weights_of(model):
    return (model.weights_,) if hasattr(model, "weights_") else (np.asarray(model.coef_), np.asarray(model.intercept_))


def same(one, other):
    pairs = zip(weights_of(one), weights_of(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs) and one.loss_curve_ == other.loss_curve_


def fitted(estimator, epochs, X, y, weight=None, **options):
    model = estimator(max_epochs=epochs, tol=0, patience=10**6, early_stopping=False, random_state=3, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y, sample_weight=weight)


def continued(model, calls, X, y, weight=None):
    for _ in range(calls):
        model.partial_fit(X, y, sample_weight=weight)
    return model


@pytest.mark.parametrize("hidden", [(), (5,)])
@pytest.mark.parametrize(("optimizer", "batch_size"), RULES)
def test_calls_on_the_same_rows_are_one_fit(optimizer, batch_size, hidden):
    options = {"optimizer": optimizer, "batch_size": batch_size, "lr": 0.01, "hidden_layer_sizes": hidden}
    whole = fitted(DescentRegressor, K, X, Y, **options)
    calls = continued(DescentRegressor(random_state=3, **options), K, X, Y)
    mixed = continued(fitted(DescentRegressor, 2, X, Y, **options), K - 2, X, Y)

    assert same(calls, whole)
    assert same(mixed, whole)
    assert calls.n_iter_ == mixed.n_iter_ == K
    np.testing.assert_array_equal(calls._state.memory, whole._state.memory)
    assert calls._state.steps == whole._state.steps


@pytest.mark.parametrize("data", [X, X.astype(np.float32), csr_array(X * (np.abs(X) > 0.7))])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("weight", [None, WEIGHT, WEIGHT * 1e300])
def test_so_they_are_for_classes_weights_and_kinds_of_data(data, classes, weight):
    y = np.digitize(Y, [0] if classes == 2 else [-5, 5])
    options = {"optimizer": "minibatch", "batch_size": 8, "lr": 0.05, "class_weight": {0: 1, 1: 3}}
    whole = fitted(DescentClassifier, K, data, y, weight, **options)
    calls = continued(DescentClassifier(random_state=3, **options), K, data, y, weight)

    assert same(calls, whole)


def test_so_they_are_for_schedules_and_several_targets():
    Y2 = np.column_stack([Y, X[:, 0]])
    options = {"optimizer": "momentum", "batch_size": 8, "lr": 0.01, "schedule": "cosine"}
    whole = fitted(DescentRegressor, K, X, Y2, **options)
    calls = continued(DescentRegressor(max_epochs=K, random_state=3, **options), K, X, Y2)

    assert same(calls, whole)


@pytest.mark.parametrize("hidden", [(), (5,)])
@pytest.mark.parametrize("round_trip", ["pickle", "joblib"])
def test_a_round_trip_changes_nothing(hidden, round_trip):
    options = {"optimizer": "adam", "batch_size": 8, "lr": 0.01, "hidden_layer_sizes": hidden, "random_state": 3}
    model = continued(DescentRegressor(**options), 3, X, Y)
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    again = pickle.loads(pickle.dumps(model)) if round_trip == "pickle" else joblib.load(file)

    assert same(continued(again, 3, X, Y), continued(DescentRegressor(**options), 6, X, Y))


@pytest.mark.parametrize("options", [{}, {"warm_start": True}, {"early_stopping": True}, {"optimizer": "nesterov"}])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_stream_goes_on_from_a_fit(options, dtype):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((200, 3)).astype(dtype)
    y = X @ np.array([1.0, 2.0, 3.0]) + 4
    model = DescentRegressor(random_state=0, l2=0, **options).fit(X, y)
    epochs, score = model.n_iter_, model.score(X, y)
    continued(model, 3, X[:50], y[:50])

    assert score > 0.999
    assert model.score(X, y) > 0.999
    assert model.n_iter_ == epochs + 3
    assert len(model.loss_curve_) == len(model.history_)
    assert not hasattr(model, "verdict_")


def test_a_tiny_step_moves_no_prediction_after_early_stopping():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((200, 3))
    y = X[:, 0] + rng.standard_normal(200)
    options = {"hidden_layer_sizes": (30,), "optimizer": "adam", "lr": 0.05, "early_stopping": True, "patience": 3}
    model = DescentRegressor(random_state=0, **options).fit(X, y)
    before = model.predict(X)
    fitted = model._fitted
    model._fitted = type(fitted)(**{**vars(fitted), "setting": fitted.setting.at(lr=1e-12)})
    model.partial_fit(X, y)

    np.testing.assert_allclose(model.predict(X), before, rtol=1e-6, atol=1e-6)


def test_the_batch_size_is_that_of_the_parameter_whatever_the_first_chunk():
    model = DescentRegressor(optimizer="minibatch", batch_size=8, lr=0.01)
    steps = []
    for rows in (5, 60, 3, 16):
        before = int(model._state.steps[0]) if steps else 0
        model.partial_fit(X[:rows], Y[:rows])
        steps.append(int(model._state.steps[0]) - before)

    assert steps == [1, 8, 1, 2]


def test_chunks_may_change_dtype_and_container():
    model = DescentRegressor(lr=0.01).partial_fit(X.astype(np.float32), Y)
    model.partial_fit(X, Y).partial_fit(csr_array(X), Y)

    assert model.n_iter_ == 3
    assert model._state.weights.dtype == np.float32


@pytest.mark.parametrize("scale", [True, False])
def test_weights_of_chunks_are_absolute(scale):
    """Targets 0 of weight 1 and 1 of weight 9: at a small rate the stream settles at their weighted mean, 0.9."""
    model, x = DescentRegressor(optimizer="gd", lr=2e-3, scale=scale, l2=0), np.array([[-1.0], [1.0], [-1.0], [1.0]])
    for _ in range(800):
        model.partial_fit(x, np.zeros(4), sample_weight=np.full(4, 1.0))
        model.partial_fit(x, np.ones(4), sample_weight=np.full(4, 9.0))

    assert model.predict([[1.0]])[0] == pytest.approx(0.9, abs=0.01)


def test_a_chunk_without_weights_counts_one_a_row():
    one = DescentRegressor(lr=0.01, random_state=0).partial_fit(X, Y, sample_weight=np.full(61, 4.0)).partial_fit(X, Y)
    two = DescentRegressor(lr=0.01, random_state=0).partial_fit(X, Y, sample_weight=np.full(61, 4.0))
    two.partial_fit(X, Y, sample_weight=np.ones(61))

    assert same(one, two)


def test_a_first_chunk_unlike_the_rest_is_said_and_named_when_the_run_diverges():
    model = DescentRegressor(optimizer="gd", lr=0.1, random_state=0).partial_fit(X * [1, 1e-6, 1, 1], Y)
    said = (
        "the first chunk, on which the scale is fitted, is unlike this one: column 2 had centre .* lies .* spreads away"
    )
    with pytest.warns(UserWarning, match=said):
        model.partial_fit(X, Y)
    with pytest.raises(DivergenceError, match=f"a loss, gradient or weight is NaN or inf at step .*; {said}") as caught:
        continued(model, 100, X, Y)
    assert caught.value.code == "D103"
    assert caught.value.fix.startswith("shuffle the rows")


def test_a_rate_far_too_high_is_an_error():
    with pytest.raises(DivergenceError) as caught:
        continued(DescentRegressor(optimizer="gd", lr=100.0), 300, X, Y)
    assert caught.value.fix == "use a smaller lr"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"optimizer": "gd,adam"},
         "optimizer is 'gd,adam', but partial_fit trains one optimizer; name one, such as 'adam', or call fit first"),
        ({"schedule": "plateau"},
         "schedule is 'plateau', which compares losses on the same rows, and chunks differ; use another schedule, such as "
         "'inverse_scaling', or call fit first"),
    ],
)  # fmt: skip
def test_what_a_stream_cannot_do_is_refused(options, text):
    with pytest.raises(UsageError) as caught:
        DescentRegressor(**options).partial_fit(X, Y)
    assert str(caught.value) == text


def test_a_chunk_of_another_target_shape_is_refused():
    model = DescentRegressor().partial_fit(X, Y)
    with pytest.raises(UsageError) as caught:
        model.partial_fit(X, np.column_stack([Y, Y]))
    assert str(caught.value) == (
        "y has 2 columns, the model was fitted on one dimension; pass y in the same shape, or call fit"
    )


def test_the_comparison_of_bits_can_fail():
    options = {"optimizer": "minibatch", "batch_size": 7, "lr": 0.01}
    assert not same(fitted(DescentRegressor, K, X, Y, **options), fitted(DescentRegressor, K + 1, X, Y, **options))
