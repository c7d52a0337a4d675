"""checks: one function a check, in one shape: facts in, a Check out."""

import shlex
from collections.abc import Callable

import numpy as np

from descend.checks.association import correlated
from descend.checks.facts import MOST_FEATURES, Facts
from descend.checks.records import Check, Status
from descend.diagnosis.copies import COPIED, copied_rows, copies_of, count_copies, repeat_by_nature
from descend.diagnosis.data_faults import (
    MIN_CLASS_ROWS,
    MIN_ROWS,
    NumberColumn,
    dropped_columns,
    extreme_value,
    leaking_column,
    leaking_parts,
    outlying_targets,
    rare_classes,
    sentinels_among,
)
from descend.diagnosis.drift import drift
from descend.diagnosis.formatting import percent
from descend.diagnosis.slow import ILL_CONDITIONED
from descend.optimum import Curvature, curvature, limit
from descend.problem.build import build_problem
from descend.table.moments import Gram
from descend.table.reading import Conventions
from descend.table.sentinels import sentinel_notes
from descend.table.table import Kind
from descend.table.target_loss import loss_with_constants, shown
from descend.text import counted

MOSTLY_MISSING = 0.5  # share of a column's cells: most of what the model sees of it is then its median (arbitrary)
CORRELATED = 0.95  # |r| of two features: each is then known from the other up to a tenth of its variance
ROWS_A_WEIGHT = 10.0  # training rows: with fewer, weights are mostly noise (Harrell 2015, section 4.4: 10 to 20)
MOST_NAMED = 5  # columns or pairs in a sentence; the evidence has more
NO_TARGET, REFUSED = "there is no target", "training would refuse this target, see the check training"


def made(facts: Facts) -> tuple[Check, ...]:
    """Return every check, in order."""
    return tuple(check(facts) for check in CHECKS)


def reading(facts: Facts) -> Check:
    """What the reader decided that a person should know; sentinels have a check of their own."""
    own = set(sentinel_notes(facts.table.columns, Conventions()))
    notes = [note for note in facts.table.notes if note not in own]
    if not notes:
        return _passed("reading", f"{counted(facts.table.rows, 'row')} read, and nothing had to be guessed")
    return Check(name="reading", status=Status.TIP, text="; ".join(notes[:MOST_NAMED]) + _more(len(notes), "note"),
                 evidence={"notes": notes}, fix=("say otherwise with --kind, --null, --decimal or --skip-rows",))  # fmt: skip


def missing(facts: Facts) -> Check:
    """Cells without a value, and columns that are mostly without."""
    cells = {c.name: c.missing for c in facts.table.columns if c.missing}
    rows, total = facts.table.rows, facts.table.rows * len(facts.table.columns)
    if not cells:
        return _passed("missing", f"none of {total:,} cells is missing")
    gone = sum(cells.values())
    evidence = {"cells": gone, "share": gone / total, "columns": cells}
    said = f"{gone:,} of {total:,} cells ({percent(gone / total)}) are missing, in {counted(len(cells), 'column')}"
    if gone == total:
        return Check(name="missing", status=Status.PROBLEM, text="every cell of the table is missing", evidence=evidence,
                     fix=("say what means missing with --null, or look at how the file was read",))  # fmt: skip
    mostly = sorted((name for name in cells if cells[name] > MOSTLY_MISSING * rows), key=lambda name: -cells[name])
    if not mostly:
        return Check(name="missing", status=Status.PASSED, evidence=evidence,
                     text=f"{said}; training fills them with the median, and flags them")  # fmt: skip
    listed = ", ".join(f"{shown(name)} ({percent(cells[name] / rows)})" for name in mostly[:MOST_NAMED])
    return Check(
        name="missing", status=Status.TIP, evidence=evidence, text=f"{said}; mostly missing: {listed}{_more(len(mostly), 'column')}",
        fix=(_drop(mostly),),
    )  # fmt: skip


def categories(facts: Facts) -> Check:
    """Categories of so many levels that the rare ones share a feature."""
    used = [f for f in facts.schema.features if f.kind == Kind.CATEGORY]
    if not used:
        return _not_applicable("categories", "no column of text is used")
    rare = [f for f in used if f.rare]
    if not rare:
        levels = sum(len(f.levels) for f in used)
        return _passed("categories", f"{counted(levels, 'level')} in {counted(len(used), 'column')}, a feature each")
    listed = ", ".join(f"{shown(f.column)} ({f.rare:,})" for f in rare[:MOST_NAMED])
    return Check(
        name="categories", status=Status.TIP, evidence={"rare": {f.column: f.rare for f in rare}},
        text=f"rare levels that share one feature: {listed}{_more(len(rare), 'column')}",
        fix=("group the levels into fewer", "--max-levels 200"),
    )  # fmt: skip


