"""watch: every planted fault is named, healthy loops are left in peace, and nothing is left behind."""

import copy
import io
import logging
import pickle
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from tests.torch.loops import FAULTS, HEALTHY, mlp, table, usual
from torch import nn

from descend.errors import OutputError, UsageError
from descend.run.doctor import doctor
from descend.torch import watch

CASES = [(code, loop) for code, loops in FAULTS.items() for loop in loops]


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("loop", HEALTHY.values(), ids=HEALTHY)
def test_a_healthy_loop_has_no_findings(loop):
    assert loop(watch).findings == ()


# What follows from a fault and is named too: dead units pass no gradient, and what explodes becomes infinite.
CONSEQUENCES = {"D206": {"D603"}, "D102": {"D103"}, "D502": {"D103"}, "D611": {"D603"}}


@pytest.mark.parametrize(("code", "loop"), CASES, ids=[f"{code} {loop.__name__}" for code, loop in CASES])
def test_a_planted_fault_is_named_and_nothing_else_but_what_follows_from_it(code, loop):
    assert {finding.code for finding in loop(watch).findings} == {code} | CONSEQUENCES.get(code, set())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("infinite_rate", "in the output of 2 (Linear) at step 3"),
        ("nan_in_the_data", "in the input at step 1, rows 6 of the batch (1 in all), at learning rate 0.02"),
        (
            "logarithm",
            "in the output of 1 (LogLayer) at step 8, rows 12 of the batch (1 in all), at learning rate 0.001",
        ),
        ("root_of_zero", "in the gradient of 4.bias at step 6, at learning rate 0.001"),
        ("loss_of_zero", "in the loss at step 5, at learning rate 0.001"),
    ],
)
def test_the_first_nan_is_placed_in_layer_step_and_rows(name, text):
    loop = next(loop for loop in FAULTS["D103"] if loop.__name__ == name)
    (finding,) = [finding for finding in loop(watch).findings if finding.code == "D103"]
    assert finding.text.startswith(f"the first NaN or inf is {text}")


class LinearRegression(nn.Module):
    """The model of the tutorial."""

    def __init__(self, input_size, output_size):
        super().__init__()
        self.linear = nn.Linear(input_size, output_size)

    def forward(self, x):
        return self.linear(x)


def test_the_loop_of_the_tutorial_shows_its_fault_at_the_first_step():
    torch.manual_seed(42)
    x = torch.randn(1000, 2)
    y = x @ torch.tensor([1.3, -1]) + torch.tensor([-3.5])
    model = LinearRegression(2, 1)
    with watch(model) as w:
        for step in range(5):
            loss = torch.mean((y - model(x)) ** 2)
            loss.backward()
            weight, bias = (p - 0.001 * p.grad for p in (model.linear.weight, model.linear.bias))
            model.linear.weight, model.linear.bias = nn.Parameter(weight), nn.Parameter(bias)
            w.step(loss)
            if step == 0:
                (finding,) = w.findings
    assert (finding.code, finding.level) == ("D608", "error")
    assert finding.text == (
        "the prediction has shape (1000, 1) and the target (1000,), so their difference would silently become a table of "
        "shape (1000, 1000)"
    )
    assert finding.fix == ("use target.reshape(-1, 1) or prediction.squeeze(-1)",)
    assert [finding.code for finding in w.findings] == ["D608"]


def test_a_finding_is_logged_once_when_it_is_first_seen(caplog):
    with caplog.at_level(logging.WARNING, logger="descend"):
        FAULTS["D602"][0](watch)
    assert [record.getMessage() for record in caplog.records] == [
        "D602 2 parameters have gradients but are in no optimizer, the first is 4.weight: they never change (step 1)"
    ]


def hooks(model):
    """How many hooks there are, on any module, on a model, and of functions."""
    from torch.nn.modules import module as modules

    everywhere = len(modules._global_forward_hooks) + len(modules._global_forward_pre_hooks)
    own = sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in model.modules())
    return everywhere, own, torch.overrides._len_torch_function_stack(), bool(modules._has_any_global_hook())


