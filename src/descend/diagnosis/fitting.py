"""D3: what was learned fits too closely, too little, or suspiciously well."""

import numpy as np

from descend.diagnosis.evidence import Evidence
from descend.diagnosis.finding import Entry, Finding
from descend.outcome import Outcome
from descend.sparse import is_sparse

OVERFIT = 0.5  # of what training gained that held-out rows do not see
GAINED = 0.3  # of the baseline's loss: less is no fit that could be too close
CURVED = 0.1  # of the residuals' variance that curves of the columns explain
MOST_COLUMNS = 30  # whose squares and products are tried
RARE = 0.1  # share of a class
UNEVEN = 0.5  # of the rows that a class has on average
SEEN = 0.5  # of a rare class that is told
ERRORS = 3.0  # standard errors


def overfit(e: Evidence) -> Finding | None:
    """D301."""
    theirs = None if e.outcome.failed else e.held_out_losses
    if theirs is None or len(theirs) < 10:
        return None
    own = e.own_losses
    baseline = e.landscape.baseline
    gained, kept = baseline - own.mean(), baseline - theirs.mean()
    error = theirs.std(ddof=1) / np.sqrt(len(theirs))
    if not (gained > GAINED * baseline and kept < (1 - OVERFIT) * gained - error):
        return None
    text = (
        f"overfit: training rows have loss {own.mean():.3g}, held-out rows {theirs.mean():.3g}; of what training gained on "
        f"the baseline {max(kept / gained, 0):.0%} is left on rows it has not seen"
    )
    evidence = {
        "train": float(own.mean()),
        "held_out": float(theirs.mean()),
        "baseline": baseline,
        "error": float(error),
    }
    fixes = ["--l2 0.1", "--l2 0.01", "--l2 1"] if e.problem.l2 < 1 else []
    if e.problem.network is not None:
        fixes += [f"--hidden {max(2, e.problem.network.sizes[1] // 4)} --lr auto", "--dropout 0.3 --lr auto"]
    return Finding("D301", "warning", text, evidence, (*fixes, "fewer columns, or more rows"))


def underfit(e: Evidence) -> Finding | None:
    """D302."""
    found = _curves(e)
    if found is None or not found[0] > CURVED:
        return None
    share, name = found
    text = (
        f"underfit at the optimum: no better linear model exists, but {share:.0%} of what it leaves follows curves of the "
        f"columns, most of all {name}; a richer model can"
    )
    fixes = ("--hidden 32", f"a column for {name}")
    return Finding("D302", "warning" if share > 3 * CURVED else "note", text, {"share": share, "term": name}, fixes)


def _curves(e: Evidence) -> tuple[float, str] | None:
    """The part of the residuals' variance that squares and products of columns explain, and the strongest of these.

    The share is corrected for the number of terms (adjusted R squared), since any term explains a little by chance.
    """
    if (
        e.problem.network is not None or e.problem.loss.name != "squared" or e.problem.outputs > 1
        or is_sparse(e.problem.data.X) or e.outcome != Outcome.CONVERGED
    ):  # fmt: skip
        return None
    X, rows = e.problem.data.X[:5000], min(e.problem.data.rows, 5000)
    left = e.problem.data.y[:5000] - e.predictions[:5000]
    many = [j for j in range(X.shape[1]) if len(np.unique(X[:, j])) > 2][:MOST_COLUMNS]
    pairs = [(i, j) for i in many for j in many if i <= j]
    if len(pairs) > rows // 5:
        pairs = [(j, j) for j in many]
    if not pairs or len(pairs) > rows // 5 or not left.std() > 0:
        return None
    terms = np.column_stack([X[:, i] * X[:, j] for i, j in pairs])
    terms = terms - terms.mean(axis=0)
    design = np.column_stack([np.ones(rows), X, terms])
    fitted = design @ np.linalg.lstsq(design, left, rcond=None)[0]
    total, rest = float(np.square(left - left.mean()).sum()), float(np.square(left - fitted).sum())
    share = 1 - (rest / max(rows - design.shape[1], 1)) / (total / (rows - 1)) if total > 0 else 0.0
    size = np.maximum(terms.std(axis=0), 1e-300)
    i, j = pairs[int(np.argmax(np.abs(terms.T @ left) / size))]
    return share, f"{e.names[i]}²" if i == j else f"{e.names[i]} × {e.names[j]}"


