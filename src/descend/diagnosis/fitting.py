"""D3: the model fits the training rows too closely, too loosely, unevenly, or suspiciously well."""

import numpy as np

from descend.arrays import Array
from descend.diagnosis.data_faults import MIN_CLASS_ROWS, RARE, UNEVEN, rare_classes
from descend.diagnosis.evidence import Evidence, mean_loss
from descend.diagnosis.finding import Entry, Finding, Level
from descend.sparse import is_sparse

MIN_TEST_ROWS = 10  # for D301 (arbitrary: the standard error of fewer is unreliable)
OVERFIT = 0.5  # share of the training gain that test rows lack (arbitrary)
MIN_GAIN = 0.3  # share of the baseline's loss: a smaller gain is no fit that could be too close (arbitrary)
NONLINEAR = 0.1  # share of the residual variance that squares and products explain (arbitrary)
PLAIN = 0.3  # the same, for a warning (arbitrary)
MAX_COLUMNS = 30  # whose squares and products are tried: 465 terms
MAX_ROWS = 5000  # on which they are tried (arbitrary: bounds the work)
ROWS_PER_TERM = 5  # at least, so that the regression on the terms is determined well (arbitrary)
TINY = 1e-9  # of the squares of a term, added where terms may depend on each other: above rounding, far below a share
SMALL = (
    0.03  # residuals over the target, as standard deviations: a penalty leaves such ones, and no model is much better
)
WORSE = 1e-3  # of the baseline's loss, by which test rows are predicted worse: tables show three digits
RECALL = 0.5  # of a rare class (arbitrary)
STANDARD_ERRORS = 3.0  # 1 in 700 by chance
MIN_TEST_ROWS_TOO_GOOD = 20  # for D304 (arbitrary)


def overfit(e: Evidence) -> Finding | None:
    """D301."""
    test, constant = (None, None) if e.outcome.failed else (e.test_losses, e.test_baseline_losses)
    if test is None or constant is None or len(test) < MIN_TEST_ROWS:
        return None
    train, baseline, unseen = e.train_loss, e.landscape.baseline, mean_loss(test, e.test_weight)
    gained = constant - test  # of each row: what rows lose alike, because they are hard to predict, is no error of it
    train_gain, test_gain = baseline - train, mean_loss(gained, e.test_weight)
    error = float((gained if gained.ndim == 1 else gained.mean(axis=1)).std(ddof=1) / np.sqrt(len(test)))
    # What test rows should gain: the same amount, or the same share of their own baseline where that is lower.
    due = train_gain * min(mean_loss(constant, e.test_weight) / baseline, 1.0)
    if not (train_gain > MIN_GAIN * baseline and test_gain < (1 - OVERFIT) * due):
        return None
    sure = test_gain < (1 - OVERFIT) * due - error
    text = (
        f"overfit{'' if sure else ' suspected'}: the loss is {train:.3g} on training rows and {unseen:.3g} on test rows, "
        f"which keep {max(test_gain / due, 0):.0%} of the gain over the baseline"
        f"{'' if sure else f'; {len(test):,} test rows are too few to be sure'}"
    )
    evidence = {"train": train, "test": unseen, "baseline": baseline, "error": error}
    fix = ["--l2 0.1", "--l2 0.01", "--l2 1"] if e.problem.l2 < 1 else []
    if e.problem.network is not None:
        fix += [f"--hidden {max(2, e.problem.network.sizes[1] // 4)} --lr auto", "--dropout 0.3 --lr auto"]
    fix.append("fewer columns, or more rows")
    return Finding(
        code="D301", level=Level.WARNING if sure else Level.NOTE, text=text, evidence=evidence, fix=tuple(fix)
    )


def underfit(e: Evidence) -> Finding | None:
    """D302."""
    nonlinear = _nonlinear_residuals(e)
    if nonlinear is None or not nonlinear[0] > NONLINEAR:
        return None
    share, term, unseen = nonlinear
    text = (
        f"nonlinear residuals: no better linear model exists, but squares and products of columns explain {share:.0%} of the "
        f"residual variance, {term} most of it; a nonlinear model can fit better"
    )
    fix = ("--hidden 32", f"a column for {term}")
    level = Level.WARNING if share > PLAIN and unseen > NONLINEAR else Level.NOTE
    return Finding(code="D302", level=level, text=text, evidence={"share": share, "term": term}, fix=fix)


