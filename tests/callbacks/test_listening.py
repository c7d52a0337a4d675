"""What a callback hears of fits, alone, in searches and in pipelines, and where it may be copied."""

import pickle

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.callbacks.fits import Estimator, epochs, tell

from descend import DescentRegressor
from descend.callbacks import EarlyStopping, History
from descend.callbacks.listening import Appended, Writer, points
from descend.errors import OutputError
from descend.export.record import Point

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")
RNG = np.random.default_rng(0)
X = RNG.standard_normal((100, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.3 * RNG.standard_normal(100)


def slow(*callbacks):
    model = DescentRegressor(optimizer="gd", lr=0.01, tol=0, max_epochs=300, random_state=0)
    return model.set_callbacks(*callbacks)


def test_tasks_that_tell_no_numbers_or_the_same_again_are_no_rows():
    history = History()
    nan = {"epoch": 1, "loss": 1.0, "val": float("nan")}
    tell(history, None, {}, nan, {**nan, "val": float("nan")}, {"sample_weight": np.ones(3)}, {**nan, "epoch": 2})
    assert [(row["fit"], row["epoch"]) for row in history] == [(1, 1), (1, 2)]


def test_where_no_epoch_is_told_rows_are_counted():
    history = History()
    tell(history, {"loss": np.float32(0.5)}, {"loss": np.float32(0.25)})
    assert [(row["step"], row["loss"]) for row in history] == [(1, 0.5), (2, 0.25)]


def test_two_fits_at_a_time_are_kept_apart():
    history, first, second = History(), Estimator(), Estimator()
    for estimator in (first, second):
        history.setup(estimator=estimator, context=None)
    for estimator, loss in ((first, 1.0), (second, 1.0), (first, 0.5)):
        history.on_fit_task_end(estimator, object(), metadata={"epoch": 1, "loss": loss})
    for estimator in (first, second):
        history.teardown(estimator=estimator, context=None)
    assert [(row["fit"], row["loss"]) for row in history] == [(1, 1.0), (2, 1.0), (1, 0.5)]


def test_a_fit_tells_its_own_history():
    history = History()
    model = slow(history).fit(X, Y)
    curve = {point["epoch"]: point["loss"] for point in model.history_}
    assert len(history) > 5
    assert history[-1]["epoch"] == 300
    assert [row["loss"] for row in history] == pytest.approx([curve[row["epoch"]] for row in history])
    assert {row["lr"] for row in history} == {0.01}


def test_fits_of_a_search_of_pipelines_are_heard_by_the_callback_of_the_estimator():
    history = History()
    steps = make_pipeline(StandardScaler(), slow(history, EarlyStopping("loss", target=1.0)))
    grid = GridSearchCV(steps, {"descentregressor__l2": [0.0, 1e-3]}, cv=2).fit(X, Y)
    assert {row["fit"] for row in history} == {1, 2, 3, 4, 5}
    assert grid.best_estimator_[-1].n_iter_ < 300


def test_an_estimator_that_tells_no_numbers_is_no_rows():
    history = History()
    LogisticRegression().set_callbacks(history).fit(X, Y > 0)
    assert list(history) == []


def test_a_pickle_keeps_what_was_heard_and_hears_on():
    history = History()
    model = pickle.loads(pickle.dumps(slow(history).fit(X, Y)))
    (copy,) = model._skl_callbacks
    assert repr(list(copy)) == repr(list(history))  # NaN is not equal to NaN
    tell(copy, *epochs(1.0))
    assert (copy[-1]["fit"], len(copy)) == (2, len(history) + 1)


def test_a_copy_in_another_process_passes_over_a_fit_that_has_begun_elsewhere():
    history, estimator = History(), Estimator()
    history.setup(estimator=estimator, context=None)
    copy = pickle.loads(pickle.dumps(history))
    assert copy.on_fit_task_end(estimator, object(), metadata={"loss": 1.0}) is False
    copy.teardown(estimator=estimator, context=None)
    assert list(copy) == []


class Broken(Writer[str]):
    """Writes two rows, then fails."""

    def __init__(self, error):
        super().__init__()
        self.error, self.rows, self.ends = error, [], []

    def _start(self, begun):
        return f"{begun.estimator} {begun.number} {begun.params}"

    def _write(self, place, row):
        if len(self.rows) == 2:
            raise self.error
        self.rows.append((place, row["loss"]))

    def _finish(self, place, failed):
        self.ends.append(failed)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(28, "No space left on device"), "no space left on device"),
        (OSError(13, "Permission denied", "a/b"), "'a/b': permission denied"),
        (OSError("the pipe broke"), "the pipe broke"),
        (OutputError("it cannot log", fix="name another place", code="tracker"), "it cannot log; name another place"),
    ],
)
def test_a_place_that_fails_is_said_once_and_the_fit_goes_on(error, why):
    broken = Broken(error)
    with pytest.warns(UserWarning, match="^Broken") as caught:
        assert tell(broken, *epochs(4.0, 3.0, 2.0, 1.0)) == 4
    assert [str(w.message) for w in caught] == [f"Broken writes no more of this fit: {why}; training goes on"]
    assert broken.rows == [("Estimator 1 {'lr': '0.5'}", 4.0), ("Estimator 1 {'lr': '0.5'}", 3.0)]
    assert broken.ends == []


def test_a_fit_that_ends_and_one_that_fails():
    whole = Broken(None)
    tell(whole, *epochs(1.0))
    tell(whole, ends=False)
    assert whole.ends == [False, True]


def test_a_row_has_the_points_of_an_exported_run():
    row = {"fit": 3, "seconds": 1.5, "epoch": 4, "loss": 0.5, "val": float("nan"), "lr": 0.1}
    assert list(points(row)) == [Point("train_loss", 4, 1.5, 0.5), Point("lr", 4, 1.5, 0.1)]


def test_pieces_are_appended(tmp_path):
    file = Appended(tmp_path / "a")
    file.write(b"one ")
    pickle.loads(pickle.dumps(file)).write(b"two")
    assert (tmp_path / "a").read_bytes() == b"one two"
