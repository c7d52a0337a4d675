"""reference: another model beside the one that was trained, on the same test rows."""

from dataclasses import dataclass
from enum import StrEnum

from descend.evaluation.paired import PairedVerdict


class ReferenceModel(StrEnum):
    """What a model is compared with."""

    CONSTANT = "constant prediction"
    LINEAR = "exact linear model"
    TREES = "gradient boosted trees"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A model that says how good another one is.

    Args:
        model: which.
        value: of the metric that tables show, on the test rows.
        low, high: its 95 % interval; NaN where it is not known.
        verdict: how the trained model compares with it, row by row.
        seconds: to find it.
    """

    model: ReferenceModel
    value: float
    low: float
    high: float
    verdict: PairedVerdict
    seconds: float
