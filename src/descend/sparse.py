"""sparse: features of which most are zero, kept as rows of non-zeros (SciPy's CSR), and dense where that is cheap."""

from typing import Any

import numpy as np

from descend.arrays import Array

CHEAP_CELLS = 1 << 24  # a table with no more cells than these is small enough to be read as a dense one, block by block


def is_sparse(X: Any) -> bool:
    """Tell whether features are one of SciPy's sparse containers."""
    return hasattr(X, "tocsr")


def is_wide(X: Any) -> bool:
    """Tell whether features are sparse and so many that work must stay in proportion to the non-zeros."""
    return is_sparse(X) and X.shape[0] * X.shape[1] > CHEAP_CELLS


def canonical(X: Any) -> Any:
    """Return features in rows of sorted columns, each once and none zero; the container itself when it is so already.

    Float32 stays, real numbers of any other dtype become float64. The container that was given is never changed.
    """
    from scipy.sparse import csr_array

    rows = csr_array(X)
    dtype = np.float32 if rows.dtype == np.float32 else np.float64
    clean = rows.has_canonical_format and bool((rows.data != 0).all())
    rows = rows.astype(dtype, copy=not clean)
    if not clean:
        rows.sum_duplicates()
        rows.eliminate_zeros()
    return rows


def dense(X: Any) -> Array:
    """Return features as an array; it is the array itself when they are one."""
    return np.asarray(X.toarray() if is_sparse(X) else X)


def column_squares(X: Any) -> Array:
    """Return the sum of squares of each column (features,), float64."""
    if hasattr(X, "column_squares"):
        return np.asarray(X.column_squares())
    if not is_sparse(X):
        return np.asarray(np.einsum("ij,ij->j", X, X, dtype=np.float64))
    return np.bincount(X.indices, np.square(X.data.astype(np.float64)), X.shape[1])


def row_squares(X: Any) -> Array:
    """Return the sum of squares of each row (rows,), float64."""
    if not is_sparse(X):
        wide = X.astype(np.float64, copy=False)
        return np.asarray(np.einsum("ij,ij->i", wide, wide))
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    return np.bincount(rows, np.square(X.data.astype(np.float64)), X.shape[0])
