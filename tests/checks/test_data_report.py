"""What a report shows of itself: JSON, a few lines, a static table."""

import json

import pandas as pd
import pytest

import descend as ds
from descend.store.plain import plain


@pytest.fixture
def report(penguins):
    return ds.check(penguins, "sex")


def test_the_document_is_json_with_a_schema(report):
    document = json.loads(json.dumps(plain(report.document()), allow_nan=False))
    assert (document["schema"], document["status"], document["target"], document["task"]) == (
        "descend.check/1", "ok", "sex", "classification",
    )  # fmt: skip
    assert list(document) == [
        "schema", "version", "status", "data", "target", "task", "counts", "checks", "columns", "sampled_rows", "correlated",
        "notes",
    ]  # fmt: skip
    assert document["data"]["rows"] == 344
    assert list(document["checks"][0]) == ["name", "status", "text", "evidence", "fix", "code"]
    assert sum(document["counts"].values()) == len(document["checks"]) == 15
    assert document["columns"][2]["name"] == "bill_length_mm"


def test_its_repr_is_a_screen(report):
    lines = repr(report).splitlines()
    assert lines[:2] == ["penguins.csv · 344 rows × 8 columns", report.verdict]
    assert len(lines) <= 30
    assert lines[-1] == ".checks, .columns, .html(), .document()"


def test_in_a_notebook_it_is_escaped():
    shown = ds.check(pd.DataFrame({"<script>": [1.0, 2.0, 3.0], "b": [1.0, 1.0, 1.0]}))._repr_html_()
    assert "<script>" not in shown
    assert shown.startswith('<div class="descend">')
