"""The JSON document predicts by itself what descend predicts, on every row."""

import json

import pytest
from tests.export.made import JOBS, Document, agrees, document, export, rows, run, table

from descend.export.json import render
from descend.version import VERSION


@pytest.mark.parametrize("name", JOBS)
def test_the_document_alone_predicts_every_row(name):
    values, probabilities = zip(*map(document(name).predict, rows(name)), strict=True)
    agrees(name, values, None if probabilities[0] is None else probabilities)


@pytest.mark.parametrize("name", ["number", "odd", "dates, classes"])
def test_its_encoding_is_that_of_the_schema(name):
    own = run(name).model.schema.encode(table(name)).X.tolist()
    assert [document(name).encoded(row) for row in rows(name)] == own


def test_the_comparison_can_fail():
    changed = json.loads(render(export("number")))
    changed["layers"][0]["b"][0] += 0.1
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        agrees("number", [Document(json.dumps(changed)).predict(row)[0] for row in rows("number")], None)


def test_it_is_one_key_a_line_in_ascii():
    lines = render(export("two classes")).decode("ascii").splitlines()
    assert lines[:4] == ["{", '"schema": "descend.export/1",', f'"version": "{VERSION}",', '"target": "sex",']
    assert lines[-4:] == ['"classes": ["female", "male"],', '"threshold": 0.3,', '"cut": -0.8472978603872036', "}"]


def test_a_column_says_how_it_is_read():
    columns = {c["name"]: c for c in json.loads(render(export("odd")))["columns"]}
    assert columns["""it's "x" """]["null"] == [-999.0]
    assert columns["""it's "x" """]["flag"] is True
    assert columns["flag"] == {
        "name": "flag",
        "kind": "boolean",
        "null": [],
        "median": columns["flag"]["median"],
        "flag": True,
    }
    assert columns["tag"]["trimmed"] is True
    assert columns["tag"]["levels"][-2:] == ["(other)", "(missing)"]
    assert (columns["tag"]["other"], columns["tag"]["missing"]) == (5, 6)
    assert columns["code"]["null"] == ["", "-999", "gone"]
    assert columns["code"]["trimmed"] is False
