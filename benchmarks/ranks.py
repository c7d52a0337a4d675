"""What several processes gain: two with one thread each against one with one, against torch's DDP, and a model for more ranks.

    python -m benchmarks.ranks                       measures in about a minute; writes ranks.json and its part of docs/cluster.md
    python -m benchmarks.ranks --rank R WORLD STORE  one process of the measurement; rank 0 prints JSON

Rows B13 of the tables of speed: B3 (logistic, the whole batch) and B5 with 4,096 rows a step, 1,000,000 x 50 float32.
"""

import json
import math
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pages import put, shown
from benchmarks.timing import REPEATS, machine, timed

HERE = Path(__file__).parent
ROWS, FEATURES, BATCH = 1_000_000, 50, 4096
PARAMS, BLOCKS, STEPS = FEATURES + 1, -(-ROWS // 4096), -(-ROWS // BATCH)
LIMIT = 300.0  # seconds that a rank waits for another
SIZES = (512, 65_536, 4_194_304)  # bytes of the messages that are timed
RANKS = (2, 8, 64, 512)
STEP = 1e-4  # seconds of work between exchanges, about those of a rank's part of a batch
GOALS = {"efficiency": 0.9, "ddp": 3.0}


def rows() -> tuple[Any, Any]:
    """Return features and classes of the rows, the same in every process."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, FEATURES), dtype=np.float32)
    return X, (X @ rng.standard_normal(FEATURES, dtype=np.float32) > 0).astype(np.float32)


def of_descend(X: Any, y: Any, group: Any) -> dict[str, float]:
    """Return the seconds of an epoch of both jobs, on rank 0."""
    from descend.cluster.passes import Served, SharedPasses
    from descend.engines import linear, start
    from descend.losses import loss
    from descend.plan import Plan, setting
    from descend.problem import Problem
    from descend.table.data import Data

    problem = Problem(Data(X, y), loss("logistic"))
    plans = {"full": Plan((setting("sgd", lr=0.1),)), "batch": Plan((setting("sgd", lr=0.1, batch_size=BATCH),))}

    def seconds(shared: Problem, plan: Plan, threads: int = 1) -> float:
        epoch = np.array([ROWS])
        return timed("epoch", lambda: linear.advance(shared, plan, start(shared, plan), epoch, threads)).seconds

    def measured(shared: Problem) -> dict[str, float]:
        return {job: seconds(shared, plan) for job, plan in plans.items()}

    if group is None:
        return measured(problem) | {"two threads": seconds(problem, plans["full"], 2)}
    if group.rank:
        group.wait(Served(group, lambda place: problem, threads=1), PARAMS)
        return {}
    with group.at_work(PARAMS):
        return measured(replace(problem, data=problem.data.with_team(SharedPasses(group, 0, PARAMS))))


def of_torch(X: Any, y: Any, rank: int, world: int) -> dict[str, float]:
    """Return the same of torch.optim.SGD, under DistributedDataParallel where there are several processes."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as loss

    model: Any = torch.nn.Linear(FEATURES, 1)
    if world > 1:
        model = torch.nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    ours, targets = torch.from_numpy(X[rank::world]), torch.from_numpy(y[rank::world, None])
    size = BATCH // world

    def step(x: Any, t: Any) -> None:
        optimizer.zero_grad()
        loss(model(x), t).backward()
        optimizer.step()

    def epoch() -> None:
        order = torch.randperm(len(ours))
        for at in range(0, len(ours), size):
            step(ours[order[at : at + size]], targets[order[at : at + size]])

    return {"full": timed("full", lambda: step(ours, targets)).seconds, "batch": timed("batch", epoch, 3).seconds}


def of_exchange(group: Any, work: float = 0.0) -> float:
    """Return the seconds of an exchange of one sum of gradients, as one follows a step by batches.

    Args:
        work: seconds that every rank computes before it sends; they are not counted.
    """
    values = np.zeros(PARAMS, np.float32)

    def own() -> Any:
        end = time.perf_counter() + work
        while time.perf_counter() < end:
            pass
        return values

    return timed("exchange", lambda: group.exchange(values, own), 200).seconds - work


def of_messages(group: Any) -> dict[int, float]:
    """Return the seconds of what rank 0 tells, with so many bytes, and gets back from the other."""
    found = {}
    for size in SIZES:
        values = np.zeros(size // 8)

        def both(values: Any = values) -> None:
            group.broadcast(values, 0)
            group.collect(values)

        found[size] = timed("message", both, 50 if size < 1 << 20 else 10).seconds
    return found


def one(rank: int, world: int, store: str) -> None:
    """Measure as one process of several."""
    import torch
    from torch import distributed

    torch.set_num_threads(1)
    X, y = rows()
    if world == 1:
        print(json.dumps({"descend": of_descend(X, y, None), "torch": of_torch(X, y, 0, 1)}))
        return
    from descend.cluster.group import joined

    distributed.init_process_group(
        "gloo", init_method=f"file://{store}", rank=rank, world_size=world, timeout=timedelta(seconds=LIMIT)
    )
    with joined(LIMIT) as group:
        found = {
            "descend": of_descend(X, y, group),
            "messages": of_messages(group),
            "exchange": of_exchange(group),
            "exchange after work": of_exchange(group, STEP),
            "torch": of_torch(X, y, rank, world),
        }
    if rank == 0:
        print(json.dumps(found))


def spawned(world: int) -> dict[str, Any]:
    """Return what rank 0 of so many processes has measured."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.ranks", "--rank"]
        processes = [
            subprocess.Popen([*command, str(rank), str(world), f"{folder}/store"], stdout=subprocess.PIPE, text=True)
            for rank in range(world)
        ]
        said = [process.communicate()[0] for process in processes]
    found: dict[str, Any] = json.loads(said[0])
    return found


def message_costs(messages: dict[str, float]) -> tuple[float, float]:
    """Return the seconds of a message without bytes and those of a byte, each way half of what both take.

    >>> message_costs({"0": 2e-4, "1000000": 2e-4 + 2e-3})
    (0.0001, 1e-09)
    """
    few, *_, most = sorted(messages, key=int)
    byte = (messages[most] - messages[few]) / (2 * (int(most) - int(few)))
    return messages[few] / 2 - byte * int(few), round(byte, 15)


def predicted(work: float, back: float, ranks: int, message: float, byte: float) -> float:
    """Return the seconds of a step on the whole batch by the model of docs/cluster.md.

    Args:
        work: seconds of the step in one process.
        back: bytes that each rank sends to rank 0.
        ranks: how many there are.
        message, byte: seconds of a message without bytes, and of a byte.

    >>> predicted(1.0, 0, 1, 1e-4, 1e-9), round(predicted(1.0, 1000, 4, 1e-4, 1e-9), 6)
    (1.0, 0.250504)
    """
    down = math.ceil(math.log2(ranks)) * (message + 8 * (8 + PARAMS) * byte)
    return work / ranks + down + (ranks - 1) * (message + back * byte)


def predicted_by_batches(work: float, ranks: int, exchange: float) -> float:
    """Return the same of a step by batches; `exchange` are the seconds of an exchange of two ranks.

    >>> predicted_by_batches(1.0, 1, 1e-4), predicted_by_batches(1.0, 2, 1e-4)
    (1.0, 0.5001)
    """
    return work / ranks + (ranks - 1) * exchange


def page(found: dict[str, Any]) -> str:
    """Return the generated part of docs/cluster.md."""
    one_, two = found["one"], found["two"]
    lines = [
        "| row | work | one process | two | efficiency | goal | DDP, two processes | ratio | goal |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    names = {"full": "B13, B3", "batch": "B13, B5"}
    works = {"full": "logistic, one epoch on the whole batch", "batch": f"logistic, one epoch by {BATCH:,} rows a step"}
    for job, name in names.items():
        alone, both, ddp = one_["descend"][job], two["descend"][job], two["torch"][job]
        lines.append(
            f"| {name} | {works[job]} | {shown(alone)} | {shown(both)} | {alone / both / 2:.0%} | {GOALS['efficiency']:.0%} | "
            f"{shown(ddp)} | {ddp / both:.1f}× | {GOALS['ddp']:.0f}× |"
        )
    message, byte = message_costs(two["messages"])
    lines += [
        "",
        f"{ROWS:,} × {FEATURES} float32, one thread a process; medians of {REPEATS} on {found['date']}. "
        f"{found['machine']['processor']}, {found['machine']['cores']} cores. A message takes {message * 1e6:.0f} µs and "
        f"{1e-9 / byte:.2g} GB/s here; on the whole batch of two ranks one way carries {8 * (8 + PARAMS)} bytes a step, the other "
        f"{BLOCKS // 2 * PARAMS * 4 // 1024:,} kB a rank. An exchange of {PARAMS * 4} bytes, of which a step by batches has one, "
        f"takes {two['exchange'] * 1e6:.0f} µs alone, and {two['exchange after work'] * 1e6:.0f} µs after {STEP * 1e6:.0f} µs of work "
        f"that ends on all ranks at once; a step by batches takes {shown(two['descend']['batch'] / STEPS)}, so most of it is neither work "
        f"nor exchange but waiting for each other. Two threads of one process take {shown(one_['descend']['two threads'])} for the whole "
        "batch.",
        "",
        "| ranks | whole batch, the same rows | efficiency | ten million rows a rank | efficiency | by batches | efficiency |",
        "|---|---|---|---|---|---|---|",
    ]
    full, batch = one_["descend"]["full"], one_["descend"]["batch"] / STEPS
    for ranks in RANKS:
        same = predicted(full, BLOCKS / ranks * PARAMS * 4, ranks, message, byte)
        more = predicted(10 * full * ranks, 10 * BLOCKS * PARAMS * 4, ranks, message, byte)
        small = predicted_by_batches(batch, ranks, two["exchange after work"])
        lines.append(
            f"| {ranks} | {shown(same)} | {full / same / ranks:.0%} | {shown(more)} | {10 * full / more:.0%} | {shown(small)} a step | "
            f"{batch / small / ranks:.0%} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, and write what was found."""
    found = {"date": date.today().isoformat(), "machine": machine(), "one": spawned(1), "two": spawned(2)}
    (HERE / "ranks.json").write_text(json.dumps(found, indent=1) + "\n")
    put("docs/cluster.md", "ranks", page(found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--rank"]:
        one(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        main()