def unused(facts: Facts) -> Check:
    """D404: columns that nothing can be learned from."""
    return Check.of("unused", dropped_columns(facts.schema.dropped), "no column is constant, empty or an identifier")


def sentinels(facts: Facts) -> Check:
    """D408: numbers that may mean missing."""
    if not any(c.kind == Kind.NUMBER for c in facts.used):
        return _not_applicable("sentinels", "no column of numbers is used")
    otherwise = "no number that is repeated at an end of its column is far from all others"
    return Check.of("sentinels", sentinels_among(facts.used), otherwise)


def extremes(facts: Facts) -> Check:
    """D407: single cells beside which their column is as good as constant."""
    numbers = [c for c in facts.used if c.kind == Kind.NUMBER]
    if not numbers:
        return _not_applicable("extremes", "no column of numbers is used")
    if facts.table.rows < MIN_ROWS:
        return _skipped("extremes", f"fewer than {MIN_ROWS} rows")
    rows = np.arange(facts.table.rows) + 1
    columns = [NumberColumn(c.name, c.values, rows, c.name == facts.target) for c in numbers]
    tested = np.empty(0) if facts.prepared is None else facts.prepared.rows[1] + 1
    return Check.of(
        "extremes", extreme_value(columns, tested), f"no cell of {counted(len(columns), 'column')} hides all others"
    )


def outliers(facts: Facts) -> Check:
    """D405: targets so far from the others that they decide a squared loss."""
    prepared = facts.prepared
    if prepared is None:
        return _untargeted("outliers", facts)
    if prepared.loss.name != "squared":
        return _not_applicable("outliers", f"the loss is {prepared.loss.name}, not squared")
    train, test, (rows, test_rows) = prepared.train, prepared.test, prepared.rows
    if train.rows < MIN_ROWS:
        return _skipped("outliers", f"fewer than {MIN_ROWS} training rows")
    y = train.y if test is None or not len(test_rows) else np.concatenate([train.y, test.y])
    found = outlying_targets(y, np.concatenate([rows, test_rows]) + 1, train.rows)
    return Check.of("outliers", found, "no few rows decide the squares of the target")


def copies(facts: Facts) -> Check:
    """D403: rows that are there more than once."""
    if not facts.train.features:
        return _not_applicable("copies", "no column is used")
    test = None if facts.prepared is None else facts.prepared.test
    count = count_copies(facts.train, test)
    repeated = count.rows - count.distinct
    otherwise = f"{repeated:,} of {count.rows:,} rows repeat another, in all that a model sees"
    if test is not None:
        otherwise += f"; {count.copied:,} of {count.test:,} test rows are also training rows"
    found = copied_rows(facts.train, count) if facts.prepared is None else copies_of(facts.prepared, count)
    check = Check.of("copies", found, otherwise)
    if (
        check.status is Status.PASSED
        and test is None
        and repeated > COPIED * count.rows
        and not repeat_by_nature(facts.train, count.distinct, count.pairs)
    ):
        return Check(name="copies", status=Status.TIP, text=otherwise, evidence=vars(count), code="D403",
                     fix=("leave out repeated rows before training",))  # fmt: skip
    return check


def leak(facts: Facts) -> Check:
    """D402: a column that is the target in other words."""
    prepared = facts.prepared
    if prepared is None:
        return _untargeted("leak", facts)
    train, classes = prepared.train, len(prepared.target.classes)
    if train.rows < MIN_ROWS:
        return _skipped("leak", f"fewer than {MIN_ROWS} training rows")
    columns = tuple(f.column for f in facts.schema.features for _ in f.names)
    dates = frozenset(c.name for c in facts.used if c.kind == Kind.DATE)
    found = leaking_column(train, classes, columns, dates)
    if found is None and not classes:
        numbers = {c.name: c.values[prepared.rows[0]] for c in facts.used if c.kind == Kind.NUMBER}
        target = numbers.pop(prepared.target.name, None)
        found = None if target is None else leaking_parts(numbers, target)
    return Check.of("leak", found, "no single column determines the target")


