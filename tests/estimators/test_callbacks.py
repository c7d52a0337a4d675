"""Callbacks of scikit-learn hear a fit, and may end it, which keeps the best so far."""

import importlib.util
import sys

import numpy as np
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from descend import DescentClassifier, DescentRegressor
from descend.errors import UsageError
from descend.estimators import callbacks as module

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")
RNG = np.random.default_rng(0)
X = RNG.standard_normal((200, 4))
Y = X @ [1.0, -2.0, 0.5, 0.0] + 0.3 * RNG.standard_normal(200)


class Heard:
    """Hears all, and says stop, or raises, at so many subtasks."""

    def __init__(self, stop_at=None, how=lambda: True):
        self.stop_at, self.how, self.tasks, self.told, self.fitted, self.depth = stop_at, how, [], [], None, 0

    def setup(self, estimator, context):
        self.depth += 1

    def teardown(self, estimator, context):
        self.depth -= 1

    def on_fit_task_begin(self, estimator, context):
        self.tasks.append((context.task_name, "begin"))

    def on_fit_task_end(self, estimator, context, *, metadata=None, fitted_estimator=None):
        self.tasks.append((context.task_name, "end"))
        if context.task_name == "fit":
            self.fitted = fitted_estimator
            return False
        self.told.append(metadata)
        return self.how() if len(self.told) == self.stop_at else False


def slow(**options):
    return DescentRegressor(optimizer="gd", lr=0.01, tol=0, max_epochs=1000, random_state=0, **options)


def test_a_callback_hears_begin_and_end_of_all_tasks_in_order():
    heard = Heard()
    model = slow().set_callbacks(heard).fit(X, Y)
    assert heard.tasks[0] == ("fit", "begin")
    assert heard.tasks[-1] == ("fit", "end")
    assert heard.tasks[1:-1] == [("percent", "begin"), ("percent", "end")] * len(heard.told)
    assert 50 < len(heard.told) <= 100
    epochs, losses = ([told[name] for told in heard.told] for name in ("epoch", "loss"))
    assert epochs == sorted(epochs)
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == pytest.approx(min(model.loss_curve_))
    assert heard.depth == 0
    np.testing.assert_array_equal(heard.fitted.predict(X), model.predict(X))


def stop():
    raise StopIteration


@pytest.mark.parametrize("how", [lambda: True, stop], ids=["returns", "raises"])
def test_a_callback_ends_the_fit_and_the_best_so_far_is_kept(how):
    heard = Heard(stop_at=20, how=how)
    model = slow().set_callbacks(heard).fit(X, Y)
    assert 0 < model.n_iter_ < 1000
    assert len(heard.told) == 20
    alone = DescentRegressor(optimizer="gd", lr=0.01, tol=0, max_epochs=model.n_iter_, random_state=0)
    alone.fit(X, Y)
    np.testing.assert_array_equal(model.coef_, alone.coef_)


def test_another_error_of_a_callback_ends_the_fit_and_leaves_no_model():
    def fail():
        raise ValueError("a bad day")

    heard = Heard(stop_at=5, how=fail)
    model = slow().set_callbacks(heard)
    with pytest.raises(ValueError, match="a bad day"):
        model.fit(X, Y)
    assert not hasattr(model, "coef_")
    assert heard.depth == 0


def test_a_progress_bar_and_a_score_follow_a_search_of_pipelines(capfd):
    heard, scores = Heard(), callback.ScoringMonitor(scoring="accuracy")
    model = DescentClassifier(random_state=0).set_callbacks(heard, scores)
    grid = GridSearchCV(make_pipeline(StandardScaler(), model), {"descentclassifier__l2": [1e-4, 1e-2]}, cv=2)
    grid.set_callbacks(callback.ProgressBar(max_propagation_depth=None))
    grid.fit(X, Y > 0)
    assert heard.tasks.count(("fit", "end")) == 5
    assert "DescentClassifier" in capfd.readouterr().out
    log = scores.get_logs().data
    assert len(log) == 5
    assert all(row["accuracy"] > 0.9 for row in log)


def test_where_scikit_learn_has_no_callbacks_a_fit_calls_nobody(monkeypatch):
    model = DescentRegressor(random_state=0)
    monkeypatch.setattr(module, "_context_of", lambda estimator: None)
    assert model.fit(X, Y).n_iter_ > 0


def test_where_scikit_learn_has_no_callbacks_asking_for_one_says_which_has(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.callback", None)
    spec = importlib.util.spec_from_file_location("callbacks_of_old", module.__file__)
    old = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(old)
    with pytest.raises(UsageError) as caught:
        old.CallbackSupportMixin().set_callbacks(Heard())
    assert str(caught.value) == (
        f"scikit-learn {sklearn.__version__} has no callbacks; pip install 'scikit-learn>=1.9'"
    )
