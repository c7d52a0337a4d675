"""Schedules are arrays of factors, and functions of the step alone."""

import numpy as np
import pytest
import torch

from descend.errors import UsageError
from descend.schedules import SCHEDULES, factors


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("warmup", [0, 1, 7])
@pytest.mark.parametrize("steps", [1, 2, 50])
def test_factors_are_above_zero_at_most_one_and_as_many_as_steps(name, warmup, steps):
    found = factors(name, steps, warmup)
    assert found.shape == (steps,)
    assert (found > 0).all()
    assert (found <= 1 + 1e-12).all()


def test_step_falls_tenfold_at_each_third():
    assert factors("step", 6).tolist() == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_cosine_is_torchs():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    schedule, theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20), []
    for _ in range(20):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    np.testing.assert_allclose(factors("cosine", 20), theirs, atol=1e-12)


def test_exponential_is_torchs():
    gamma = 0.01 ** (1 / 9)
    np.testing.assert_allclose(factors("exponential", 10), gamma ** np.arange(10), rtol=1e-12)


def test_inverse_scaling_is_one_over_the_root_of_the_step():
    np.testing.assert_allclose(factors("inverse_scaling", 4), [1, 2**-0.5, 3**-0.5, 0.5])


def test_one_cycle_rises_then_falls():
    found = factors("one_cycle", 100)
    assert found[0] == pytest.approx(0.04)
    assert int(found.argmax()) == 30
    assert (np.diff(found[30:]) < 0).all()


def test_warm_up_rises_in_equal_steps_to_the_schedule():
    assert factors("constant", 5, warmup=4).tolist() == [0.25, 0.5, 0.75, 1.0, 1.0]
    np.testing.assert_allclose(factors("cosine", 12, warmup=2)[2:], factors("cosine", 10))


def test_an_unknown_schedule_names_the_nearest():
    with pytest.raises(UsageError) as caught:
        factors("cosin", 10)
    assert str(caught.value) == (
        "there is no schedule 'cosin', there are none, constant, step, exponential, inverse_scaling, cosine, one_cycle; "
        "try 'cosine'"
    )
