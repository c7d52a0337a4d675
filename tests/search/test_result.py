"""What a search tells about its choice."""

import numpy as np
from tests.search.made import found, network_problem


def test_seeds_of_a_setting_are_those_asked_for_without_other_weights():
    best = found(
        network_problem(), optimizer="adam", lr=0.01, max_epochs=3, seeds=2, restarts=4, hidden_layer_sizes=(8,)
    )
    assert len(best.fit.plan) == 4
    assert [best.fit.plan.settings[r].seed for r in best.seeds_of(best.best)] == [0, 1]


def test_with_some_of_the_rows_a_search_keeps_its_runs_and_their_moments(small):
    whole = found(small("squared", l2=0.01, rows=200), optimizer="gd")
    data, rows = whole.fit.problem.data, np.arange(0, 200, 4)
    some = whole.on_some(data.take(rows).with_gram(data.gram()), rows)
    np.testing.assert_array_equal(some.fit.weights, whole.fit.weights)
    np.testing.assert_array_equal(some.places, rows)
    assert some.fit.problem.data.rows == 50
    assert some.landscape.optimum is whole.landscape.optimum
    assert some.why["lr"] == whole.why["lr"]
