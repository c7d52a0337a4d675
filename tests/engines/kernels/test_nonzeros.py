"""Sums over rows of non-zeros: those of the dense rows, and none of the data copied."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from descend.engines.kernels.loops import compile_block_sums
from descend.engines.kernels.nonzeros import sparse_rows
from descend.engines.kernels.records import Examples, LossSettings, SparseExamples, readonly
from descend.losses import loss


def test_rows_are_unpacked_without_a_copy_and_cannot_be_written():
    X = csr_array(np.array([[0.0, 2.0], [3.0, 0.0]]))

    values, columns, starts, features = sparse_rows(X)

    assert (values.tolist(), columns.tolist(), starts.tolist(), features) == ([2.0, 3.0], [1, 0], [0, 1, 2], 2)
    assert np.shares_memory(values, X.data)
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 1.0


@pytest.mark.parametrize(("name", "outputs"), [("squared", 1), ("logistic", 1), ("softmax", 3)])
def test_sums_are_those_of_the_dense_rows(name, outputs):
    rng, rows = np.random.default_rng(0), 150
    X = rng.normal(size=(rows, 6)) * (rng.random((rows, 6)) < 0.3)
    y = rng.integers(0, 2, (rows, 1)).astype(float)
    w, weight = rng.normal(size=7 * outputs), rng.random(rows)
    several, found = outputs > 1, np.empty((2, 1, w.size))

    settings = LossSettings(np.empty(0), outputs)
    for examples, out in zip(
        (Examples(readonly(X), readonly(y), weight), SparseExamples(sparse_rows(csr_array(X)), readonly(y), weight)),
        found, strict=True,
    ):  # fmt: skip
        sums = compile_block_sums(loss(name), np.dtype(np.float64), several, isinstance(examples, SparseExamples))
        sums(examples, settings, np.empty(0, np.int64), w, out, 0, 1)

    assert np.abs(found[0]).min() > 0
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12, atol=1e-14)
