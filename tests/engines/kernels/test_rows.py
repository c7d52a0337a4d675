"""Gradients of some rows, added up: the functions before compilation against NumPy."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.special import softmax as scipy_softmax

from descend.engines.kernels import rows as kernels_rows
from descend.engines.kernels.records import Batch, Examples
from descend.engines.kernels.rows import CHUNK, add_one, add_several, response, softmax, targets
from descend.losses import loss

UNORDERED = np.empty(0, np.int64)


def drawn(rows, columns, weighted):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 4)), rng.normal(size=(rows, columns)), rng.random(rows) if weighted else np.empty(0)


@pytest.fixture(autouse=True)
def without_prefetch(monkeypatch):
    """The functions run as plain Python here, which has no such instruction."""
    monkeypatch.setattr(kernels_rows, "prefetch_row", lambda X, row: None)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("rows", [1, 3, CHUNK - 1, CHUNK, 2 * CHUNK + 6])
def test_sums_of_one_output_whatever_the_rest_of_fours_and_chunks(rows, weighted, intercept):
    X, y, weight = drawn(rows + 2, 1, weighted)
    y = (y > 0) * 1.0
    w = np.random.default_rng(1).normal(size=4 + intercept)
    g = np.ones(w.size)  # the sum is added to what is there

    form = loss("logistic")
    add_one(form.evaluate, response(form), (), Examples(X, y, weight), w, g, np.empty((3, CHUNK)),
            Batch(UNORDERED, 1, rows + 1))  # fmt: skip

    used = slice(1, rows + 1)
    whole = np.column_stack([X, np.ones(rows + 2)])[used, : w.size]
    slope = (expit(whole @ w) - y[used, 0]) * (weight[used] if weighted else 1.0)
    np.testing.assert_allclose(g, 1 + whole.T @ slope, rtol=1e-12)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("name", ["softmax", "squared"])
def test_sums_of_several_outputs_in_the_order_given(name, intercept):
    X, y, weight = drawn(9, 3, weighted=True)
    y = y.argmax(axis=1)[:, None].astype(float) if name == "softmax" else y
    W = np.random.default_rng(1).normal(size=(4 + intercept, 3))
    g, order = np.zeros(W.size), np.array([7, 1, 1, 4, 0])

    form = loss(name)
    batch = Batch(order, 1, 5)
    add_several(form.evaluate, response(form), (), Examples(X, y, weight), W.ravel(), g, np.empty((3, 3)), batch)

    used = order[1:]
    whole = np.column_stack([X, np.ones(9)])[used, : len(W)]
    z = whole @ W
    slope = scipy_softmax(z, axis=1) - np.eye(3)[y[used, 0].astype(int)] if name == "softmax" else 2 * (z - y[used]) / 3
    np.testing.assert_allclose(g.reshape(W.shape), whole.T @ (slope * weight[used, None]), rtol=1e-12)


def test_softmax_does_not_overflow_and_a_class_that_is_not_there_gives_nan():
    z = np.array([1e4, 0.0, -1e4])
    softmax(None, (), z, np.array([1.0]))
    assert z.tolist() == [1.0, -1.0, 0.0]

    for absent in (-1.0, 3.0):
        z = np.zeros(3)
        softmax(None, (), z, np.array([absent]))
        assert np.isnan(z).all()


def test_the_response_of_a_loss_is_by_classes_or_by_targets():
    assert (response(loss("softmax")), response(loss("squared")), response(loss("huber"))) == (
        softmax,
        targets,
        targets,
    )
