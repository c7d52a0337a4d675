"""The query predicts in DuckDB what descend predicts, on every row."""

import math
import re
import sqlite3
from contextlib import closing
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest
from tests.export.made import DATA, JOBS, agrees, expected, export, frame, run

import descend as ds
from descend.errors import UsageError
from descend.export.exportable import Dense
from descend.export.sql import render
from descend.run.export import exportable


def asked(query, tables, *setup):
    """The columns of a query's answer, by name."""
    with duckdb.connect(config={"autoload_known_extensions": "false"}) as connection:
        for name, rows in tables.items():
            connection.register(name, rows)
        for statement in setup:
            connection.execute(statement)
        answer = connection.execute(query)
        names = [column[0] for column in answer.description]
        return dict(zip(names, zip(*answer.fetchall(), strict=True), strict=True))


def compare(name, answer):
    values, *shares = answer.values()
    assert list(answer) == ["prediction", *([f"p_{c}" for c in expected(name).classes] if shares else [])]
    agrees(name, values, np.array(shares).T if shares else None)


@pytest.mark.parametrize("name", JOBS)
def test_the_query_predicts_every_row(name):
    compare(name, asked(render(export(name)).decode(), {"data": frame(name)}))


@pytest.mark.parametrize("name", ["number", "classes", "residual"])
def test_a_file_that_duckdb_reads_itself(name):
    setup = f"CREATE VIEW data AS FROM read_csv('{DATA / 'penguins.csv'}', nullstr = ['NA'])"
    answer = asked(render(export(name)).decode(), {}, setup)
    own = run(name).predict(DATA / "penguins.csv")
    if own.classes:
        assert list(answer["prediction"]) == own.values.tolist()
    else:
        np.testing.assert_allclose(answer["prediction"], own.values, rtol=1e-9)


@pytest.mark.parametrize(
    "name", ["number", "count", "two classes", "classes", "residual", "network", "softplus", "any text"]
)
def test_another_database_answers_the_same(name):
    with closing(sqlite3.connect(":memory:")) as connection:
        for function, word in (
            (math.exp, "EXP"),
            (math.log, "LN"),
            (math.tanh, "TANH"),
        ):  # not in every build of SQLite
            connection.create_function(word, 1, function)
        frame(name).to_sql("data", connection, index=False)
        answer = connection.execute(render(export(name)).decode())
        names = [column[0] for column in answer.description]
        compare(name, dict(zip(names, zip(*answer.fetchall(), strict=True), strict=True)))


def test_words_for_missing_may_stay_in_text():
    rows = frame("two classes").fillna({"island": "NA"})
    rows.loc[:2, "island"] = ["", "NA", None]
    own = run("two classes").predict(rows)
    answer = asked(render(export("two classes")).decode(), {"data": rows})
    np.testing.assert_allclose(answer["p_male"], own.probabilities[:, 1], rtol=1e-9)


def test_the_comparison_can_fail():
    query = render(export("number")).decode().replace("'Gentoo'", "'Chinstrap'")
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        compare("number", asked(query, {"data": frame("number")}))


def test_columns_are_carried_and_the_table_has_a_name():
    rows = frame("odd").assign(prediction=range(len(frame("odd"))), id1="a")
    query = render(export("odd"), table="main.descend_cells", ids=("prediction", "id1", "tag", "tag")).decode()
    answer = asked(query, {"rows": rows}, "CREATE TABLE descend_cells AS FROM rows")
    assert list(answer) == ["prediction", "id1", "tag", "prediction_"]
    assert list(answer["prediction"]) == list(range(len(rows)))
    np.testing.assert_allclose(answer["prediction_"], expected("odd").values, rtol=1e-9)


def test_it_may_be_a_view_of_a_view():
    query = render(export("number")).decode()
    answer = asked("FROM p", {"rows": frame("number")}, "CREATE TABLE data AS FROM rows", f"CREATE VIEW p AS {query}")
    compare("number", answer)


