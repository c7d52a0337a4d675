"""linear_program: the optimum of losses that are lines in pieces, as a linear program."""

import numpy as np

from descend.arrays import Array
from descend.optimum.standardised import StandardisedView
from descend.optimum.status import FOUND, OptimumStatus, SolverResult
from descend.problem import Problem

MAX_ROWS = 5000  # arbitrary: an interactive wait; the program has an unknown and a constraint for each row


def linear_program(problem: Problem) -> tuple[Array, SolverResult]:
    """Return the weights (params,) that HiGHS finds for quantile or hinge loss, l1 included, or none and why."""
    if problem.l2 > 0:
        return np.zeros(0), _not_solved(
            f"no exact solver for {problem.loss.name} with both an absolute and a quadratic penalty"
        )
    if problem.data.rows > MAX_ROWS:
        return np.zeros(0), _not_solved(f"a linear program of {problem.data.rows:,} rows would take too long")
    from scipy.optimize import linprog

    view = StandardisedView.of(problem)
    unit = float(np.abs(problem.data.y).max()) or 1.0 if problem.loss.name == "quantile" else 1.0
    result = linprog(**_form(view, unit), method="highs")
    if not result.success:
        return np.zeros(0), _not_solved(f"the linear program ended with: {result.message[:80]}")
    up, down = result.x[: 2 * problem.params].reshape(2, -1)
    return view.original((up - down) * unit), FOUND


def _not_solved(reason: str) -> SolverResult:
    return SolverResult(OptimumStatus.NOT_SOLVED, reason)


def _form(view: StandardisedView, unit: float) -> dict[str, object]:
    """The program in up - down, the weights of the view, and what rows miss (Koenker and Bassett 1978)."""
    from scipy.sparse import csr_array, eye_array, hstack

    problem, every = view.problem, slice(0, view.problem.data.rows)
    X, y = view.features(every), problem.data.y.astype(np.float64) / unit
    X = np.column_stack([X, np.ones(len(X))]) if problem.intercept else X
    share = np.full(len(y), 1 / len(y)) if problem.data.sample_weight is None else problem.data.sample_weight / len(y)
    one, weights = eye_array(len(y), format="csr"), np.concatenate([view.l1, view.l1])
    if problem.loss.name == "quantile":
        tau = problem.constants["tau"]
        cost = np.concatenate([weights, tau * share, (1 - tau) * share])
        return {"c": cost, "A_eq": hstack([csr_array(np.hstack([X, -X])), one, -one], format="csr"), "b_eq": y}
    side = (2 * y - 1)[:, None]
    left = hstack([csr_array(np.hstack([-side * X, side * X])), -one], format="csr")
    return {"c": np.concatenate([weights, share]), "A_ub": left, "b_ub": -np.ones(len(y))}