def test_hooks_are_gone_at_the_end_also_after_an_error():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = hooks(model)
    with pytest.raises(KeyError, match="mine"), watch(model, optimizer):
        raise KeyError("mine")
    usual(watch, model)
    assert hooks(model) == before
    assert len(optimizer._optimizer_step_pre_hooks) == len(optimizer._optimizer_step_post_hooks) == 0


def test_nothing_is_stored_on_the_model_which_can_be_copied_and_saved_meanwhile():
    x, y = table()
    model = mlp()
    optimizer, keys = torch.optim.Adam(model.parameters()), set(vars(model))
    with watch(model, optimizer) as w:
        for _ in range(2):
            loss = F.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            w.step(loss)
        copied, loaded = copy.deepcopy(model), pickle.loads(pickle.dumps(model))
        torch.save(model, io.BytesIO())
        copy.deepcopy(optimizer)
        assert set(vars(model)) == keys
        assert hooks(model)[1] == 0
    torch.testing.assert_close(copied(x), model(x))
    torch.testing.assert_close(loaded(x), model(x))


def test_attached_again_without_an_end_the_later_one_replaces_the_earlier():
    model = mlp()
    before = hooks(model)
    with watch(model, torch.optim.SGD(model.parameters(), lr=0.1)):
        once = hooks(model)
    first = watch(model, torch.optim.SGD(model.parameters(), lr=0.1))
    first.__enter__()  # a cell of a notebook that was interrupted
    with watch(model, torch.optim.SGD(model.parameters(), lr=0.1)):
        assert hooks(model) == once
    first.__exit__(None, None, None)
    assert hooks(model) == before


@pytest.mark.filterwarnings("ignore:Using `torch.compile.module.` when there are global hooks")
def test_a_compiled_model_is_watched_where_its_python_runs():
    model = torch.compile(mlp(), backend="eager")
    assert usual(watch, model).findings == ()


def test_watching_changes_no_number():
    paths = []
    for seen in (True, False):
        x, y = table()
        model = nn.Sequential(mlp(), nn.BatchNorm1d(1), nn.Dropout(0.2))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        torch.manual_seed(1)
        with watch(model, optimizer, every=2) as w:
            for _ in range(12):
                optimizer.zero_grad()
                loss = F.mse_loss(model(x), y)
                loss.backward()
                optimizer.step()
                if seen:
                    w.step(loss)
        paths.append(model.state_dict())
        torch.manual_seed(0)
    for key, value in paths[0].items():
        assert torch.equal(value, paths[1][key]), key


def test_a_finding_that_no_longer_holds_is_taken_back_and_a_batch_let_go():
    late = nn.Linear(4, 1)
    model = nn.ModuleList([mlp(), late])
    x, y = table()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with watch(model, optimizer, every=2) as w:
        for step in range(10):
            optimizer.zero_grad()
            z = model[0](x) + (late(x) if step > 5 else 0)
            loss = F.mse_loss(z, y)
            loss.backward()
            optimizer.step()
            w.step(loss)
            if step == 4:
                assert [finding.code for finding in w.findings] == ["D603"]
    assert w.findings == ()
    assert w.inputs is None


def test_a_model_that_grows_is_watched_on_and_its_new_layers_are_named():
    x, y = table()
    model = mlp(depth=1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer, every=1) as w:
        for step in range(6):
            if step == 3:
                model[0], model[2] = nn.Linear(4, 24), nn.Linear(24, 1)
            optimizer.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            w.step(loss)
    assert "D602" in [finding.code for finding in w.findings]


def test_a_replay_leaves_buffers_and_random_numbers_as_they_are():
    x, y = table()
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with watch(model, optimizer) as w:
        loss = F.mse_loss(model(x), y) * torch.nan
        loss.backward()
        buffers, state = copy.deepcopy(dict(model.named_buffers())), torch.get_rng_state()
        optimizer.step()
        w.step(loss)
    assert all(torch.equal(value, buffers[name]) for name, value in model.named_buffers())
    assert torch.equal(state, torch.get_rng_state())
    assert w.inputs.args[0] is x


