"""A threshold is given or chosen, stored in the model, and used by prediction and metrics alike."""

import json

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

import descend as ds
from descend.errors import UsageError
from descend.run.model import Model
from descend.run.threshold import best_threshold

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 2))
Y = np.where(X[:, 0] + RNG.normal(size=400) > 1.5, "rare", "common")
QUICK = {"optimizer": "gd", "max_epochs": 100, "progress": False}


@pytest.mark.parametrize("weight", [None, RNG.uniform(0.1, 3, 60)], ids=["plain", "weighted"])
def test_the_best_threshold_has_the_largest_balanced_accuracy_of_all(weight):
    positive, score = RNG.random(60) < 0.2, np.round(RNG.normal(size=60), 1)
    probability = 1 / (1 + np.exp(-score - positive))
    score = np.log(probability / (1 - probability))
    found = best_threshold(positive, score, weight)
    reached = balanced_accuracy_score(positive, probability > found, sample_weight=weight)
    others = [
        balanced_accuracy_score(positive, probability > t, sample_weight=weight)
        for t in np.r_[0, probability, 1 - 1e-9]
    ]
    assert reached == pytest.approx(max(others))


def test_one_class_has_the_even_threshold_and_certain_scores_stay_inside():
    assert best_threshold(np.ones(3, bool), np.arange(3.0)) == 0.5
    assert 0 < best_threshold(np.array([False, True]), np.array([-5000.0, -4000.0])) < 1
    assert 0 < best_threshold(np.array([False, True]), np.array([4000.0, 5000.0])) < 1


@pytest.mark.parametrize("given", ["auto", 0.3])
def test_the_model_keeps_its_threshold_and_predicts_by_it(given, tmp_path):
    run = ds.train(X, Y, threshold=given, **QUICK)
    run.save(tmp_path / "run", report=False)
    loaded = ds.load(tmp_path / "run")
    assert loaded.model.threshold == run.model.threshold
    got = loaded.predict(X)
    by_hand = np.where(got.probabilities[:, 1] > run.model.threshold, "rare", "common")
    np.testing.assert_array_equal(got.values, by_hand)
    rows = run.prepared.rows[1]
    assert run.metrics["test"]["accuracy"] == run.held_out["accuracy"] == (by_hand == Y)[rows].mean()
    assert run.metrics["test"]["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(Y[rows], by_hand[rows]))


def test_auto_is_chosen_on_training_rows_and_said():
    run = ds.train(X, Y, threshold="auto", **QUICK)
    rows = run.prepared.rows[0]
    p = run.predict(X[rows]).probabilities[:, 1]
    here = balanced_accuracy_score(Y[rows], np.where(p > run.model.threshold, "rare", "common"))
    assert here >= max(
        balanced_accuracy_score(Y[rows], np.where(p > t, "rare", "common")) for t in np.linspace(0, 1, 99)
    )
    assert [note.text for note in run.notes if note.topic == "threshold"] == [
        f"rare is predicted above a probability of {run.model.threshold:.3g}, which has the largest balanced accuracy on "
        "training rows; variants are compared at 0.5"
    ]
    assert run.metrics["baseline"]["accuracy"] > 0.8  # the more frequent class


def test_of_a_network_validation_rows_choose():
    run = ds.train(X, Y, threshold="auto", hidden_layer_sizes=(4,), **{**QUICK, "optimizer": "adam", "max_epochs": 5})
    assert any("on validation rows" in note.text for note in run.notes if note.topic == "threshold")


NEEDS = "which needs two classes with probabilities, and the "


@pytest.mark.parametrize(
    ("y", "options", "text"),
    [
        (X[:, 0], {"threshold": 0.3}, f"threshold is 0.3, {NEEDS}target is a number; leave out threshold"),
        (np.array(["a", "b", "c"])[np.arange(400) % 3], {"threshold": "auto"},
         f"threshold is 'auto', {NEEDS}target has 3 classes; leave out threshold"),
        (Y, {"threshold": 0.3, "loss": "hinge"}, f'threshold is 0.3, {NEEDS}loss hinge has none; use loss="logloss"'),
        (Y, {"threshold": 1.5}, "threshold is 1.5, it must be auto or a number above 0 and below 1; try 0.3"),
        (Y, {"threshold": 0}, "threshold is 0, it must be auto or a number above 0 and below 1; try 0.3"),
        (Y, {"threshold": "half"}, "threshold is 'half', it must be auto or a number above 0 and below 1; try 0.3"),
    ],
)  # fmt: skip
def test_a_threshold_that_does_not_apply_is_refused(y, options, text):
    with pytest.raises(UsageError) as caught:
        ds.train(X, y, **QUICK, **options)
    assert str(caught.value) == text


def test_a_model_of_an_older_version_has_the_even_threshold_and_a_wrong_one_is_refused():
    model = ds.train(X, Y, threshold=0.3, **QUICK).model
    document = json.loads(json.dumps(model.document()))
    assert Model.of(model.tensors(), document).threshold == 0.3
    del document["threshold"]
    assert Model.of(model.tensors(), document).threshold == 0.5
    with pytest.raises(KeyError, match="threshold"):
        Model.of(model.tensors(), {**document, "threshold": 7})
