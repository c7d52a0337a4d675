"""Shapes that would broadcast are refused, with both shapes, what would become of them, and the cure."""

import numpy as np
import pytest
import torch

from descend.errors import UsageError
from descend.problem.shapes import check_shapes


@pytest.mark.parametrize("shape", [(), (1,), (1000,), (1000, 1), (5, 3)])
def test_equal_shapes_pass(shape):
    check_shapes(shape, shape)
    check_shapes(torch.Size(shape), list(shape))


NO_CURE = "bring one prediction for each target, in the same shape"


@pytest.mark.parametrize(
    ("prediction", "target", "what", "fix"),
    [
        (
            (1000, 1), (1000,), "so their difference would silently become a table of shape (1000, 1000)",
            "use target.reshape(-1, 1) or prediction.squeeze(-1)",
        ),
        (
            (1000,), (1000, 1), "so their difference would silently become a table of shape (1000, 1000)",
            "use target.squeeze(-1) or prediction.reshape(-1, 1)",
        ),
        ((1000, 1), (500,), "so their difference would silently become a table of shape (1000, 500)", NO_CURE),
        ((1,), (7,), "so their difference would silently become a table of shape (7,)", NO_CURE),
        ((3,), (4,), "which do not fit together", NO_CURE),
    ],
)  # fmt: skip
def test_other_shapes_are_refused(prediction, target, what, fix):
    with pytest.raises(UsageError) as caught:
        check_shapes(prediction, target)

    assert str(caught.value) == f"the prediction has shape {prediction} and the target {target}, {what}; {fix}"
    assert (caught.value.code, caught.value.exit_code) == ("D608", 2)


def test_the_table_is_what_numpy_makes_of_such_shapes():
    assert (np.zeros((10, 1)) - np.zeros(10)).shape == (10, 10)


def test_the_shapes_of_tensors_are_shown_plainly():
    with pytest.raises(UsageError, match=r"shape \(4, 1\) and the target \(4,\)"):
        check_shapes(torch.zeros(4, 1).shape, torch.zeros(4).shape)


def test_the_cure_cures():
    prediction, target = np.zeros((4, 1)), np.zeros(4)

    check_shapes(prediction.shape, target.reshape(-1, 1).shape)
    check_shapes(prediction.squeeze(-1).shape, target.shape)
