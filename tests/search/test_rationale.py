"""For each value of the run that is kept, how it was found and the evidence."""

import numpy as np
import pytest
from tests.search.test_search import found, network_problem

from descend.optimum.landscape import Landscape
from descend.options import read_options
from descend.plan import Plan, setting
from descend.search.rationale import criterion, rationale
from descend.training import Limits, train


def explained(problem, settings, best, **given):
    """The fit of these settings, and the rationale of one of them."""
    fit = train(problem, Plan(settings), limits=Limits(epochs=40))
    return fit, rationale(fit, best, read_options(given), Landscape.of(problem))


def test_why_says_for_each_value_whether_it_was_typed(small):
    gd = (setting("sgd", lr=0.1, label="gd"),)
    _, typed = explained(small("squared"), gd, 0, optimizer="gd", lr=0.1, schedule="none", warmup=5)
    _, auto = explained(small("squared"), gd, 0)

    assert {name: entry["rule"] for name, entry in typed.items()} == {
        "optimizer": "typed", "lr": "typed", "batch": "auto", "schedule": "typed"
    }  # fmt: skip
    assert {name: entry["rule"] for name, entry in auto.items()} == {
        "optimizer": "auto", "lr": "auto", "batch": "auto", "schedule": "default"
    }  # fmt: skip
    assert (typed["lr"]["source"], typed["schedule"]["source"]) == ("given by the user", "none, warm-up 5 steps")


def test_the_variants_are_compared_by_the_score_of_their_best_rate(small):
    settings = (*(setting("sgd", lr=lr, label="gd") for lr in (1e-3, 0.1)), setting("adam", lr=1e-3))
    fit, why = explained(small("squared"), settings, 1)

    assert why["optimizer"]["scores"] == {"gd": fit.score[1], "adam": fit.score[2]}
    assert why["optimizer"]["source"] == "lowest training loss of 2 variants"
    assert criterion(fit) == "training loss"


def test_all_rates_are_listed_from_high_to_low_beside_the_limit(small):
    problem = small("squared")
    settings = tuple(setting("sgd", lr=lr, label="gd") for lr in (1e-3, 0.2, 0.19))
    fit, why = explained(problem, settings, 1)
    whole = np.column_stack([problem.data.X, np.ones(23)])
    largest = 2 * np.linalg.eigvalsh(whole.T @ whole / 23)[-1]

    assert [entry["lr"] for entry in why["lr"]["tried"]] == [0.2, 0.19, 1e-3]
    assert [entry["score"] for entry in why["lr"]["tried"]] == fit.score[[1, 2, 0]].tolist()
    assert why["lr"]["curvature"] == pytest.approx(largest)
    assert why["lr"]["stability_limit"] == pytest.approx(2 / largest)
    assert why["lr"]["band"] == [0.19, 0.2]  # 1e-3 has hardly begun after 40 epochs
    assert why["lr"]["source"] == "best of 3 rates below the stability limit, by successive halving"


def test_each_value_has_a_reason():
    best = found(
        network_problem(),
        network_problem(60).data,
        optimizer="auto",
        max_epochs=12,
        seeds=1,
        hidden_layer_sizes=(8,),
        restarts=2,
    )

    assert set(best.why) == {"optimizer", "lr", "batch", "schedule", "restarts"}
    assert all(why["source"] and why["rule"] in ("auto", "typed", "default") for why in best.why.values())
    assert len(best.why["optimizer"]["scores"]) == 8
    assert (
        min(best.why["optimizer"]["scores"], key=best.why["optimizer"]["scores"].get)
        == best.fit.plan.settings[best.best].label
    )
    assert len(best.why["lr"]["tried"]) >= 5
    low, high = best.why["lr"]["band"]
    assert low <= best.fit.plan.settings[best.best].lr <= high
    assert best.why["batch"]["noise_scale"] > 0
