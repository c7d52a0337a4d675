"""The record of a fit: what it shows of itself, and the folder that it writes."""

import json

import pytest
import torch
from tests.torch.loops import mlp, table

import descend.torch as dt
from descend.errors import OutputError
from descend.run.doctor import doctor
from descend.torch.fitted import Searched
from descend.torch.race import Race
from descend.torch.side_by_side import Way


@pytest.fixture(scope="module")
def fitted():
    torch.manual_seed(0)
    return dt.fit(mlp(), table(64), optimizer="adam,minibatch", max_epochs=5, time_budget=None)


def test_what_is_shown(fitted):
    lines = repr(fitted).splitlines()
    assert lines[0] == "Fit: Sequential, side by side, by torch.func"
    assert "validation loss " in lines[1]
    assert len(lines) <= 30
    assert "<script" not in fitted._repr_html_()


def test_a_run_folder_holds_trials_trace_and_page(fitted, tmp_path):
    fitted.save(tmp_path / "run")
    document = json.loads((tmp_path / "run" / "run.json").read_text())
    assert document["kind"] == "torch"
    assert len(document["trials"]) == 10
    assert sum(t["best"] for t in document["trials"]) == 1
    assert document["metrics"]["val"]["loss"] == pytest.approx(fitted.metrics["val"]["loss"])
    assert document["chosen"]["optimizer"] == fitted.chosen["optimizer"]
    assert document["notes"] == [{"topic": "rows", "text": "13 of 64 rows validate"}]
    assert doctor(tmp_path / "run").text == fitted.verdict.text
    page = (tmp_path / "run" / "report.html").read_text()
    assert page.count('id="trials"') == page.count('id="curves"') == 1
    assert "Dashed: validation rows" in page
    with pytest.raises(OutputError):
        fitted.save(tmp_path / "run")


def test_the_page_alone(fitted, tmp_path):
    fitted.report(tmp_path / "page.html")
    assert "Which setting" in (tmp_path / "page.html").read_text()


def test_settings_come_in_the_order_of_their_scores_those_given_up_last():
    import numpy as np

    from descend.outcome import Outcome
    from descend.plan import setting

    settings = tuple(setting("sgd", lr=lr) for lr in (1.0, 2.0, 3.0, 4.0))
    outcomes = (Outcome.PRUNED, Outcome.BUDGET, Outcome.DIVERGED, Outcome.BUDGET)
    race = Race(np.array([0.1, 0.5, np.inf, 0.4]), np.ones(4), outcomes, 3)
    assert [s.lr for s in Searched(settings, race, Way(True, ""), 0.0).in_order()] == [4.0, 2.0, 1.0]
    failed = Race(np.full(4, np.inf), np.ones(4), (Outcome.DIVERGED,) * 4, None)
    assert [s.lr for s in Searched(settings, failed, Way(True, ""), 0.0).in_order()] == [4.0]
