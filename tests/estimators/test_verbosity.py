"""verbose speaks through the logger "descend", and leaves logging as it was."""

import logging

import numpy as np
import pytest

from descend import DescentClassifier, DescentRegressor
from descend.estimators.verbosity import LOGGER, speaking

X = np.random.default_rng(0).standard_normal((100, 3))
Y = X @ [1.0, 2.0, 3.0]


@pytest.mark.parametrize("hidden", [(), (4,)])
@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_a_verbose_fit_is_heard_and_a_silent_one_is_not(hidden, verbose, caplog):
    options = {"hidden_layer_sizes": hidden, "optimizer": "adam", "lr": 0.05, "tol": 0.01, "random_state": 0}
    caplog.set_level(logging.NOTSET)
    DescentRegressor(verbose=verbose, **options).fit(X, Y)

    lines = [r.getMessage() for r in caplog.records if r.name == "descend" and r.levelno == logging.INFO]
    assert bool(lines) == (verbose > 0)
    if verbose:
        assert lines[0].startswith("epoch ")
        assert ": loss " in lines[0]


def test_a_stream_is_heard(caplog):
    DescentClassifier(verbose=1).partial_fit(X, Y > 0)
    assert caplog.records[-1].getMessage().startswith("epoch 1: loss 0.")


def test_lines_go_to_standard_error_where_logging_is_not_set_up(capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger("descend"), "propagate", False)
    DescentRegressor(verbose=1).fit(X, Y)
    out, err = capsys.readouterr()
    assert out == ""
    assert "epoch " in err


def test_logging_is_left_as_it_was():
    logger = logging.getLogger("descend")
    before = logger.level, list(logger.handlers)
    DescentRegressor(verbose=1).fit(X, Y)
    assert (logger.level, list(logger.handlers)) == before


@pytest.mark.parametrize("level", [logging.NOTSET, logging.ERROR])
def test_the_level_is_restored_when_training_is_interrupted(level):
    LOGGER.setLevel(level)
    handlers = list(LOGGER.handlers)
    try:
        with pytest.raises(KeyboardInterrupt), speaking(1):
            raise KeyboardInterrupt
        assert (LOGGER.level, LOGGER.handlers) == (level, handlers)
    finally:
        LOGGER.setLevel(logging.NOTSET)
