"""What a fit told, as rows and as tables of other libraries."""

import pytest
from tests.callbacks.fits import epochs, tell

from descend.callbacks import History


@pytest.fixture
def history():
    """Two fits, of which the second counts no epochs."""
    history = History()
    tell(history, *epochs(1.0, 0.5))
    tell(history, {"loss": 3.0})
    return history


def test_it_is_a_sequence_of_dicts(history):
    assert (len(history), history[0]["loss"], history[-1]["fit"]) == (3, 1.0, 2)
    assert [row["loss"] for row in history[1:]] == [0.5, 3.0]
    assert list(history[0]) == ["fit", "seconds", "epoch", "loss", "val", "lr"]
    assert repr(history) == "History of 3 rows"


@pytest.mark.parametrize(
    ("convert", "columns"),
    [
        (History.to_pandas, lambda table: table.astype(object).where(table.notna(), None).to_dict("list")),
        (History.to_polars, lambda table: table.to_dict(as_series=False)),
        (History.to_arrow, lambda table: table.to_pydict()),
    ],
    ids=["pandas", "polars", "arrow"],
)
def test_tables_have_a_column_for_each_name_and_none_where_it_was_not_told(history, convert, columns):
    table = columns(convert(history))
    assert [table[name] for name in ("fit", "epoch", "loss", "step")] == [
        [1, 1, 2], [0, 1, None], [1.0, 0.5, 3.0], [None, None, 1],
    ]  # fmt: skip
