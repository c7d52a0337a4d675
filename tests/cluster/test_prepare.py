"""Ranks that prepare together have the bits of one process, and refuse in a sentence what they do not share."""

import numpy as np
import pytest

from descend.cluster.in_parts import Given
from descend.cluster.passes import FITTED, TEST, TRAIN
from descend.cluster.prepare import prepare_together, problem_at
from descend.options import read_options
from descend.table import moments, scaled_rows
from descend.table.prepare import prepare
from descend.table.streamed.scratch import Scratch


def prepare_on(group, data, target, options):
    """What a rank makes of data that all are given."""
    given = Given(data=data, target=target, options=options, scratch=Scratch(), looked_at=lambda rows, features: ())
    return prepare_together(group, given)


def bits(gram):
    return [np.asarray(getattr(gram, name)).tobytes() for name in gram.__dataclass_fields__]


def same(a, b):
    """Whether two preparations have the same rows, scale, schema and moments."""
    return (
        a.schema == b.schema
        and all(np.array_equal(x, y) for x, y in zip(a.rows, b.rows, strict=True))
        and a.scale.center.tobytes() + a.scale.width.tobytes() == b.scale.center.tobytes() + b.scale.width.tobytes()
        and np.asarray(a.train.X).tobytes() == np.asarray(b.train.X).tobytes()
        and bits(a.train.gram()) == bits(b.train.gram())
        and bits(a.test.gram()) == bits(b.test.gram())
    )


@pytest.mark.parametrize("world", [1, 2, 5])
def test_a_file_is_prepared_as_by_one_process(in_threads, penguins, world):
    options = read_options({"threads": 1})
    alone = prepare(penguins, "body_mass_g", options)
    found = in_threads(world, lambda group: prepare_on(group, penguins, "body_mass_g", options))
    assert all(same(one, alone) and one.train.has_gram and one.test.has_gram for one in found)


@pytest.mark.parametrize("large", [False, True], ids=["copied", "scaled where it is read"])
def test_arrays_of_several_shards_are_prepared_as_by_one_process(in_threads, monkeypatch, large):
    monkeypatch.setattr(moments, "BLOCK_CELLS", 1)
    monkeypatch.setattr(moments, "SHARD_BLOCKS", 1)
    if large:
        for module in (scaled_rows, __import__("descend.table.scale", fromlist=["scale"])):
            monkeypatch.setattr(module, "LARGE_CELLS", 100)
    rng = np.random.default_rng(0)
    X, y, options = rng.standard_normal((1500, 4)) * [1, 10, 100, 1] + 3, rng.standard_normal(1500), read_options({})
    alone = prepare(X, y, options)
    found = in_threads(3, lambda group: prepare_on(group, X, y, options))
    assert all(same(one, alone) for one in found)


def test_ranks_with_other_rows_end(in_threads):
    X, y = np.arange(20.0).reshape(10, 2) ** 2, np.arange(10.0)
    found = in_threads(2, lambda group: prepare_on(group, X + group.rank, y, read_options({})))
    assert [error.code for error in found] == ["ranks-differ"] * 2
    assert str(found[0]).startswith("rank 1 has a table of hash ")


def test_ranks_with_other_targets_end(in_threads):
    X, y = np.arange(20.0).reshape(10, 2) ** 2, np.arange(10.0)
    found = in_threads(2, lambda group: prepare_on(group, X, y * (1 + group.rank), read_options({})))
    assert [error.code for error in found] == ["ranks-differ"] * 2


@pytest.mark.parametrize(
    ("data", "given", "text"),
    [
        (None, {"memory": "1GB"},
         "several processes cannot share --memory for a table that they read whole; leave out --memory, or start one process"),
        ("-", {}, "several processes cannot share standard input; write it to a file first"),
    ],
    ids=["memory", "standard input"],
)  # fmt: skip
def test_what_is_not_shared_is_refused(in_threads, penguins, data, given, text):
    options = read_options(given)
    found = in_threads(2, lambda group: prepare_on(group, data or penguins, "body_mass_g", options))
    assert str(found[0]) == text
    assert [error.code for error in found] == ["not-shared"] * 2


def test_rows_at_a_place_are_the_same_on_every_rank(in_threads, penguins):
    options = read_options({"validation": 0.3, "loss": "logistic", "l2": 0.1})
    prepared = in_threads(2, lambda group: prepare_on(group, penguins, "sex", options))
    for place, rows in ((TRAIN, 266), (TEST, 67), (FITTED, 186)):
        ours, theirs = (problem_at(one, options, place).data for one in prepared)
        assert ours.rows == theirs.rows == rows
        assert np.asarray(ours.X).tobytes() == np.asarray(theirs.X).tobytes()
    assert prepared[0].train.team is not None
    assert prepared[1].train.team is None
