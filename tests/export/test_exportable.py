"""What every format is written from, on models worked by hand."""

import numpy as np
import pytest

from descend.export.exportable import InputColumn, Link, dense_layers, link_of
from descend.losses import LOSSES
from descend.problem.network import EPS, Network, scores
from descend.table.columns import Feature
from descend.table.reading import Kind
from descend.table.scale import Scale


def test_a_category_knows_its_missing_and_its_other_level():
    feature = Feature(column="c", kind=Kind.CATEGORY, levels=("a", "b", "(other)", "(missing)"))
    column = InputColumn.of(feature, ("gone", "-1"))
    assert (column.other, column.missing, column.width, column.trimmed) == (2, 3, 4, True)
    assert {"", "NA", "gone", "-1"} <= set(column.null)


def test_text_as_it_is_written_has_only_the_words_that_were_typed():
    feature = Feature(column="c", kind=Kind.CATEGORY, pattern="as written", levels=("NA", "a"))
    column = InputColumn.of(feature, ("gone",))
    assert (column.null, column.trimmed, column.other, column.missing) == (("", "gone"), False, None, None)


@pytest.mark.parametrize(("kind", "null"), [(Kind.NUMBER, (-1.0,)), (Kind.DATE, ()), (Kind.BOOLEAN, ())])
def test_words_are_numbers_where_the_column_holds_numbers(kind, null):
    column = InputColumn.of(Feature(column="x", kind=kind, median=2.0, flag=True), ("gone", "-1"))
    assert (column.null, column.width, column.levels) == (null, 2, ())


def test_a_linear_layer_is_in_the_units_of_the_target():
    (layer,) = dense_layers(None, np.array([2.0, -1.0, 0.5]), 1, Scale(np.zeros(2), np.ones(2), 10.0, 4.0))
    assert (layer.W.tolist(), layer.b.tolist(), layer.activation) == ([[8.0], [-4.0]], [12.0], "identity")


def test_two_scores_become_one():
    (layer,) = dense_layers(None, np.array([1.0, 5.0, 2.0, -1.0, 0.5, 1.5]), 2, Scale.none(2))
    assert (layer.W.tolist(), layer.b.tolist()) == ([[4.0], [-3.0]], [1.0])


def test_batch_normalisation_is_folded_into_its_layer():
    network = Network((2, 2, 2, 1), "tanh", batch_norm=True, residual=True)
    rng = np.random.default_rng(0)
    weights = rng.normal(size=network.params)
    for layer in network.hidden:
        weights[layer.variance] = rng.uniform(0.5, 2, layer.fan_out)
    X = rng.normal(size=(5, 2))
    h = X
    for layer in dense_layers(network, weights, 1, Scale.none(2)):
        z = h @ layer.W + layer.b
        h = np.tanh(z) + h if layer.residual else z
    np.testing.assert_allclose(h, scores(network, weights, X), rtol=1e-12)
    assert EPS == 1e-5


@pytest.mark.parametrize(
    ("loss", "count", "link"),
    [("squared", 1, Link.IDENTITY), ("poisson", 1, Link.EXP), ("logistic", 1, Link.SIGMOID), ("hinge", 1, Link.STEP),
     ("softmax", 3, Link.SOFTMAX), ("softmax", 1, Link.SIGMOID)],
)  # fmt: skip
def test_the_link_of_each_loss(loss, count, link):
    assert link_of(LOSSES[loss], count) is link
