"""orthogonal: orthonormal features by QR and SVD, block after block of rows, where a Gram matrix would lose digits."""

import numpy as np

from descend.arrays import Array
from descend.optimum.standardised import StandardisedView, blocks, shares, targets

RANK = 10 * float(np.finfo(np.float64).eps)  # singular values below this times their number and their size are rounding
REGULAR = 1e-8  # smallest / largest eigenvalue of the second moments above which the features stay as they are: 8 digits are left


def triangular_factor(view: StandardisedView, target: Array, penalty: Array) -> Array:
    """Return the triangular factor R (rows, features + targets) of [features, targets - target] = Q R.

    Args:
        view: weights its rows by the root of their share, a mean over several targets included.
        target: subtracted from each target (targets,); none for R of the features alone.
        penalty: root of each feature's quadratic penalty (features,), appended as rows.
    """
    problem, k = view.problem, len(target)
    R = np.hstack([np.diag(penalty), np.zeros((len(penalty), k))])
    for rows in blocks(problem):
        y = targets(problem, rows).reshape(rows.stop - rows.start, -1)[:, :k] - target
        root = np.sqrt(shares(problem, rows) / problem.outputs)[:, None]
        R = np.asarray(np.linalg.qr(np.vstack([R, np.hstack([view.features(rows), y]) * root]), mode="r"))
    return R


def orthonormal(view: StandardisedView) -> StandardisedView:
    """Return the view with orthonormal features, null directions removed; the view itself where it is well-conditioned.

    A singular value decomposition of R finds them to the precision of the features, where their moments have the
    square of their condition (Golub and Van Loan 2013, section 5.3). Of the weights that predict the same, those of
    smallest norm are used, which a quadratic penalty asks for.
    """
    d = view.problem.data.features
    if d == 0 or _well_conditioned(view):
        return view
    _, values, Vt = np.linalg.svd(triangular_factor(view, np.zeros(0), np.zeros(d)), full_matrices=False)
    used = significant(view, values, Vt)
    basis = Vt[used].T if used.all() else _smallest(Vt[used], view.scale)
    return view.with_basis(basis / values[used] / np.sqrt(view.problem.outputs))


def significant(view: StandardisedView, values: Array, Vt: Array) -> Array:
    """Return which singular values (features,) are above rounding error, which is larger where means are large."""
    rounding = Vt * (1 + np.abs(view.mean) / view.scale)
    return np.asarray(values > len(Vt.T) * RANK * np.maximum(np.linalg.norm(rounding, axis=1), values.max(initial=0.0)))


def _smallest(rows: Array, scale: Array) -> Array:
    """The basis T (features, width) with rows @ T = 1 for which T / scale, the weights in the features of the problem, are smallest."""
    from scipy.linalg import qr, solve_triangular

    finite = np.isfinite(scale)
    size = scale[finite]
    order = np.argsort(-size)  # large rows first, or the small ones lose their digits (Cox and Higham 1998)
    Q, R, pivots = qr((rows[:, finite] * size).T[order], mode="economic", pivoting=True)
    basis = np.zeros_like(rows.T)
    basis[np.flatnonzero(finite)[order]] = (Q @ solve_triangular(R, np.eye(len(R))[pivots], trans="T")) * size[
        order, None
    ]
    return basis


def _well_conditioned(view: StandardisedView) -> bool:
    total = np.zeros((view.width, view.width))
    for rows in blocks(view.problem):
        X = view.features(rows)
        X *= np.sqrt(shares(view.problem, rows))[:, None]
        total += X.T @ X
    values = np.linalg.eigvalsh(total)
    return bool(values[0] > REGULAR * values[-1])
