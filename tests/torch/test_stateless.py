"""A module called with other tensors computes with them, wherever they are held, and has its own back."""

import pytest
import torch
from torch import nn

from descend.torch.stateless import call_with

X = torch.tensor([[1.0]])


def shared():
    """A layer that is held twice, which torch's own functional_call does not give back."""
    layer = nn.Linear(1, 1, bias=False)
    return nn.Sequential(layer, layer)


def tied():
    """Two layers with one weight."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    model[1].weight = model[0].weight
    return model


@pytest.mark.parametrize("make", [shared, tied])
def test_a_weight_with_two_places_is_another_one_in_both_and_comes_back(make):
    model = make()
    own = dict(model.named_parameters())
    assert list(own) == ["0.weight"]
    assert call_with(model, {"0.weight": torch.tensor([[3.0]])}, (X,)).item() == 9.0
    assert all(p is own[name] for name, p in model.named_parameters())
    assert model[0].weight is model[1].weight


def test_buffers_and_keywords_are_given_and_what_is_not_given_stays():
    class Shifted(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("shift", torch.ones(1))
            self.register_buffer("none", None)
            self.layer = nn.Linear(1, 1, bias=False)

        def forward(self, x, *, times):
            return times * self.layer(x) + self.shift

    model = Shifted()
    nn.init.constant_(model.layer.weight, 2.0)
    assert call_with(model, {"shift": torch.full((1,), 5.0)}, (X,), {"times": 10.0}).item() == 25.0
    assert model.shift.item() == 1.0
