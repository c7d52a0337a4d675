"""Pictures by matplotlib: what is drawn is read back from the axes."""

import dataclasses
import sys

import matplotlib as mpl
import numpy as np
import pytest

import descend as ds
from descend.errors import UsageError
from descend.run.plot import KINDS
from descend.run.report_data import report_data

mpl.use("Agg")
OF_NUMBERS, OF_CLASSES = (
    ("actual", "residuals", "distribution"),
    ("confusion", "roc", "precision_recall", "calibration"),
)
OF_ALL = ("loss", "weights", "lr")


@pytest.fixture(scope="module")
def data():
    """A table with a name that matplotlib would take for mathematics."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 2))
    return {"$a$": X[:, 0], "b": X[:, 1], "y": X @ [2.0, -1.0] + 0.1 * rng.normal(size=120)}


@pytest.fixture(scope="module")
def numbers(data):
    import pandas as pd

    return ds.train(pd.DataFrame(data), "y", optimizer="gd,adam", max_epochs=50, progress=False)


@pytest.fixture(scope="module")
def classes(data):
    import pandas as pd

    kinds = np.array(["one", "$two$", "three"])[np.digitize(data["y"], [-1, 1])]
    return ds.train(pd.DataFrame({**data, "y": kinds}), "y", optimizer="gd", max_epochs=50, progress=False)


@pytest.fixture
def ax():
    from matplotlib.figure import Figure

    return Figure().subplots()


@pytest.mark.parametrize("kind", [*OF_ALL, *OF_NUMBERS])
def test_each_picture_of_numbers_can_be_drawn(numbers, ax, kind):
    assert numbers.plot(kind, ax) is ax
    ax.figure.canvas.draw()
    assert ax.get_xlabel()
    assert ax.get_ylabel()


@pytest.mark.parametrize("kind", [*OF_ALL, *OF_CLASSES])
def test_each_picture_of_classes_can_be_drawn(classes, ax, kind):
    assert classes.plot(kind, ax) is ax
    ax.figure.canvas.draw()


def test_the_kinds_are_these():
    assert set(KINDS) == {*OF_ALL, *OF_NUMBERS, *OF_CLASSES}


def test_the_losses_are_those_of_the_report(numbers, ax):
    numbers.plot(ax=ax)
    curves = report_data(numbers).curves

    drawn = {line.get_label(): line for line in ax.get_lines() if not line.get_label().startswith("_")}
    assert set(drawn) == {"gd", "adam"}
    for curve in curves:
        np.testing.assert_array_equal(drawn[curve.label].get_ydata(), curve.loss)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [c.label for c in curves]
    assert ax.get_title() == "solid: training rows; dashed: test rows"


def test_the_dots_are_the_test_rows(numbers, ax):
    numbers.plot("residuals", ax)
    dots = np.asarray(ax.collections[0].get_offsets())
    np.testing.assert_array_equal(dots, np.c_[numbers.held_out.predicted, numbers.held_out.residuals])


def test_a_matrix_has_its_counts_and_the_names_as_they_are(classes, ax):
    classes.plot("confusion", ax)
    texts = [int(t.get_text()) for t in ax.texts]
    assert texts == classes.held_out.confusion.ravel().tolist()
    assert [t.get_text() for t in ax.get_xticklabels()] == ["$two$", "one", "three"]


def test_rates_are_drawn_where_they_did_not_diverge(data, ax):
    import pandas as pd

    found = ds.find_lr(pd.DataFrame(data), "y", variant="gd", max_epochs=20)
    assert found.plot(ax) is ax
    line = next(line for line in ax.get_lines() if line.get_label() == "gd")
    assert np.isfinite(line.get_ydata()).all()
    assert set(line.get_xdata()) <= set(found.sweeps[0].rates)
    assert ax.get_xscale() == "log"


def test_a_new_figure_is_made_where_no_axes_are_given(numbers):
    from matplotlib import pyplot

    drawn = numbers.plot()
    assert len(drawn.get_lines()) == 4
    pyplot.close(drawn.figure)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("los", "there is no picture 'los'; there are loss, weights, lr, actual, residuals, distribution, confusion, roc, precision_recall, calibration; try 'loss'"),
        ("roc", "the picture 'roc' does not apply to this run: the run predicts numbers; use \"actual\""),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_said(numbers, ax, kind, sentence):
    with pytest.raises(UsageError) as error:
        numbers.plot(kind, ax)
    assert str(error.value) == sentence


def test_a_run_without_test_rows_and_one_that_was_loaded_have_no_picture_of_rows(numbers, ax):
    untested = dataclasses.replace(numbers, held_out=None)
    loaded = dataclasses.replace(untested, search_result=None)
    with pytest.raises(UsageError, match="it has no test rows; train with test="):
        untested.plot("actual", ax)
    with pytest.raises(UsageError, match="it was loaded, and its folder holds no rows; train it again"):
        loaded.plot("actual", ax)
    assert loaded.plot("loss", ax).get_lines()


def test_a_network_has_no_picture_of_weights(data, ax):
    import pandas as pd

    run = ds.train(
        pd.DataFrame(data), "y", hidden_layer_sizes=(4,), optimizer="adam", lr=0.01, max_epochs=3, progress=False
    )
    with pytest.raises(UsageError, match="a network has too many to draw"):
        run.plot("weights", ax)


def test_without_matplotlib_the_way_out_is_said(numbers, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(UsageError) as error:
        numbers.plot()
    assert (
        str(error.value)
        == "matplotlib is not installed; pip install 'descend[plot]', or use .report(), which needs nothing"
    )
