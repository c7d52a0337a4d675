"""A module of one's own under DistributedDataParallel: our optimizers take the steps of one process, and `watch` sees faults."""

import json

import pytest
import torch

import descend.torch as dt

LOOP = """
import torch

def batches(rank, world):
    generator = torch.Generator().manual_seed(1)
    for _ in range(12):
        x = torch.randn(16, 3, generator=generator, dtype=torch.float64)
        y = (x @ torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64) + 0.3).reshape(-1, 1)
        yield x[rank::world], y[rank::world]

def module():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double()

def steps(model, optimizer, loader, watched=None, flat=False):
    for x, y in loader:
        optimizer.zero_grad()
        out = model(x)
        loss = torch.nn.functional.mse_loss(out, y[:, 0] if flat else y)
        loss.backward()
        optimizer.step()
        if watched is not None:
            watched.step(loss)
    return [p.detach().tolist() for p in model.parameters()]

RULES = {"Nesterov": {"lr": 0.05}, "Adam": {"lr": 0.05}, "AdamW": {"lr": 0.05}, "RMSprop": {"lr": 0.01}, "Adagrad": {"lr": 0.1}}
"""
IN_GROUP = """
import json, warnings
import descend.torch as dt
from torch.nn.parallel import DistributedDataParallel

found = {}
for name, given in RULES.items():
    for views in (False, True):
        model = DistributedDataParallel(module(), gradient_as_bucket_view=views)
        found[f"{name} {views}"] = steps(model, getattr(dt, name)(model.parameters(), **given), batches(rank, world))
for name, flat in (("sound", False), ("wrong", True)):
    model = DistributedDataParallel(module())
    optimizer = dt.Adam(model.parameters(), lr=0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of the shapes
        with dt.watch(model, optimizer, run=None if rank else name) as w:
            steps(model, optimizer, batches(rank, world), w, flat)
    found[name] = [f.code for f in w.findings]
print(json.dumps(found))
"""
FAULTS = """
import contextlib, json
import descend.torch as dt
from torch.nn.parallel import DistributedDataParallel

def moved(model):
    model.float().double()  # each cast gives the parameters other gradient accumulators than DistributedDataParallel has hooks on
    return model

def accumulated(model):
    with model.no_sync():  # gradients of this pass are exchanged with those of the next one
        model(next(batches(rank, world))[0]).sum().mul(1e-3).backward()
    return model

found = {}
WAYS = {"sound": lambda m: m, "the module is called": lambda m: m.module, "moved after it was wrapped": moved, "accumulated": accumulated}
for name, change in WAYS.items():
    wrapped = DistributedDataParallel(module())
    optimizer = dt.Adam(wrapped.parameters(), lr=0.05)
    model = change(wrapped)
    with dt.watch(wrapped, optimizer) as w:
        steps(model, optimizer, batches(rank, world), w)
    found[name] = [f.code for f in w.findings]
with dt.watch(module(), None) if rank == 0 else contextlib.nullcontext():  # a rank that watches alone waits for none
    pass
print(json.dumps(found))
"""


@pytest.fixture
def alone():
    """What one process comes to with each rule, on whole batches."""
    known = {}
    exec(LOOP, known)  # noqa: S102
    found = {}
    for name, given in known["RULES"].items():
        model = known["module"]()
        found[name] = known["steps"](model, getattr(dt, name)(model.parameters(), **given), known["batches"](0, 1))
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_two_processes_take_the_steps_of_one_and_both_are_watched(in_processes, tmp_path, alone):
    outcomes = in_processes(2, LOOP + IN_GROUP)
    assert [code for code, _, _ in outcomes] == [0, 0], outcomes
    found = [json.loads(said) for _, said, _ in outcomes]
    for name, weights in alone.items():
        for views in (False, True):
            for one in found:
                for ours, theirs in zip(one[f"{name} {views}"], weights, strict=True):
                    torch.testing.assert_close(torch.tensor(ours), torch.tensor(theirs), rtol=1e-10, atol=1e-12)
    for one in found:
        assert "D608" in one["wrong"]
        assert "D608" not in one["sound"]
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_dir()) == ["sound", "wrong"]  # of rank 0 alone


@pytest.mark.slow
def test_ranks_that_come_apart_are_named_and_those_that_do_not_are_not(in_processes):
    outcomes = in_processes(2, LOOP + FAULTS)
    assert [code for code, _, _ in outcomes] == [0, 0], outcomes
    ranks = [json.loads(said) for _, said, _ in outcomes]
    for name in ("sound", "accumulated"):
        assert [found[name] for found in ranks] == [[], []], name
    for name in (
        "the module is called",
        "moved after it was wrapped",
    ):  # a rank that ends before the other begins hears nothing
        assert any("D614" in found[name] for found in ranks), name
