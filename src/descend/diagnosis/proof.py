"""proof: each proposed fix is tried in a short training, and what does not help is not proposed."""

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from descend.diagnosis.finding import Finding, Level, Proof
from descend.errors import DescendError
from descend.metrics import HIGHER_IS_BETTER
from descend.options import Options, options_of_flags, read_options

SECONDS = 3.0  # of training that a fix gets (arbitrary: a few fixes within a person's patience)
MIN_EPOCHS = 60  # that a fix gets at least (arbitrary)
MAX_FIXES = 4  # of a finding that are tried (arbitrary)
BETTER = 0.01  # relative decrease of the metric that counts as an improvement (arbitrary)
CLOSER = (
    0.5  # relative decrease of the gap that counts where irreducible noise hides a decrease of the metric (arbitrary)
)
NOT_OF_LOSS = (
    "D211",
    "D303",
    "D304",
    "D402",
    "D403",
    "D404",
    "D406",
    "D407",
    "D408",
)  # whose fix makes a score honest, not lower
PROVED = (Level.ERROR, Level.WARNING)
ALSO = ("D201", "D105")  # notes whose fixes are tried too
TEST_ROWS = ("D301", "D303", "D304", "D305", "D503")  # judged on test rows; all others on training rows


class RunSummary(Protocol):
    """What a proof reads of the run before."""

    @property
    def failed(self) -> bool:
        """Whether no usable model came out."""

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """{part: {metric: value}}, in the units of the file."""

    @property
    def model_is_classifier(self) -> bool:
        """Whether the target has classes."""

    @property
    def epochs(self) -> int:
        """Epochs of the run that is kept."""

    @property
    def gap(self) -> float | None:
        """The excess training loss over the optimum, see `Landscape.gap`."""


class TrainedRun(RunSummary, Protocol):
    """What a proof reads of a training with a fix."""

    def baseline_on(self, part: str, metric: str) -> float:
        """Return a metric of the best constant prediction on a part."""


Retrain = Callable[[Options], TrainedRun]


def prove_all(
    findings: tuple[Finding, ...], options: Options, before: RunSummary, retrain: Retrain
) -> tuple[Finding, ...]:
    """Return findings whose fixes were tried; those of most notes are not tried."""
    return tuple(prove(f, options, before, retrain) if f.level in PROVED or f.code in ALSO else f for f in findings)