def _nonlinear_residuals(e: Evidence) -> tuple[float, str, float] | None:
    """The share of the residual variance that squares and products explain, the strongest of these, and the share in unseen rows.

    The share is corrected for the number of terms (adjusted R squared), since any term explains a little by chance. That of
    unseen rows has each row left out of its own regression, since squares of a skewed column bend to single rows; it is
    looked at where a warning depends on it.
    """
    if (
        e.problem.network is not None or e.problem.loss.name != "squared" or e.problem.outputs > 1
        or is_sparse(e.problem.data.X) or not e.near_optimum
    ):  # fmt: skip
        return None
    X, rows = e.problem.data.X[:MAX_ROWS], min(e.problem.data.rows, MAX_ROWS)
    residuals = e.residuals_of(slice(0, MAX_ROWS)) / 2
    columns = [j for j in range(X.shape[1]) if len(np.unique(X[:, j])) > 2][:MAX_COLUMNS]
    pairs = [(i, j) for i in columns for j in columns if i <= j]
    if len(pairs) > rows // ROWS_PER_TERM:
        pairs = [(j, j) for j in columns]
    if not pairs or len(pairs) > rows // ROWS_PER_TERM or not residuals.std() > SMALL * e.problem.data.y.std():
        return None
    first, second = np.transpose(pairs)
    terms = X[:, first] * X[:, second]
    terms = terms - terms.mean(axis=0)
    design = np.column_stack([np.ones(rows), X, terms])
    total = float(np.square(residuals - residuals.mean()).sum())
    unexplained = _unexplained(design, residuals)
    share = 1 - (unexplained / max(rows - design.shape[1], 1)) / (total / (rows - 1)) if total > 0 else 0.0
    size = np.maximum(terms.std(axis=0), 1e-300)
    i, j = pairs[int(np.argmax(np.abs(terms.T @ residuals) / size))]
    unseen = 1 - _left_out(design, residuals) / total if share > PLAIN else 0.0
    return share, f"{e.names[i]}²" if i == j else f"{e.names[i]} × {e.names[j]}", unseen


def _unexplained(design: Array, target: Array) -> float:
    """The sum of squares that least squares on the design (rows, terms) leaves of a target (rows,).

    By normal equations of columns of length 1, with a penalty of TINY against terms that depend on each other: five
    digits of a share are more than it needs, for a tenth of the time of an orthogonal decomposition.
    """
    unit, products = _normal_equations(design)
    right = unit.T @ target
    return float(target @ target - right @ np.linalg.solve(products, right))


def _left_out(design: Array, target: Array) -> float:
    """The sum of squares of a target (rows,) that is left where each row is predicted without itself (Allen 1974)."""
    unit, products = _normal_equations(design)
    half = np.linalg.solve(products, unit.T)
    leverage = np.minimum((unit.T * half).sum(axis=0), 1 - TINY)
    return float(np.square((target - unit @ (half @ target)) / (1 - leverage)).sum())


def _normal_equations(design: Array) -> tuple[Array, Array]:
    """The columns of a design at length 1, and their products."""
    unit = design / np.maximum(np.linalg.norm(design, axis=0), 1e-300)
    products = unit.T @ unit
    products[np.diag_indices_from(products)] += TINY
    return unit, products