def imbalance(e: Evidence) -> Finding | None:
    """D303."""
    if (
        e.problem.loss.name not in ("logistic", "softmax")
        or e.outcome.failed
        or e.problem.data.sample_weight is not None
    ):
        return None
    y = e.problem.data.y.astype(np.int64)
    z = e.predictions
    told = (z > 0).astype(np.int64) if e.problem.loss.name == "logistic" else z.argmax(axis=1)
    counts = np.bincount(y, minlength=2)
    usual = len(y) / max(int(np.count_nonzero(counts)), 1)
    rare = [k for k in np.flatnonzero(counts) if 5 <= counts[k] < min(RARE * len(y), UNEVEN * usual)]
    missed = [(float((told[y == k] == k).mean()), int(k)) for k in rare]
    if not missed or not min(missed)[0] < SEEN:
        return None
    recall, k = min(missed)
    name = e.prepared.target.classes[k] if e.prepared is not None and e.prepared.target.classes else str(k)
    text = (
        f"imbalanced classes: {name!r} is {counts[k] / len(y):.1%} of the training rows, and of its rows {recall:.0%} are "
        f"told rightly; accuracy hides it"
    )
    evidence = {"class": name, "share": float(counts[k] / len(y)), "recall": recall}
    return Finding(
        "D303",
        "warning",
        text,
        evidence,
        ("a --weight column that lets rare rows count more", "look at auc, not accuracy"),
    )


def too_good(e: Evidence) -> Finding | None:
    """D304."""
    noisy = e.problem.network is not None and (e.problem.network.dropout > 0 or e.problem.network.batch_norm)
    theirs = None if e.outcome.failed or noisy else e.held_out_losses
    if theirs is None or len(theirs) < 20:
        return None
    own = e.own_losses
    error = float(np.hypot(own.std(ddof=1) / np.sqrt(len(own)), theirs.std(ddof=1) / np.sqrt(len(theirs))))
    if not own.mean() - theirs.mean() > ERRORS * error > 0:
        return None
    text = (
        f"held-out rows are fitted better than training rows: loss {theirs.mean():.3g} against {own.mean():.3g}, "
        f"{(own.mean() - theirs.mean()) / error:.1f} standard errors; the split is not like the data"
    )
    evidence = {"train": float(own.mean()), "held_out": float(theirs.mean()), "error": error}
    return Finding("D304", "warning", text, evidence, ("look at how the rows were split", "compare with --cv 5"))


CHECKS = (overfit, underfit, imbalance, too_good)

ENTRIES = (
    Entry(
        "D301", "overfit",
        "The model has learned the training rows, chance included, and does worse on others.",
        f"Training rows lost more than {GAINED:.0%} of the baseline's loss, and held-out rows see less than "
        f"{1 - OVERFIT:.0%} of that gain, beyond the standard error of their loss.",
        "A larger penalty; fewer columns; a smaller network or dropout; more rows.",
        "Hastie, Tibshirani and Friedman 2009, chapter 7",
    ),
    Entry(
        "D302", "underfit at the optimum",
        "Training is done and cannot do better: the model is too simple for what the columns hold.",
        f"The run converged, and squares and products of columns explain more than {CURVED:.0%} of the residuals' variance, "
        "corrected for their number.",
        "A network, or a column for the curve that is named.",
        "Hastie, Tibshirani and Friedman 2009, section 5.1; Tukey 1949",
    ),
    Entry(
        "D303", "imbalanced classes",
        "A class so rare that missing it hardly costs is missed.",
        f"A class of fewer than {RARE:.0%} of the training rows and {UNEVEN:.0%} of the average class, of which "
        f"fewer than {SEEN:.0%} are told rightly.",
        "Example weights that let the rare rows count more; a metric that does not hide it (auc).",
        "He and Garcia 2009",
    ),
    Entry(
        "D304", "held-out better than training",
        "Rows that were not trained on cannot be fitted better than those that were, but by chance, or by a split that is "
        "not like the data.",
        f"The held-out loss is below the training loss by more than {ERRORS:g} standard errors. Networks with dropout or "
        "batch normalisation are exempt.",
        "Look at the split: order, groups, duplicates. Cross-validation shows how much a score depends on it.",
        "Kaufman, Rosset, Perlich and Stitelman 2012",
    ),
)  # fmt: skip
