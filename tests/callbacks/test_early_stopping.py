"""When a fit is ended, by hand-worked losses."""

import numpy as np
import pytest
from tests.callbacks.fits import epochs, tell

from descend import DescentRegressor
from descend.callbacks import EarlyStopping
from descend.errors import UsageError


@pytest.mark.parametrize(
    ("given", "losses", "heard"),
    [
        ({"patience": 2}, [1.0, 0.5, 0.5, 0.6, 0.1], 4),
        ({"patience": 2}, [1.0, 0.5, 0.5, 0.4, 0.4], 5),
        ({"patience": 2, "min_delta": 0.15}, [1.0, 0.9, 0.8, 0.7, 0.6], 5),
        ({"patience": 1, "min_delta": 0.15}, [1.0, 0.9, 0.8, 0.7, 0.6], 2),
        ({"patience": None, "target": 0.5}, [1.0, 0.9, 0.9, 0.9, 0.5, 0.4], 5),
        ({"patience": 3, "target": 0.9}, [1.0, 0.9, 0.8], 2),
        ({"patience": 2}, [1.0, float("nan"), float("nan"), 0.5], 3),
    ],
)
def test_a_fit_ends_after_patience_or_at_the_target(given, losses, heard):
    assert tell(EarlyStopping("loss", **given), *epochs(*losses)) == heard


def test_validation_rows_are_watched_where_nothing_else_is_said():
    assert tell(EarlyStopping(target=1.0), *epochs(1.0, 0.5, 0.25)) == 2  # val is twice the loss


def test_patience_counts_epochs_and_not_rows():
    far = [{"epoch": 10 * k, "loss": 1.0} for k in range(5)]
    assert tell(EarlyStopping("loss", patience=30), *far) == 4
    steps = [{"loss": 1.0, "lr": 1.0 / k} for k in range(1, 6)]
    assert tell(EarlyStopping("loss", patience=3), *steps) == 4


def test_a_training_of_a_search_that_begins_again_begins_its_patience_again():
    both = [*epochs(0.5, 0.4), *epochs(2.0, 1.0, 1.0, 1.0)]
    assert tell(EarlyStopping("loss", patience=2), *both) == 6


def test_each_fit_has_a_patience_of_its_own():
    stopping = EarlyStopping("loss", patience=1)
    assert [tell(stopping, *epochs(1.0, 1.0, 1.0)), tell(stopping, *epochs(2.0, 1.0, 1.0))] == [2, 3]


@pytest.mark.parametrize(
    ("given", "text", "code"),
    [
        ({"monitor": "loss_"}, "monitor is 'loss_', it must be one of val, loss; try 'loss'", "bad-monitor"),
        ({"patience": 0}, "patience is 0, it must be a whole number of at least 1, or None; try 10", "bad-patience"),
        ({"min_delta": -1}, "min_delta is -1, it must be a finite number of at least 0; try 0.001", "bad-min-delta"),
        ({"target": "low"}, "target is 'low', it must be a finite number, or None; try None", "bad-target"),
    ],
)
def test_bad_arguments(given, text, code):
    with pytest.raises(UsageError) as caught:
        EarlyStopping(**given)
    assert (str(caught.value), caught.value.code) == (text, code)


@pytest.mark.parametrize(
    ("monitor", "told", "text"),
    [
        ("val", {"epoch": 1, "loss": 1.0, "val": float("nan")}, "EarlyStopping watches val, which this fit does not tell; "
         "set early_stopping=True on the estimator, for validation rows, or monitor='loss'"),
        ("loss", {"score": 1.0}, "EarlyStopping watches loss, which this fit does not tell; monitor what it tells"),
    ],
)  # fmt: skip
def test_a_loss_that_is_not_told(monitor, told, text):
    with pytest.raises(UsageError) as caught:
        tell(EarlyStopping(monitor), told)
    assert (str(caught.value), caught.value.code) == (text, "no-monitor")


def test_an_estimator_ends_and_keeps_the_best_so_far():
    pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")
    x = np.linspace(-1, 1, 50)[:, None]
    model = DescentRegressor(optimizer="gd", lr=0.01, tol=0, max_epochs=1000, l2=0.0, random_state=0)
    model.set_callbacks(EarlyStopping("loss", patience=None, target=0.1))
    model.fit(x, 3 * x[:, 0])
    assert 0 < model.n_iter_ < 1000
    assert np.mean((model.predict(x) - 3 * x[:, 0]) ** 2) / 2 / np.var(3 * x) <= 0.1  # of a target in spreads
