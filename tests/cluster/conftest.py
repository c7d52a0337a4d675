"""Ranks of a group as threads of this process, and as processes of their own."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import descend
from descend.cluster.group import Group

PATIENCE = 120  # seconds after which a test gives up


@dataclass
class Meeting:
    """Where threads meet to exchange a value."""

    barrier: threading.Barrier
    value: Any = field(default=None)


class Member(Group):
    """A rank whose exchanges are those of threads."""

    def broadcast(self, values, root):
        if self.rank == root:
            self.handle.value = np.array(values)
        self.handle.barrier.wait(PATIENCE)
        received = self.handle.value.copy()
        self.handle.barrier.wait(PATIENCE)
        return received


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

    def run(world, script, ends=()):
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
                outputs[rank] = processes[rank].communicate(timeout=PATIENCE)
        finally:
            for process in processes:
                process.kill()
        return [(processes[rank].returncode, *outputs[rank]) for rank in range(world)]

    return run
