"""Values as JSON has them."""

import math

import numpy as np
import pytest

from descend.store.plain import plain


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(1.5), 1.5), (np.float64("nan"), None), (float("inf"), None), (np.int64(3), 3), (np.bool_(True), True),
        ((1, 2), [1, 2]), ({1: {"a": (float("-inf"),)}}, {"1": {"a": [None]}}), (None, None), ("a", "a"), (True, True),
    ],
)  # fmt: skip
def test_values_become_those_of_json(value, expected):
    result = plain(value)
    assert result == expected
    assert type(result) is type(expected)


def test_functions_become_their_names_and_everything_else_its_text():
    assert plain({"link": math.exp, "path": complex(1, 2)}) == {"link": "exp", "path": "(1+2j)"}
