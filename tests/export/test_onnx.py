"""onnxruntime predicts from the graph what descend predicts, on every row."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from tests.export.made import JOBS, agrees, cells, expected, export, is_text, run, table

from descend.export.onnx import render


def text(column, cell):
    """A cell of text without blanks around it, but for the column whose cells count as they are written."""
    return "" if cell is None else cell if column == "code" else cell.strip()


def inputs(name):
    """An array a column, as docs/export.md asks for."""
    return {
        column: np.array([text(column, cell) for cell in values], object) if is_text(name, column) else np.array(values)
        for column, values in cells(name).items()
    }


def answer(name, data, given=None):
    """The outputs by name."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    values = session.run(None, inputs(name) if given is None else given)
    return dict(zip([o.name for o in session.get_outputs()], values, strict=True))


@pytest.mark.parametrize("name", JOBS)
def test_the_graph_predicts_every_row(name):
    found = answer(name, render(export(name)))
    agrees(name, found["prediction"].tolist(), found.get("probabilities"))


def test_the_comparison_can_fail():
    model = export("number")
    wrong = replace(model, center=model.center + 0.1)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        agrees("number", answer("number", render(wrong))["prediction"], None)


@pytest.mark.parametrize(
    ("name", "dtype"), [("odd", "f8"), ("odd booleans", "?"), ("odd whole numbers", "i8"), ("classes", "O")]
)
def test_predictions_have_the_type_of_the_labels(name, dtype):
    assert answer(name, render(export(name)))["prediction"].dtype == np.dtype(dtype)


def test_every_number_of_rows_is_taken():
    data = render(export("classes"))
    for count in (0, 1, 2):
        found = answer("classes", data, {n: values[:count] for n, values in inputs("classes").items()})
        assert found["prediction"].shape == (count,)
        assert found["probabilities"].shape == (count, 3)


def test_words_for_missing_may_stay_in_text():
    data, own = render(export("two classes")), inputs("two classes")
    empty, word = (answer("two classes", data, own | {"island": np.full_like(own["island"], w)}) for w in ("", "NA"))
    np.testing.assert_array_equal(empty["probabilities"], word["probabilities"])


def test_numbers_that_mean_missing_are_missing():
    own, column = inputs("odd"), """it's "x" """
    gone, word = (
        answer("odd", render(export("odd")), own | {column: np.full_like(own[column], v)}) for v in (np.nan, -999)
    )
    np.testing.assert_array_equal(gone["prediction"], word["prediction"])


def test_a_column_may_be_called_as_an_output_or_a_node():
    model = export("number")
    names = {"flipper_length_mm": "prediction", "bill_length_mm": "constant_0", "year": "IsNaN_2"}
    renamed = replace(model, columns=tuple(replace(c, name=names.get(c.name, c.name)) for c in model.columns))
    given = {names.get(name, name): values for name, values in inputs("number").items()}
    assert answer("number", render(renamed), given)["prediction_"] == pytest.approx(expected("number").values, rel=1e-9)


def test_inputs_say_what_they_hold():
    graph = onnx.load_from_string(render(export("dates"))).graph
    said = {i.name: i.doc_string for i in graph.input}
    assert list(said) == list(export("dates").names)
    assert said["Date Egg"] == "float64, days since 1970-01-01 in UTC, NaN where missing"
    assert said["Island"] == "text without blanks around it, empty where missing"
    assert len(table("dates")["Date Egg"].values) == expected("dates").rows
    assert run("dates").model.target not in said