def prove_within(
    findings: tuple[Finding, ...], options: Options, before: RunSummary, retrain: Retrain, deadline: float
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Return findings whose fixes were tried until a time of `time.monotonic`, and the codes of those that were left out for lack of it.

    What has its proof already is not tried again, and neither is what follows from another finding: its cure is the cause's.
    A training gets half of the time that is left at most.
    """

    def short(changed: Options) -> TrainedRun:
        left = max(deadline - time.monotonic(), 0.1)
        return retrain(changed.replace(time_budget=min(changed.time_budget or left, left / 2)))

    proved: list[Finding] = []
    left_out: list[str] = []
    for finding in findings:
        if finding.proof or finding.cause or not _can_be_tried(finding):
            proved.append(finding)
        elif time.monotonic() >= deadline:
            proved.append(finding)
            left_out.append(finding.code)
        else:
            proved.append(prove(finding, options, before, short))
    return tuple(proved), tuple(left_out)


def _can_be_tried(finding: Finding) -> bool:
    return (
        (finding.level in PROVED or finding.code in ALSO)
        and finding.code not in NOT_OF_LOSS
        and any(options_of_flags(fix) for fix in finding.fix)
    )


def best_cure(findings: tuple[Finding, ...]) -> str:
    """Return the flags of the first cure that was tried and helps, of the first finding that has one; empty where none has.

    >>> helped, not_helped = Proof("--lr auto", "train rmse", 2.0, 1.0, True), Proof("--l2 1", "train rmse", 2.0, 2.0, False)
    >>> best_cure((Finding(code="D101", level=Level.ERROR, text="", proof=(not_helped, helped)),))
    '--lr auto'
    """
    for finding in findings:
        helped = {p.fix for p in finding.proof if p.helped}
        for fix in (*finding.fix, *(p.fix for p in finding.proof)):
            if fix in helped:
                return fix
    return ""


def prove(finding: Finding, options: Options, before: RunSummary, retrain: Retrain) -> Finding:
    """Return a finding with the fixes that helped, the best first, then those that were not tried: in words, or more time.

    Args:
        options: of the run.
        before: the run.
        retrain: trains on the same data with other options; raises DescendError for bad options.
    """
    if finding.code in NOT_OF_LOSS:
        return finding
    part, metric = metric_of(finding, before)
    start = _value(before, part, metric)

    def attempt(fix: str, change: dict[str, Any]) -> Proof:
        try:
            run = retrain(brief(options, change, before.epochs))
        except DescendError:
            return Proof(fix, f"{part} {metric}", start, None, False)
        return Proof(fix, f"{part} {metric}", start, *outcome(before, run, part, metric))

    changes = {fix: options_of_flags(fix) for fix in finding.fix}
    brief_ones = {fix: change for fix, change in changes.items() if change and "time_budget" not in change}
    proof = tuple(attempt(fix, change) for fix, change in list(brief_ones.items())[:MAX_FIXES])
    helped = sorted((p for p in proof if p.helped), key=lambda p: _sign(metric) * (p.after or 0.0))
    others = tuple(fix for fix in finding.fix if fix not in brief_ones)
    return dataclasses.replace(finding, fix=(*(p.fix for p in helped), *others), proof=proof)


def metric_of(finding: Finding, before: RunSummary) -> tuple[str, str]:
    """Return the part of the data and the metric by which a fix is judged."""
    part = "test" if finding.code in TEST_ROWS and "test" in before.metrics else "train"
    if before.model_is_classifier:  # a loss without probabilities, such as hinge, has no log loss
        return part, "logloss" if "logloss" in before.metrics.get("baseline", {}) else "accuracy"
    return part, "mae" if finding.code == "D405" else "rmse"


def _sign(metric: str) -> float:
    """The factor that makes lower better."""
    return -1.0 if metric in HIGHER_IS_BETTER else 1.0


def _value(run: RunSummary, part: str, metric: str) -> float | None:
    """A metric of a run; None where it failed."""
    return None if run.failed else run.metrics.get(part, {}).get(metric)


def outcome(before: RunSummary, run: TrainedRun, part: str, metric: str) -> tuple[float | None, bool]:
    """Return the metric of a training with a fix, and whether it beats the run before and the constant prediction."""
    start, after, sign = _value(before, part, metric), _value(run, part, metric), _sign(metric)
    if after is None or not sign * after < sign * run.baseline_on(part, metric):
        return after, False
    return after, start is None or _better(before, run, sign * start, sign * after)


def _better(before: RunSummary, run: RunSummary, start: float, after: float) -> bool:
    """Whether a metric, lower being better, is clearly lower, or the optimum much closer where irreducible noise hides that."""
    if after < start - BETTER * abs(start):
        return True
    return after <= start and before.gap is not None and run.gap is not None and run.gap < CLOSER * before.gap


def brief(options: Options, change: Mapping[str, Any], epochs: int) -> Options:
    """Return the options of a short training with a change, no longer than the run before; `epochs` are that run's.

    Raises UsageError where the change contradicts what the user set.
    """
    values = {name: getattr(options, name) for name in options.user_set} | {
        "seeds": 1,
        "time_budget": min(options.time_budget or SECONDS, SECONDS),
    }
    values.pop("cv", None)
    if "restarts" not in change:
        values.pop("restarts", None)
    if options.max_epochs is not None:
        values["max_epochs"] = max(MIN_EPOCHS, min(options.max_epochs, epochs))
    return read_options(values | dict(change))
