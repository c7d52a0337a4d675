"""How a solver ended: every status has one word, and every failure a reason."""

import dataclasses

import numpy as np
import pytest

from descend.optimum import Optimum
from descend.optimum.status import FOUND, NOT_CONVEX, SEPARABLE, OptimumStatus, SolverResult


def test_only_success_has_no_reason():
    assert SolverResult(OptimumStatus.FOUND, "") == FOUND
    assert SolverResult(OptimumStatus.SEPARABLE, "separable: no finite optimum") == SEPARABLE
    assert SolverResult(OptimumStatus.NOT_CONVEX, "a network has many minima") == NOT_CONVEX


def test_a_status_is_read_from_the_word_that_records_hold():
    words = ["found", "separable", "unbounded", "not_convex", "not_proven", "not_solved"]

    assert [OptimumStatus(word) for word in words] == list(OptimumStatus)
    with pytest.raises(ValueError, match="'solved' is not a valid OptimumStatus"):
        OptimumStatus("solved")


def test_an_optimum_that_was_not_found_carries_status_and_reason():
    unknown = Optimum.unknown(SolverResult(OptimumStatus.NOT_SOLVED, "too much work"))

    assert (unknown.weights, unknown.objective, unknown.method) == (None, np.inf, "none")
    assert (unknown.status, unknown.reason) == (OptimumStatus.NOT_SOLVED, "too much work")
    with pytest.raises(dataclasses.FrozenInstanceError):
        SEPARABLE.reason = "other"
