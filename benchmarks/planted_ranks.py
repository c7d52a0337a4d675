"""Training loops on two ranks, in two processes: one model on both, or each rank with a part of it.

| exchange | what the ranks do |
|---|---|
| averaged | DistributedDataParallel averages gradients over the rows of both |
| module called | the module inside of it is called, which averages nothing |
| moved | it was cast to float64 and back: autograd has other nodes then than those that it has hooks on, as after a move to a GPU |
| split | each rank holds half of a hidden layer (Shoeybi et al. 2019); all gradients are clipped by their common norm |
| split, clipped on rank 0 | what both ranks hold is clipped on rank 0 alone |
"""

import functools
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

import descend.torch as dt
from benchmarks.planted_torch import BODIES, ROWS, WIDTH, Net, Ran, Setup, data, loss_on

RANKS = 2


class Spread(torch.autograd.Function):
    """What goes to the parts of a layer: itself, and backward the sum of their gradients."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        return summed(g)


class Gathered(torch.autograd.Function):
    """What comes from the parts of a layer: the sum of all, and backward the gradient as it is."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return summed(x)

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        return g


def summed(x: torch.Tensor) -> torch.Tensor:
    total = x.detach().clone()
    distributed.all_reduce(total)
    return total


class Split(nn.Module):
    """Body and normalisation on both ranks, and a hidden layer of which each holds half."""

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self.body, self.norm = BODIES[setup.family](setup.activation), nn.LayerNorm(WIDTH)
        torch.manual_seed(100 + distributed.get_rank())
        self.part, self.head = nn.Linear(WIDTH, WIDTH // RANKS), nn.Linear(WIDTH // RANKS, setup.outputs, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = Spread.apply(self.norm(self.body(x)))
        return Gathered.apply(self.head(torch.relu(self.part(h))))

    @property
    def parts(self) -> list[nn.Parameter]:
        """The parameters of which each rank holds its own."""
        return [*self.part.parameters(), *self.head.parameters()]


def clip(model: Split, setup: Setup) -> None:
    """Scale gradients so that their norm over all ranks is at most setup.clip; what both hold counts once."""
    own = {id(p) for p in model.parts}
    held = [p for p in model.parameters() if id(p) not in own]
    squares = [sum(p.grad.square().sum() for p in some if p.grad is not None) for some in (held, model.parts)]
    factor = min(1.0, setup.clip / float((squares[0] + summed(squares[1])).sqrt()))
    skip = setup.exchange == "split, clipped on rank 0" and distributed.get_rank() > 0
    for p in model.parts if skip else model.parameters():
        p.grad.mul_(factor)


def on_rank(setup: Setup, rank: int, meeting: str) -> Ran:
    """Train one of the ranks, watched at the default setting."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=RANKS)
    try:
        torch.manual_seed(setup.seed)
        split = setup.exchange.startswith("split")
        inner = (Split if split else Net)(setup)
        model = inner if split else DistributedDataParallel(inner)
        if setup.exchange == "moved":
            model.double().float()
        called = inner if setup.exchange == "module called" else model
        x, y = data(setup)
        before, optimizer = loss_on(model, setup, x, y), setup.kind(model.parameters(), lr=setup.lr)
        model.train()
        torch.manual_seed(setup.seed)
        with dt.watch(model, optimizer) as w:
            for _ in range(setup.steps):
                rows = torch.randperm(ROWS)[:32]
                rows = rows if split else rows[rank::RANKS]
                loss = setup.loss(called(x[rows]), y[rows])
                optimizer.zero_grad()
                loss.backward()
                if split:
                    clip(inner, setup)
                optimizer.step()
                w.step(loss)
        distributed.barrier()
        return Ran(w.findings, before, loss_on(model, setup, x, y))
    finally:
        distributed.destroy_process_group()


@functools.cache
def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(RANKS, mp_context=get_context("spawn"))


def run(setup: Setup) -> Ran:
    """Train on two ranks; a finding of either counts, and the loss is that of the first."""
    with tempfile.TemporaryDirectory() as folder:
        meeting = str(Path(folder) / "meeting")
        waiting = [_pool().submit(on_rank, setup, rank, meeting) for rank in range(RANKS)]
        first, *others = (one.result() for one in waiting)
    return Ran(tuple(_distinct((first, *others))), first.before, first.after)


def _distinct(ran: tuple[Ran, ...]) -> Iterator[Any]:
    return iter({finding.code: finding for one in ran for finding in one.findings}.values())
