"""Where the first NaN or inf is: in the input, the weights, an output, or a gradient."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from descend.torch.replay import Inputs, Place, bad_rows, finite, first_nonfinite, tensors_in


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))


def inputs(*rows):
    return Inputs((torch.tensor(rows or [[1.0, 2.0], [3.0, 4.0]]),), {})


def test_places_from_the_input_to_the_gradients():
    net, nan = model(), float("nan")
    assert first_nonfinite(net, inputs()) is None
    assert first_nonfinite(net, inputs([1.0, 2.0], [nan, 1.0])) == Place("the input", (2,))
    with torch.no_grad():
        net[0].weight.fill_(10.0)
    assert first_nonfinite(net, inputs([1.0, 1.0], [3e38, 1.0])) == Place("the output of 0 (Linear)", (2,))
    net[2].weight.grad, net[0].bias.grad = torch.full((1, 3), nan), torch.full((3,), nan)
    assert first_nonfinite(net, inputs()) == Place("the gradient of 2.weight")
    assert first_nonfinite(net, None) == Place("the gradient of 2.weight")
    with torch.no_grad():
        net[0].weight[0, 0] = torch.inf
    assert first_nonfinite(net, inputs()) == Place("the weights 0.weight")


def test_buffers_of_a_layer_that_is_held_twice_stay_as_they_are():
    norm = nn.BatchNorm1d(2)
    net = nn.Sequential(norm, norm)
    own, before = norm.running_mean, norm.running_mean.clone()
    first_nonfinite(net, inputs())
    assert norm.running_mean is own
    assert torch.equal(own, before)


def test_the_first_output_is_that_of_the_inner_module():
    class Broken(nn.Module):
        def forward(self, x):
            return x / (x - 1.0)

    net = nn.Sequential(nn.Sequential(nn.Identity(), Broken()), nn.Linear(2, 1))
    assert first_nonfinite(net, inputs([2.0, 3.0], [1.0, 5.0])) == Place("the output of 0.1 (Broken)", (2,))


def test_a_replay_moves_no_running_mean():
    net = model()
    before = net[1].running_mean.clone()
    first_nonfinite(net, inputs())
    assert torch.equal(net[1].running_mean, before)
    net(inputs().args[0])
    assert not torch.equal(net[1].running_mean, before)


def test_tensors_are_found_in_what_models_take_and_return():
    @dataclass
    class Output:
        scores: torch.Tensor
        extra: dict

    a, b, c = torch.ones(1), torch.ones(2), torch.ones(3)
    assert [t.numel() for t in tensors_in((a, [Output(b, {"c": c}), None, "text", 4]))] == [1, 2, 3]


@pytest.mark.parametrize(
    ("tensor", "is_finite"),
    [
        (torch.tensor([1, 2]), True),
        (torch.tensor([1.0, float("inf")]), False),
        (torch.tensor([complex(0, float("nan"))]), False),
        (torch.sparse_coo_tensor([[0]], [float("nan")], (2,), check_invariants=True), False),
        (torch.ones(2, device="meta"), True),
    ],
)
def test_finite(tensor, is_finite):
    assert finite(tensor) is is_finite


def test_rows_are_counted_from_1():
    assert bad_rows(torch.tensor([[1.0], [float("nan")]])) == (2,)
    assert bad_rows(torch.tensor(float("nan"))) == ()
