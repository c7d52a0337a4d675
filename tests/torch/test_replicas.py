"""Copies of a model on several ranks: those that come apart are named, those that are meant to differ are not."""

import copy
import importlib

import pytest
import torch
import torch.nn.functional as F
from tests.torch.loops import mlp, table
from torch import nn
from torch.distributed import HashStore

from descend.torch.replay import Inputs
from descend.torch.replicas import Replicas, sample

watching = importlib.import_module("descend.torch.watch")  # descend.torch.watch is the function

pytestmark = pytest.mark.usefixtures("one_thread")


class Silent(HashStore):
    """The store of a rank that has ended."""

    def check(self, keys):
        raise RuntimeError("connection closed")


def trained(models, exchange=lambda models: None, batches=None, store=None, steps=4):
    """Models that take steps side by side, each as a rank; `exchange` changes their gradients. What each rank heard at the end."""
    x, y = table(rows=32)
    store = store or HashStore()
    ranks = [Replicas(model, store, k, len(models)) for k, model in enumerate(models)]
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.1) for model in models]
    for _ in range(steps):
        for k, (model, optimizer) in enumerate(zip(models, optimizers, strict=True)):
            part = slice(16 * k, 16 * k + 16) if batches is None else batches
            optimizer.zero_grad()
            F.mse_loss(model(x[part]), y[part]).backward()
        exchange(models)
        for k, (rank, optimizer) in enumerate(zip(ranks, optimizers, strict=True)):
            optimizer.step()
            part = slice(16 * k, 16 * k + 16) if batches is None else batches
            rank.after_step(Inputs((x[part],), {}))
    for rank in ranks:
        rank.hear()
    return ranks


def averaged(models):
    """What all-reduce does."""
    for parts in zip(*(model.parameters() for model in models), strict=True):
        mean = sum(p.grad for p in parts) / len(parts)
        for p in parts:
            p.grad.copy_(mean)


def pair(model):
    return [model, copy.deepcopy(model)]


def test_ranks_that_average_their_gradients_stay_equal():
    ranks = trained(pair(mlp()), averaged)
    assert [(rank.alike, rank.apart) for rank in ranks] == [(6, ())] * 2


def test_ranks_that_do_not_come_apart_and_both_hear_of_it():
    ranks = trained(pair(mlp()))
    assert [(rank.alike, len(rank.apart)) for rank in ranks] == [(6, 6)] * 2


def test_rounding_is_no_difference_and_a_hundredth_of_the_movement_is():
    def off_by(share):
        def exchange(models):
            averaged(models)
            for p in models[1].parameters():
                p.grad.mul_(1 + share)

        return exchange

    assert trained(pair(mlp()), off_by(1e-5))[0].apart == ()
    assert trained(pair(mlp()), off_by(0.05))[0].apart != ()


class Part(nn.Module):
    """A rank's part of a layer, behind a normalisation that all ranks hold."""

    def __init__(self):
        super().__init__()
        self.norm, self.part = nn.LayerNorm(4), nn.Linear(4, 1)
        nn.init.zeros_(self.part.bias)

    def forward(self, x):
        return self.part(self.norm(x))


def test_parts_of_a_model_share_what_started_equal_where_they_get_the_same_batch():
    def clip_on_rank_0(models):
        nn.utils.clip_grad_norm_(models[0].norm.parameters(), 1e-3)

    def same_norm(models):
        averaged([model.norm for model in models])

    parts = [Part(), Part()]
    for part in parts:
        nn.init.uniform_(part.norm.weight, 0.5, 1.5, generator=torch.Generator().manual_seed(0))
    ranks = trained(copy.deepcopy(parts), clip_on_rank_0, batches=slice(None))
    assert [(rank.alike, rank.apart) for rank in ranks] == [(1, ("norm.weight",))] * 2
    assert [rank.apart for rank in trained(copy.deepcopy(parts), same_norm, batches=slice(None))] == [(), ()]
    assert [(rank.alike, rank.apart) for rank in trained(parts)] == [(0, ())] * 2  # other batches: layers of a pipeline


def test_ranks_that_were_looked_at_after_other_steps_are_not_compared():
    store, models = HashStore(), pair(mlp())
    ranks = [Replicas(model, store, k, 2) for k, model in enumerate(models)]
    ranks[1].after_step(None)  # whose first step moved nothing
    for rank in ranks:
        with torch.no_grad():
            rank.model[0].weight.add_(1.0 + rank.rank)
        rank.after_step(None)
    ranks[0].hear()
    assert [rank.apart for rank in ranks] == [(), ()]


def test_a_rank_that_is_not_watched_is_not_waited_for():
    rank = Replicas(mlp(), HashStore(), 0, 2)
    rank.hear()
    assert rank.apart == ()


def test_a_store_that_is_gone_ends_no_loop():
    assert trained(pair(mlp()), store=Silent())[0].apart == ()


def test_a_second_watch_reads_nothing_of_the_first():
    store, model = HashStore(), mlp()
    trained(pair(model), store=store)
    later = Replicas(model, store, 0, 2)
    later.hear()
    assert later.apart == ()


def test_samples_are_a_few_numbers_evenly_spaced():
    assert sample(torch.arange(15.0)) == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0]
    assert sample(torch.tensor(3)) == [3.0]
    assert sample(torch.zeros(0)) == []
    assert sample(torch.tensor([1 + 2j])) == [1.0, 2.0]


def test_a_watched_loop_names_it_at_its_first_steps(monkeypatch):
    store, models = HashStore(), pair(mlp())
    monkeypatch.setattr(watching, "replicas_of", lambda model: Replicas(model, store, models.index(model), 2))
    x, y = table(rows=32)
    found = []
    for k, model in enumerate(models):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with watching.watch(model, optimizer) as w:
            for step in range(6):
                optimizer.zero_grad()
                loss = F.mse_loss(model(x[k::2]), y[k::2])
                loss.backward()
                optimizer.step()
                w.step(loss)
                if step == 2:
                    early = [finding.code for finding in w.findings]
        found.append((early, [finding.text for finding in w.findings]))
    assert found[0] == ([], [])  # the other rank had not begun
    assert found[1] == (
        ["D614"],
        ["ranks are out of step: 6 parameters alike on 2 ranks at the start, 6 apart after the first steps, the first is 0.weight: "
         "each rank trains a model of its own"],
    )  # fmt: skip
