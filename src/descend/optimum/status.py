"""status: whether an exact optimum was found, and why not."""

from dataclasses import dataclass
from enum import Enum


class OptimumStatus(Enum):
    """What became of the search for the exact optimum."""

    FOUND = "found"
    SEPARABLE = "separable"  # the classes are separable: the loss falls to its infimum only at infinite weights
    UNBOUNDED = "unbounded"  # no finite optimum for another reason, such as a class without examples
    NOT_CONVEX = "not_convex"  # a network, which has many minima
    NOT_PROVEN = "not_proven"  # a solver ended, but its result is not proven to be the optimum
    NOT_SOLVED = "not_solved"  # no solver, or too much work


@dataclass(frozen=True)
class SolverResult:
    """How a solver ended.

    Args:
        status: FOUND or why there is no optimum.
        reason: one sentence for users; empty for FOUND.
    """

    status: OptimumStatus
    reason: str = ""


FOUND = SolverResult(OptimumStatus.FOUND)
SEPARABLE = SolverResult(OptimumStatus.SEPARABLE, "separable: no finite optimum")
NOT_CONVEX = SolverResult(OptimumStatus.NOT_CONVEX, "a network has many minima")
