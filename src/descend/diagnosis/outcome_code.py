"""outcome_code: which finding says why a run ended early, for tables that have a row for each run."""

import numpy as np

from descend.diagnosis import divergence, slow
from descend.diagnosis.evidence import Evidence
from descend.outcome import Outcome


def code_of_outcome(evidence: Evidence) -> str | None:
    """Return the code of the finding that says why a run failed, or was not finished; None for any other ending."""
    checks = divergence.CHECKS if evidence.outcome.failed else (slow.out_of_budget,)
    if not evidence.outcome.failed and evidence.outcome != Outcome.BUDGET:
        return None
    with np.errstate(all="ignore"):  # the numbers of a failed run overflow
        return next((finding.code for check in checks if (finding := check(evidence)) is not None), None)
