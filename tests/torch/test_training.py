"""One training in full: when it ends, and which weights are kept."""

import math

import pytest
import torch
from tests.torch.loops import mlp, table
from torch import nn

from descend.errors import UsageError
from descend.outcome import Outcome
from descend.plan import setting
from descend.torch.batches import Batch, InMemory
from descend.torch.objective import objective_of
from descend.torch.training import Limits, Path, mean_loss, train


def trained(model=None, rule="momentum", lr=0.05, validation=None, source=None, **limits):
    torch.manual_seed(0)
    x, y = table()
    model = model or mlp()
    batch = Batch((x,), y)
    objective = objective_of(model, "mse", batch)
    how = Limits(**{"epochs": 20, "deadline": math.inf, "patience": 10, **limits})
    source = source or InMemory((x,), y, 16)
    return train(objective, setting(rule, lr=lr), source, [batch], validation, how), objective, batch


def test_the_weights_that_are_kept_are_those_of_the_lowest_loss():
    training, objective, batch = trained()
    assert training.outcome is Outcome.BUDGET
    assert training.epochs == 20
    assert training.steps == 80
    assert training.trace["loss"][training.kept] == min(training.trace["loss"])
    assert mean_loss(objective, [batch]) == pytest.approx(training.score, rel=1e-6)


def test_validation_decides_and_patience_ends():
    x, y = table(seed=3)
    training, objective, _ = trained(validation=InMemory((x,), -y, 0), epochs=200, patience=4)
    assert training.outcome is Outcome.STOPPED
    assert training.trace["val"][training.kept] == min(training.trace["val"])
    assert mean_loss(objective, [Batch((x,), -y)]) == pytest.approx(training.score, rel=1e-5)


def test_the_time_cuts_an_epoch():
    training, *_ = trained(deadline=0.0)
    assert (training.outcome, training.steps) == (Outcome.BUDGET, 1)


def test_a_training_that_leaves_the_finite_range_keeps_the_weights_before():
    training, objective, batch = trained(rule="sgd", lr=1e6)
    assert training.outcome.failed
    assert [f.code for f in training.watched.findings] == ["D103"]
    assert mean_loss(objective, [batch]) == training.trace["loss"][0]


def test_ctrl_c_ends_it_and_keeps_the_best():
    class Interrupted(InMemory):
        def epoch(self, seed):
            if seed == 3:
                raise KeyboardInterrupt
            return super().epoch(seed)

    x, y = table()
    training, objective, batch = trained(source=Interrupted((x,), y, 16))
    assert (training.outcome, training.epochs) == (Outcome.INTERRUPTED, 4)
    assert mean_loss(objective, [batch]) < training.trace["loss"][0]


def test_a_module_that_changes_its_shapes_is_said():
    class Growing(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 2)

        def forward(self, x):
            if self.training:
                self.layer.weight = nn.Parameter(torch.randn(len(self.layer.weight) + 1, 4))
                self.layer.bias = nn.Parameter(torch.zeros(len(self.layer.weight)))
            return self.layer(x).sum(1, keepdim=True)

    with pytest.raises(UsageError) as caught:
        trained(Growing())
    assert str(caught.value) == (
        "the parameter layer.weight was of shape (2, 4) at the start and is of shape (6, 4) now, and an optimizer moves "
        "the one of the start; train it in a loop of your own, with descend.torch.watch"
    )


def test_the_path_is_thinned_evenly_and_keeps_its_start():
    w = torch.zeros(2)
    path = Path([w])
    for epoch in range(1, 201):
        w += 1.0
        path.add(epoch)
    points = path.points[:, 0]
    assert points[0] == 0
    assert 4 < len(points) <= 50
    assert len(set((points[1:] - points[:-1]).tolist())) == 1
