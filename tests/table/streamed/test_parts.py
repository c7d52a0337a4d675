"""The training and test rows of a streamed table are those of the table that is read whole; columns are read one at a time."""

from dataclasses import replace

import numpy as np
import pytest

from descend.errors import DataError
from descend.options import read_options
from descend.table.split import held_out
from descend.table.streamed import parts
from descend.table.streamed.parts import Own, Part, WholeColumns, parts_of, taken_rows
from descend.table.streamed.readers import ALONE
from descend.table.table import Column, Kind
from descend.table.target import read_target


def opened_columns(open_file, path):
    source, _ = open_file(path)
    return WholeColumns(source, lambda topic, text: None)


def test_the_rows_are_those_of_the_split(open_file, table_file):
    columns = opened_columns(open_file, table_file)
    target = read_target(columns.read("y"), None)
    train, test = parts_of(columns, target, None, read_options({"test": 0.25}))
    held = held_out(400, 0.25, 0)
    np.testing.assert_array_equal(test.mask, held)
    np.testing.assert_array_equal(train.mask, ~held)
    np.testing.assert_array_equal(test.y, target.y[held])


def test_drawn_rows_are_evenly_spread_and_know_their_places():
    mask = np.arange(20) % 2 == 1
    part = Part.of(mask, np.arange(10.0), np.full(10, 3.0), most=4)
    np.testing.assert_array_equal(part.drawn, [0, 3, 6, 9])
    np.testing.assert_array_equal(part.drawn_rows, [1, 7, 13, 19])
    np.testing.assert_array_equal(part.weight, np.ones(10))


def test_of_a_column_the_drawn_rows_are_kept_whether_it_is_read_before_or_after(open_file, table_file, frame):
    columns, rows = opened_columns(open_file, table_file), np.array([3, 50, 399])
    columns.read("a")
    columns.draw(rows)
    columns.read("b")
    table = columns.table({})
    assert [column.name for column in table.columns] == ["a", "b"]
    for column in table.columns:
        np.testing.assert_allclose(column.values, frame[column.name].to_numpy()[rows])


def test_too_many_levels_are_refused_before_they_are_read(open_file, tmp_path, frame, monkeypatch):
    monkeypatch.setattr(parts, "FEW_LEVELS", 300)
    frame["name"] = [f"name {k}" for k in range(400)]
    frame.to_parquet(tmp_path / "table.parquet")
    columns = opened_columns(open_file, tmp_path / "table.parquet")
    columns.read("colour")
    with pytest.raises(DataError, match="the column 'name' has about [0-9]+ different texts"):
        columns.read("name")


def test_taken_rows_forget_the_ends_of_the_column():
    column = Column("a", Kind.NUMBER, np.arange(5.0), known_ends=(0.0, 4.0))
    assert taken_rows(column, np.array([1, 2])).known_ends is None


@pytest.mark.parametrize("world", [1, 2, 3, 7])
def test_each_process_reads_whole_shards_of_a_part_and_all_of_them_together_all(world):
    mask = np.random.default_rng(0).random(100) < 0.4
    part = Part.of(mask, np.zeros(mask.sum()), None, most=10)
    own = [Own.of(part, 8, replace(ALONE, rank=rank, world=world)) for rank in range(world)]
    assert [k for rows in own for k in range(rows.rows.start, rows.rows.stop)] == list(range(len(part.y)))
    assert all(rows.rows.start % 8 == 0 or rows.rows.start == len(part.y) for rows in own)
    np.testing.assert_array_equal(np.sum([rows.mask for rows in own], axis=0), mask)
    for rows in own:
        lo, hi = rows.window
        assert not rows.mask[:lo].any()
        assert not rows.mask[hi:].any()
