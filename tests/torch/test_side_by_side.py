"""Runs side by side are the runs one by one, and both are what torch's own loop does."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.torch.loops import Adapted, Block, Lookup, Recurrent, Residual, classes, mlp, table
from torch import nn

from descend.outcome import Outcome
from descend.plan import setting
from descend.torch.batches import Batch
from descend.torch.objective import objective_of
from descend.torch.side_by_side import Runs, Way, flat, on_runs, optimizer_of, way_of

ALONE, TOGETHER = Way(False, ""), Way(True, "")
SETTINGS = [setting(rule, lr=lr) for rule in ("sgd", "nesterov", "adam", "nadam") for lr in (0.03, 0.003)]


class Branches(nn.Module):
    """A module whose path depends on its weights."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 1)

    def forward(self, x):
        y = self.layer(x)
        return 2 * y if y.sum() > 0 else y


class Remembers(nn.Module):
    """A module that keeps something beside its parameters and buffers."""

    def __init__(self):
        super().__init__()
        self.layer, self.scale = nn.Linear(4, 1), 1.0

    def forward(self, x):
        self.scale *= 1.5
        return self.layer(x) * self.scale


def image_net():
    return nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2))


def tied():
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Linear(4, 1))
    model[2].weight = model[0].weight
    return model


def held_twice():
    layer = nn.Sequential(nn.Linear(4, 4, bias=False), nn.BatchNorm1d(4))
    return nn.Sequential(layer, nn.Tanh(), layer, nn.Linear(4, 1))


def job(model, data=None, loss="auto"):
    x, y = data or table()
    batch = Batch((x,), y)
    return objective_of(model, loss, batch), batch


def images():
    torch.manual_seed(0)
    return torch.randn(16, 1, 6, 6), torch.randint(0, 2, (16,))


MODELS = {
    "network": lambda: job(mlp()),
    "classes": lambda: job(mlp(3), classes()),
    "residual": lambda: job(Residual()),
    "frozen base": lambda: job(Adapted()),
    "tied weights": lambda: job(tied()),
    "a layer held twice": lambda: job(held_twice()),
    "batch norm": lambda: job(image_net(), images()),
    "attention": lambda: job(Block(), (torch.arange(48).reshape(8, 6) % 20,) * 2, lambda z, y: F.cross_entropy(z.mT, y)),
    "double": lambda: job(mlp().double(), tuple(t.double() for t in table())),
}  # fmt: skip


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_both_ways_give_the_same_losses_and_leave_the_module_alone(make):
    torch.manual_seed(0)
    objective, batch = make()
    before = {k: v.clone() for k, v in objective.module.state_dict().items()}
    assert way_of(objective, SETTINGS[0], batch).together
    paths = []
    for way in (TOGETHER, ALONE):
        runs = Runs(objective, SETTINGS, way)
        paths.append([*(runs.step(batch) for _ in range(3)), runs.losses(iter([batch]))])
    np.testing.assert_allclose(*paths, rtol=2e-3, atol=1e-5)
    assert all(torch.equal(v, before[k]) for k, v in objective.module.state_dict().items())


def test_gradients_in_half_precision_differ_by_their_rounding_alone():
    x, y = (t.bfloat16() for t in table())
    objective, batch = job(mlp().bfloat16(), (x, y))
    assert way_of(objective, SETTINGS[0], batch).together


class Late(nn.Module):
    """A module whose path depends on its weights from the third training step on."""

    def __init__(self):
        super().__init__()
        self.layer, self.calls = nn.Linear(4, 1), 0

    def forward(self, x):
        self.calls += self.training
        z = self.layer(x)
        return z if self.calls < 3 or z.sum() > 0 else 1.0 * z


def test_runs_that_torch_func_cannot_go_on_with_begin_again_one_by_one():
    objective, batch = job(Late())
    way = way_of(objective, SETTINGS[0], batch)
    assert way.together
    losses, way = on_runs(objective, SETTINGS, way, lambda runs: [runs.step(batch) for _ in range(6)])
    assert (
        way.reason
        == "one by one: torch.func cannot run Late side by side (its path depends on the values of its tensors)"
    )
    assert np.isfinite(losses).all()


def test_an_error_of_both_ways_is_the_one_of_torch():
    objective, batch = job(mlp())
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
        on_runs(objective, SETTINGS, TOGETHER, lambda runs: runs.step(Batch((batch.inputs[0][:, :2],), batch.target)))


