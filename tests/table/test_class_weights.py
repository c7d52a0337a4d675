"""Class weights are checked by name, count as scikit-learn's do, and rows of weight 0 are absent."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils import compute_class_weight

from descend import DescentClassifier, UsageError, train
from descend.table.class_weights import weights_of_classes

RNG = np.random.default_rng(0)
X = RNG.standard_normal((200, 2))
Y = np.where(X[:, 0] > 1, "rare", "often")
KEYS = "; use keys among the classes, such as {'often': 2}"


@pytest.mark.parametrize("given", ["balanced", {"often": 2}, {"often": 1, "rare": 9}])
def test_weights_are_those_of_scikit_learn(given):
    classes, at = np.unique(Y, return_inverse=True)
    theirs = compute_class_weight(given, classes=classes, y=Y)
    np.testing.assert_allclose(weights_of_classes(given, classes, at, None), theirs)


def test_a_row_of_weight_two_counts_twice_in_the_balance():
    at = np.array([0, 0, 1, 1, 1])
    twice = weights_of_classes("balanced", np.arange(2), at, np.array([2.0, 1, 1, 1, 1]))
    np.testing.assert_allclose(twice, weights_of_classes("balanced", np.arange(2), np.r_[at, 0], None))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"often": 1, "typo": 9}, "class_weight has the key 'typo', which is no class; the classes are 'often', 'rare'" + KEYS),
        ({"often": 1, "rare": 9, "typo": 9},
         "class_weight has the key 'typo', which is no class; the classes are 'often', 'rare'" + KEYS),
        ({"often": -9}, "class_weight of 'often' is -9, it must be a finite number of at least 0" + KEYS),
        ({"often": float("nan")}, "class_weight of 'often' is nan, it must be a finite number of at least 0" + KEYS),
        ({"often": float("inf")}, "class_weight of 'often' is inf, it must be a finite number of at least 0" + KEYS),
        ({"often": "x"}, "class_weight of 'often' is 'x', it must be a finite number of at least 0" + KEYS),
        ({"rare": 0}, "class_weight is 0 for all classes but one, and a class of weight 0 is absent" + KEYS),
        ([1, 2], "class_weight is [1, 2], it must be None, 'balanced' or a dict from class to weight; use 'balanced'"),
    ],
)  # fmt: skip
def test_bad_class_weights_are_refused_by_name(method, given, text):
    with pytest.raises(UsageError) as caught:
        getattr(DescentClassifier(class_weight=given), method)(X, Y)
    assert str(caught.value) == text
    assert caught.value.code == "bad-class-weight"


def test_balanced_is_refused_at_the_first_chunk_and_kept_after_a_fit():
    with pytest.raises(UsageError) as caught:
        DescentClassifier(class_weight="balanced").partial_fit(X, Y)
    assert str(caught.value) == (
        "class_weight is 'balanced', which needs the rows of every class at once, and a stream brings them in chunks; use "
        "a dict from class to weight, such as {'rare': 9}"
    )
    model = DescentClassifier(class_weight="balanced").fit(X, Y).partial_fit(X[:50], Y[:50])
    assert model.score(X, Y) > 0.9


def test_a_heavier_class_is_predicted_more_often_in_a_stream():
    def share(weight):
        rng = np.random.default_rng(18)
        model = DescentClassifier(
            optimizer="minibatch", lr=0.05, class_weight={"often": 1, "rare": weight}, random_state=0
        )
        for _ in range(60):
            x = rng.standard_normal((100, 2))
            y = np.where(x[:, 0] + 0.5 * rng.standard_normal(100) > 1.3, "rare", "often")
            model.partial_fit(x, y, classes=["often", "rare"])
        return float((model.predict(rng.standard_normal((4000, 2))) == "rare").mean())

    one, nine, ninety = share(1), share(9), share(90)
    assert one < nine - 0.05 < ninety - 0.1


@pytest.mark.parametrize("given", [None, "balanced", {0: 2, 1: 5}])
def test_rows_of_weight_zero_are_absent(given):
    x, junk = RNG.standard_normal((20, 2)), RNG.standard_normal((100, 2)) * 100
    y, weight = np.arange(20) % 2, np.r_[np.ones(20), np.zeros(100)]
    alone = DescentClassifier(class_weight=given, random_state=0).fit(x, y, sample_weight=np.ones(20))
    other = np.r_[y, np.full(100, 5)]  # a class that no row of weight above 0 has
    beside = DescentClassifier(class_weight=given, random_state=0).fit(np.r_[x, junk], other, sample_weight=weight)

    np.testing.assert_array_equal(beside.coef_, alone.coef_)
    assert beside.classes_.tolist() == [0, 1]
    assert beside.loss_curve_ == alone.loss_curve_


@pytest.mark.parametrize("size", [1e308, 1e-300])
def test_weights_of_any_size_count_by_their_ratio(size):
    y = (X[:, 0] + X[:, 1] > 0).astype(int)
    weight = RNG.uniform(0.1, 1, 200)
    models = [DescentClassifier(random_state=0).fit(X, y, sample_weight=w) for w in (weight, weight * size)]
    np.testing.assert_allclose(models[1].coef_, models[0].coef_, rtol=1e-9)


COMMON = np.where(X[:, 0] + RNG.standard_normal(200) > 1.5, "rare", "common")


def test_train_with_balanced_classes_is_the_optimum_of_scikit_learn():
    run = train(X, COMMON, class_weight="balanced", optimizer="gd", l2=0.0, tol=1e-10, progress=False)
    rows, others = run.prepared.rows
    theirs = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-10, max_iter=1000).fit(X[rows], COMMON[rows])
    np.testing.assert_allclose(run.predict(X[others]).probabilities, theirs.predict_proba(X[others]), atol=1e-3)


def test_the_rows_of_every_class_weigh_the_same_in_training_and_test_rows_are_as_they_are():
    run = train(X, COMMON, class_weight="balanced", optimizer="gd", max_epochs=5, progress=False)
    data, test = run.prepared.train, run.prepared.test
    np.testing.assert_allclose(*(data.sample_weight[data.y == k].sum() for k in (0, 1)))
    assert test.sample_weight is None
    predicted = run.predict(X[run.prepared.rows[1]]).values
    assert run.metrics["test"]["accuracy"] == (predicted == COMMON[run.prepared.rows[1]]).mean()
    weight = run.prepared.as_trained(test).sample_weight
    ratio = run.prepared.class_weights[1] / run.prepared.class_weights[0]
    assert weight[test.y == 1][0] / weight[test.y == 0][0] == pytest.approx(ratio)
    assert any("the rows of every class weigh the same in training" in note.text for note in run.notes)


def test_example_weights_count_in_the_balance():
    table = {"a": X[:, 0], "w": np.where(COMMON == "rare", 3.0, 1.0), "y": COMMON}
    run = train(
        pd.DataFrame(table), "y", weight="w", class_weight="balanced", optimizer="gd", max_epochs=5, progress=False
    )
    data = run.prepared.train
    np.testing.assert_allclose(*(data.sample_weight[data.y == k].sum() for k in (0, 1)))


def test_classes_cannot_be_balanced_where_there_are_none():
    with pytest.raises(UsageError) as caught:
        train(X, X[:, 0], class_weight="balanced", progress=False)
    assert str(caught.value) == (
        "class_weight is 'balanced', which needs classes, and the target 'y' is a number; leave out class_weight, or use "
        'task="classification"'
    )
    with pytest.raises(UsageError) as caught:
        train(X, COMMON, class_weight="even", progress=False)
    assert str(caught.value) == "class_weight is 'even', it must be one of balanced; try 'balanced'"
