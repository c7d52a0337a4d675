"""Shared by all tests: a hypothesis that repeats itself, a small problem for every loss, and ranks of a group."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

import descend
from descend.cluster.group import Group
from descend.losses import loss
from descend.problem import Problem
from descend.table.data import Data

settings.register_profile("descend", derandomize=True, deadline=None, database=None, max_examples=50)
settings.load_profile("descend")

PATIENCE = 120  # seconds after which ranks that hang end a test

TRUTH = np.array([[0.5, -0.3, 0.1], [-0.4, 0.2, 0.6], [0.3, 0.4, -0.5]])


def small_problem(name, *, rows=23, outputs=1, weighted=False, dtype=np.float64, seed=0, **options):
    """A problem of three features whose target follows them, with noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 3))
    z = X @ TRUTH[:, :outputs] + 0.25 + 0.3 * rng.normal(size=(rows, outputs))
    y = {
        "logistic": z[:, 0] > 0, "hinge": z[:, 0] > 0, "poisson": rng.poisson(np.exp(z[:, 0])), "softmax": z.argmax(axis=1),
    }.get(name, z if outputs > 1 else z[:, 0])  # fmt: skip
    weight = rng.uniform(0.2, 2, rows) if weighted else None
    weight = weight if weight is None else (weight / weight.mean()).astype(dtype)
    data = Data(X.astype(dtype), np.ascontiguousarray(y, dtype), weight, ("a", "b", "c"))
    return Problem(data, loss(name), loss(name).constants, outputs, **options)


@pytest.fixture
def small():
    """Returns a function that makes a small problem of the loss of that name."""
    return small_problem


@pytest.fixture
def penguins():
    """The tidy table of penguins that ships with the project."""
    return Path(__file__).parent.parent / "examples" / "data" / "penguins.csv"


@pytest.fixture
def penguins_raw():
    """The raw table: quotes, dates, comments and NA."""
    return Path(__file__).parent.parent / "examples" / "data" / "penguins_raw.csv"


@dataclass
class Meeting:
    """Where threads meet to exchange a value."""

    barrier: threading.Barrier
    value: Any = None


class Member(Group):
    """A rank whose exchanges are those of threads."""

    def broadcast(self, values, root):
        if self.rank == root:
            self.handle.value = np.array(values)
        self.handle.barrier.wait(PATIENCE)
        received = self.handle.value.copy()
        self.handle.barrier.wait(PATIENCE)
        return received

    def collect(self, values):
        parts = [self.broadcast(values, root) for root in range(self.world)]
        return [] if self.rank else parts

    def exchange(self, like, own):
        values = own()
        return np.stack([self.broadcast(values, root) for root in range(self.world)])


@pytest.fixture
def in_threads():
    """Return what a function of a group returns, or raises, on every rank of a world."""

    def run(world, function, limit=60.0):
        meeting = Meeting(threading.Barrier(world))

        def on(rank):
            try:
                return function(Member(rank, world, limit, meeting))
            except Exception as error:
                return error

        with ThreadPoolExecutor(world) as pool:
            return list(pool.map(on, range(world)))

    return run


BEGIN = """
import os, signal, sys
from datetime import timedelta
import numpy as np
from torch import distributed
import descend as ds
from descend.cluster.group import joined
rank, world = int(sys.argv[1]), int(sys.argv[2])
distributed.init_process_group(
    "gloo", init_method="file://" + sys.argv[3], rank=rank, world_size=world, timeout=timedelta(seconds=60)
)
"""


@pytest.fixture
def in_processes(tmp_path):
    """Return exit code, output and errors of a script that runs in so many processes with a process group."""

    def run(world, script, ends=(), patience=PATIENCE):
        (tmp_path / "script.py").write_text(BEGIN + script)
        environment = {**os.environ, "PYTHONPATH": str(Path(descend.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
        processes = [
            subprocess.Popen(
                [sys.executable, "script.py", str(rank), str(world), str(tmp_path / "store")],
                cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for rank in range(world)
        ]  # fmt: skip
        try:
            order = [*(r for r in range(world) if r not in ends), *ends]
            outputs = {}
            for rank in order:
                if rank in ends:
                    processes[rank].kill()
                outputs[rank] = processes[rank].communicate(timeout=patience)
        finally:
            for process in processes:
                process.kill()
        return [(processes[rank].returncode, *outputs[rank]) for rank in range(world)]

    return run
