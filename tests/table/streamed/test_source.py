"""A streamed table: its columns and rows are those of the table that is read whole."""

import numpy as np
import pytest

from descend.errors import DataError
from descend.table.read import read


def test_columns_are_those_of_the_table_that_is_read_whole(table_file, open_file):
    whole = read(table_file)
    table, _ = open_file(table_file)
    assert table.names == whole.names
    assert table.rows == whole.rows
    for name in whole.names:
        column, _ = table.column(name)
        assert (column.name, column.kind, column.pattern) == (name, whole[name].kind, whole[name].pattern)
        assert np.array_equal(column.is_missing, whole[name].is_missing)
        assert all(a == b for a, b in zip(column.values, whole[name].values, strict=True) if a == a)


def test_pieces_are_all_rows_in_their_order(table_file, open_file):
    whole = read(table_file)
    table, _ = open_file(table_file)
    for names in (["a", "b", "gap"], ["a", "colour"]):
        pieces = list(table.cells(names))
        kinds = {name: whole[name].reading for name in names}
        for name in names:
            read_again = [table.read(name, piece[name], 0, kinds) for piece in pieces]
            together = np.concatenate([column.values for column in read_again])
            assert [v for v in together if v == v] == [v for v in whole[name].values if v == v]


def test_missing_cells_are_counted_in_one_reading(table_file, open_file):
    table, _ = open_file(table_file)
    halves = [table.missing(["a", "gap"], window) for window in ((0, 150), (150, 400))]
    assert [half["a"] for half in halves] == [0, 0]
    assert sum(half["gap"] for half in halves) == 40


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, frame, open_file):
    path = tmp_path / "table.parquet"
    frame.to_parquet(path, row_group_size=100)
    table, _ = open_file(path)
    pieces = table.cells(["a"])
    next(pieces)
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(DataError) as error:
        list(pieces)
    assert str(error.value) == (
        f"the file {str(path)!r} changed while it was read; wait until it is written, or copy it first"
    )


def test_a_footer_that_promises_more_rows_is_refused(tmp_path, frame, open_file):
    import dataclasses

    path = tmp_path / "table.parquet"
    frame.to_parquet(path, row_group_size=100)
    table, _ = open_file(path)
    lying = dataclasses.replace(table, rows=401)
    text = f"the file {str(path)!r} says that it has 401 rows, and 400 were found; write it again, and whole"
    for reading in (lambda: lying.column("a"), lambda: list(lying.cells(["a"]))):
        with pytest.raises(DataError) as error:
            reading()
        assert str(error.value) == text


def test_a_damaged_file_is_refused(tmp_path, frame, open_file):
    path = tmp_path / "table.parquet"
    frame.to_parquet(path, row_group_size=100)
    content = bytearray(path.read_bytes())
    content[200:400] = bytes(200)
    path.write_bytes(content)
    table, _ = open_file(path)
    with pytest.raises(DataError, match="cannot be read: .*; write it again, and whole"):
        list(map(table.column, table.names))
