"""scikit-learn predicts from the pipeline what descend predicts, on every row."""

import numpy as np
import pandas as pd
import pytest
import skops.io
from tests.export.made import JOBS, agrees, cells, expected, export, is_text

from descend.errors import UsageError
from descend.export.sklearn import render

TRUSTED = ["numpy.dtype"]
REFUSED = {
    "network, hinge": "network of the loss hinge",
    "residual": "network with residual layers",
    "elu": "network with the activation elu, it has identity, sigmoid, tanh, relu",
    "softplus": "network with the activation softplus, it has identity, sigmoid, tanh, relu",
    "leaky_relu": "network with the activation leaky_relu, it has identity, sigmoid, tanh, relu",
}


def rows(name, dtype=object):
    """The rows as docs/export.md asks for: dates in days, booleans as numbers, gaps in text as None or NaN."""
    columns = {}
    for column, values in cells(name).items():
        texts = is_text(name, column)
        trimmed = [v.strip() if isinstance(v, str) and column != "code" else v for v in values] if texts else values
        columns[column] = pd.Series(trimmed, dtype=dtype if texts else "float64")
    frame = pd.DataFrame(columns)
    # The text "(missing)" is a missing cell to the pipeline, and unknown text to a model that has no such level.
    return frame.replace({"(missing)": "unknown"}) if name == "any text" else frame


def compare(name, pipeline, data):
    probabilities = pipeline.predict_proba(data) if expected(name).probabilities is not None else None
    agrees(name, pipeline.predict(data).tolist(), probabilities)


@pytest.mark.parametrize("name", [name for name in JOBS if name not in REFUSED])
def test_the_pipeline_predicts_every_row(name):
    compare(name, skops.io.loads(render(export(name)), trusted=TRUSTED), rows(name))


@pytest.mark.parametrize("name", REFUSED)
def test_what_scikit_learn_does_not_have_is_refused(name):
    with pytest.raises(UsageError) as caught:
        render(export(name))
    assert str(caught.value) == f"scikit-learn has no {REFUSED[name]}; use another format, such as --to onnx"
    assert caught.value.code == "no-such-model"


def test_the_comparison_can_fail():
    pipeline = skops.io.loads(render(export("number")), trusted=TRUSTED)
    pipeline[-1].coef_[0] += 1
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        compare("number", pipeline, rows("number"))


def test_columns_of_strings_in_any_order_beside_others():
    data = rows("classes", "str")
    turned = data[data.columns[::-1]].assign(more=1)
    compare("classes", skops.io.loads(render(export("classes")), trusted=TRUSTED), turned)


@pytest.mark.parametrize("name", ["number", "two classes", "count", "odd", "network, classes", "hinge"])
def test_the_file_holds_no_class_but_those_of_scikit_learn_and_numpy(name):
    assert skops.io.get_untrusted_types(data=render(export(name))) == TRUSTED


@pytest.mark.parametrize(("name", "kind"), [("odd booleans", "b"), ("odd whole numbers", "i"), ("classes", "U")])
def test_classes_have_the_type_of_the_labels(name, kind):
    pipeline = skops.io.loads(render(export(name)), trusted=TRUSTED)
    assert pipeline.classes_.dtype.kind == kind
    assert pipeline.predict(rows(name)).dtype.kind == kind


def test_hinge_has_no_probabilities():
    assert not hasattr(skops.io.loads(render(export("hinge")), trusted=TRUSTED), "predict_proba")
    assert np.isfinite(skops.io.loads(render(export("hinge")), trusted=TRUSTED).decision_function(rows("hinge"))).all()
