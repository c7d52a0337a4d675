"""diagnosis: what is wrong with a run, one family of findings per file; every check reads the same evidence."""

from dataclasses import replace

import numpy as np

from descend.diagnosis import divergence, fitting, numerics, slow, tables, wiring
from descend.diagnosis.evidence import Evidence
from descend.diagnosis.finding import Entry, Finding, Level, Proof
from descend.diagnosis.wiring import Loop
from descend.errors import UsageError, nearest
from descend.outcome import Outcome

CHECKS = tuple(check for family in (divergence, slow, numerics, fitting, tables) for check in family.CHECKS)
ENTRIES: dict[str, Entry] = {
    e.code: e for family in (divergence, slow, fitting, tables, numerics, wiring) for e in family.ENTRIES
}
CAUSES = ("D208", "D102", "D101", "D105", "D207", "D202", "D206")  # shown before findings that are consequences


def diagnose(evidence: Evidence) -> tuple[Finding, ...]:
    """Return the findings about a run, the most severe first, causes before consequences."""
    with np.errstate(all="ignore"):  # the numbers of a failed run overflow
        findings = [finding for check in CHECKS if (finding := check(evidence)) is not None]
    if any(f.code in CAUSES and f.level is Level.ERROR for f in findings):  # D103 is a place; the fix is the cause's
        nonfinite = evidence.outcome == Outcome.NONFINITE
        findings = [replace(f, fix=()) if f.code == "D103" else f for f in findings if nonfinite or f.code != "D103"]
    return tuple(sorted(findings, key=lambda f: (f.level.rank, f.code not in CAUSES)))


def diagnose_loop(loop: Loop) -> tuple[Finding, ...]:
    """Return the findings about a training loop, the most severe first."""
    findings = [finding for check in wiring.CHECKS if (finding := check(loop)) is not None]
    return tuple(sorted(findings, key=lambda f: f.level.rank))


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
    "CHECKS", "ENTRIES", "Entry", "Evidence", "Finding", "Level", "Loop", "Proof", "diagnose", "diagnose_loop", "explain",
]  # fmt: skip
