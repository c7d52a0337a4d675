"""Expressions are computed on distinct cells and spread over the rows."""

import numpy as np

from descend.table.categorical import Categorical
from descend.table.texts import Engine, Texts, floats, quoted

CELLS = Categorical.of(["a", None, " b ", "a", "NA", "", "?", "b"])


def test_distinct_cells_are_trimmed_and_counted():
    with Engine() as engine:
        texts = Texts(engine, CELLS)
        assert (texts.distinct, texts.counts.tolist(), texts.cells) == (["a", "b"], [2, 2], 4)
        assert texts.share(np.array([True, False])) == 0.5
        assert texts.first_row(np.array([False, True])) == 2
        assert Texts(engine, CELLS, ["b"]).distinct == ["a"]


def test_values_of_distinct_cells_become_values_of_rows():
    with Engine() as engine:
        texts = Texts(engine, CELLS)
        rows = texts.column(texts.numbers("length(c) + ascii(c)"))
        np.testing.assert_array_equal(rows, [98, np.nan, 99, 98, np.nan, np.nan, np.nan, 99])
        assert [m.tolist() for m in texts.matches("a", "[ab]")] == [[True, False], [True, True]]
        assert np.isnan(texts.numbers("TRY_CAST(c AS DOUBLE)")).all()


def test_text_with_and_without_missing_words():
    with Engine() as engine:
        assert Texts(engine, CELLS).categories().texts().tolist() == ["a", None, "b", "a", None, None, "?", "b"]
        assert Texts(engine, CELLS).verbatim().texts().tolist() == ["a", None, " b ", "a", "NA", None, "?", "b"]
        assert Texts(engine, CELLS, ["?"]).verbatim().texts().tolist()[6] is None


def test_two_columns_do_not_disturb_each_other():
    with Engine() as engine:
        one, two = Texts(engine, Categorical.of(["1"])), Texts(engine, Categorical.of(["2", "3"]))
        assert one.numbers("CAST(c AS DOUBLE)").tolist() == [1]
        assert two.numbers("CAST(c AS DOUBLE)").tolist() == [2, 3]
        assert one.numbers("CAST(c AS DOUBLE)").tolist() == [1]


def test_nothing_is_connected_before_it_is_needed():
    engine = Engine()
    assert Texts(engine, Categorical.of([None])).matches("x")[0].tolist() == []
    assert engine._connection is None
    engine.close()


def test_no_query_draws_a_bar_on_standard_output():
    with Engine() as engine:
        assert engine.connection.execute("SELECT current_setting('enable_progress_bar')").fetchone() == (False,)


def test_literals_and_masked_arrays():
    assert quoted("it's") == "'it''s'"
    assert floats(np.ma.array([1, 2], mask=[False, True])).tolist()[0] == 1.0
    assert np.isnan(floats(np.ma.array([1, 2], mask=[False, True]))[1])
