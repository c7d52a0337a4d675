"""What Trackio is told, by a stand-in for its interface."""

import sys
from types import SimpleNamespace

import pytest
from tests.callbacks.fits import epochs, tell

from descend.callbacks import Trackio
from descend.errors import UsageError


def test_each_fit_is_a_run_of_the_project(monkeypatch):
    calls = []

    def init(**given):
        calls.append(given)
        return SimpleNamespace(log=lambda *a, **k: calls.append((a, k)), finish=lambda: calls.append("finish"))

    monkeypatch.setitem(sys.modules, "trackio", SimpleNamespace(init=init))
    tell(Trackio("mine"), *epochs(1.0), {"epoch": 1, "loss": float("nan")})
    assert calls == [
        {"project": "mine", "name": "Estimator-1", "config": {"lr": "0.5"}, "embed": False, "auto_log_gpu": False,
         "auto_log_cpu": False},
        (({"train_loss": 1.0, "val_loss": 2.0, "lr": 0.1},), {"step": 0}), "finish",
    ]  # fmt: skip


def test_what_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "trackio", None)
    with pytest.raises(UsageError) as caught:
        Trackio()
    assert str(caught.value) == "trackio is not installed; pip install 'descend[trackio]'"
