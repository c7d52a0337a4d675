"""D5: stagnation, epsilon, the logarithm of nearly zero, and the noise of batches."""

import dataclasses

import numpy as np
import pytest
from tests.conftest import small_problem
from tests.diagnosis.made import evidence_of, line, with_gap

from descend.diagnosis.numerics import noisy, overconfident, small_epsilon, stagnated
from descend.options import read_options
from descend.outcome import Outcome
from descend.plan import setting


@pytest.mark.parametrize(
    ("dtype", "lr", "expected"), [(np.float32, 1e-9, "D501"), (np.float64, 1e-9, None), (np.float32, 0.1, None)]
)
def test_steps_below_the_last_digit_in_float32_are_stagnation(dtype, lr, expected):
    problem = line(dtype=dtype)
    problem.data.y[:] += 1e4
    how = setting("sgd", lr=lr)
    evidence = evidence_of(problem, how, 5)
    evidence.state.weights[0] += dtype(5e3)
    found = stagnated(dataclasses.replace(evidence, outcome=Outcome.BUDGET))
    assert (found.code if found else None) == expected


@pytest.mark.parametrize(
    ("eps", "dtype", "expected"),
    [(1e-8, np.float64, None), (1e-150, np.float64, None), (1e-160, np.float64, "D502"), (1e-25, np.float32, "D502"), (1e-25, np.float64, None)],
)  # fmt: skip
def test_an_epsilon_below_the_root_of_the_smallest_number_is_too_small(eps, dtype, expected):
    found = small_epsilon(evidence_of(line(dtype=dtype), setting("adam", lr=0.01, eps=eps), 3))
    assert (found.code if found else None) == expected


def test_a_rule_without_epsilon_has_none_too_small(quiet):
    assert small_epsilon(quiet) is None


def test_a_probability_of_nearly_zero_for_what_happened_is_counted():
    evidence = evidence_of(small_problem("logistic", rows=40), setting("sgd", lr=0.5), 50)
    sure = dataclasses.replace(evidence, weights=-100 * evidence.weights)
    found = overconfident(sure)

    assert (found.code, found.level) == ("D503", "warning")
    assert found.evidence["most"] > 25
    assert overconfident(evidence) is None


def test_a_constant_rate_hovers_above_the_optimum_and_the_noise_scale_says_why():
    problem = line(rows=400, noise=1.5)
    loud = evidence_of(problem, setting("sgd", lr=0.08, batch_size=4, label="minibatch"), 150)
    found = noisy(loud)

    assert (found.code, found.level) == ("D504", "note")
    typed = dataclasses.replace(loud, options=read_options({"lr": 0.08}))
    for gap, level in ((0.02, "warning"), (0.005, "note")):  # half a per cent of what can be learned is no harm
        assert noisy(with_gap(typed, gap)).level == level
    assert found.evidence["noise_scale"] > 40
    assert "--batch 32" in found.fix
    assert noisy(evidence_of(problem, setting("sgd", lr=0.3), 150)) is None