def test_models_that_are_called_with_keywords_and_return_dictionaries_are_read():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 1)

        def forward(self, *, features):
            return {"prediction": self.layer(features)}

    x, y = table()
    model = Named()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer) as w:
        loss = (model(features=x)["prediction"] - y[:, 0]).square().mean()
        loss.backward()
        optimizer.step()
        w.step(loss)
    assert [finding.code for finding in w.findings] == ["D608"]


def test_a_loop_that_calls_parts_of_a_model_is_read():
    x, y = table()
    model = nn.ModuleDict({"body": nn.Linear(4, 8), "head": nn.Linear(8, 1)})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer) as w:
        loss = (model["head"](torch.relu(model["body"](x))) - y[:, 0]).square().mean()
        loss.backward()
        optimizer.step()
        w.step(loss)
    assert [finding.code for finding in w.findings] == ["D608"]


def test_a_run_folder_is_one_that_the_doctor_reads(tmp_path):
    folder = tmp_path / "runs" / "mine"
    w = usual(lambda model, optimizer: watch(model, optimizer, run=folder), lr=0.001, zero=False)
    examined = doctor(folder)
    assert [finding.code for finding in examined.findings] == ["D601"]
    assert examined.findings == w.findings
    assert examined.text.startswith("the loop ended after 40 steps: loss ")
    assert {path.name for path in folder.iterdir()} == {"run.json", "trace.jsonl", "report.html"}
    with pytest.raises(OutputError), watch(mlp(), run=folder):
        pass


def test_what_is_shown_of_a_watched_loop():
    w = usual(watch, steps=1, lr=0.0)
    assert repr(w) == "1 step watched, loss 0.5993 → 0.5993\nnothing to mend"


REFUSED = {
    "no module": (
        lambda: watch(lambda x: x), "not-watchable",
        "watch was given a function, it takes a torch.nn.Module and the optimizers of the loop; call watch(model, optimizer)",
    ),
    "no optimizer": (
        lambda: watch(mlp(), ["adam"]), "not-watchable",
        "watch was given a str, it takes a torch.nn.Module and the optimizers of the loop; call watch(model, optimizer)",
    ),
    "no parameters": (
        lambda: watch(nn.ReLU()), "no-parameters",
        "the model ReLU has no parameters, so there is nothing to train; give its layers to it as attributes or in a "
        "ModuleList",
    ),
    "lazy layers": (
        lambda: watch(nn.Sequential(nn.LazyLinear(2))), "lazy-layers",
        "layers of the model Sequential wait for their first batch to know their sizes; call the model once on a batch, then make the "
        "optimizer and the watch",
    ),
    "every": (
        lambda: watch(mlp(), every=0), "every-range", "every is 0, it must be a whole number above 0; try 100",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "code", "text"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_watched_is_said(make, code, text):
    with pytest.raises(UsageError) as caught:
        make()
    assert (caught.value.code, str(caught.value)) == (code, text)


TWO_PROCESSES = """
import sys
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
import descend.torch as dt

rank, file = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=2)
torch.manual_seed(0)
model = DistributedDataParallel(nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1)))
optimizer = dt.Adam(model.parameters(), lr=0.01)
torch.manual_seed(rank)
x = torch.randn(32, 4)
with dt.watch(model, optimizer, every=3) as w:
    for step in range(12):
        batch = torch.full_like(x, torch.nan) if step == 9 and rank == 1 else x
        optimizer.zero_grad()
        loss = (model(batch) - x[:, :1]).square().mean()
        loss.backward()
        optimizer.step()
        w.step(loss)
print([finding.text for finding in w.findings if finding.code == "D103"])
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_processes_that_train_together_do_not_wait_for_each_other_where_one_of_them_fails(tmp_path):
    command = [sys.executable, "-c", TWO_PROCESSES]
    ran = [
        subprocess.Popen([*command, str(rank), str(tmp_path / "meeting")], stdout=subprocess.PIPE, text=True)
        for rank in (0, 1)
    ]
    said = [one.communicate(timeout=300)[0] for one in ran]
    assert "is in the gradient of" in said[0]
    assert "is in the input at step 10, rows 1, 2, 3, 4, 5, …" in said[1]
