"""Ranks that read a Parquet file in parts know what one process knows that reads all of it."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from descend.cluster.in_parts import Given
from descend.cluster.passes import TRAIN, Served
from descend.cluster.prepare import prepare_together, problem_at
from descend.engines import linear, start
from descend.engines.full_pass import full_gradient, full_objectives
from descend.options import read_options
from descend.plan import Plan, setting
from descend.table import moments, scale, scaled_rows
from descend.table.prepare import prepare
from descend.table.streamed import opening, source
from descend.table.streamed import prepare as streamed
from descend.table.streamed.rows import products, products_of
from descend.table.streamed.scratch import Scratch

ROWS = 1500


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Shards of 256 rows, pieces of 150, and tables that are large from 100 cells on."""
    monkeypatch.setattr(moments, "BLOCK_CELLS", 1)
    monkeypatch.setattr(moments, "SHARD_BLOCKS", 1)
    monkeypatch.setattr(source, "FEWEST_ROWS", 150)
    for module in (scaled_rows, scale, opening, streamed):
        monkeypatch.setattr(module, "LARGE_CELLS", 100)


@pytest.fixture
def frame():
    """Numbers, a category, a date, a constant, and missing cells, some of them far below the first rows alone."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({
        "a": rng.normal(3, 2, ROWS), "b": rng.integers(0, 9, ROWS), "late": rng.normal(size=ROWS), "gap": rng.normal(size=ROWS),
        "colour": rng.choice(["red", "green", "blue"], ROWS), "same": 7.5, "w": rng.integers(1, 4, ROWS).astype(float),
        "day": pd.date_range("2020-01-01", periods=ROWS), "word": [f"{k:x}" for k in range(ROWS)],
    })  # fmt: skip
    frame["y"] = frame.a - 2 * frame.b + (frame.colour == "red") + rng.normal(0, 0.5, ROWS)
    frame.loc[1300:1340, "late"] = np.nan
    frame.loc[rng.choice(ROWS, 40, replace=False), ["gap", "colour"]] = np.nan
    return frame


@pytest.fixture
def in_parts(in_threads, tmp_path):
    """Return what ranks prepare together, or make of it, and the notes of rank 0."""

    def run(world, path, options, target="y", job=lambda group, prepared: prepared):
        notes = []

        def rank(group):
            scratch = Scratch(tmp_path / f"run{group.rank}")
            given = Given(
                data=path,
                target=target,
                options=options,
                scratch=scratch,
                looked_at=lambda rows, _: (np.arange(0, rows, 7),),
            )
            try:
                return job(group, prepare_together(group, given, (lambda note: None) if group.rank else notes.append))
            finally:
                scratch.close()

        return in_threads(world, rank), [note.text for note in notes]

    return run


def bits(prepared):
    """What training is about to start on."""
    gram = prepared.train.gram()
    arrays = [getattr(gram, name) for name in gram.__dataclass_fields__]
    return [np.asarray(a).tobytes() for a in (*arrays, prepared.scale.center, prepared.scale.width, prepared.train.y)]


@pytest.mark.parametrize(
    ("world", "given"),
    [(2, {}), (5, {}), (8, {}), (2, {"drop": ("word", "late"), "weight": "w"}), (2, {"time": "day"}),
     (3, {"group": "colour", "max_levels": 2}), (2, {"test": "none"})],
    ids=["even", "uneven", "empty parts", "weights", "time", "groups", "no test rows"],
)  # fmt: skip
def test_schema_scale_and_moments_are_those_of_one_process(in_parts, frame, tmp_path, world, given):
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=200)
    options = read_options({"threads": 2, **given})
    alone = prepare(tmp_path / "table.parquet", "y", options)

    found, notes = in_parts(world, tmp_path / "table.parquet", options)

    assert all(one.schema == alone.schema for one in found)
    assert all(bits(one) == bits(alone) for one in found)
    assert all(one.filled == alone.filled for one in found)
    for one in found if alone.test else ():
        np.testing.assert_array_equal(one.test.y, alone.test.y)
        np.testing.assert_allclose(one.test.gram().G, alone.test.gram().G, rtol=1e-12, atol=1e-14)
        assert bits(one) == bits(found[0])
    assert [one.train.rows for one in found] == [alone.train.rows] * world
    assert f"streamed: each of {world} processes reads its part of the rows" in notes


def test_the_rows_at_hand_are_those_of_the_file_in_their_order(in_parts, frame, tmp_path):
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=200)
    found, _ = in_parts(3, tmp_path / "table.parquet", read_options({}))
    for prepared in found:
        table = prepared.sample.table
        np.testing.assert_array_equal(table["a"].values, frame["a"])
        assert table["word"].values.tolist() == frame["word"].tolist()  # left out, and yet at hand for findings
        assert [v for v in table["colour"].values if v] == [v for v in frame["colour"] if isinstance(v, str)]
        places, features = prepared.train.X.rows.drawn[0]
        expected = prepared.sample.schema.encode(table.take(np.flatnonzero(prepared.train.X.rows.part)[places])).X
        np.testing.assert_array_equal(features, expected)


def test_products_of_all_ranks_are_those_of_one_process(in_parts, frame, tmp_path):
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=200)
    options = read_options({})

    def multiplied(group, prepared):
        if group.rank:
            return group.wait(
                Served(group, lambda place: problem_at(prepared, options, place), 1), len(prepared.schema.names) + 1
            )
        parts = [
            (part.X, np.random.default_rng(k).normal(size=(part.features, k + 1)))
            for k, part in enumerate((prepared.test, prepared.train))
        ]
        with group.at_work(len(prepared.schema.names) + 1):
            return [list(products(parts)), list(products_of([X.rows for X, _ in parts], parts))]

    (shared, alone), *_ = in_parts(3, tmp_path / "table.parquet", options, job=multiplied)[0]
    for k in (0, 1):
        ours, theirs = ([(rows, z) for part, rows, z in found if part == k] for found in (shared, alone))
        assert [rows.stop for rows, _ in ours[:-1]] == [rows.start for rows, _ in ours[1:]]
        np.testing.assert_allclose(*(np.concatenate([z for _, z in found]) for found in (ours, theirs)), rtol=1e-13)


def on_rank_0(options, job):
    """What a job on the problem of rank 0 returns there, with which the others help."""

    def run(group, prepared):
        served = Served(group, lambda place: problem_at(prepared, options, place), 1)
        if group.rank:
            return group.wait(served, served.room)
        with group.at_work(served.room):
            return job(problem_at(prepared, options, TRAIN), prepared.test)

    return run


def steps(problem, *batch_sizes):
    plan = Plan(tuple(setting("adam", lr=0.1, batch_size=size, seed=5) for size in batch_sizes))
    return linear.advance(problem, plan, start(problem, plan), np.arange(1, 4) * problem.data.rows)[1]


@pytest.fixture
def many(tmp_path, monkeypatch):
    """A file of three blocks of training rows, whose steps are shared however few they are."""
    monkeypatch.setattr(linear, "SHARED_CELLS", 1)
    monkeypatch.setattr(linear, "SHARED_BATCH", 1)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(3, 2, 11_000), "b": rng.normal(size=11_000), "w": rng.integers(1, 4, 11_000)})
    frame["kind"] = frame.a + rng.normal(size=11_000) > 3
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=1000)
    return tmp_path / "table.parquet"


@pytest.mark.parametrize("world", [2, 5], ids=["uneven", "empty parts"])
def test_steps_on_rows_that_ranks_hold_in_parts_are_those_of_one_process(in_parts, many, world):
    options = read_options({"weight": "w"})

    def job(problem, test):
        w = np.array([0.3, -0.2, 0.1])
        measured = (
            full_objectives(problem)(w[None]),
            full_gradient(problem)(w),
            full_objectives(replace(problem, data=test))(w[None]),
        )
        return (
            [*measured, steps(problem, 0)],
            [steps(problem, 700), steps(problem, 0, 700), test.X @ np.ones((2, 3))],
            problem.data.X,
        )

    alone = prepare(many, "kind", options)
    expected = job(problem_at(alone, options, TRAIN), alone.test)
    found, *_ = in_parts(world, many, options, "kind", on_rank_0(options, job))[0]

    assert [a.tobytes() for a in found[0]] == [a.tobytes() for a in expected[0]]
    for ours, theirs in zip(found[1], expected[1], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-13)
    assert not found[2].mapped  # rank 0 has not read what the others hold
    assert len(found[2].held) == min(2, -(-3 // world) + (world < 3)) * 4096


def test_small_batches_and_what_follows_an_interruption_read_all_rows_on_rank_0(in_parts, many, monkeypatch):
    monkeypatch.setattr(linear, "SHARED_BATCH", 10**9)
    options = read_options({})

    def job(problem, test):
        small, team = steps(problem, 64), problem.data.team
        if team is not None:
            team.group.serving.clear()  # as Ctrl-C in a pass does
        after = [full_gradient(problem)(np.ones(4)), steps(problem, 0)]
        if team is not None:
            team.group.serving.set()
        return [rows.tobytes() for rows in (small, *after)]

    alone = prepare(many, "kind", options)
    found, _ = in_parts(2, many, options, "kind", on_rank_0(options, job))[0]

    assert found == job(problem_at(alone, options, TRAIN), alone.test)


@pytest.mark.parametrize(
    ("given", "why"),
    [({"loss": "huber"}, "the loss huber"), ({"l1": 0.1}, "an l1 penalty (--l1)"), ({"cv": 3}, "folds (--cv)"),
     ({"hidden_layer_sizes": (4,)}, "hidden layers (--hidden)")],
    ids=["loss", "l1", "folds", "network"],
)  # fmt: skip
def test_what_needs_all_rows_is_read_whole_and_said(in_parts, frame, tmp_path, given, why):
    frame.to_parquet(tmp_path / "table.parquet")
    found, notes = in_parts(2, tmp_path / "table.parquet", read_options(given))
    assert notes[0].startswith(f"each process reads the whole table: {why} needs the whole table in memory, about ")
    assert found[1].sample is None


def test_text_and_small_tables_are_read_whole(in_parts, frame, tmp_path):
    frame.to_csv(tmp_path / "table.csv")
    frame[:5].to_parquet(tmp_path / "table.parquet")
    for name in ("table.csv", "table.parquet"):
        found, notes = in_parts(2, tmp_path / name, read_options({"test": "none"}))
        assert [one.sample for one in found] == [None, None]
        assert not any("streamed" in note for note in notes)


def test_text_is_read_in_parts_under_a_limit_of_memory(in_parts, frame, tmp_path):
    frame.to_csv(tmp_path / "table.csv", index=False)
    options = read_options({"memory": "100kB"})
    found, notes = in_parts(2, tmp_path / "table.csv", options)
    assert bits(found[0]) == bits(found[1]) == bits(prepare(tmp_path / "table.csv", "y", options))
    assert "streamed: each of 2 processes reads its part of the rows" in notes


def test_an_infinite_cell_ends_all_ranks(in_parts, frame, tmp_path):
    frame.loc[1450, "a"] = np.inf
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=200)
    found = in_parts(2, tmp_path / "table.parquet", read_options({}))[0]
    what = "the column 'a' is infinite in row 1451 (1 cells in all); correct these cells or leave the column out with --drop"
    assert list(map(str, found)) == [what] * 2


def test_ranks_with_other_files_end(in_parts, frame, tmp_path, in_threads):
    for rank in range(2):
        frame.assign(a=frame.a + rank).to_parquet(tmp_path / f"table{rank}.parquet")

    def rank(group):
        given = Given(
            data=tmp_path / f"table{group.rank}.parquet", target="y", options=read_options({}), scratch=Scratch(tmp_path / "run"),
            looked_at=lambda rows, features: (),
        )  # fmt: skip
        return prepare_together(group, given)

    found = in_threads(2, rank)
    assert [error.code for error in found] == ["ranks-differ"] * 2
    assert re.match("rank 1 has a file of hash [0-9a-f]{60}, rank 0 has ", str(found[0]))
