"""outcome_code: which finding says why a run ended early, for tables that have a row for each run."""

import numpy as np

from descend.diagnosis import divergence, slow
from descend.diagnosis.evidence import Evidence
from descend.diagnosis.finding import Finding
from descend.outcome import Outcome


def code_of_outcome(evidence: Evidence) -> str | None:
    """Return the code of the finding that says why a run failed, or was not finished; None for any other ending."""
    if evidence.outcome.failed:
        return _first(*(check(evidence) for check in divergence.CHECKS))
    return _first(slow.out_of_budget(evidence)) if evidence.outcome == Outcome.BUDGET else None


def _first(*findings: Finding | None) -> str | None:
    with np.errstate(all="ignore"):  # the numbers of a failed run overflow
        return next((f.code for f in findings if f is not None), None)
