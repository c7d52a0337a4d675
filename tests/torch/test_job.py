"""fit: a module is trained, its best weights are in it, and the record says how."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.torch.loops import classes, mlp, table
from tests.torch.test_side_by_side import Branches
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import descend.torch as dt
from descend.errors import DataError, OutputError, UsageError
from descend.torch.batches import source_of
from descend.torch.job import steps_of

QUICK = {"max_epochs": 6, "time_budget": None}


pytestmark = pytest.mark.usefixtures("one_thread")


def test_rule_and_rate_are_found_and_the_module_has_the_best_weights():
    x, y = table(256)
    model = mlp()
    found = dt.fit(model, (x, y), optimizer="momentum,adam", max_epochs=12)
    assert found.module is model
    assert found.metrics["val"]["loss"] < 0.1 * found.history[0]["val"]
    assert {t.variant for t in found.trials} == {"momentum", "adam"}
    assert len(found.tried) == 10
    assert [t.best for t in found.trials] == [True, False]
    assert found.way == "side by side, by torch.func"
    assert found.notes == ("51 of 256 rows validate",)
    assert found.path.shape[1] == sum(p.numel() for p in model.parameters())
    assert not found.failed


def test_the_losses_that_are_said_are_those_of_the_weights():
    x, y = table(64)
    model = mlp()
    found = dt.fit(model, (x, y), optimizer="adam", lr=0.01, validation="none", **QUICK)
    assert found.metrics["train"]["loss"] == pytest.approx(F.mse_loss(model(x), y).item(), rel=1e-5)
    assert found.way == "one setting, no race"
    assert found.verdict.text.startswith("out of budget after 6 epochs, the weights of epoch ")


def test_seeds_repeat_every_bit_and_the_generators_go_on_as_before():
    data, paths = table(64), []
    for seed in (0, 0, 1):
        torch.manual_seed(0)
        model = nn.Sequential(mlp(), nn.Dropout(0.1))
        torch.manual_seed(5)
        dt.fit(model, data, optimizer="adam", lr=0.01, random_state=seed, **QUICK)
        paths.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
        assert torch.equal(torch.rand(1), torch.rand(1, generator=torch.Generator().manual_seed(5)))
    assert torch.equal(paths[0], paths[1])
    assert not torch.equal(paths[0], paths[2])


def test_classes_loaders_data_sets_and_arrays():
    x, y = classes(64)
    loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True, generator=torch.Generator())
    for data, validation in (
        (loader, loader), (TensorDataset(x, y), 0.25), ((x.double().numpy(), y.numpy()), (x, y)), ([(x, y)], "auto"),
    ):  # fmt: skip
        found = dt.fit(mlp(3), data, optimizer="adam", lr=0.02, validation=validation, **QUICK)
        assert found.chosen["loss"] == "softmax"
        assert found.metrics["train"]["loss"] < found.metrics["start"]["loss"]
    assert found.notes == ("nothing validates, so the training loss decides",)


def test_a_loss_of_ones_own_and_several_inputs():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 1), nn.Linear(1, 1)

        def forward(self, x, z):
            return {"y": self.a(x) + self.b(z)}

    x, y = table(64)
    found = dt.fit(
        Two(), ((x, y), 2 * y), loss=lambda out, target: (out["y"] - target).abs().mean(), optimizer="adam", **QUICK
    )
    assert found.metrics["val"]["loss"] < found.history[0]["val"]
    assert found.chosen["loss"] == "<lambda>"


def test_a_module_that_torch_func_cannot_train_is_trained_one_by_one():
    found = dt.fit(Branches(), table(64), optimizer="adam,minibatch", **QUICK)
    assert found.way.startswith("one by one: torch.func cannot run Branches side by side")
    assert found.metrics["val"]["loss"] < found.history[0]["val"]


def test_a_training_that_fails_says_where_and_leaves_the_weights_before():
    model = mlp()
    before = [p.detach().clone() for p in model.parameters()]
    found = dt.fit(model, table(64), optimizer="sgd", lr=1e6, **QUICK)
    assert found.failed
    assert found.verdict.status == "nonfinite"
    assert [f.code for f in found.findings] == ["D103"]
    assert found.verdict.text.startswith("training failed: the first NaN or inf is in the output of ")
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))
    assert repr(found).splitlines()[1].startswith("✖ training failed")


def test_faults_of_the_model_are_findings():
    x, y = classes(64)
    found = dt.fit(nn.Sequential(mlp(3), nn.Softmax(1)), (x, y), optimizer="adam", lr=0.01, **QUICK)
    assert [f.code for f in found.findings] == ["D604"]


def test_batch_normalisation_and_a_last_batch_of_one_row():
    x, y = table(33)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
    found = dt.fit(model, (x, y), optimizer="adam", lr=0.01, batch_size=8, validation="none", **QUICK)
    assert found.metrics["train"]["loss"] < found.metrics["start"]["loss"]
    with pytest.raises(UsageError) as caught:
        dt.fit(model, [(x[:1], y[:1])], optimizer="adam", lr=0.01, **QUICK)
    assert caught.value.code == "batch-of-one"


def test_a_loader_that_does_not_know_its_length_is_read():
    class Rows(IterableDataset):
        def __iter__(self):
            return iter(zip(*table(32), strict=True))

    source = source_of(DataLoader(Rows(), batch_size=8), "auto", torch.float32)
    assert steps_of(source) is None
    assert [batch.rows for batch in source.epoch(0)] == [8] * 4


def test_tensors_are_made_where_the_module_is_whatever_the_default_device():
    model, x = mlp(), table(64)
    torch.set_default_device("meta")  # on which a number cannot be read
    try:
        found = dt.fit(model, x, optimizer="momentum,nadam", **QUICK)
        rate = dt.find_lr(model, x, variant="nadam", steps=5)
        shown = dt.surface(model, x, found, size=3).shown
    finally:
        torch.set_default_device(None)
    assert found.metrics["train"]["loss"] < found.metrics["start"]["loss"]
    assert rate.sweeps
    assert shown > 0


def test_a_layer_that_is_held_twice_stays_the_layer_of_the_user():
    layer = nn.Linear(4, 4)
    model = nn.Sequential(layer, nn.Tanh(), layer, nn.Linear(4, 1))
    held, before = dict(model.named_parameters()), layer.weight.clone()
    dt.fit(model, table(64), optimizer="momentum,adam", **QUICK)
    assert all(p is held[name] for name, p in model.named_parameters())
    assert not torch.equal(layer.weight, before)


def test_the_run_folder_is_asked_for_before_anything_is_trained(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_text("")
    model = mlp()
    before = [p.detach().clone() for p in model.parameters()]
    with pytest.raises(OutputError):
        dt.fit(model, table(), run=tmp_path / "there")
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


REFUSED = {
    "share": (
        {"validation": 1.5}, "bad-validation",
        "validation is 1.5, it must be a share of at least 0 and below 1, data, 'none' or 'auto'; try 0.2",
    ),
    "optimizer": (
        {"optimizer": "adam,adam"}, "bad-optimizer",
        "optimizer is 'adam,adam', it must be auto, all, a rule, or names with commas between, each once; try 'gd,adam'",
    ),
    "lr": ({"lr": -1}, "bad-lr", 'lr is -1, it must be a finite number above 0; try lr="auto", which finds it'),
    "batch size": (
        {"batch_size": 0}, "bad-batch-size",
        'batch_size is 0, it must be a whole number of at least 1, full or auto; try batch_size="auto"',
    ),
    "epochs": (
        {"max_epochs": -1}, "bad-max-epochs", "max_epochs is -1, it must be a whole number of at least 0; try 1000"
    ),
    "patience": ({"patience": 1.5}, "bad-patience", "patience is 1.5, it must be a whole number of at least 1; try 10"),
    "time": (
        {"time_budget": 0}, "bad-time-budget", "time_budget is 0, it must be a time above 0, such as 30s, 5m or 1h; try 30s"
    ),
    "seed": (
        {"random_state": -1}, "bad-random-state", "random_state is -1, it must be a whole number from 0 to 2^63 - 1; try 0"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("how", "code", "text"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_asked_is_said(how, code, text):
    with pytest.raises(UsageError) as caught:
        dt.fit(mlp(), table(), **how)
    assert (caught.value.code, str(caught.value)) == (code, text)


def test_without_an_epoch_the_module_stays_and_its_loss_is_told():
    model = mlp()
    before = [p.detach().clone() for p in model.parameters()]
    found = dt.fit(model, table(), optimizer="adam", lr=0.01, max_epochs=0)
    assert found.verdict.text.startswith("no epoch lowered the validation loss ")
    assert found.metrics["train"] == found.metrics["start"]
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


def test_what_cannot_be_split_or_read_is_said():
    x, y = table()
    with pytest.raises(UsageError) as caught:
        dt.fit(mlp(), [(x, y)], validation=0.2)
    assert str(caught.value) == "validation is a share, and a loader cannot be split; give a loader as validation"
    with pytest.raises(DataError) as caught:
        dt.fit(mlp(), (x, y), validation=(x * np.nan, y))
    assert caught.value.code == "not-finite"


def test_the_comparison_of_losses_can_fail():
    x, y = table(64)
    model = mlp()
    found = dt.fit(model, (x, y), optimizer="adam", lr=0.01, validation="none", **QUICK)
    with torch.no_grad():
        next(model.parameters()).mul_(1.1)
    assert found.metrics["train"]["loss"] != pytest.approx(F.mse_loss(model(x), y).item(), rel=1e-5)
