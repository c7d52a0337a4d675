"""Medians of repeated runs, and what the machine can do at best."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

REPEATS = 5


@dataclass(frozen=True)
class Timed:
    """One contestant in one row: its name, the median of its seconds, and all of them."""

    name: str
    seconds: float
    all: tuple[float, ...]


def timed(name: str, work: Callable[[], object], repeats: int = REPEATS, warm_up: bool = True) -> Timed:
    """Run once to warm up, unless that would take minutes, then `repeats` times."""
    if warm_up:
        work()
    took = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)
    return Timed(name, statistics.median(took), tuple(took))


def machine() -> dict[str, object]:
    """Name the machine and measure its limits: memory read speed of all cores, and a matrix product."""
    cores = len(os.sched_getaffinity(0))
    return {
        "processor": _processor(), "cores": cores, "python": platform.python_version(), "numpy": np.__version__,
        "read_gb_per_s": round(_read_speed(cores), 1), "matmul_gflops_float32": round(_product_speed(), 1),
    }  # fmt: skip


def _processor() -> str:
    with open("/proc/cpuinfo") as file:
        return next(
            (line.partition(":")[2].strip() for line in file if line.startswith("model name")), platform.machine()
        )


def _read_speed(cores: int) -> float:
    from numba import njit

    @njit(nogil=True, fastmath={"reassoc", "nsz", "contract"})
    def total(v, lo, hi):  # type: ignore[no-untyped-def]
        s = np.float32(0)
        for i in range(lo, hi):
            s += v[i]
        return s

    v = np.ones(50_000_000, np.float32)
    cuts = np.linspace(0, len(v), cores + 1).astype(int)
    with ThreadPoolExecutor(cores) as pool:
        return (
            v.nbytes
            / 1e9
            / timed("read", lambda: list(pool.map(lambda k: total(v, cuts[k], cuts[k + 1]), range(cores)))).seconds
        )


def _product_speed() -> float:
    a = np.ones((2048, 2048), np.float32)
    return 2 * 2048**3 / 1e9 / timed("product", lambda: a @ a).seconds
