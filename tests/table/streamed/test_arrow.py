"""Batches of a query as arrays, against what DuckDB itself returns."""

import duckdb
import numpy as np
import pytest

from descend.table.streamed.arrow import batches

TYPES = "i::TINYINT a, i::UTINYINT b, i::SMALLINT c, i::UINTEGER d, i::BIGINT e, (i / 7)::FLOAT f, (i / 7)::DOUBLE g"
DATES = "DATE '2020-01-01' + i::INTEGER h, TIMESTAMP '2020-01-01 10:00:00' + to_days(i::INTEGER) k, i % 3 = 0 l"


def rows_of(query):
    found = list(batches(duckdb.connect().sql(query)))
    return {name: np.ma.concatenate([batch[name] for batch in found]) for name in found[0]}


@pytest.mark.parametrize("gap", [None, 5])
def test_cells_of_every_type_are_those_of_duckdb(gap):
    null = "" if gap is None else f"CASE WHEN i % {gap} = 0 THEN NULL ELSE i END AS "
    rows = f"(SELECT {null}i FROM range(100) t(i))"
    query = f"SELECT {TYPES}, {DATES} FROM {rows}"
    expected = duckdb.connect().execute(query).fetchnumpy()
    found = rows_of(query)
    assert list(found) == list(expected)
    for name, cells in expected.items():
        assert np.array_equal(np.ma.getmaskarray(found[name]), np.ma.getmaskarray(cells)), name
        assert np.ma.allequal(found[name], cells), name


def test_rows_keep_their_order_over_many_batches():
    found = list(batches(duckdb.connect().sql("SELECT range AS i FROM range(500_000)")))
    assert len(found) > 1
    assert np.array_equal(np.concatenate([batch["i"] for batch in found]), np.arange(500_000))


def test_an_array_outlives_the_batches_that_follow():
    stream = batches(duckdb.connect().sql("SELECT range AS i FROM range(500_000)"))
    first = next(stream)["i"]
    kept = first.copy()
    for _ in stream:
        pass
    assert np.array_equal(first, kept)


def test_a_query_that_fails_on_the_way_raises():
    query = "SELECT CASE WHEN range = 300_000 THEN error('not this one') ELSE range END AS i FROM range(400_000)"
    with pytest.raises(duckdb.Error, match="not this one"):
        list(batches(duckdb.connect().sql(query)))
