"""What watching a loop costs: CPU time, at the default setting.

    python -m benchmarks.watch_overhead

A convolutional network and a transformer block, on one thread. What watching adds to a step between two samples is small beside the
noise of a step on a busy machine, so its calls are timed by themselves; sampled steps are taken in turn with plain ones. Of each the
least time counts: what the machine does beside it can only add to it. One step in a hundred is sampled.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

import descend.torch as dt
from benchmarks.pages import put
from benchmarks.timing import machine
from descend.torch.recorder import COPIED
from descend.torch.watch import EVERY

HERE = Path(__file__).parent
STEPS, SAMPLED, CALLS, ROUNDS = 10, 3, 200, 15  # short stretches, so that the least of them was hardly disturbed
GOAL = 0.02


def convolutional() -> tuple[nn.Module, torch.Tensor, torch.Tensor, Callable[..., Any]]:
    """Three convolutions and a head, 26,000 weights, on 32 images of 28 × 28."""
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(512, 24),
        nn.ReLU(), nn.Linear(24, 10),
    )  # fmt: skip
    return model, torch.randn(32, 1, 28, 28), torch.randint(0, 10, (32,)), F.cross_entropy


class Block(nn.Module):
    """A transformer block over a vocabulary, 200,000 weights."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(100, 128), nn.Linear(128, 100)
        self.layer = nn.TransformerEncoderLayer(128, 4, 384, dropout=0.0, batch_first=True)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(self.layer(self.embed(tokens)))


def transformer() -> tuple[nn.Module, torch.Tensor, torch.Tensor, Callable[..., Any]]:
    """Sixteen sequences of 32 tokens."""
    tokens = torch.randint(0, 100, (16, 32))
    return Block(), tokens, tokens.roll(1, 1), lambda z, y: F.cross_entropy(z.mT, y)


JOBS = {"a convolutional network": convolutional, "a transformer block": transformer}


def measure(make: Callable[[], tuple[nn.Module, torch.Tensor, torch.Tensor, Callable[..., Any]]]) -> dict[str, Any]:
    """Take short stretches in turn, unwatched and sampled at every step, and time what is added between samples."""
    torch.manual_seed(0)
    model, x, y, loss_of = make()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def stretch(done: Callable[[torch.Tensor], object], steps: int) -> float:
        begun = time.process_time()
        for _ in range(steps):
            optimizer.zero_grad()
            loss = loss_of(model(x), y)
            loss.backward()
            optimizer.step()
            done(loss)
        return (time.process_time() - begun) / steps

    def sampled() -> float:
        with dt.watch(model, optimizer, every=1) as w:
            for _ in range(COPIED):
                w.step(1.0)  # the first steps, which are always sampled, belong to the start of a loop
            return stretch(w.step, SAMPLED)

    stretch(torch.Tensor.item, STEPS)
    times: dict[str, list[float]] = {"plain": [], "sampled": []}
    for _ in range(ROUNDS):
        times["plain"].append(stretch(torch.Tensor.item, STEPS))
        times["sampled"].append(sampled())
    plain, one = (min(times[name]) for name in ("plain", "sampled"))
    added = between_samples(model, optimizer, x, loss_of(model(x), y))
    return {"parameters": sum(p.numel() for p in model.parameters()), "plain": plain, "added": added, "sampled": one,
            "overhead": (added + max(one - plain, 0.0) / EVERY) / plain, "times": times}  # fmt: skip


def between_samples(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, loss: torch.Tensor) -> float:
    """The CPU time that watching adds to a step that is not sampled: its hooks and its `step`, called by themselves."""
    loss.backward()
    with dt.watch(model, optimizer, every=10**6) as w:
        for _ in range(COPIED):
            w.step(1.0)
        parts = [m for m in model.modules() if m is not model]

        def calls() -> None:
            for part in parts:
                w._called(part, (x,), {}, None)
            w._called(model, (x,), {}, None)
            w._before_step(optimizer, (), {})
            w._after_step(optimizer, (), {})
            w.step(loss)

        found = []
        for _ in range(ROUNDS):
            begun = time.process_time()
            for _ in range(CALLS):
                calls()
            found.append((time.process_time() - begun) / CALLS)
        return min(found)


def summary(found: dict[str, Any]) -> str:
    """Return the table as Markdown."""
    header = "| loop | weights | a step | added to each | a sampled step | overhead, one in 100 sampled | goal |"
    lines = [header, "|---|---|---|---|---|---|---|"]
    for name, row in found["jobs"].items():
        lines.append(f"| {name} | {row['parameters']:,} | {row['plain'] * 1e3:.2f} ms | {row['added'] * 1e3:.3f} ms | "
                     f"{row['sampled'] * 1e3:.2f} ms | {row['overhead']:.1%} | {GOAL:.0%} |")  # fmt: skip
    how = f"CPU time on one thread, the least of {ROUNDS} stretches, those of {STEPS} steps and of {SAMPLED} sampled ones in turn."
    return "\n".join([*lines, "", how])


def main() -> int:
    """Measure, and write file and page."""
    torch.set_num_threads(1)
    found = {
        "machine": machine(),
        "torch": torch.__version__,
        "jobs": {name: measure(make) for name, make in JOBS.items()},
    }
    (HERE / "watch_overhead.json").write_text(json.dumps(found, indent=1) + "\n")
    put("docs/torch.md", "overhead", summary(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