def imbalance(facts: Facts) -> Check:
    """Classes that a model may do without."""
    if facts.prepared is None:
        return _untargeted("imbalance", facts)
    found = facts.prepared.target
    if not found.classes:
        return _not_applicable("imbalance", "the target is a number")
    counts = np.bincount(found.y.astype(np.int64), minlength=len(found.classes))
    rows, rarest = len(found.y), int(np.argmin(counts))
    said = f"{shown(found.classes[rarest])} is {percent(counts[rarest] / rows)} of the rows ({counts[rarest]:,})"
    evidence = {"counts": {name: int(n) for name, n in zip(found.classes, counts, strict=True)}}
    if not rare_classes(counts) and counts[rarest] >= MIN_CLASS_ROWS:
        return Check(name="imbalance", status=Status.PASSED, text=f"the rarest class, {said}", evidence=evidence)
    return Check(
        name="imbalance", status=Status.TIP, text=f"rare classes: {said}; accuracy hardly shows how they are predicted",
        evidence=evidence, fix=("a --weight column in which rare rows count more", "look at auc, not accuracy"), code="D303",
    )  # fmt: skip


def correlations(facts: Facts) -> Check:
    """Features that say the same."""
    if facts.gram is None:
        return _unmeasured("correlations", facts)
    if len(facts.schema.features) < 2:
        return _not_applicable("correlations", "a single column is used")
    pairs = [p for p in correlated(facts, facts.gram) if abs(p.r) > CORRELATED]
    if not pairs:
        return _passed("correlations", f"no two columns have a correlation beyond {CORRELATED:g}")
    listed = ", ".join(f"{shown(p.first)} and {shown(p.second)} ({p.measure} = {p.r:.3f})" for p in pairs[:MOST_NAMED])
    return Check(
        name="correlations", status=Status.TIP, evidence={"pairs": [vars(p) for p in pairs]},
        text=f"columns that say nearly the same, so that their weights are hard to tell apart: {listed}{_more(len(pairs), 'pair')}",
        fix=(_drop([pairs[0].column]), "--l2 0.01"),
    )  # fmt: skip


def time(facts: Facts) -> Check:
    """Whether the target follows a column of dates, so that rows held out at random are no test of the future."""
    prepared, options = facts.prepared, facts.options
    dates = [c for c in facts.table.columns if c.kind == Kind.DATE and c.name != facts.target]
    if not dates:
        return _not_applicable("time", "there is no column of dates")
    if prepared is None:
        return _untargeted("time", facts)
    if options.time is not None:
        return _passed("time", f"the last rows in the order of {shown(options.time)} are the test rows")
    y = prepared.train.y
    targets = y[:, None] if prepared.outputs == 1 else np.eye(prepared.outputs)[y.astype(np.int64)]
    for column in dates:
        found = drift(column.values[prepared.rows[0]], targets)
        if found is not None:
            return Check(
                name="time", status=Status.TIP, evidence={"column": column.name, "correlation": found.correlation, "share": found.share},
                code="D406", text=f"in the order of {column.name!r}, {found.text.replace('residuals', 'targets')}, so rows held out at "
                "random may be easier to predict than the future", fix=(f"--time-column {shlex.quote(column.name)}",),
            )  # fmt: skip
    return _passed(
        "time", f"the target does not follow the order of {', '.join(shown(c.name) for c in dates[:MOST_NAMED])}"
    )


def size(facts: Facts) -> Check:
    """Rows for each weight of a linear model."""
    if facts.prepared is None:
        return _untargeted("size", facts)
    rows, weights = facts.train.rows, _weights(facts)
    said = f"{counted(rows, 'training row')} for {counted(weights, 'weight')} of a linear model"
    evidence = {"rows": rows, "weights": weights}
    if rows >= ROWS_A_WEIGHT * weights:
        return Check(name="size", status=Status.PASSED, text=said, evidence=evidence)
    few = "fewer rows than weights" if rows < weights else f"fewer than {ROWS_A_WEIGHT:g} a weight"
    return Check(name="size", status=Status.TIP, text=f"{said}, {few}: it can fit noise", evidence=evidence,
                 fix=("--l2 0.01", "leave out columns with --drop", "bring more rows"))  # fmt: skip


def _weights(facts: Facts) -> int:
    return (facts.train.features + 1) * (1 if facts.prepared is None else facts.prepared.outputs)


