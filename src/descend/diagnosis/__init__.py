"""diagnosis: what is wrong with a run, family by family; every check looks at the same evidence."""

from dataclasses import replace

import numpy as np

from descend.diagnosis import divergence, fitting, numerics, slow, tables, wiring
from descend.diagnosis.evidence import Evidence
from descend.diagnosis.finding import LEVELS, Entry, Finding, Proof
from descend.diagnosis.wiring import Loop
from descend.errors import UsageError, nearest
from descend.outcome import Outcome

CHECKS = tuple(check for family in (divergence, slow, numerics, fitting, tables) for check in family.CHECKS)
ENTRIES: dict[str, Entry] = {
    e.code: e for family in (divergence, slow, fitting, tables, numerics, wiring) for e in family.ENTRIES
}
CAUSES = ("D208", "D102", "D101", "D105", "D207", "D202", "D206")  # named before what follows from them


def diagnose(evidence: Evidence) -> tuple[Finding, ...]:
    """Return the findings about a run, the gravest first, causes before what follows from them."""
    with np.errstate(all="ignore"):  # the numbers of a failed run are not fit for arithmetic
        found = [finding for check in CHECKS if (finding := check(evidence)) is not None]
    if any(f.code in CAUSES and f.level == "error" for f in found):  # D103 is where it shows; its cure is the cause's
        nonfinite = evidence.outcome == Outcome.NONFINITE
        found = [replace(f, fix=()) if f.code == "D103" else f for f in found if nonfinite or f.code != "D103"]
    return tuple(sorted(found, key=lambda f: (LEVELS.index(f.level), f.code not in CAUSES)))


def diagnose_loop(loop: Loop) -> tuple[Finding, ...]:
    """Return the findings about a training loop, the gravest first."""
    found = [finding for check in wiring.CHECKS if (finding := check(loop)) is not None]
    return tuple(sorted(found, key=lambda f: LEVELS.index(f.level)))


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


__all__ = ["CHECKS", "ENTRIES", "Entry", "Evidence", "Finding", "Loop", "Proof", "diagnose", "diagnose_loop", "explain"]
