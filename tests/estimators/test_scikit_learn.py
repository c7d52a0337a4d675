"""The estimators inside scikit-learn's own tools: calibration, stacking, halving, routing, output as frames, HTML."""

import re

import numpy as np
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import StackingClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  makes the next import possible
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from descend import DescentClassifier, DescentRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)  # of parts of a search, on few rows
X, Y = (a[:300] for a in load_breast_cancer(return_X_y=True))
X = X[:, :6]


@pytest.mark.parametrize("loss", ["logistic", "hinge"])
def test_calibration_gives_probabilities_even_to_a_loss_that_has_none(loss):
    model = CalibratedClassifierCV(DescentClassifier(loss=loss, random_state=0), cv=3).fit(X[::2], Y[::2])
    p = model.predict_proba(X[1::2])
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert brier_score_loss(Y[1::2], p[:, 1]) < 0.1  # of the share of either class alone it is 0.25


def test_stacking_is_as_good_as_its_best_part():
    parts = [("one", DescentClassifier(random_state=0)), ("two", DescentClassifier(loss="hinge", random_state=0))]
    model = StackingClassifier(parts, final_estimator=DescentClassifier(random_state=0), cv=3).fit(X[::2], Y[::2])
    alone = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[::2], Y[::2])
    assert model.score(X[1::2], Y[1::2]) > alone.score(X[1::2], Y[1::2]) - 0.02


def test_halving_prefers_the_penalty_of_a_whole_search():
    given = {"l2": [1e-3, 10.0, 100.0]}
    model = DescentClassifier(random_state=0)
    halved = HalvingGridSearchCV(model, given, cv=2, random_state=0, factor=2, min_resources=75).fit(X, Y)
    whole = GridSearchCV(model, given, cv=2).fit(X, Y)
    assert halved.best_params_ == whole.best_params_ == {"l2": 1e-3}
    assert halved.n_iterations_ > 1


def test_weights_are_routed_to_fits_that_ask_for_them():
    weight = np.random.default_rng(0).uniform(0.1, 2, len(Y))
    with sklearn.config_context(enable_metadata_routing=True):
        given = {"cv": 3, "params": {"sample_weight": weight}, "return_estimator": True, "return_indices": True}
        model = DescentClassifier(random_state=0).set_score_request(sample_weight=False)
        with pytest.raises(UnsetMetadataPassedError, match="are not explicitly set as requested or not requested"):
            cross_validate(model, X, Y, **given)
        found = cross_validate(model.set_fit_request(sample_weight=True), X, Y, **given)
        rows = found["indices"]["train"][0]
        alone = DescentClassifier(random_state=0).fit(X[rows], Y[rows], sample_weight=weight[rows])
        np.testing.assert_array_equal(found["estimator"][0].coef_, alone.coef_)
        partial = DescentClassifier().set_partial_fit_request(classes=True, sample_weight=True)
        assert partial.get_metadata_routing().partial_fit.requests == {"classes": True, "sample_weight": True}


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_frames_that_a_step_puts_out_keep_their_names(kind):
    frame = __import__(kind).DataFrame({f"column {k}": X[:, k] for k in range(5)})
    model = make_pipeline(StandardScaler(), DescentRegressor(random_state=0)).set_output(transform=kind)
    model.fit(frame, Y)
    assert model[-1].feature_names_in_.tolist() == [f"column {k}" for k in range(5)]
    plain = make_pipeline(StandardScaler(), DescentRegressor(random_state=0)).fit(X[:, :5], Y)
    np.testing.assert_allclose(model.predict(frame), plain.predict(X[:, :5]), rtol=1e-9)


def test_the_html_of_a_fitted_model_shows_its_verdict_and_asks_nobody_for_anything():
    model = DescentRegressor(random_state=0)
    before = model._repr_html_()
    assert "<p>" not in before
    model.fit(X, Y)
    page = model._repr_html_()
    assert re.sub(r"id-\d+", "", page) == re.sub(r"id-\d+", "", model._repr_mimebundle_()["text/html"])
    assert f"<p>{model.verdict_.text}</p>" in page
    assert "converged" in model.verdict_.text
    for finding in model.findings_:
        assert f"<p>{finding.code} " in page
    assert not re.search(r"<(link|img|iframe|script)[^>]*(src|href)=", page)
    model.partial_fit(X, Y)
    assert "<p>" not in model._repr_html_()


def test_a_text_in_html_is_escaped():
    model = DescentRegressor(random_state=0).fit(X, Y)
    model._insights.__dict__["verdict"] = type("V", (), {"text": "a < b & c"})
    assert "<p>a &lt; b &amp; c</p>" in model._repr_html_()
