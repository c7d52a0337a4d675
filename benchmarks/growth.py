"""How time and memory grow with rows, columns and runs.

    python -m benchmarks.growth                      measures, and writes docs/growth.md and growth.json
    python -m benchmarks.growth --one KIND SIZE      one fit in this process, as JSON: seconds and peak bytes

Each fit is made twice in a process of its own, and the second is timed. The exponent is the slope of a straight line through
the logarithms of the larger half of the sizes: 1 means that twice as much takes twice as long.
"""

import json
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pages import put
from benchmarks.timing import machine

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Kind:
    """What grows.

    Args:
        title: what is fitted.
        sizes: how much of it.
        fit: returns what is timed, of a size.
    """

    title: str
    sizes: tuple[int, ...]
    fit: Callable[[int], Callable[[], object]]


def _table(rows: int, columns: int, classes: bool = False) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, columns), dtype=np.float32)
    z = X @ (rng.standard_normal(columns, dtype=np.float32) / np.sqrt(columns, dtype=np.float32))
    if classes:
        return X, (rng.random(rows) < 1 / (1 + np.exp(-2 * z))).astype(np.int64)
    return X, z + rng.standard_normal(rows, dtype=np.float32)


def _regressor(rows: int, columns: int) -> Callable[[], object]:
    from descend import DescentRegressor

    X, y = _table(rows, columns)
    return lambda: DescentRegressor(random_state=0).fit(X, y)


def _classifier(rows: int) -> Callable[[], object]:
    from descend import DescentClassifier

    X, y = _table(rows, 20, classes=True)
    return lambda: DescentClassifier(random_state=0).fit(X, y)


def _runs(runs: int) -> Callable[[], object]:
    from descend.losses import loss
    from descend.plan import Plan, setting
    from descend.problem import Problem
    from descend.table.data import Data
    from descend.training import Limits, train

    X, y = _table(20_000, 20, classes=True)
    problem = Problem(Data(X, y), loss("logistic"))
    plan = Plan(tuple(setting("sgd", lr=lr, batch_size=256) for lr in np.geomspace(1e-3, 1, runs)))
    return lambda: train(problem, plan, limits=Limits(epochs=5, ends=True), threads=2)


KINDS = {
    "rows": Kind("rows: DescentRegressor().fit, 20 columns, float32", (1_000, 10_000, 100_000, 1_000_000, 10_000_000),
                 lambda n: _regressor(n, 20)),
    "classes": Kind("rows: DescentClassifier().fit, 20 columns, float32", (1_000, 10_000, 100_000, 1_000_000),
                    _classifier),
    "columns": Kind("columns: DescentRegressor().fit, 10,000 rows, float32", (10, 30, 100, 300, 1_000),
                    lambda n: _regressor(10_000, n)),
    "runs": Kind("runs side by side: logistic, 20,000 × 20, 256 rows a step, 5 epochs", (1, 4, 16, 64, 256, 1_024), _runs),
}  # fmt: skip


def one(kind: str, size: int) -> dict[str, float]:
    """Fit twice in this process, and time the second."""
    warnings.simplefilter("ignore")
    work = KINDS[kind].fit(size)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    work()
    begun = time.perf_counter()
    work()
    seconds = time.perf_counter() - begun
    return {"seconds": seconds, "peak": 1024.0 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held)}


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """Return the slope of log seconds over log size, through the larger half of the sizes."""
    half = len(sizes) // 2
    return float(np.polyfit(np.log(sizes[half:]), np.log(seconds[half:]), 1)[0])


def measured() -> dict[str, Any]:
    """Measure all kinds."""
    results: dict[str, Any] = {"machine": machine(), "kinds": {}}
    for name, kind in KINDS.items():
        points = []
        for size in kind.sizes:
            print(name, size, file=sys.stderr)
            command = [sys.executable, "-m", "benchmarks.growth", "--one", name, str(size)]
            done = subprocess.run(command, capture_output=True, text=True)
            failure = done.stderr.strip().splitlines()[-1:] if done.returncode else None
            points.append(
                {"size": size, "failed": failure[0]} if failure else {"size": size, **json.loads(done.stdout)}
            )
        results["kinds"][name] = points
    return results


def page(results: dict[str, Any]) -> str:
    """Return the tables of the page."""
    lines = []
    for name, points in results["kinds"].items():
        known = [p for p in points if "failed" not in p]
        slope = exponent([p["size"] for p in known], [p["seconds"] for p in known])
        lines += [
            f"**{KINDS[name].title}**: exponent {slope:.2f}",
            "",
            "| size | seconds | peak memory, MB |",
            "|---|---|---|",
        ]
        for p in points:
            shown = f"failed: {p['failed']} | " if "failed" in p else f"{p['seconds']:.3g} | {p['peak'] / 1e6:,.0f}"
            lines.append(f"| {p['size']:,} | {shown} |")
        lines.append("")
    m = results["machine"]
    lines.append(
        f"{m['processor']}, {m['cores']} cores. Peak memory is what the fits took above the most that making the data took."
    )
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(sys.argv[2], int(sys.argv[3]))))
    else:
        found = measured()
        (HERE / "growth.json").write_text(json.dumps(found, indent=1) + "\n")
        put("docs/growth.md", "growth", page(found))
