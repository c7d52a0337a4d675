"""find_lr: rates of any module, and which way they were computed."""

import numpy as np
import pytest
import torch
from tests.torch.loops import mlp, table
from tests.torch.test_side_by_side import Branches
from torch import nn

import descend as ds
import descend.torch as dt
from descend.errors import UsageError


@pytest.fixture(scope="module")
def line():
    torch.manual_seed(0)
    x = torch.randn(64, 4)
    return x, x @ torch.tensor([[1.0], [-2.0], [0.5], [0.0]])


def test_a_linear_model_has_the_limit_of_its_curvature_and_a_rate_below_it(line):
    x, y = line
    found = dt.find_lr(nn.Linear(4, 1), line, variant="minibatch", batch_size="full", steps=60)
    with_bias = torch.cat([x, torch.ones(64, 1)], 1).double()
    limit = 2 / torch.linalg.eigvalsh(2 * with_bias.T @ with_bias / 64)[-1].item()
    assert found.limit == pytest.approx(limit, rel=0.01)
    assert found.band[0] <= found.lr <= found.band[1] < limit * 1.01
    (sweep,) = found.sweeps
    assert np.isinf(sweep.losses[sweep.rates > 1.5 * limit]).all()
    assert found.reason.endswith("after 60 steps on 64 rows; side by side, by torch.func")
    assert isinstance(found, ds.LRResult)
    assert "stable below" in repr(found)


def test_the_module_and_random_numbers_are_left_as_they_were(line):
    model = nn.Sequential(mlp(), nn.BatchNorm1d(1), nn.Dropout(0.1))
    before, drawn = {k: v.clone() for k, v in model.state_dict().items()}, torch.get_rng_state()
    dt.find_lr(model, line, variant="adam", lr=0.01, steps=5)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert torch.equal(drawn, torch.get_rng_state())
    assert all(p.grad is None for p in model.parameters())


def test_one_rate_is_tried_as_it_is_and_every_seed_gives_the_same_numbers(line):
    first, second, other = (
        dt.find_lr(
            nn.Linear(4, 1, bias=False).requires_grad_(True), line, variant="adam", lr=0.1, steps=8, random_state=seed
        )
        for seed in (0, 0, 1)
    )
    assert list(first.curve["adam"][0]) == [0.1]
    assert first.rows == second.rows == other.rows == 64


def test_a_module_that_torch_func_cannot_train_is_swept_one_by_one():
    found = dt.find_lr(Branches(), table(), variant="adam", lr=0.01, steps=5)
    assert found.reason.endswith(
        "one by one: torch.func cannot run Branches side by side (its path depends on the values of its tensors)"
    )


def test_where_no_rate_helps_there_is_none_and_the_reason_says_so():
    x, y = torch.ones(16, 1), torch.zeros(16, 1)
    model = nn.Linear(1, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    found = dt.find_lr(model, (x, y), variant="minibatch", lr=0.1, steps=5)
    assert found.lr is None
    assert found.reason.startswith("no rate lowered the loss, after 5 steps")


def test_what_cannot_be_swept_is_said(line):
    with pytest.raises(UsageError) as caught:
        dt.find_lr(nn.ReLU(), line)
    assert caught.value.code == "no-parameters"
    with pytest.raises(UsageError) as caught:
        dt.find_lr(nn.Linear(4, 1), line, lr=-1)
    assert caught.value.code == "bad-lr"
    with pytest.raises(UsageError) as caught:
        dt.find_lr(nn.Linear(4, 1), line, steps=0)
    assert str(caught.value) == "steps is 0, it must be a whole number of at least 1; try 200"
    with pytest.raises(UsageError, match="^variant is 3, it must be auto, all, a rule, or names with commas between"):
        dt.find_lr(nn.Linear(4, 1), line, variant=3)
