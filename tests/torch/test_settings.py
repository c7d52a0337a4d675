"""Rules and rates that a search tries."""

import pytest
import torch
from torch import nn

from descend.errors import UsageError
from descend.search.candidates import NETWORK_ADAPTIVE
from descend.torch.batches import Batch
from descend.torch.objective import objective_of
from descend.torch.settings import AUTO, base_settings, checked, largest_curvature, limit_of, rates_of


def objective(model, x, y):
    batch = Batch((x,), y)
    return objective_of(model, "mse", batch), batch


def test_names_are_rules_at_their_default_rates():
    assert tuple(s.label for s in base_settings("auto", 8, 1)) == AUTO
    (adam, mine) = *base_settings("adam", 8, 1), *base_settings(lambda g, t, lr=0.25: (lr * g,), 8, 1)
    assert (adam.lr, adam.batch_size, adam.seed) == (0.001, 8, 1)
    assert mine.lr == 0.25
    assert [s.label for s in base_settings("adam,gd,minibatch,sgd", 8, 1)] == [
        "adam",
        "gd",
    ]  # one rule, whose batches are given


def test_the_curvature_of_a_linear_model_is_the_largest_eigenvalue_of_its_hessian():
    torch.manual_seed(0)
    x = torch.randn(50, 3, dtype=torch.float64) * torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64)
    model = nn.Linear(3, 1, bias=False).double()
    exact = torch.linalg.eigvalsh(2 * x.T @ x / 50)[-1].item()
    found = largest_curvature(*objective(model, x, torch.zeros(50, 1, dtype=torch.float64)))
    assert found == pytest.approx(exact, rel=1e-3)
    assert model.weight.grad is None


def test_a_module_without_second_derivatives_has_no_curvature():
    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g):
            return 2 * ctx.saved_tensors[0] * g

    class Squares(nn.Linear):
        def forward(self, x):
            return Once.apply(super().forward(x))

    assert largest_curvature(*objective(Squares(2, 1), torch.ones(4, 2), torch.ones(4, 1))) == 0.0


def test_rates_are_shares_of_the_limit_and_those_of_adaptive_rules_known():
    plain, adam = base_settings("minibatch,adam", 0, 0)
    assert limit_of(plain, 4.0) == 0.5
    assert rates_of(plain, "auto", 4.0)[0] == 0.5
    assert rates_of(plain, "auto", 0.0)[0] == 1.0  # nothing is known: a decade grid below 1
    assert rates_of(adam, "auto", 4.0) == list(NETWORK_ADAPTIVE)
    assert rates_of(adam, 0.3, 4.0) == [0.3]


@pytest.mark.parametrize("lr", [0, -1.0, float("nan"), "fast", True])
def test_a_rate_that_is_none_is_said_as_train_says_it(lr):
    with pytest.raises(UsageError) as caught:
        checked(lr=lr)
    assert str(caught.value) == f"lr is {lr!r}, it must be a finite number above 0; try --lr auto, which finds it"
