"""diagnosis: what is wrong with a run, one family of findings per file; every check reads the same evidence."""

from dataclasses import replace

import numpy as np

from descend.diagnosis import divergence, fitting, numerics, slow, steps, tables, wiring
from descend.diagnosis.evidence import Evidence
from descend.diagnosis.finding import Entry, Finding, Level, Proof
from descend.diagnosis.steps import Steps
from descend.diagnosis.wiring import Loop
from descend.errors import UsageError, nearest
from descend.options import Options, options_of_flags, read_options
from descend.outcome import Outcome

CHECKS = tuple(check for family in (divergence, slow, numerics, fitting, tables) for check in family.CHECKS)
ENTRIES: dict[str, Entry] = {
    e.code: e for family in (divergence, slow, fitting, tables, numerics, wiring) for e in family.ENTRIES
}
FIRST = "D305"  # a model that is worse than a constant must not be used, whatever else is found
# Shown before findings that are consequences.
CAUSES = ("D407", "D408", "D208", "D102", "D101", "D105", "D207", "D202", "D206")
FALLBACK = "D210"  # shown where no finding about training says why nothing was learned


def diagnose(evidence: Evidence) -> tuple[Finding, ...]:
    """Return the findings about a run, the most severe first, causes before consequences."""
    with np.errstate(all="ignore"):  # the numbers of a failed run overflow
        findings = [finding for check in CHECKS if (finding := check(evidence)) is not None]
    if any(f.code in CAUSES and f.level is Level.ERROR for f in findings):  # D103 is a place; the fix is the cause's
        nonfinite = evidence.outcome == Outcome.NONFINITE
        findings = [replace(f, fix=()) if f.code == "D103" else f for f in findings if nonfinite or f.code != "D103"]
    if any(
        f.code[:2] in ("D1", "D2") and f.code not in (FALLBACK, "D211") and f.level is not Level.NOTE for f in findings
    ):
        findings = [f for f in findings if f.code != FALLBACK]
    findings = [replace(f, fix=tuple(fix for fix in f.fix if _changes(fix, evidence.options))) for f in findings]
    return tuple(sorted(findings, key=lambda f: (f.level.rank, f.code != FIRST, f.code not in CAUSES)))


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
    return tuple(sorted(findings, key=lambda f: (f.level.rank, f.code[:2] != "D6", f.code not in CAUSES)))


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
]  # fmt: skip
