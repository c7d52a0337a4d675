"""D3, of the data: do the columns say anything about the target? Asked of a shuffled target, not of the run."""

import numpy as np

from descend.arrays import Array
from descend.diagnosis.evidence import Evidence, mean_loss
from descend.diagnosis.finding import Entry, Finding, Level
from descend.diagnosis.leaks import ranks
from descend.sparse import is_sparse

SHUFFLES = 50  # of the target: one in 50 is then the chance that columns without signal look better than all of them
MOST_ROWS = 5000  # that are looked at: bounds the work
MOST_TERMS = 400
ROWS_A_TERM = 2.0  # at least: with fewer, columns explain a shuffled target nearly as well as the real one
MIN_ROWS = 40
STANDARD_ERRORS = (
    2.0  # by which the run itself must be better than a constant on test rows to show that there is a signal
)


def no_signal(e: Evidence) -> Finding | None:
    """D306."""
    data = e.problem.data
    if e.outcome.failed or is_sparse(data.X) or data.features > MOST_TERMS or data.rows < MIN_ROWS or _shows_skill(e):
        return None
    X, targets = np.asarray(data.X[:MOST_ROWS], np.float64), _targets(e)
    shares = None
    for terms in (_with_squares(X), X):  # squares show what a line does not, and hide a weak line among many terms
        shares = shuffled_shares(terms, targets)
        if shares is not None and shares[0] > shares[1:].max():
            return None
    if shares is None:
        return None
    usual = float(np.median(shares[1:]))
    text = (
        f"no signal found: a linear model explains {shares[0]:.1%} of the target on the training rows, and {usual:.1%} of "
        f"the same target in shuffled order; these columns say nothing about it that can be told from chance"
    )
    evidence = {"share": float(shares[0]), "shuffled": usual, "largest_shuffled": float(shares[1:].max())}
    fix = ("columns that say something about the target, or more rows",)
    return Finding(code="D306", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def _shows_skill(e: Evidence) -> bool:
    """Whether the run predicts test rows better than a constant, beyond the error of their mean."""
    test, baseline = e.test_losses, e.test_baseline_losses
    if test is None or baseline is None or len(test) < 2:
        return False
    gain = baseline - test
    gain = gain.mean(axis=1) if gain.ndim == 2 else gain
    return bool(mean_loss(gain, e.test_weight) > STANDARD_ERRORS * float(gain.std(ddof=1)) / np.sqrt(len(gain)) > 0)


def _targets(e: Evidence) -> Array:
    """Indicators of the classes, or ranks of the numbers, of the rows that are looked at (rows, k)."""
    y = e.problem.data.y[:MOST_ROWS]
    if e.problem.loss.outputs == "classes" or e.problem.loss.name in ("logistic", "hinge"):
        return np.eye(int(y.max()) + 1)[
            (y > 0).astype(np.int64) if e.problem.loss.outputs != "classes" else y.astype(np.int64)
        ]
    return ranks(y)[:, None] if y.ndim == 1 else y


def _with_squares(X: Array) -> Array:
    """The columns and the squares of those that have more than two values."""
    return np.column_stack([X, X[:, [len(np.unique(X[:, j])) > 2 for j in range(X.shape[1])]] ** 2])


def shuffled_shares(terms: Array, targets: Array) -> Array | None:
    """Return the share of targets (rows, k) that terms (rows, terms) explain, and of targets in SHUFFLES other orders.

    None where there are too few rows for that. Every order is explained by the same orthonormal columns, so that a
    shuffled target costs a product.
    """
    rows = len(terms)
    if terms.shape[1] * ROWS_A_TERM > rows:
        return None
    terms = terms - terms.mean(axis=0)
    spread = terms.std(axis=0)
    Q, R = np.linalg.qr(terms[:, spread > 1e-9] / spread[spread > 1e-9])
    Q = Q[:, np.abs(np.diag(R)) > 1e-8 * np.sqrt(rows)]
    centred = targets - targets.mean(axis=0)
    total = float(np.square(centred).sum())
    if not total > 0 or not Q.shape[1]:
        return None
    rng = np.random.default_rng(0)
    orders = [np.arange(rows), *(rng.permutation(rows) for _ in range(SHUFFLES))]
    return np.array([float(np.square(Q.T @ centred[order]).sum()) / total for order in orders])


CHECKS = (no_signal,)

ENTRIES = (
    Entry(
        code="D306",
        title="no signal found",
        meaning="The columns predict the target no better than they would predict it in shuffled order. What the model has learned "
        "from the training rows is chance, and no setting of the training changes that.",
        detected=f"A linear model, with and without squares, explains no larger share of the target than of the best of {SHUFFLES} "
        "shuffled ones, which happens to columns that say something in less than one case in fifty; and the run itself is not better "
        f"than a constant prediction on test rows by {STANDARD_ERRORS:g} standard errors.",
        fixes="Columns that say something about the target; more rows.",
        reference="Ojala and Garriga 2010",
    ),
)
