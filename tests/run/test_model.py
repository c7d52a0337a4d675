"""A model predicts by name, in the units of the file, and comes back from its file as it was."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

import descend as ds
from descend.errors import ModelError
from descend.losses import LOSSES
from descend.run.model import Model, Prediction
from descend.table.columns import Feature, Schema
from descend.table.read import read
from descend.table.reading import Kind
from descend.table.scale import Scale


@pytest.fixture(scope="module")
def species():
    from pathlib import Path

    path = Path(__file__).parents[2] / "examples" / "data" / "penguins.csv"
    return ds.train(path, "species", optimizer="nesterov", max_epochs=200, progress=False).model


def test_columns_may_come_in_any_order_and_others_are_ignored(species, penguins):
    table = read(penguins)
    turned = table.keep(table.names[::-1])
    assert species.predict(turned).values.tolist() == species.predict(table).values.tolist()


def test_a_missing_column_is_named(species, penguins):
    with pytest.raises(ModelError) as caught:
        species.predict(read(penguins).keep(["sex", "year"]))
    assert caught.value.code == "missing-columns"
    assert "'island', 'bill_length_mm', 'bill_depth_mm', 'flipper_length_mm', 'body_mass_g'" in str(caught.value)


def test_unseen_levels_and_filled_cells_are_counted(species, tmp_path, penguins):
    text = penguins.read_text().replace("Torgersen", "Atlantis")
    (tmp_path / "t.csv").write_text(text)
    prediction = species.predict(read(tmp_path / "t.csv"))
    assert prediction.rows == 344
    assert prediction.unseen == {"island": 52}
    assert prediction.filled["bill_length_mm"] == 2


def test_scores_by_column_are_those_of_the_features(species, tmp_path, penguins):
    """Unknown levels, missing cells and their flags among them."""
    (tmp_path / "t.csv").write_text(penguins.read_text().replace("Torgersen", "Atlantis"))
    encoded = species.schema.encode(read(tmp_path / "t.csv"))
    prediction = species.predict(read(tmp_path / "t.csv"))

    assert encoded.unseen
    assert encoded.filled
    assert encoded.X.shape[1] == len(species.schema.names) > len(species.schema.features)
    np.testing.assert_allclose(prediction.scores, species.scores(encoded.X), rtol=0, atol=1e-12)


def test_scores_of_a_column_of_many_levels_take_memory_for_each_level_once(tmp_path):
    """Not for each pair of levels: 3,000 levels would take 72 MB."""
    feature = Feature(column="a", kind=Kind.CATEGORY, levels=tuple(f"level {k}" for k in range(3000)))
    weights = np.arange(3001.0)
    model = Model(Schema((feature,), {}, "median"), Scale.none(3000), weights, LOSSES["squared"], {}, "y", ())
    (tmp_path / "t.csv").write_text("a\nlevel 7\nunseen\nlevel 2999\n")
    table = read(tmp_path / "t.csv")
    tracemalloc.start()
    prediction = model.predict(table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert prediction.values.tolist() == [3007.0, 3000.0, 5999.0]
    assert peak < 8e6


def test_a_model_of_its_own_tensors_and_document_is_the_same(species, penguins):
    again = Model.of(species.tensors(), species.document())
    np.testing.assert_array_equal(
        again.predict(read(penguins)).probabilities, species.predict(read(penguins)).probabilities
    )


def test_coefficients_name_the_class_they_belong_to(species):
    outputs = {output for output, _, _ in species.coefficients()}
    assert outputs == {"Adelie", "Chinstrap", "Gentoo"}
    assert len(species.coefficients()) == 3 * (len(species.schema.names) + 1)


def test_a_poisson_model_predicts_means_above_zero():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 2))
    y = rng.poisson(np.exp(X @ [0.5, -0.3] + 1)).astype(float)
    run = ds.train(X, y, loss="poisson", optimizer="nesterov", l2=0, progress=False, test=0)
    assert run.verdict.status == "converged"
    assert (run.predict(X).values > 0).all()
    assert run.predict(X).values.mean() == pytest.approx(y.mean(), rel=1e-2)


@pytest.mark.parametrize(
    ("labels", "kind", "expected"),
    [
        ([0, 1], "i", {0, 1}),
        ([True, False], "b", {True, False}),
        (["u", "v"], "O", {"u", "v"}),
        ([3, 5, 9], "i", {3, 5, 9}),
    ],
)
def test_predicted_labels_have_the_dtype_of_the_data_also_after_loading(tmp_path, labels, kind, expected):
    frame = pd.DataFrame({"x": np.arange(60.0) % 7, "k": [labels[i % 7 * len(labels) // 7] for i in range(60)]})
    run = ds.train(
        frame, "k", task="classification", seeds=1, max_epochs=20, progress=False, run_dir=str(tmp_path / "r")
    )
    for one in (run, ds.load(tmp_path / "r")):
        values = one.predict(frame).values
        assert (values.dtype.kind, set(values.tolist()) <= expected) == (kind, True)


def test_a_prediction_is_an_array_to_numpy_and_a_table_to_a_person(species, penguins):
    prediction = species.predict(read(penguins))
    values = prediction.values

    assert len(prediction) == 344
    np.testing.assert_array_equal(np.asarray(prediction), values)
    np.testing.assert_array_equal(np.array(prediction, dtype=str), values.astype(str))
    assert prediction[3] == values[3]
    np.testing.assert_array_equal(prediction[2:5], values[2:5])
    assert list(prediction) == values.tolist()
    np.testing.assert_array_equal(prediction == values, np.ones(344, bool))
    assert (prediction == prediction).all()
    assert not (prediction != values).any()
    assert (prediction == "Adelie").sum() == (values == "Adelie").sum()
    frame = prediction.to_pandas()
    assert list(frame.columns) == ["prediction", "p_Adelie", "p_Chinstrap", "p_Gentoo"]
    np.testing.assert_array_equal(frame["p_Gentoo"], prediction.probabilities[:, 2])
    lines = repr(prediction).splitlines()
    assert lines[0] == "Prediction of 344 rows"
    assert lines[1].split() == ["prediction", "p_Adelie", "p_Chinstrap", "p_Gentoo"]
    assert lines[2].split()[:2] == ["0", str(values[0])]
    assert (len(lines), lines[-1]) == (9, "…")


def test_a_prediction_of_numbers_is_compared_and_computed_with():
    prediction = Prediction(values=np.array([1.0, 2.0, 3.0]), probabilities=None, classes=(), unseen={}, filled={})
    assert (np.asarray(prediction, np.float32) * 2).tolist() == [2, 4, 6]
    assert np.mean(prediction) == 2
    assert repr(prediction).splitlines()[1:] == ["   prediction", "0  1", "1  2", "2  3"]


@pytest.mark.parametrize("hidden", [(), (4,)])
def test_a_hinge_model_has_scores_and_no_probabilities(hidden):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 3))
    y = np.where(X @ [1, 2, 3] + 2 * rng.standard_normal(400) > 0, "spam", "ham")
    run = ds.train(
        X, y, loss="hinge", hidden_layer_sizes=hidden, optimizer="adam", lr=0.05, max_epochs=60, seeds=1, progress=False
    )
    prediction = run.predict(X)

    assert prediction.probabilities is None
    assert prediction.scores.shape == (400,)
    np.testing.assert_array_equal(prediction == "spam", prediction.scores > 0)
    assert list(prediction.columns) == ["prediction"]
    assert set(run.metrics["train"]) == set(run.metrics["test"]) == {"accuracy", "balanced_accuracy", "auc"}
    assert 0.7 < run.metrics["test"]["auc"] <= 1