def imbalance(e: Evidence) -> Finding | None:
    """D303."""
    classifier = e.problem.loss.name in ("logistic", "softmax")
    if not classifier or e.outcome.failed or e.learned_nothing or e.problem.data.sample_weight is not None:
        return None
    y, z = e.problem.data.y.astype(np.int64), e.predictions
    predicted = (z > 0).astype(np.int64) if e.problem.loss.name == "logistic" else z.argmax(axis=1)
    counts = np.bincount(y, minlength=2)
    recalls = [(float((predicted[y == k] == k).mean()), k) for k in rare_classes(counts) if counts[k] >= MIN_CLASS_ROWS]
    if not recalls or not min(recalls)[0] < RECALL:
        return None
    recall, k = min(recalls)
    name = e.prepared.target.classes[k] if e.prepared is not None and e.prepared.target.classes else str(k)
    text = (
        f"imbalanced classes: {name!r} is {counts[k] / len(y):.1%} of the training rows, and the model recognises "
        f"{recall:.0%} of them; accuracy does not show this"
    )
    evidence = {"class": name, "share": float(counts[k] / len(y)), "recall": recall}
    fix = (
        "rare rows that count more: --class-weight balanced, or a --weight column",
        "look at balanced_accuracy or auc, not accuracy",
    )
    return Finding(code="D303", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def too_good(e: Evidence) -> Finding | None:
    """D304."""
    network = e.problem.network
    random_in_training = network is not None and (network.dropout > 0 or network.batch_norm)
    test = None if e.outcome.failed or random_in_training else e.test_losses
    if test is None or len(test) < MIN_TEST_ROWS_TOO_GOOD:
        return None
    train = e.some_train_losses
    error = float(np.hypot(train.std(ddof=1) / np.sqrt(len(train)), test.std(ddof=1) / np.sqrt(len(test))))
    if not train.mean() - test.mean() > STANDARD_ERRORS * error > 0:
        return None
    text = (
        f"test rows are fitted better than training rows: loss {test.mean():.3g} against {train.mean():.3g}, a "
        f"difference of {(train.mean() - test.mean()) / error:.1f} standard errors; the split is not representative"
    )
    evidence = {"train": float(train.mean()), "test": float(test.mean()), "error": error}
    fix = ("look at how the rows were split", "compare with --cv 5")
    return Finding(code="D304", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def worse_than_constant(e: Evidence) -> Finding | None:
    """D305."""
    test, baseline = e.test_losses, e.test_baseline_losses
    if e.outcome.failed or test is None or baseline is None or len(test) < MIN_TEST_ROWS:
        return None
    model, constant = mean_loss(test, e.test_weight), mean_loss(baseline, e.test_weight)
    if not model - constant > WORSE * (e.landscape.baseline - e.floor):
        return None
    text = (
        f"worse than a constant prediction: the loss on test rows is {model:.3g}, that of the best constant of the training "
        f"rows is {constant:.3g}"
    )
    evidence = {"test": model, "baseline": constant}
    fix = ("--l2 0.1", "--l2 1", "fewer columns, or more rows")
    return Finding(code="D305", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


CHECKS = (worse_than_constant, overfit, underfit, imbalance, too_good)

ENTRIES = (
    Entry(
        code="D301",
        title="overfit",
        meaning="The model has fitted the noise of the training rows, and does worse on other rows.",
        detected=f"Training removed more than {MIN_GAIN:.0%} of the baseline's loss on the training rows, and test rows "
        f"gain less than {1 - OVERFIT:.0%} of that over the same constant prediction, or of the same share where they have less to gain. "
        "A note where the standard error of their gain leaves that open.",
        fixes="A larger penalty; fewer columns; a smaller network or dropout; more rows.",
        reference="Hastie, Tibshirani and Friedman 2009, chapter 7",
    ),
    Entry(
        code="D302",
        title="nonlinear residuals",
        meaning="Training has converged, and no linear model is better, but the residuals depend on the columns: the model "
        "is too simple for these data.",
        detected=f"The model is at the exact optimum, and squares and products of columns explain more than {NONLINEAR:.0%} of the "
        f"variance of the optimum's residuals, corrected for their number. A warning above {PLAIN:.0%}, where they explain as "
        f"much as {NONLINEAR:.0%} of rows that are left out of that regression too. Residuals below "
        f"{SMALL:.0%} of the target are not looked at, nor those that follow the time (D406).",
        fixes="A network, or a column for the term that is named.",
        reference="Hastie, Tibshirani and Friedman 2009, section 5.1; Tukey 1949",
    ),
    Entry(
        code="D303",
        title="imbalanced classes",
        meaning="A class is so rare that the model loses little by never predicting it.",
        detected=f"A class of fewer than {RARE:.0%} of the training rows and {UNEVEN:.0%} of the average class, of which the "
        f"model recognises fewer than {RECALL:.0%}. Not said of a model that has learned nothing (D210).",
        fixes="Example weights that let the rare rows count more; a metric that shows it (auc).",
        reference="He and Garcia 2009",
    ),
    Entry(
        code="D304",
        title="test rows fitted better than training rows",
        meaning="Rows that were not trained on cannot be fitted better than those that were, except by chance, or where the "
        "split is not representative.",
        detected=f"The test loss is below the training loss by more than {STANDARD_ERRORS:g} standard errors. Networks "
        "with dropout or batch normalisation are exempt.",
        fixes="A look at the split: order, groups, duplicates. Cross-validation shows how much a score depends on it.",
        reference="Kaufman, Rosset, Perlich and Stitelman 2012",
    ),
    Entry(
        code="D305",
        title="worse than a constant prediction",
        meaning="On rows that it was not trained on, the model predicts worse than the best constant: it must not be used.",
        detected=f"The mean loss on at least {MIN_TEST_ROWS} test rows is above that of the best constant prediction of the "
        f"training rows by more than {WORSE:g} of the baseline's loss. Always the first finding about a run that did not fail.",
        fixes="A larger penalty, fewer columns, more rows; or columns that say something about the target.",
        reference="Hastie, Tibshirani and Friedman 2009, chapter 7",
    ),
)
