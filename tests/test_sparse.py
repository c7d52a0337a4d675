"""Sparse features: read as they are, never made dense where they are many, and right as the dense ones are."""

import numpy as np
import pytest
from scipy import sparse as scipy_sparse
from scipy.sparse import csc_array, csr_array, csr_matrix

from descend import sparse
from descend.errors import DataError
from descend.losses import loss
from descend.optimum import bound, curvature, optimum
from descend.problem import Problem, gradient, mean_losses
from descend.sparse import canonical, column_squares, dense, is_sparse, is_wide, row_squares
from descend.table.data import Data


def table():
    """200 rows of 12 columns, about a quarter non-zero, one column far larger and one unused."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 12)) * (rng.random((200, 12)) < 0.25)
    X[:, 3] *= 10
    X[:, 7] = 0
    return X


def problem_of(X, name="squared", **options):
    rng = np.random.default_rng(1)
    z = table()[:, :3].sum(axis=1) + rng.normal(size=200)
    y = {"logistic": z > 0, "softmax": np.digitize(z, [-1, 1]), "poisson": rng.poisson(2.0, 200)}.get(name, z)
    weight = rng.random(200) + 0.5
    form = loss(name)
    return Problem(Data(X, y, weight / weight.mean()), form, form.constants, 3 if name == "softmax" else 1, **options)


@pytest.fixture
def many(monkeypatch):
    """Any sparse features count as too many to be read as dense ones."""
    monkeypatch.setattr(sparse, "CHEAP_CELLS", 0)


@pytest.mark.parametrize(
    "container", [csr_array, csr_matrix, csc_array, scipy_sparse.coo_array, scipy_sparse.lil_array]
)
def test_every_container_becomes_canonical_rows(container):
    found = canonical(container(table()))

    assert found.format == "csr"
    assert found.has_canonical_format
    np.testing.assert_array_equal(found.toarray(), table())


def test_the_given_container_is_left_as_it_is():
    given = csr_matrix((np.array([1.0, 0.0, 2.0]), np.array([2, 1, 0]), np.array([0, 2, 3])), shape=(2, 3))

    found = canonical(given)

    assert given.indices.tolist() == [2, 1, 0]
    assert given.nnz == 3
    assert (found.nnz, found.indices.tolist()) == (2, [2, 0])


def test_canonical_rows_are_not_copied():
    given = csr_array(table())

    assert np.shares_memory(canonical(given).data, given.data)


@pytest.mark.parametrize(("dtype", "kept"), [(np.float32, np.float32), (np.int64, np.float64), (bool, np.float64)])
def test_dtypes(dtype, kept):
    assert canonical(csr_array(np.eye(3).astype(dtype))).dtype == kept


def test_complex_numbers_are_refused():
    with pytest.raises(DataError) as error:
        Data(csr_array(np.eye(2) * 1j), np.zeros(2))

    assert str(error.value) == "X has dtype complex128, it must hold real numbers; convert it to float64"


def test_squares_are_those_of_the_dense_table():
    X = table()

    np.testing.assert_allclose(column_squares(csr_array(X)), np.square(X).sum(axis=0))
    np.testing.assert_allclose(row_squares(csr_array(X)), np.square(X).sum(axis=1))
    np.testing.assert_allclose(column_squares(X), np.square(X).sum(axis=0))
    np.testing.assert_allclose(row_squares(X), np.square(X).sum(axis=1))


def test_what_counts_as_sparse_and_as_wide():
    tall = csr_array((5000, 5000))

    assert [is_sparse(x) for x in (np.eye(2), csr_array(np.eye(2)))] == [False, True]
    assert [is_wide(x) for x in (np.zeros((5000, 5000), np.int8), csr_array(np.eye(2)), tall)] == [False, False, True]
    assert dense(csr_array(np.eye(2))).tolist() == np.eye(2).tolist()


def test_data_counts_non_zeros_and_takes_rows():
    data = Data(csr_array(table()), np.arange(200.0))
    some = data.take(np.array([5, 3]))

    assert (data.rows, data.features, data.cells) == (200, 12, np.count_nonzero(table()))
    np.testing.assert_array_equal(some.X.toarray(), table()[[5, 3]])
    assert some.y.tolist() == [5, 3]


@pytest.mark.parametrize("name", ["squared", "logistic", "softmax", "huber", "poisson"])
def test_loss_and_gradient_are_those_of_the_dense_table(name):
    given, other = problem_of(csr_array(table()), name, l2=0.1), problem_of(table(), name, l2=0.1)
    w = np.random.default_rng(2).normal(size=given.params) / 100

    np.testing.assert_allclose(gradient(given, w)[1], gradient(other, w)[1], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(mean_losses(given, w[None]), mean_losses(other, w[None]), rtol=1e-12)


@pytest.mark.parametrize("name", ["squared", "logistic", "softmax", "huber", "quantile", "hinge"])
def test_the_optimum_is_that_of_the_dense_table(name):
    given, other = (problem_of(X, "logistic" if name == "hinge" else name, l2=0.0 if name == "quantile" else 0.1)
                    for X in (csr_array(table()), table()))  # fmt: skip

    assert optimum(given).objective == pytest.approx(optimum(other).objective, rel=1e-12)
    assert curvature(given).largest == pytest.approx(curvature(other).largest, rel=1e-12)
    assert curvature(given).row_largest == pytest.approx(curvature(other).row_largest, rel=1e-12)


@pytest.mark.parametrize("name", ["squared", "logistic", "softmax", "huber", "poisson"])
@pytest.mark.parametrize("penalty", [{"l2": 0.1}, {"l1": 0.02}, {"l1": 0.02, "l2": 0.1}], ids=str)
def test_the_optimum_of_many_sparse_features_too(many, name, penalty):
    given, other = problem_of(csr_array(table()), name, **penalty), problem_of(table(), name, **penalty)

    found = optimum(given)

    assert found.method in ("l-bfgs", "fista")
    assert found.reason == ""
    assert found.objective == pytest.approx(optimum(other).objective, rel=1e-9)
    assert bound(given, found.weights) < 1e-6


def test_the_curvature_of_many_sparse_features(many):
    given, other = curvature(problem_of(csr_array(table()))), curvature(problem_of(table()))

    assert given.largest == pytest.approx(other.largest, rel=1e-10)
    assert given.row_mean == pytest.approx(other.row_mean, rel=1e-10)


def test_a_linear_program_is_not_made_dense(many):
    found = optimum(problem_of(csr_array(table()), "quantile"))

    assert found.weights is None
    assert found.reason == "not computed: a linear program of so many sparse features would be made dense"
