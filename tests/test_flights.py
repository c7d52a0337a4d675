"""The flights of New York in 2013: a real table of 336,776 rows. Slow: run by name."""

import json

import numpy as np
import pandas as pd
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


FEATURES = ["month", "dep_delay", "air_time", "distance", "hour", "carrier", "sched_dep_time"]
JOBS = """
import json
import pandas as pd

def jobs():
    yield "arr_delay", {"optimizer": "nesterov", "batch_size": "full", "max_epochs": 50}
    yield "late", {"optimizer": "adam", "lr": 0.1, "batch_size": "full", "max_epochs": 5}
    yield "late", {"optimizer": "adam", "lr": 0.01, "batch_size": 16384, "max_epochs": 3}
    yield "origin", {"optimizer": "adam", "lr": 0.1, "batch_size": "full", "max_epochs": 5}
    yield "origin", {"optimizer": "adam", "lr": 0.01, "batch_size": 16384, "max_epochs": 2}
    yield "late", {"max_epochs": 20}

def trained(place):
    table = pd.read_parquet(place)
    for target, given in jobs():
        data = table.drop(columns=[name for name in ("arr_delay", "late", "origin") if name != target])
        run = ds.train(data, target, threads=1, progress=False, time_budget=None, **given)
        yield [run.model.weights.tobytes().hex(), run.metrics, run.chosen["optimizer"], len(run.tried)]
"""
IN_GROUP = """
from descend.cluster.passes import SharedPasses

counts = {"fill": 0, "in_step": 0, "share": 0}
for name in counts:
    def counted(self, *given, name=name, shared=getattr(SharedPasses, name)):
        counts[name] += 1
        return shared(self, *given)

    setattr(SharedPasses, name, counted)
print(json.dumps([*trained("flights.parquet"), counts]))
"""


@pytest.mark.slow
def test_two_processes_find_on_the_flights_what_one_finds(in_processes, tmp_path):
    place = pytest.importorskip("benchmarks.flights").flights(tmp_path)
    table = pd.read_csv(place)[[*FEATURES, "arr_delay", "origin"]].dropna()
    table.assign(late=table["arr_delay"] > 15).to_parquet(tmp_path / "flights.parquet")
    (code, said, errors), (other, heard, _) = in_processes(2, JOBS + IN_GROUP, patience=900)
    assert (code, other) == (0, 0), errors
    *found, counts = json.loads(said)
    assert found == json.loads(heard)[:-1]
    assert min(counts.values()) > 0  # passes over all rows, over batches, and runs were shared

    known = {"ds": ds}
    exec(JOBS, known)  # noqa: S102
    alone = json.loads(json.dumps([*known["trained"](tmp_path / "flights.parquet")]))

    assert [f[0] for f in found[:2]] == [a[0] for a in alone[:2]]  # full batches of one output: bit for bit
    for (ours, *told), (theirs, *expected) in zip(found, alone, strict=True):
        one, other = (np.frombuffer(bytes.fromhex(text)) for text in (ours, theirs))
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10 * np.abs(other).max())
        assert told[1:] == expected[1:]
        for part, values in expected[0].items():
            assert told[0][part] == pytest.approx(values, rel=1e-9)
