"""`train` inside a process group finds on every rank what one process finds."""

import json

import numpy as np
import pandas as pd
import pytest

import descend as ds
from descend.run import together

TRAIN = """
rng = np.random.default_rng(0)
X = rng.standard_normal((15_000, 300)) + 2  # three shards of 6,967 rows, more cells than are copied
y = X @ rng.standard_normal(300) + rng.standard_normal(15_000)
given = {"optimizer": "gd", "max_epochs": 20, "progress": False, "random_state": 3, "threads": 1, "time_budget": None}
"""
SMALL = """
import json
from descend.engines import linear, shared_runs

def small_jobs():
    for target, options in (
        (y > 0, {"optimizer": "adam", "lr": 0.1, "batch_size": 64}), (np.digitize(y, [-9, 9]), {"optimizer": "sgd,momentum"})
    ):
        options = {"max_epochs": 3, "progress": False, "threads": 1, "validation": 0.2, "time_budget": None, **options}
        found = ds.train(X[:600, :4], target[:600].astype(int), **options)
        yield [found.model.weights.tolist(), found.metrics["test"], len(found.tried)]
"""
IN_GROUP = """
import json
in_parts = ds.train("table.parquet", "y", **given)
print(json.dumps([in_parts.model.weights.tobytes().hex(), in_parts.metrics, [n.text for n in in_parts.notes]]))
run = ds.train(X, y, run_dir="run" , rank_timeout=30, **given)
print(json.dumps([run.model.weights.tobytes().hex(), run.metrics, [n.topic for n in run.notes], str(run.folder)]))
linear.SHARED_BATCH, shared_runs.SHARED_WORK = 1, 0
print(json.dumps([*small_jobs()]))
try:
    ds.train(X[:, :2] + rank, y, rank_timeout=30, **given)
except ds.DescendError as error:
    print(error.code, flush=True)
"""


def test_every_rank_gets_the_weights_and_metrics_of_one_process(in_processes, tmp_path):
    known = {"ds": ds, "np": np}
    exec(TRAIN + SMALL, known)  # noqa: S102
    pd.DataFrame(known["X"], columns=[f"x{k}" for k in range(300)]).assign(y=known["y"]).to_parquet(
        tmp_path / "table.parquet"
    )
    outcomes = in_processes(2, TRAIN + SMALL + IN_GROUP)
    assert [code for code, _, _ in outcomes] == [0, 0], outcomes
    small = [*known["small_jobs"]()]
    alone = ds.train(known["X"], known["y"], **known["given"])
    of_file = ds.train(tmp_path / "table.parquet", "y", **known["given"])
    for _, said, _ in outcomes:
        in_parts, found, shared, refused = said.splitlines()
        weights, metrics, texts = json.loads(in_parts)
        assert weights == of_file.model.weights.tobytes().hex()
        assert all(metrics[part] == pytest.approx(of_file.metrics[part], rel=1e-11) for part in of_file.metrics)
        assert "streamed: each of 2 processes reads its part of the rows" in texts
        weights, metrics, topics, _ = json.loads(found)
        assert weights == alone.model.weights.tobytes().hex()
        assert metrics == alone.metrics
        assert "ranks" in topics
        for (ours, metrics, runs), (theirs, expected, count) in zip(json.loads(shared), small, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
            assert metrics == pytest.approx(expected, rel=1e-9)
            assert runs == count
        assert refused == "ranks-differ"
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [
        "model.safetensors", "report.html", "run.json", "trace.jsonl"
    ]  # fmt: skip


CLASSES = """
rng = np.random.default_rng(0)
X = rng.standard_normal((200_000, 20))  # more cells than a step of one thread is worth sharing for
y = (X @ rng.standard_normal(20) + rng.standard_normal(200_000) > 0).astype(int)
given = {"optimizer": "adam", "batch_size": "full", "lr": 0.1, "max_epochs": 15, "test": 0.3, "progress": False, "threads": 1}
given["time_budget"] = None  # how busy the machine is decides nothing
"""
COUNTED = """
from descend.cluster import passes
counts = []
exchanged = passes._exchange
passes._exchange = lambda group, blocks, own: (counts.append(len(blocks)), exchanged(group, blocks, own))
run = ds.train(X, y, rank_timeout=30, **given)
print(run.model.weights.tobytes().hex(), json.dumps(run.metrics), sum(c == 35 for c in counts), sum(c == 15 for c in counts))
"""


@pytest.mark.slow
@pytest.mark.parametrize("world", [2, 3])
def test_passes_of_classes_are_shared_with_the_bits_of_one_process(in_processes, world):
    outcomes = in_processes(world, CLASSES + "import json" + COUNTED)
    assert [code for code, _, _ in outcomes] == [0] * world, outcomes
    known = {"ds": ds, "np": np}
    exec(CLASSES, known)  # noqa: S102
    alone = ds.train(known["X"], known["y"], **known["given"])
    weights, rest = outcomes[0][1].split(" ", 1)
    assert weights == alone.model.weights.tobytes().hex()
    metrics, end = json.JSONDecoder().raw_decode(rest)
    assert metrics == alone.metrics
    of_train, of_test = map(int, rest[end:].split())
    assert of_train > 15 + 15  # a gradient and a loss an epoch, and those of the optimum
    assert of_test > 0
    assert len({said for _, said, _ in outcomes}) == 1


INTERRUPTED = """
from descend.cluster import passes
counts = []
exchanged = passes._exchange

def interrupting(group, blocks, own):
    counts.append(1)
    if rank == 0 and len(counts) == 30:
        os.kill(os.getpid(), signal.SIGINT)
    exchanged(group, blocks, own)

passes._exchange = interrupting
try:
    run = ds.train(X, y, rank_timeout=5, **{**given, "max_epochs": 500, "tol": 1e-12})
    print(run.interrupted, np.isfinite(run.metrics["test"]["accuracy"]), flush=True)
except ds.DescendError as error:
    print(error.code, flush=True)
os._exit(0)
"""


@pytest.mark.slow
def test_an_interrupted_rank_0_returns_the_best_so_far(in_processes):
    (_, said, _), (_, other, _) = in_processes(2, CLASSES + INTERRUPTED)
    assert said == "True True\n"
    assert other in ("rank-lost\n", "rank-silent\n")


class Nothing:
    """A rank that is asked for nothing."""

    room = 0


@pytest.mark.parametrize("world", [2, 3])
def test_a_run_is_given_as_its_folder_gives_it(in_threads, penguins, world):
    run = ds.train(penguins, "body_mass_g", optimizer="gd", max_epochs=5, progress=False)

    def given(group):
        return together.take(group, Nothing()) if group.rank else _given(group, run)

    found = in_threads(world, given)
    assert found[0] is run
    for other in found[1:]:
        assert other.model.weights.tobytes() == run.model.weights.tobytes()
        assert (other.metrics, other.chosen["lr"], other.folder) == (run.metrics, run.chosen["lr"], None)
        assert other.predict(penguins).values.tobytes() == run.predict(penguins).values.tobytes()


def _given(group, run):
    with group.at_work():
        pass
    together.give(group, run)
    return run
