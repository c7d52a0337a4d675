"""The record points of a run as rows, and as tables of other libraries."""

import sys

import pytest

from descend.errors import UsageError
from descend.run.history import History

COLUMNS = {"epoch": [0, 1, 2], "loss": [1.0, 0.5, 0.25], "w:a b": [0.0, 0.1, None]}


def test_each_record_point_is_a_row():
    history = History(COLUMNS)
    assert history == [
        {"epoch": 0, "loss": 1.0, "w:a b": 0.0}, {"epoch": 1, "loss": 0.5, "w:a b": 0.1},
        {"epoch": 2, "loss": 0.25, "w:a b": None},
    ]  # fmt: skip
    assert len(History({})) == 0


@pytest.mark.parametrize(
    ("convert", "columns"),
    [
        (History.to_pandas, lambda table: table.to_dict("list")),
        (History.to_polars, lambda table: table.to_dict(as_series=False)),
        (History.to_arrow, lambda table: table.to_pydict()),
    ],
    ids=["pandas", "polars", "arrow"],
)
def test_tables_hold_the_columns_as_they_are(convert, columns):
    table = columns(convert(History({"epoch": [0, 1], "loss": [1.0, 0.5]})))
    assert table == {"epoch": [0, 1], "loss": [1.0, 0.5]}


def test_a_library_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(UsageError) as error:
        History(COLUMNS).to_polars()
    assert str(error.value) == "polars is not installed; pip install polars"
