"""Text by its distinct cells is what the cells themselves are, by NumPy on objects."""

import numpy as np
import pytest

from descend.table.categorical import Categorical, objects

CELLS = ["b", None, "a", "", "b", "c", None, "a"]


def test_cells_come_back_as_they_were():
    made = Categorical.of(CELLS)
    assert (made.categories.tolist(), made.texts().tolist(), len(made)) == (["b", "a", "", "c"], CELLS, 8)
    assert made.is_missing.tolist() == [cell is None for cell in CELLS]
    assert made.counts.tolist() == [2, 2, 1, 1]


@pytest.mark.parametrize("rows", [[7, 0, 1], [], np.arange(8) % 2 == 0, slice(2, 5)])
def test_rows_are_taken_as_those_of_objects(rows):
    rows = rows if isinstance(rows, slice) else np.asarray(rows, bool if np.asarray(rows).dtype == bool else int)
    taken = Categorical.of(CELLS)[rows]
    assert taken.texts().tolist() == objects(CELLS)[rows].tolist()
    assert int(taken.counts.sum()) == sum(cell is not None for cell in taken.texts())


def test_values_are_spread_over_the_rows():
    assert Categorical.of(CELLS).look_up(np.array([1.0, 2.0, 3.0, 4.0]), -1.0).tolist() == [1, -1, 2, 3, 1, 4, -1, 2]
    assert Categorical.of([None, None]).look_up(np.zeros(0), 5.0).tolist() == [5, 5]


def test_categories_of_one_new_name_are_one_and_none_is_missing():
    made = Categorical.of(CELLS).renamed({"b": "x", "a": "x", "": None, "c": "c"}.get)
    assert made.texts().tolist() == ["x", None, "x", None, "x", "c", None, "x"]
    assert made.categories.tolist() == ["x", "c"]


def test_categories_that_occur_are_sorted():
    cells = [cell for cell in CELLS if cell is not None]
    labels, at = Categorical.of(["z", *cells])[np.arange(1, 7)].sorted()
    expected, places = np.unique(cells, return_inverse=True)
    assert (labels.tolist(), at.tolist()) == (expected.tolist(), places.tolist())
