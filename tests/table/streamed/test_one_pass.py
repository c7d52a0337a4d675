"""One reading of all rows of a streamed table gives the schema, moments and rows that a table read whole gives."""

import numpy as np
import pytest

from descend.errors import DataError
from descend.options import read_options
from descend.table.columns import fit_schema
from descend.table.moments import Rows, accumulate
from descend.table.read import read
from descend.table.streamed import source
from descend.table.streamed.one_pass import schema_and_rows
from descend.table.streamed.parts import WholeColumns, parts_of
from descend.table.target import read_target

NAMES = ("a", "b", "gap", "colour")


def one_pass(open_file, path, memory=60_000, looked_at=lambda rows, features: ()):
    """The parts of a table, and what one reading gives."""
    table, _ = open_file(path, memory)
    columns, options = WholeColumns(table, lambda topic, text: None), read_options({})
    target = read_target(columns.read("y"), None)
    parts = parts_of(columns, target, None, options)
    columns.draw(np.union1d(parts[0].drawn_rows, parts[1].drawn_rows))
    return parts, *schema_and_rows(columns, NAMES, target, parts, options, looked_at)


def assert_same_as_whole(path, parts, schema, taken):
    """The schema of the training rows, and the moments of both parts, are those of the table read whole."""
    whole = read(path)
    assert schema == fit_schema(whole.take(np.flatnonzero(parts[0].mask)).keep(NAMES))
    X = schema.encode(whole).X
    for part, gram in zip(parts, taken.grams, strict=True):
        expected = accumulate([Rows(X[part.mask], part.y, None)])
        np.testing.assert_allclose(gram.G, expected.G, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(gram.mean, expected.mean, rtol=1e-12, atol=1e-14)


def test_schema_and_moments_are_those_of_the_rows_read_whole(open_file, table_file):
    assert_same_as_whole(table_file, *one_pass(open_file, table_file))


def test_a_settled_column_that_lacks_a_cell_farther_on_is_read_again(open_file, tmp_path, frame, monkeypatch):
    monkeypatch.setattr(source, "FEWEST_ROWS", 50)
    frame.loc[390:395, "a"] = np.nan  # the first piece has none
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=20)
    parts, schema, taken = one_pass(open_file, tmp_path / "table.parquet")
    assert_same_as_whole(tmp_path / "table.parquet", parts, schema, taken)
    assert taken.filled["a"] == 6


def test_the_rows_that_a_search_looks_at_are_at_hand(open_file, table_file):
    places = np.array([0, 7, 31])
    parts, schema, taken = one_pass(open_file, table_file, looked_at=lambda rows, features: (places,))
    X = schema.encode(read(table_file)).X
    for part, ((at, features),) in zip(parts, taken.looked_at, strict=True):
        np.testing.assert_array_equal(at, places)
        np.testing.assert_allclose(features, X[np.flatnonzero(part.mask)[places]])


def test_rows_to_look_at_that_take_too_much_are_refused(open_file, tmp_path, frame):
    frame.to_parquet(tmp_path / "table.parquet")
    with pytest.raises(DataError) as error:
        one_pass(open_file, tmp_path / "table.parquet", looked_at=lambda rows, features: [np.arange(rows)] * 3)
    assert str(error.value) == (
        "the rows on which settings compete take 76.8 kB with 8 features, more than half of the 60 kB that are allowed; raise "
        "--memory, leave columns out with --drop, or lower --max-levels"
    )
