"""Parameters that the model's own train() would freeze; the copy that is asked changes nothing."""

import pytest
import torch
from torch import nn

from descend.torch.freezing import frozen_by_train


class Staged(nn.Module):
    """A backbone that freezes its first layer in train()."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.calls = nn.Linear(4, 4), nn.BatchNorm1d(4), []

    def train(self, mode=True):
        super().train(mode)
        self.first.requires_grad_(False)
        self.calls.append(mode)
        self.second.running_mean.add_(1)
        return self


class Resting(nn.Module):
    """A model whose train() keeps a part in evaluation mode, which freezes nothing."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(4)

    def train(self, mode=True):
        super().train(mode)
        self.norm.eval()
        return self


class Reading(Staged):
    """A train() that reads numbers, which a copy without numbers does not have."""

    def train(self, mode=True):
        assert self.second.weight.sum().item() > 0
        return super().train(mode)


def test_what_train_would_freeze_is_named_with_its_place():
    model = nn.Sequential(Staged(), nn.Linear(4, 1))
    assert frozen_by_train(model) == ("0.first.weight", "0.first.bias")
    model.train()
    assert frozen_by_train(model) == ()


@pytest.mark.parametrize(
    "model", [Resting(), Reading(), nn.Linear(2, 1)], ids=["rests", "reads numbers", "torch's own"]
)
def test_what_freezes_nothing_is_left_in_peace(model):
    assert frozen_by_train(model) == ()


def test_the_model_is_left_as_it_is():
    model = Staged()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    frozen_by_train(model)
    assert model.calls == []
    assert all(p.requires_grad for p in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
