"""covariance: how far the weights at the optimum would move with another sample of rows."""

from dataclasses import dataclass, replace

import numpy as np

from descend.arrays import Array
from descend.optimum.hessians import hessian, second_derivatives
from descend.optimum.standardised import StandardisedView, blocks, shares, targets
from descend.problem import Problem, losses_and_slopes
from descend.scipy_parts import special_functions
from descend.sparse import is_sparse
from descend.table.data import Data

CURVED = ("squared", "logistic", "poisson", "huber", "softmax")  # losses with a second derivative
MOST_PARAMS = 600  # whose matrix of products stays below 3 MB and a tenth of a second (arbitrary)
MOST_CELLS = 1 << 21  # features that are read: of more rows evenly spaced ones stand for all
MOST_LEVERAGE = 0.99  # of a row: the weight of one that decides a coefficient alone stays finite (arbitrary)
SINGULAR = 1e-7  # eigenvalue of the Hessian, relative to the largest, below which rounding of M would count (eps^0.45)


@dataclass(frozen=True, eq=False)
class Covariance:
    """The covariance of weights.

    Args:
        matrix: (params, params), in the units that training uses.
        freedom: degrees of freedom of the standard errors.
    """

    matrix: Array
    freedom: float

    def margin(self, across: Array, alpha: float = 0.05) -> Array:
        """Return half the width of the intervals of sums of weights, across (sums, params) @ weights (sums,)."""
        variance = ((across @ self.matrix) * across).sum(axis=1)
        return np.asarray(special_functions().stdtrit(self.freedom, 1 - alpha / 2) * np.sqrt(np.maximum(variance, 0.0)))


def covariance(problem: Problem, weights: Array) -> Covariance | None:
    """Return the covariance of weights (params,) at the optimum; None where it is not known.

    It is the sandwich H⁻¹ M H⁻¹ of the Hessian H and the products M of the rows' gradients (Huber 1967, White 1980): right
    whether or not the noise is the same everywhere, and the limit of what a bootstrap of the rows would give (Efron 1982,
    the infinitesimal jackknife), for one pass. Where there is one output a row counts 1 / (1 - h) with its leverage h (HC3,
    MacKinnon and White 1985); of classes all count n / (n - params).

    There is none of a loss without a second derivative, with an l1 penalty, of a network, of sparse features, of several
    targets, of more than 600 weights, and of fewer rows than weights.
    """
    several = problem.loss.outputs == "one" and problem.outputs > 1
    if problem.network is not None or problem.loss.name not in CURVED or problem.l1 or several:
        return None
    if is_sparse(problem.data.X) or not 0 < problem.params <= MOST_PARAMS or problem.data.rows <= problem.params:
        return None
    share = max(1, -(-problem.data.cells // MOST_CELLS))
    part = problem if share == 1 else _every(problem, share)
    view = StandardisedView.plain(part)
    w = weights.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        inverse = _inverse(hessian(view, w))
        middle = _products(view, w, inverse)
    rows = part.data.rows
    matrix = inverse @ middle @ inverse * (rows / problem.data.rows_in_all)
    if not np.isfinite(matrix).all():
        return None
    return Covariance((matrix + matrix.T) / 2, problem.data.rows_in_all - problem.params)


def _every(problem: Problem, step: int) -> Problem:
    """The problem on every so many rows, which must leave more rows than weights."""
    data = problem.data
    step = max(1, min(step, data.rows // (2 * problem.params)))
    weight = None if data.sample_weight is None else data.sample_weight[::step]
    return replace(problem, data=Data(np.asarray(data.X[::step]), data.y[::step], weight, data.names))


def _inverse(H: Array) -> Array:
    """The inverse of a Hessian; zero in directions in which it is flat."""
    values, vectors = np.linalg.eigh(H)
    known = values > SINGULAR * values[-1]
    return np.asarray((vectors[:, known] / values[known]) @ vectors[:, known].T)


def _products(view: StandardisedView, w: Array, inverse: Array) -> Array:
    """The sum over rows of the products of their gradients (params, params)."""
    problem, k = view.problem, view.problem.outputs
    total = np.zeros((problem.params, problem.params))
    for rows in blocks(problem):
        X, share = view.features(rows), shares(problem, rows)
        z, y = view.scores(w, X), targets(problem, rows)
        slope = losses_and_slopes(problem, z, y)[1].reshape(-1, k) * share[:, None]
        X = np.column_stack([X, np.ones(len(X))]) if problem.intercept else X
        if k == 1:
            own = share * second_derivatives(problem, z, y) * ((X @ inverse) * X).sum(axis=1)
            X *= slope / (1 - np.minimum(own, MOST_LEVERAGE))[:, None]
            total += X.T @ X
        else:
            each = (X[:, :, None] * slope[:, None, :]).reshape(len(X), -1)
            total += each.T @ each
    return total if k == 1 else total * problem.data.rows / (problem.data.rows - problem.params)
