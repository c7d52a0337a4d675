"""Scores and probabilities of classifiers, by their loss."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score

from descend import DescentClassifier, UsageError

RNG = np.random.default_rng(0)
X = RNG.standard_normal((400, 3))
Y = (X @ [1, 2, 3] + 2 * RNG.standard_normal(400) > 0).astype(int)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("hidden", [(), (4,)])
def test_hinge_has_scores_and_no_probabilities(hidden):
    model = DescentClassifier(loss="hinge", hidden_layer_sizes=hidden, max_epochs=50, random_state=0)
    assert not hasattr(model, "predict_proba")
    model.fit(X, Y)
    assert not hasattr(model, "predict_proba")
    with pytest.raises(AttributeError) as caught:
        model.predict_proba(X)
    assert str(caught.value.__cause__) == "the loss hinge has scores and no probabilities; use decision_function"
    score = model.decision_function(X)
    np.testing.assert_array_equal(model.predict(X), (score > 0).astype(int))
    assert roc_auc_score(Y, score) > 0.8


@pytest.mark.parametrize("loss", ["auto", "logistic", "softmax"])
def test_two_classes_have_one_score(loss):
    model = DescentClassifier(loss=loss, random_state=0).fit(X, Y)
    score, p = model.decision_function(X), model.predict_proba(X)
    assert score.shape == (400,)
    np.testing.assert_allclose(np.log(p[:, 1] / p[:, 0]), score, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(model.predict(X), (score > 0).astype(int))
    assert cross_val_score(DescentClassifier(loss=loss), X, Y, scoring="roc_auc", cv=3).min() > 0.8


def test_probabilities_depend_on_the_fit_and_not_on_parameters_set_afterwards():
    model = DescentClassifier(random_state=0).fit(X, Y)
    p = model.predict_proba(X)
    model.set_params(loss="hinge", hidden_layer_sizes=(5,), scale=False)
    np.testing.assert_array_equal(model.predict_proba(X), p)
    model.partial_fit(X, Y)
    assert model.predict_proba(X).shape == (400, 2)


@pytest.mark.parametrize("rows", [4, 5, 50])
def test_a_chunk_of_one_class_is_said_once(rows, recwarn):
    model = DescentClassifier(random_state=0).partial_fit(X, Y, classes=[0, 1])
    for _ in range(2):
        model.partial_fit(X[Y == 1][:rows], Y[Y == 1][:rows])
    said = [str(w.message) for w in recwarn]
    assert said == [
        f"all {rows} rows of this chunk are of the class 1; a stream that is sorted by class is learned and forgotten class "
        "by class: shuffle the rows"
    ] * (rows >= 5)


def test_a_loss_of_two_classes_is_refused_for_three():
    with pytest.raises(UsageError) as caught:
        DescentClassifier(loss="hinge").fit(X, np.arange(400) % 3)
    assert str(caught.value) == "the loss hinge takes two classes, y has 3; use loss='softmax'"


@pytest.mark.parametrize("labels", [["a", None, "b", None], [0.0, np.nan, 1.0, np.nan]])
def test_missing_labels_are_counted(labels):
    with pytest.raises(ValueError, match="y has 2 missing labels, the first in row 2; leave these rows out"):
        DescentClassifier().fit(np.eye(4), labels)