def conditioning(facts: Facts) -> Check:
    """How much longer the slowest direction takes than the fastest, with the columns as they are and after scaling."""
    if facts.gram is None:
        return _unmeasured("conditioning", facts)
    scale, gram = facts.scale, facts.gram
    own, none = np.zeros(len(gram.target)), np.ones(len(gram.target))
    with np.errstate(over="ignore", invalid="ignore"):  # the file's units may be any
        raw = _curvature(facts, gram.rescaled(-scale.center / scale.width, 1 / scale.width, own, none))
    scaled = _curvature(facts, gram)
    before, after = raw.condition, scaled.condition
    evidence = {"before": before, "after": after, "largest": scaled.largest, "limit": limit("sgd", {}, scaled.largest)}
    known = f"{before:.2g}" if np.isfinite(before) else "beyond float64"
    said = f"condition number {known} as in the file, {after:.2g} as training scales"
    if not scaled.largest > 0 or not np.isfinite(after):
        return _skipped("conditioning", "the curvature has no finite condition number")
    steps = f"plain gradient descent needs about {counted(round(after), 'step')} for a digit, momentum about {np.sqrt(after):,.0f}"
    if after <= ILL_CONDITIONED:
        return Check(name="conditioning", status=Status.PASSED, text=f"{said}; {steps}", evidence=evidence)
    return Check(
        name="conditioning", status=Status.TIP, text=f"{said}; {steps}", evidence=evidence, code="D203",
        fix=("--optimizer nesterov --momentum 0.99 --lr auto", "--l2 0.01", "leave out one of two correlated columns"),
    )  # fmt: skip


def _curvature(facts: Facts, gram: Gram) -> Curvature:
    """The curvature of a linear model on rows of these moments; no row is read."""
    form, constants = loss_with_constants("squared")
    outputs, options = 1, facts.options.replace(hidden_layer_sizes=())
    if facts.prepared is not None:
        form, constants, outputs = facts.prepared.loss, facts.prepared.constants, facts.prepared.outputs
    return curvature(build_problem(facts.train.with_gram(gram), form, constants, outputs, options))


def training(facts: Facts) -> Check:
    """What training would do, or why it would refuse."""
    if facts.target is None:
        return _not_applicable("training", "there is no target; name one with --target")
    if facts.refusal is not None:
        return Check(name="training", status=Status.PROBLEM, text=f"training would refuse: {facts.refusal.what}",
                     evidence={"error": facts.refusal.code}, fix=(facts.refusal.fix,))  # fmt: skip
    assert facts.prepared is not None
    train, test, found = facts.train, facts.prepared.test, facts.prepared.target
    what = f"{len(found.classes)} classes" if found.classes else "numbers"
    tested = f"{counted(test.rows, 'test row')} score it" if test is not None else "no rows score it"
    text = (
        f"{shown(found.name)} is learned as {what} with the {facts.prepared.loss.name} loss, by a linear model of "
        f"{counted(train.features, 'feature')} ({counted(_weights(facts), 'weight')}), from {counted(train.rows, 'training row')}; {tested}"
    )
    evidence = {"task": found.task, "loss": facts.prepared.loss.name, "features": train.features, "weights": _weights(facts),
                "train": train.rows, "test": 0 if test is None else test.rows}  # fmt: skip
    return Check(name="training", status=Status.PASSED, text=text, evidence=evidence)


def _passed(name: str, text: str) -> Check:
    return Check(name=name, status=Status.PASSED, text=text)


def _not_applicable(name: str, why: str) -> Check:
    return Check(name=name, status=Status.NOT_APPLICABLE, text=why)


def _skipped(name: str, why: str) -> Check:
    return Check(name=name, status=Status.SKIPPED, text=why)


def _untargeted(name: str, facts: Facts) -> Check:
    """A check of the target where there is none, or none that can be learned."""
    return _not_applicable(name, NO_TARGET) if facts.target is None else _skipped(name, REFUSED)


def _unmeasured(name: str, facts: Facts) -> Check:
    """A check of the second moments where there are none."""
    if not facts.train.features:
        return _not_applicable(name, "no column is used")
    if facts.train.features > MOST_FEATURES:
        return _skipped(
            name, f"{facts.train.features:,} features; up to {MOST_FEATURES:,} are compared with each other"
        )
    return _skipped(name, "the squares of some column leave the range of float64")


def _drop(names: list[str]) -> str:
    return " ".join(f"--drop {shlex.quote(name)}" for name in names[:MOST_NAMED])


def _more(count: int, noun: str) -> str:
    return f", and {counted(count - MOST_NAMED, f'more {noun}')}" if count > MOST_NAMED else ""


CHECKS: tuple[Callable[[Facts], Check], ...] = (
    reading, missing, categories, unused, sentinels, extremes, copies, correlations, outliers, imbalance, leak, time, size,
    conditioning, training,
)  # fmt: skip
