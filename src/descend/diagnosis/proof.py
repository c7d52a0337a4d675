"""proof: each proposed fix is tried in a short training, and what does not help is not proposed."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from descend.diagnosis.finding import Finding, Proof
from descend.errors import DescendError
from descend.options import Options, options_of_flags, read_options

SECONDS = 3.0  # of training that a fix gets
EPOCHS = 60  # that it gets at least
MOST = 4  # fixes of a finding that are tried
BETTER = 0.01  # of the value before
CLOSER = 0.5  # of a known gap to the optimum, that a fix must close where the loss itself hardly shows it
NOT_OF_LOSS = ("D303", "D304", "D402", "D403", "D404", "D406")  # whose cure makes a score honest, not lower
PROVED = ("error", "warning")
ALSO = ("D201", "D105")  # notes whose cures are tried too
HELD_OUT = ("D301", "D303", "D304", "D503")  # judged on held-out rows; all others on training rows


def proved(
    findings: tuple[Finding, ...], values: Options, before: Any, train: Callable[[Options], Any]
) -> tuple[Finding, ...]:
    """Return findings with the proof of their cures; notes keep theirs untried, but for a few."""
    return tuple(proven(f, values, before, train) if f.level in PROVED or f.code in ALSO else f for f in findings)


def proven(finding: Finding, values: Options, before: Any, train: Callable[[Options], Any]) -> Finding:
    """Return a finding whose fixes were tried: those that helped, the best first, then those that no flag does.

    Args:
        values: the options of the run.
        before: the run.
        train: trains on the same data with other options, and returns a Run; raises DescendError for bad options.
    """
    if finding.code in NOT_OF_LOSS:
        return finding
    part, metric = measure_of(finding, before)
    tried = [
        _tried(fix, change, values, before, train, part, metric)
        for fix in finding.fix[:MOST] if (change := options_of_flags(fix))
    ]  # fmt: skip
    helped = sorted((p for p in tried if p.helped), key=lambda p: p.after or 0.0)
    words = tuple(fix for fix in finding.fix if not options_of_flags(fix))
    return dataclasses.replace(finding, fix=(*(p.fix for p in helped), *words), proof=tuple(tried))


def measure_of(finding: Finding, before: Any) -> tuple[str, str]:
    """Return which part of the data, and which metric, a finding is judged by."""
    part = "test" if finding.code in HELD_OUT and "test" in before.metrics else "train"
    metric = "logloss" if before.model_is_classifier else "mae" if finding.code == "D405" else "rmse"
    return part, metric


def _tried(
    fix: str, change: dict[str, Any], values: Options, before: Any, train: Callable[[Options], Any],
    part: str, metric: str,
) -> Proof:  # fmt: skip
    start = _value(before, part, metric)
    try:
        run = train(brief(values, change, before.epochs))
    except DescendError:
        return Proof(fix, f"{part} {metric}", start, None, False)
    after, helped = outcome(before, run, part, metric)
    return Proof(fix, f"{part} {metric}", start, after, helped)


def _value(run: Any, part: str, metric: str) -> float | None:
    """A metric of a run; None of one that failed."""
    value: float | None = None if run.failed else run.metrics.get(part, {}).get(metric)
    return value


def outcome(before: Any, run: Any, part: str, metric: str) -> tuple[float | None, bool]:
    """Return what a training with a fix came to, and whether that is better than the run before, and than no model."""
    start, after = _value(before, part, metric), _value(run, part, metric)
    if after is None or not after < run.baseline_on(part, metric):
        return after, False
    return after, start is None or _better(before, run, start, after)


def _better(before: Any, run: Any, start: float, after: float) -> bool:
    """Whether a loss is clearly lower, or much nearer to the optimum where irreducible noise hides that."""
    if after < start - BETTER * abs(start):
        return True
    return after <= start and None not in (before.gap, run.gap) and bool(run.gap < CLOSER * before.gap)


def brief(options: Options, change: Mapping[str, Any], epochs: int) -> Options:
    """Return the options of a short training with a change; raises UsageError where it contradicts what was set."""
    given = {name: getattr(options, name) for name in options.user_set} | {"seeds": 1, "time_budget": SECONDS}
    given.pop("cv", None)
    if "restarts" not in change:
        given.pop("restarts", None)
    if options.max_epochs is not None:
        given["max_epochs"] = max(EPOCHS, min(options.max_epochs, epochs))
    return read_options(given | dict(change))
