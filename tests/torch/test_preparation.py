"""What a search starts from, and what it leaves as it was."""

import numpy as np
import pytest
import torch
from torch import nn

from descend.errors import DataError, UsageError
from descend.torch.preparation import prepare

X, Y = torch.randn(6, 2, generator=torch.Generator().manual_seed(0)), torch.zeros(6, 1)


def prepared(module, data=(X, Y), **how):
    return prepare("fit", module, data, how.get("loss", "auto"), how.get("batch_size", "auto"), 0)


def test_random_numbers_follow_from_the_seed_and_go_on_as_before():
    model, drawn = nn.Linear(2, 1), []
    torch.manual_seed(7)
    before = torch.get_rng_state()
    for _ in range(2):
        with prepared(model):
            drawn.append(torch.rand(3))
    assert torch.equal(*drawn)
    assert torch.equal(before, torch.get_rng_state())


def test_lazy_layers_get_their_sizes():
    model = nn.Sequential(nn.LazyLinear(3), nn.ReLU(), nn.LazyLinear(1))
    with prepared(model) as job:
        assert {tuple(p.shape) for p in job.objective.trained().values()} == {(3, 2), (3,), (1, 3), (1,)}
        assert job.objective.name == "mse"


def test_batch_normalisation_over_one_row_is_said():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    for how in ({"batch_size": 1}, {}):
        with pytest.raises(UsageError) as caught, prepared(model, **how):
            model(X[:1])
        assert str(caught.value) == (
            "Sequential holds batch normalisation, and a batch has one row, which has no spread; use batches of two rows or more, "
            "and drop_last=True in a loader"
        )
    with pytest.raises(ValueError, match="mine"), prepared(model):
        raise ValueError("mine")


def test_a_loss_without_a_gradient_is_said():
    model = nn.Linear(2, 1)
    with pytest.raises(UsageError) as caught, prepared(model):
        model(X).detach().sum().backward()
    assert str(caught.value) == (
        "the loss of Linear has no gradient: nothing leads back to its parameters; look for detach(), no_grad(), argmax() or NumPy "
        "between them and the loss"
    )


@pytest.mark.parametrize("shape", [(1, 2), (1, 3)], ids=["nothing else", "what follows from it"])
def test_a_module_that_has_replaced_its_parameters_is_said_whatever_else_is_wrong(shape):
    model = nn.Linear(2, 1)

    def replace():
        model.weight = nn.Parameter(torch.ones(shape))
        model(X)

    with pytest.raises(UsageError, match="the parameter weight was of shape"), prepared(model):
        replace()


REFUSED = {
    "NaN": (
        (np.array([[1.0, 2.0], [3.0, np.nan], [np.inf, 1.0]]), np.zeros((3, 1))), "not-finite",
        "x holds NaN or inf in 2 rows, the first is row 2; fill them, or leave these rows out",
    ),
    "NaN in the target": (
        (X, torch.tensor([[0.0], [0.0], [torch.nan], [0.0], [0.0], [0.0]])), "not-finite",
        "y holds NaN or inf in 1 row, the first is row 3; fill them, or leave these rows out",
    ),
    "an empty loader": ([], "no-batches", "data hold no batch; look whether the loader is empty"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "code", "text"), REFUSED.values(), ids=REFUSED)
def test_data_that_cannot_be_trained_on_are_said(data, code, text):
    with pytest.raises(DataError) as caught, prepared(nn.Linear(2, 1), data):
        pass
    assert (caught.value.code, str(caught.value)) == (code, text)
