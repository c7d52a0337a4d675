"""The race: who is given up when, and what is compared."""

import math

import numpy as np
import torch
from tests.torch.loops import table
from torch import nn

from descend.outcome import Outcome
from descend.plan import setting
from descend.torch.batches import Batch, InMemory
from descend.torch.objective import objective_of
from descend.torch.race import advance, endless, late, race
from descend.torch.side_by_side import Runs, Way

RATES = (1e9, 0.3, 0.1, 1e-3, 1e-4)


def runs_of(rates=RATES, rule="sgd"):
    torch.manual_seed(0)
    x, y = table()
    objective = objective_of(nn.Linear(4, 1), "mse", Batch((x,), y))
    return Runs(objective, [setting(rule, lr=lr) for lr in rates], Way(True, "")), InMemory((x,), y, 0)


def test_epochs_follow_each_other_in_new_orders():
    x = torch.arange(4.0)
    batches = endless(InMemory((x,), x, 4 // 2), seed=0)
    epochs = [torch.cat([next(batches).target for _ in range(2)]).tolist() for _ in range(3)]
    assert all(sorted(epoch) == x.tolist() for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_losses_are_averaged_over_the_last_quarter():
    losses = np.arange(8.0)[:, None] * np.array([[1.0, np.nan]])
    np.testing.assert_array_equal(late(losses), [6.5, np.inf])


def test_the_time_ends_a_stretch_but_not_before_one_step():
    runs, source = runs_of()
    assert len(advance(runs, endless(source, 0), 50, deadline=0.0)) == 1


def test_the_worse_half_is_given_up_after_200_steps_400_and_800():
    runs, source = runs_of()
    ran = race(runs, source, None, 0, most_steps=10_000, deadline=math.inf)
    assert RATES[ran.best] == 0.3
    assert ran.outcomes[0].failed
    assert list(ran.steps[1:]) == [400, 400, 200, 200]
    assert [o.word for o in ran.outcomes[1:]] == ["budget", "pruned", "pruned", "pruned"]
    assert np.isinf(ran.scores[0])


def test_the_step_before_the_limit_and_the_time_are_the_last():
    runs, source = runs_of()
    ran = race(runs, source, None, 0, most_steps=30, deadline=math.inf)
    assert ran.steps.max() == 30
    assert all(o is Outcome.BUDGET for o in ran.outcomes[1:])
    runs, source = runs_of()
    assert race(runs, source, None, 0, most_steps=10_000, deadline=0.0).steps.max() == 1


def test_a_race_that_all_lose_has_no_best():
    runs, source = runs_of((1e9, 1e10))
    assert race(runs, source, None, 0, most_steps=1000, deadline=math.inf).best is None


def test_the_larger_of_both_losses_decides():
    runs, source = runs_of((0.3, 0.1))
    x, y = table(seed=5)
    shifted = InMemory((x,), y + 3.0, 0)
    ran = race(runs, source, shifted, 0, most_steps=100, deadline=math.inf)
    runs.outcomes[:] = Outcome.RUNNING
    np.testing.assert_allclose(ran.scores, runs.losses(shifted.epoch(0)))
