"""The flights of New York in 2013: a real table of 336,776 rows. Slow: run by name."""

import pytest

import descend as ds


@pytest.mark.slow
def test_arrival_delay_is_learned_to_within_a_ten_thousandth_of_the_optimum(tmp_path):
    flights = pytest.importorskip("benchmarks.flights").flights(tmp_path)
    run = ds.train(flights, "arr_delay", progress=False, time_budget=60)
    best = run.search_result.fit.loss[run.search_result.best]
    assert run.data["rows"] == 336_776
    assert run.verdict.status == "converged"
    assert best <= run.search_result.landscape.optimum.objective * (1 + 1e-4) + 1e-12
    assert "the gap to the exact optimum is " in run.verdict.text