def test_a_run_is_the_loop_of_torch():
    x, y = table()
    objective, batch = job(mlp(), (x, y))
    runs = Runs(objective, SETTINGS, TOGETHER)
    ours = np.array([runs.step(batch) for _ in range(6)])
    model = objective.module
    optimizer, theirs = torch.optim.SGD(model.parameters(), lr=0.03), []
    for _ in range(6):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        theirs.append(loss.item())
    np.testing.assert_allclose(ours[:, 0], theirs, rtol=1e-5)
    assert not np.allclose(ours[:, 1], theirs, rtol=1e-5)  # another rate is seen


REASONS = {
    "branches": (
        Branches, table,
        "one by one: torch.func cannot run Branches side by side (its path depends on the values of its tensors)",
    ),
    "recurrent": (
        Recurrent, lambda: (torch.randn(4, 5, 4), torch.randn(4, 1)),
        "one by one: torch.func cannot run Recurrent side by side (it has no batching rule for aten::mkldnn_rnn_layer)",
    ),
    "remembers": (
        Remembers, table,
        "one by one: the gradients of Remembers differ side by side, so it keeps something of its own",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "data", "reason"), REASONS.values(), ids=REASONS)
def test_a_module_that_does_not_allow_it_is_trained_one_by_one_and_the_reason_said(make, data, reason):
    torch.manual_seed(0)
    objective, batch = job(make(), data())
    way = way_of(objective, SETTINGS[0], batch)
    assert (way.together, way.reason) == (False, reason)
    runs = Runs(objective, SETTINGS[:2], way)
    assert np.isfinite(runs.step(batch)).all()


def test_sparse_gradients_train_one_by_one():
    objective, batch = job(Lookup(), (torch.arange(8), torch.ones(8, 1)))
    runs = Runs(objective, [setting("adagrad", lr=0.1)], way_of(objective, SETTINGS[0], batch))
    losses = [runs.step(batch)[0] for _ in range(5)]
    assert losses[-1] < losses[0]


def test_dropout_draws_for_each_run():
    torch.manual_seed(0)
    objective, batch = job(nn.Sequential(mlp(), nn.Dropout(0.5)))
    assert way_of(objective, SETTINGS[0], batch).together
    runs = Runs(objective, [SETTINGS[0], SETTINGS[0]], TOGETHER)
    first, second = runs.step(batch)
    assert first != second
    runs = Runs(objective, [SETTINGS[0], SETTINGS[0]], TOGETHER)
    first, second = runs.losses(iter([batch]))
    assert first == second


def test_a_run_that_leaves_the_finite_range_ends_and_the_others_go_on():
    objective, batch = job(mlp())
    runs = Runs(objective, [setting("sgd", lr=lr) for lr in (1e9, 0.01, 3.0)], TOGETHER)
    for _ in range(12):
        last = runs.step(batch)
    assert [Outcome(o) for o in runs.outcomes][1] is Outcome.RUNNING
    assert Outcome(runs.outcomes[0]).failed
    assert np.isnan(last[0])
    assert np.isfinite(last[1])
    assert runs.steps[0] < runs.steps[1] == 12


@pytest.mark.parametrize("rule", ["adam", "adamw", "nesterov", "momentum_keras"])
def test_an_optimizer_has_the_constants_of_its_setting(rule):
    made = setting(rule, lr=0.5)
    optimizer = optimizer_of(made, [torch.ones(2, requires_grad=True)])
    assert dict(zip(made.constants, optimizer.form.values(optimizer.param_groups[0]), strict=True)) == made.constants


def test_a_rule_of_ones_own_runs_too():
    def halved(g, t, lr=0.1):
        return (lr * g / 2,)

    objective, batch = job(mlp())
    runs = Runs(objective, [setting(halved, lr=0.2), setting("sgd", lr=0.1)], TOGETHER)
    for _ in range(3):
        a, b = runs.step(batch)
        assert a == pytest.approx(b, rel=1e-5)


def test_tensors_are_flattened_in_the_widest_dtype():
    found = flat([torch.ones(2, 1), torch.ones(1, dtype=torch.float64)])
    assert (found.dtype, found.tolist()) == (torch.float64, [1.0, 1.0, 1.0])
