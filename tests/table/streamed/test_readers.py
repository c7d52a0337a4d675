"""Processes that read a table together know what each has read, and end together where one fails."""

import json

import numpy as np

from descend.cluster.in_parts import Ranks
from descend.errors import DataError, UsageError
from descend.table.categorical import Categorical
from descend.table.streamed.readers import ALONE, of_all, packed_cells, unpacked_cells


def together(group, own):
    return of_all(Ranks(group), own, lambda found: json.dumps(found).encode(), json.loads)


def test_all_know_what_each_has_read(in_threads):
    assert in_threads(3, lambda group: together(group, lambda: [group.rank])) == [[[0], [1], [2]]] * 3


def test_one_process_packs_nothing():
    assert of_all(ALONE, lambda: "own", None, None) == ["own"]


def test_what_the_first_raises_that_fails_all_raise(in_threads):
    def own(group):
        if group.rank == 1:
            raise UsageError("the cell is wrong", fix="correct it", code="wrong")
        if group.rank == 2:
            raise DataError("another cell is wrong", fix="correct it", code="worse")

    found = in_threads(3, lambda group: together(group, lambda: own(group)))

    told = "rank 1 of 3 cannot read its part: the cell is wrong; correct it"
    assert list(map(str, found)) == [told, "the cell is wrong; correct it", told]
    assert [(error.code, error.exit_code) for error in found] == [("wrong", 3), ("wrong", 2), ("wrong", 3)]


def test_cells_of_every_kind_arrive_as_they_were():
    cells = {
        "numbers": np.array([1.5, np.nan]), "whole": np.array([1, 2], np.int16), "yes": np.array([True, False]),
        "gaps": np.ma.MaskedArray(np.array([1, 2]), [False, True]), "days": np.array(["2020-01-01", "NaT"], "M8[us]"),
        "text": Categorical.of(["é", None, "b"]), "none": np.zeros(0),
    }  # fmt: skip
    found, about = unpacked_cells(packed_cells(cells, {"a": [1]}))
    assert about == {"a": [1]}
    assert list(found) == list(cells)
    assert found["text"].texts().tolist() == ["é", None, "b"]
    for name in ("numbers", "whole", "yes", "days", "none"):
        assert found[name].dtype == cells[name].dtype
        np.testing.assert_array_equal(found[name], cells[name])
    assert found["gaps"].tolist() == [1, None]