def test_more_columns_than_a_sum_may_be_deep():
    X, w = np.random.default_rng(0).normal(size=(2, 1010))
    columns = tuple(replace(export("number").columns[-1], name=f"x{k}") for k in range(1010))
    assert columns[0].width == 1
    wide = replace(
        export("number"), columns=columns, center=np.zeros(1010), width=np.ones(1010), layers=(Dense(W=w[:, None], b=np.ones(1)),),
    )  # fmt: skip
    answer = asked(render(wide).decode(), {"data": pd.DataFrame([X], columns=[c.name for c in columns])})
    assert answer["prediction"] == (pytest.approx(X @ w + 1),)


def test_numbers_that_no_database_has_are_missing():
    query, rows = render(export("number")).decode(), frame("number").head(2)
    setup = "CREATE TABLE data AS SELECT * REPLACE (CAST('NaN' AS DOUBLE) AS bill_length_mm) FROM rows"
    gone = run("number").predict(rows.assign(bill_length_mm=np.nan))
    assert asked(query, {"rows": rows}, setup)["prediction"] == pytest.approx(gone.values, rel=1e-9)


def test_the_query_is_this():
    frame = pd.DataFrame({"x": [0.0, 2.0, 0.0, 2.0], "c": ["it's", "b", "it's", "b"], "y": [1.0, 5.0, 1.0, 5.0]})
    model = ds.train(
        frame, "y", optimizer="gd", lr=0.1, max_epochs=0, seeds=1, progress=False, test=0, task="regression"
    ).model
    text = render(exportable(model)).decode()
    words = "'', 'NA', 'N/A', 'n/a', 'na', 'NaN', 'nan', 'null', 'NULL', '#N/A'"
    assert (
        text
        == f"""-- Predicts "y" of each row of "data"; written by descend {ds.__version__}.
-- It reads these columns, in which NULL is a missing cell:
--   "x": numbers
--   "c": VARCHAR
WITH
descend_cells AS (
SELECT
  CASE WHEN ABS(CAST(t."x" AS DOUBLE PRECISION)) <= 1.7976931348623157e+308 THEN CAST(t."x" AS DOUBLE PRECISION) END AS c1,
  CASE WHEN TRIM(CAST(t."c" AS VARCHAR)) IN ({words}) THEN NULL ELSE TRIM(CAST(t."c" AS VARCHAR)) END AS c2
FROM "data" AS t
),
descend_features AS (
SELECT
  (COALESCE(c1, 1.0e0) - 1.0e0) / 1.0e0 AS x1,
  CASE WHEN c2 = 'b' THEN 1.0e0 ELSE (-1.0e0) END AS x2,
  CASE WHEN c2 = 'it''s' THEN 1.0e0 ELSE (-1.0e0) END AS x3
FROM descend_cells
),
descend_scores AS (
SELECT
  3.0e0 AS z1
FROM descend_features
)
SELECT
  z1 AS "prediction"
FROM descend_scores;
"""
    )


def test_a_name_never_ends_a_comment():
    rows = pd.DataFrame({"a\n; DROP TABLE data; --": [0.0, 2.0, 0.0, 2.0], "y": [1.0, 5.0, 1.0, 5.0]})
    model = ds.train(rows, "y", optimizer="gd", lr=0.1, max_epochs=3, seeds=1, progress=False, test=0).model
    text = render(exportable(model)).decode()
    assert r"""--   "a\n; DROP TABLE data; --": numbers""" in text
    assert len(asked(text, {"data": rows})["prediction"]) == 4


@pytest.mark.parametrize("table", ["", "a.", ".b"])
def test_a_table_without_a_name(table):
    with pytest.raises(UsageError) as caught:
        render(export("number"), table=table)
    assert str(caught.value) == f"--table is {table!r}, it must be the name of a table; try --table data"


def test_every_number_is_a_float_of_sql():
    literals = re.findall(r"(?<![\w\"'.])\d[\d.e+-]*", render(export("residual")).decode().split("WITH", 1)[1])
    assert len(literals) > 100
    assert all("e" in literal for literal in literals)
