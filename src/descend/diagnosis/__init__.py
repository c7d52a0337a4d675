"""diagnosis: what is wrong with a run, one family of findings per file; every check reads the same evidence."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from descend.diagnosis import divergence, fitting, labels, numerics, penalty, rates, signal, slow, steps, tables, wiring
from descend.diagnosis.evidence import Evidence
from descend.diagnosis.finding import Entry, Finding, Level, Proof
from descend.diagnosis.order import FOLLOWS, ordered, usefulness
from descend.diagnosis.steps import Steps
from descend.diagnosis.wiring import Loop
from descend.errors import UsageError, nearest
from descend.options import Options, options_of_flags, read_options
from descend.outcome import Outcome

Check = Callable[[Evidence], Finding | None]
FAMILIES = (divergence, slow, rates, fitting, penalty, signal, tables, labels, numerics)
CHECKS = tuple(check for family in FAMILIES for check in family.CHECKS)
ENTRIES: dict[str, Entry] = {
    e.code: e for e in sorted((e for family in (*FAMILIES, wiring) for e in family.ENTRIES), key=lambda e: e.code)
}
TRAINING = tuple(
    check for family in (divergence, slow, rates) for check in family.CHECKS
)  # none looks for faults of data
FALLBACK = "D210"  # shown where no finding about training says why nothing was learned


def diagnose(evidence: Evidence, checks: Sequence[Check] | None = None) -> tuple[Finding, ...]:
    """Return the findings about a run, the most severe and useful first, each consequence under its cause.

    Args:
        checks: what is looked for: everything when None.
    """
    with np.errstate(all="ignore"):  # the numbers of a failed run overflow
        findings = [
            finding for check in (CHECKS if checks is None else checks) if (finding := check(evidence)) is not None
        ]
    if any(
        f.code in FOLLOWS["D103"] and f.level is Level.ERROR for f in findings
    ):  # D103 is a place; the fix is the cause's
        nonfinite = evidence.outcome == Outcome.NONFINITE
        findings = [replace(f, fix=()) if f.code == "D103" else f for f in findings if nonfinite or f.code != "D103"]
    if any(
        f.code[:2] in ("D1", "D2") and f.code not in (FALLBACK, "D211") and f.level is not Level.NOTE for f in findings
    ):
        findings = [f for f in findings if f.code != FALLBACK]
    if any(
        f.code == "D406" for f in findings
    ):  # what follows the time is explained by any smooth column, also by chance
        findings = [f for f in findings if f.code != "D302"]
    return ordered([untyped(f, evidence.options) for f in findings])


def untyped(finding: Finding, options: Options) -> Finding:
    """Return a finding without the fixes that were typed already, or contradict what was typed."""
    return replace(finding, fix=tuple(fix for fix in finding.fix if _changes(fix, options)))


def _changes(fix: str, options: Options) -> bool:
    """Whether a fix in words, or in flags of which one is not set as it says already."""
    flags = options_of_flags(fix)
    if not flags:
        return True
    try:
        fixed = read_options({name: getattr(options, name) for name in options.user_set} | flags)
    except UsageError:
        return False
    return any(getattr(fixed, name) != getattr(options, name) for name in flags)


def diagnose_loop(loop: Loop, recorded: Steps | None = None) -> tuple[Finding, ...]:
    """Return the findings about a training loop, the most severe first, causes before consequences."""
    findings = [finding for check in wiring.CHECKS if (finding := check(loop)) is not None]
    if recorded is not None:
        with np.errstate(all="ignore"):
            findings += [finding for check in steps.CHECKS if (finding := check(recorded)) is not None]
    return tuple(sorted(findings, key=lambda f: (f.level.rank, f.code[:2] != "D6", usefulness(f.code))))


def explain(code: str) -> Entry:
    """Return what a code means, how it is detected, and what helps; raises UsageError for an unknown one.

    >>> explain("D202").title
    'vanishing gradients'
    """
    if code.upper() in ENTRIES:
        return ENTRIES[code.upper()]
    close = nearest(code.upper(), ENTRIES) or ["D101"]
    raise UsageError(
        f"there is no finding {code!r}, there are {min(ENTRIES)} to {max(ENTRIES)}",
        fix=f"try {' or '.join(map(repr, close))}", code="unknown-finding",
    )  # fmt: skip


__all__ = [
    "CHECKS", "ENTRIES", "Entry", "Evidence", "Finding", "Level", "Loop", "Proof", "Steps", "diagnose", "diagnose_loop", "explain",
    "untyped",
]  # fmt: skip
