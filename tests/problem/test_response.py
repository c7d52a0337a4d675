"""Scores become decisions, probabilities and classes, by the loss."""

import numpy as np
import pytest

from descend.losses import LOSSES
from descend.problem.response import class_indices, decision, has_probabilities, probabilities

Z = np.random.default_rng(0).standard_normal((50, 2))


@pytest.mark.parametrize(("name", "has"), [("logistic", True), ("softmax", True), ("hinge", False), ("squared", False)])
def test_which_losses_have_probabilities(name, has):
    assert has_probabilities(LOSSES[name]) == has


def test_two_classes_have_one_score_whatever_the_columns():
    np.testing.assert_array_equal(decision(Z[:, :1]), Z[:, 0])
    np.testing.assert_array_equal(decision(Z), Z[:, 1] - Z[:, 0])
    np.testing.assert_array_equal(class_indices(Z), decision(Z) > 0)
    three = np.column_stack([Z, Z[:, 0]])
    assert decision(three) is three


def test_a_softmax_of_two_scores_is_the_sigmoid_of_their_difference():
    np.testing.assert_allclose(
        probabilities(LOSSES["softmax"], Z), probabilities(LOSSES["logistic"], decision(Z)[:, None]), rtol=1e-12
    )
