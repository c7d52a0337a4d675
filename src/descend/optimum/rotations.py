"""rotations: features made orthogonal, block after block of rows, where a Gram matrix would lose their digits."""

import numpy as np

from descend.arrays import Array
from descend.optimum.view import View, blocks, shares, targets

RANK = 10 * float(np.finfo(np.float64).eps)  # singular values below this, times size and rounding, are 0
REGULAR = 1e-8  # the smallest eigenvalue, as a part of the largest, of moments that need no turning


def triangle(view: View, target: Array, penalty: Array) -> Array:
    """Return the triangle R (rows, features + targets) of [features, targets - target] = Q R.

    Args:
        view: weights its rows by the root of their share, a mean over several targets included.
        target: what is taken from each target (targets,); none for R of the features alone.
        penalty: a row for each feature's quadratic penalty, by its root (features,).
    """
    problem, k = view.problem, len(target)
    R = np.hstack([np.diag(penalty), np.zeros((len(penalty), k))])
    for rows in blocks(problem):
        y = targets(problem, rows).reshape(rows.stop - rows.start, -1)[:, :k] - target
        root = np.sqrt(shares(problem, rows) / problem.outputs)[:, None]
        R = np.asarray(np.linalg.qr(np.vstack([R, np.hstack([view.features(rows), y]) * root]), mode="r"))
    return R


def regular(view: View) -> View:
    """Return the view itself, or turned to orthonormal features, without those that no row sees.

    A singular value decomposition of R finds them to the precision of the features, where their moments have the
    square of their condition (Golub and Van Loan 2013, section 5.3). Of the weights that predict the same, those of
    smallest norm are kept, which a quadratic penalty asks for.
    """
    d = view.problem.data.features
    if d == 0 or _well_conditioned(view):
        return view
    _, values, Vt = np.linalg.svd(triangle(view, np.zeros(0), np.zeros(d)), full_matrices=False)
    kept = visible(view, values, Vt)
    turn = Vt[kept].T if kept.all() else _smallest(Vt[kept], view.scale)
    return view.turned(turn / values[kept] / np.sqrt(view.problem.outputs))


def visible(view: View, values: Array, Vt: Array) -> Array:
    """Tell which singular values (features,) are more than rounding, of which a large mean leaves more."""
    rounding = Vt * (1 + np.abs(view.mean) / view.scale)
    return np.asarray(values > len(Vt.T) * RANK * np.maximum(np.linalg.norm(rounding, axis=1), values.max(initial=0.0)))


def _smallest(seen: Array, scale: Array) -> Array:
    """The turn T (features, kept) with seen @ T = 1 for which T / scale, the problem's own weights, is smallest."""
    from scipy.linalg import qr, solve_triangular

    used = np.isfinite(scale)
    size = scale[used]
    order = np.argsort(-size)  # large rows first, or the small ones lose their digits (Cox and Higham 1998)
    Q, R, pivots = qr((seen[:, used] * size).T[order], mode="economic", pivoting=True)
    own = np.zeros_like(seen.T)
    own[np.flatnonzero(used)[order]] = (Q @ solve_triangular(R, np.eye(len(R))[pivots], trans="T")) * size[order, None]
    return own


def _well_conditioned(view: View) -> bool:
    total = np.zeros((view.kept, view.kept))
    for rows in blocks(view.problem):
        X = view.features(rows)
        X *= np.sqrt(shares(view.problem, rows))[:, None]
        total += X.T @ X
    values = np.linalg.eigvalsh(total)
    return bool(values[0] > REGULAR * values[-1])
