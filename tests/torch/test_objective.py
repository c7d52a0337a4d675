"""What is minimised, and what is refused before anything is trained."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from descend.errors import DataError, UsageError
from descend.torch.batches import Batch
from descend.torch.objective import check_kept, check_module, copied, in_mode, is_lazy, least_rows, objective_of

X = torch.linspace(-1, 1, 8).reshape(4, 2)


def value(loss, model, target):
    batch = Batch((X,), target)
    objective = objective_of(model, loss, batch)
    return objective.name, objective.of(batch)


CASES = {
    "numbers": (1, torch.ones(4, 1), "mse", F.mse_loss),
    "classes": (3, torch.tensor([0, 1, 2, 0]), "softmax", F.cross_entropy),
    "yes and no": (1, torch.tensor([[True], [False], [True], [True]]), "logloss",
                   lambda z, y: F.binary_cross_entropy_with_logits(z, y.float())),
}  # fmt: skip


@pytest.mark.parametrize(("outputs", "target", "name", "oracle"), CASES.values(), ids=CASES)
def test_the_loss_follows_from_the_target(outputs, target, name, oracle):
    model = nn.Linear(2, outputs)
    found, loss = value("auto", model, target)
    assert found == name
    assert torch.equal(loss, oracle(model(X), target))


def test_a_column_of_predictions_is_compared_with_a_flat_target_row_by_row():
    model, y = nn.Linear(2, 1), torch.arange(4.0)
    assert torch.equal(value("mse", model, y)[1], ((model(X)[:, 0] - y) ** 2).mean())


def test_a_loss_of_ones_own_is_called_as_it_is():
    model = nn.Linear(2, 1)
    assert value(lambda z, y: (z - y).abs().sum(), model, torch.zeros(4, 1))[1] == model(X).abs().sum()


REFUSED = {
    "a loss that there is not": (
        lambda: value("msee", nn.Linear(2, 1), torch.zeros(4, 1)), "unknown-loss",
        "there is no loss 'msee', there are auto, mse, huber, logloss, softmax, poisson, and functions of prediction and "
        "target; try 'mse'",
    ),
    "a loss of several numbers": (
        lambda: value(lambda z, y: z - y, nn.Linear(2, 1), torch.zeros(4, 1)), "no-loss",
        "the loss returns a tensor of shape (4, 1), it must return a tensor of one number; return its mean",
    ),
    "a loss that is no tensor": (
        lambda: value(lambda z, y: 1.0, nn.Linear(2, 1), torch.zeros(4, 1)), "no-loss",
        "the loss returns a float, it must return a tensor of one number; return its mean",
    ),
    "shapes": (
        lambda: value("mse", nn.Linear(2, 3), torch.zeros(4)), "D608",
        "the prediction has shape (4, 3) and the target (4,), which do not fit together; bring one prediction for each target, "
        "in the same shape",
    ),
    "a dictionary": (
        lambda: value("mse", nn.LSTM(2, 1), torch.zeros(4)), "no-prediction",
        "the model returns a tuple, the loss 'mse' takes a tensor; give a function of prediction and target as loss",
    ),
    "no loss": (
        lambda: value(None, nn.Linear(2, 1), torch.zeros(4, 1)), "unknown-loss",
        "there is no loss None, there are auto, mse, huber, logloss, softmax, poisson, and functions of prediction and target; try "
        "'auto'",
    ),
    "an input of another shape": (
        lambda: value("mse", nn.Linear(3, 1), torch.zeros(4, 1)), "does-not-take",
        "the model Linear does not take (4, 2) float32: mat1 and mat2 shapes cannot be multiplied (4x2 and 3x1); give what its "
        "forward takes, in the dtype of its parameters",
    ),
    "a loss that fails": (
        lambda: value(lambda z, y: z @ y, nn.Linear(2, 1), torch.zeros(4, 1)), "does-not-take",
        "the loss <lambda> does not take (4, 1) float32 and (4, 1) float32: mat1 and mat2 shapes cannot be multiplied (4x1 and 4x1); "
        "give a loss of such predictions and targets",
    ),
    "no numbers": (
        lambda: check_module(nn.Linear(2, 1, device="meta"), "fit"), "no-numbers",
        "the parameters of the model Linear are on the meta device, where they have no numbers; call model.to_empty(device='cpu'), and "
        "initialise or load them",
    ),
    "no module": (
        lambda: check_module(print, "fit"), "no-module",
        "fit was given a builtin_function_or_method, it takes a torch.nn.Module; make a subclass of torch.nn.Module of it",
    ),
    "no parameters": (
        lambda: check_module(nn.ReLU(), "fit"), "no-parameters",
        "the model ReLU has no parameters, so there is nothing to train; give its layers to it as attributes or in a "
        "ModuleList",
    ),
    "frozen": (
        lambda: check_module(nn.Linear(2, 1).requires_grad_(False), "fit"), "all-frozen",
        "all parameters of the model Linear are frozen, so there is nothing to train; call requires_grad_() on those that are to "
        "be trained",
    ),
    "two devices": (
        lambda: check_module(nn.Sequential(nn.Linear(2, 1), nn.Linear(1, 1, device="meta")), "fit"), "several-devices",
        "the model Sequential has parameters on cpu and meta, fit takes one device; call model.to('cpu'), or train it in a loop "
        "of your own, with descend.torch.watch",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "code", "text"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_trained_is_said(make, code, text):
    with pytest.raises(UsageError) as caught:
        make()
    assert (caught.value.code, str(caught.value)) == (code, text)


TARGETS = {
    "logloss": ("logloss", 1, [[0.0], [1.0], [1.5], [0.0]],
                "logloss takes targets from 0 to 1, and y holds 1.5 in row 3; try loss='mse', or a model with an output for each class"),
    "poisson": ("poisson", 1, [[0.0], [-2.0], [1.0], [0.0]],
                "poisson takes targets of at least 0, and y holds -2 in row 2; try loss='mse', or a model with an output for each class"),
    "softmax": ("auto", 3, [0, 1, 2, 3],
                "the model has 3 outputs, for classes from 0 to 2, and y holds 3 in row 4; count classes from 0, and give the model an "
                "output for each"),
}  # fmt: skip


@pytest.mark.parametrize(("loss", "outputs", "targets", "text"), TARGETS.values(), ids=TARGETS)
def test_a_target_that_the_loss_does_not_take_is_said_with_its_row(loss, outputs, targets, text):
    with pytest.raises(DataError) as caught:
        objective_of(nn.Linear(2, outputs), loss, Batch((X[:1],), torch.tensor(targets[:1])), torch.tensor(targets))
    assert (caught.value.code, str(caught.value)) == ("target-range", text)


def test_classes_that_are_left_out_and_counts_of_one_output_are_no_fault():
    assert value("auto", nn.Linear(2, 3), torch.tensor([0, -100, 2, 1]))[0] == "softmax"
    assert value("auto", nn.Linear(2, 1), torch.tensor([0, 4, 1, 2]))[0] == "mse"


@pytest.mark.parametrize(("change", "text"), [
    (lambda m: setattr(m, "weight", nn.Parameter(torch.ones(1, 3))), "was of shape (1, 2) at the start and is of shape (1, 3) now"),
    (lambda m: setattr(m, "weight", nn.Parameter(torch.ones(1, 2))), "was of shape (1, 2) at the start and is another one of shape (1, 2) now"),
    (lambda m: delattr(m, "weight"), "was of shape (1, 2) at the start and is gone now"),
], ids=["shape", "same shape", "gone"])  # fmt: skip
def test_a_module_that_replaces_its_parameters_is_said(change, text):
    model = nn.Linear(2, 1)
    held = dict(model.named_parameters())
    check_kept(model, held)
    change(model)
    with pytest.raises(UsageError) as caught:
        check_kept(model, held)
    assert str(caught.value) == (
        f"the parameter weight {text}, and an optimizer moves the one of the start; train it in a loop of your own, with "
        "descend.torch.watch"
    )


def test_modes_come_back_part_by_part_and_what_rests_by_hand_rests():
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout())
    model[0].eval()
    with in_mode(model, training=True):
        assert [m.training for m in model] == [False, True]
        with in_mode(model, training=False):
            assert [m.training for m in model] == [False, False]
        assert [m.training for m in model] == [False, True]
    model.eval()
    with in_mode(model, training=True):
        assert all(m.training for m in model)
    assert not any(m.training for m in model)


def test_what_a_module_holds_is_told():
    assert (least_rows(nn.Linear(2, 1)), least_rows(nn.Sequential(nn.BatchNorm1d(2)))) == (1, 2)
    assert (is_lazy(nn.Linear(2, 1)), is_lazy(nn.LazyLinear(1))) == (False, True)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
def test_copies_of_compiled_scripts_can_be_trained():
    model = torch.jit.script(nn.Linear(2, 1))
    other = copied(model)
    assert all(p.is_leaf and p.requires_grad for p in other.parameters())
    assert torch.equal(other(X), model(X))
