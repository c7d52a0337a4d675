"""Whole jobs, as users run them: each contestant in processes of its own, in turn with its rivals.

    python -m benchmarks.jobs                all jobs, as a table
    python -m benchmarks.jobs CODE...        some of them
    python -m benchmarks.jobs --one CODE CONTESTANT FOLDER    one run in this process, as JSON: seconds and peak bytes

Descend runs a Python job twice in a process and the second run is timed, so that compilation does not count; imports count
for nobody. A command is timed whole, after one run that compiles. Peak memory is what the operating system counts, above
what the process held when the data were there and the libraries imported.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.flights import flights
from benchmarks.pages import shown

ROUNDS = 3
ROWS, COLUMNS = 1_000_000, 50
BIN = Path(sys.executable).parent

Work = Callable[[], object]


@dataclass(frozen=True)
class Job:
    """One job.

    Args:
        code, work: its short and its long name.
        ratio: the goal, as how many times faster than the first of the rivals; 0 where the goal is a time.
        within: the goal in seconds; 0 where it is a ratio.
        make: returns the data, given a folder.
        contestants: descend first; of the data, returns what is timed.
        command: whether each contestant starts a process of its own.
        rounds: how often each contestant is run.
    """

    code: str
    work: str
    ratio: float
    within: float
    make: Callable[[Path], Any]
    contestants: dict[str, Callable[[Any], Work]]
    command: bool = False
    rounds: int = ROUNDS

    @property
    def goal(self) -> str:
        """The goal in words."""
        return f"{self.ratio:g}×" if self.ratio else f"{self.within:g} s"


def regression(rows: int = ROWS) -> tuple[Any, Any]:
    """Independent columns, and a target that half of its variance follows."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, COLUMNS), dtype=np.float32)
    noise = rng.standard_normal(rows, dtype=np.float32)
    return X, X @ rng.standard_normal(COLUMNS, dtype=np.float32) / np.float32(7) + noise


def classes(condition: float = 1.0) -> tuple[Any, Any]:
    """Two classes, about as hard to tell apart as a tossed coin is to guess with a little help."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, COLUMNS), dtype=np.float32)
    z = X @ rng.standard_normal(COLUMNS, dtype=np.float32) / np.float32(3)
    if condition > 1:
        mix = rng.standard_normal((COLUMNS, COLUMNS)) * np.geomspace(1, condition**-0.5, COLUMNS)[:, None]
        X = X @ mix.astype(np.float32)
        X /= X.std(axis=0)
    return X, (rng.random(ROWS) < 1 / (1 + np.exp(-z))).astype(np.int64)


def csv(folder: Path) -> str:
    """A CSV file of 200,000 rows: 20 columns of floats, 5 of whole numbers, 5 of text."""
    import pandas as pd

    path = folder / "table.csv"
    if not path.exists():
        rng, rows = np.random.default_rng(0), 200_000
        columns: dict[str, Any] = {f"f{j}": rng.standard_normal(rows).round(6) for j in range(20)}
        columns |= {f"i{j}": rng.integers(0, 100_000, rows) for j in range(5)}
        columns |= {f"t{j}": rng.choice(["red", "green", "blue", "black"], rows) for j in range(5)}
        pd.DataFrame(columns).to_csv(path, index=False)
    return str(path)


def medium(folder: Path) -> str:
    """A CSV file of 2,287 rows and 28 columns of numbers whose target follows some of them, not linearly."""
    import pandas as pd

    path = folder / "medium.csv"
    if not path.exists():
        rng = np.random.default_rng(0)
        X = rng.standard_normal((2287, 27))
        y = X[:, 0] + np.sin(2 * X[:, 1]) + X[:, 2] * X[:, 3] + 0.3 * rng.standard_normal(2287)
        pd.DataFrame({**{f"x{j}": X[:, j] for j in range(27)}, "y": y}).to_csv(path, index=False)
    return str(path)


def _estimator(name: str, **options: Any) -> Callable[[Any], Work]:
    def contestant(data: Any) -> Work:
        import descend

        return lambda: getattr(descend, name)(random_state=0, **options).fit(*data)

    return contestant


def _sklearn(module: str, name: str, **options: Any) -> Callable[[Any], Work]:
    def contestant(data: Any) -> Work:
        import importlib

        estimator = getattr(importlib.import_module(f"sklearn.{module}"), name)
        return lambda: estimator(**options).fit(*data)

    return contestant


def _train_arrays(data: Any) -> Work:
    import descend

    return lambda: descend.train(*data, progress=False)


def _read(path: str) -> Work:
    from descend.table.read import read

    return lambda: read(path)


def _read_duckdb(path: str) -> Work:
    import duckdb

    return lambda: duckdb.connect().sql(f"select * from read_csv('{path}')").fetchnumpy()


def _read_pandas(path: str) -> Work:
    import pandas as pd

    return lambda: pd.read_csv(path)


def _ridge_of_flights(path: str) -> Work:
    """What a user would write: read, leave out rows without a target and text of many levels, one-hot, scale, Ridge, score."""
    import pandas as pd
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    def work() -> object:
        frame = pd.read_csv(path).dropna(subset=["arr_delay"])
        y = frame.pop("arr_delay").to_numpy()
        X = pd.get_dummies(frame.drop(columns=["tailnum", "time_hour"]).fillna(0), dtype=np.float64).to_numpy()
        a, b, t, u = train_test_split(X, y, test_size=0.2, random_state=0)
        scaler = StandardScaler().fit(a)
        return Ridge().fit(scaler.transform(a), t).score(scaler.transform(b), u)

    return work


def _command(*arguments: str) -> Callable[[Any], Work]:
    """A command of descend; {data} stands for the path, {folder} for its folder.

    Python keeps its bytecode, as an installation does, whatever the shell says: compiling our sources takes 0.5 s.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def contestant(path: str) -> Work:
        folder = os.path.dirname(path)
        words = [word.format(data=path, folder=folder) for word in arguments]
        return lambda: subprocess.run(
            [str(BIN / "descend"), *words], check=True, capture_output=True, cwd=folder, env=environment
        )

    return contestant


def _mlp_of_medium(path: str) -> Work:
    import pandas as pd
    from sklearn.neural_network import MLPRegressor

    def work() -> object:
        frame = pd.read_csv(path)
        return MLPRegressor(hidden_layer_sizes=(64,), early_stopping=True, random_state=0).fit(
            frame.drop(columns="y"), frame["y"]
        )

    return work


def _digits(folder: Path) -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


def _penguins(folder: Path) -> str:
    source, path = Path(__file__).parent.parent / "examples" / "data" / "penguins.csv", folder / "penguins.csv"
    path.write_bytes(source.read_bytes())
    return str(path)


def _trained_flights(folder: Path) -> str:
    path = str(flights(folder))
    if not (folder / "flights-run").exists():
        _command("train", "{data}", "-t", "arr_delay", "--run-dir", "flights-run")(path)()
    return path


NETWORK = {"hidden_layer_sizes": (100,), "max_epochs": 20, "batch_size": 32, "early_stopping": False}
JOBS = (
    Job("J1", f"DescentRegressor().fit, {ROWS:,} × 50 float32, all eight variants", 1.25, 0, lambda _: regression(),
        {"descend": _estimator("DescentRegressor"), "Ridge": _sklearn("linear_model", "Ridge")}),
    Job("J2", f"DescentClassifier().fit, {ROWS:,} × 50 float32", 2.5, 0, lambda _: classes(),
        {"descend": _estimator("DescentClassifier"),
         "LogisticRegression": _sklearn("linear_model", "LogisticRegression", C=1 / (ROWS * 1e-4))}),
    Job("J3", "the same, condition 10,000", 5, 0, lambda _: classes(10_000),
        {"descend": _estimator("DescentClassifier"),
         "LogisticRegression": _sklearn("linear_model", "LogisticRegression", C=1 / (ROWS * 1e-4), max_iter=1000)},
        rounds=1),
    Job("J4", "train(X, y), 2,000,000 × 50 float32, test rows and diagnosis", 1, 0, lambda _: regression(2 * ROWS),
        {"descend": _train_arrays, "Ridge": _sklearn("linear_model", "Ridge"),
         "SGDRegressor": _sklearn("linear_model", "SGDRegressor", max_iter=5, tol=None)}),
    Job("J5", "reading a CSV file of 200,000 × 30, typed", 0.77, 0, csv,
        {"descend": _read, "DuckDB": _read_duckdb, "pandas": _read_pandas}),
    Job("J6", "descend train flights.csv, 336,776 × 19", 1, 0, lambda folder: str(flights(folder)),
        {"descend": _command("train", "{data}", "-t", "arr_delay", "--run-dir", "run", "--force"),
         "pandas + one-hot + Ridge": _ridge_of_flights}, command=True),
    Job("J7", "descend predict, the same rows", 0, 1.0, _trained_flights,
        {"descend": _command("predict", "flights-run", "{data}", "-o", "predictions.csv", "--force")}, command=True),
    Job("J8", "one row a step, 500,000 × 50, 5 epochs", 10, 0, lambda _: regression(ROWS // 2),
        {"descend": _estimator("DescentRegressor", optimizer="sgd", lr=1e-4, max_epochs=5, tol=0, patience=10**6),
         "SGDRegressor": _sklearn("linear_model", "SGDRegressor", max_iter=5, tol=None)}),
    Job("J9", "network 64-100-10 on digits, 20 epochs of 32 rows", 7, 0, _digits,
        {"descend": _estimator("DescentClassifier", optimizer="adam", lr=1e-3, patience=10**6, **NETWORK),
         "MLPClassifier": _sklearn("neural_network", "MLPClassifier", max_iter=20, batch_size=32, random_state=0)}),
    Job("J10", "descend train --hidden 64, 2,287 × 28", 0, 4.0, medium,
        {"descend": _command("train", "{data}", "-t", "y", "--hidden", "64", "--run-dir", "run", "--force"),
         "MLPRegressor, one setting": _mlp_of_medium}, command=True),
    Job("J11", "descend train penguins.csv, 344 rows", 0, 0.8, _penguins,
        {"descend": _command("train", "{data}", "-t", "body_mass_g", "--run-dir", "run", "--force")},
        command=True),
)  # fmt: skip


def one(code: str, contestant: str, folder: Path) -> dict[str, float]:
    """Run one contestant in this process, descend once before to compile."""
    job = next(j for j in JOBS if j.code == code)
    warnings.simplefilter("ignore")
    data = job.make(folder)
    work = job.contestants[contestant](data)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if contestant == "descend":
        work()
    begun = time.perf_counter()
    work()
    seconds = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN if job.command else resource.RUSAGE_SELF).ru_maxrss
    if job.command and not used:
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "peak": 1024.0 * (used if job.command else used - held)}


def measure(job: Job, folder: Path) -> dict[str, Any]:
    """Run the contestants of a job in turn, each in processes of its own, and return the medians."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in job.contestants}
    for _ in range(job.rounds):
        for name, own in runs.items():
            command = [sys.executable, "-m", "benchmarks.jobs", "--one", job.code, name, str(folder)]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                failure = done.stderr.strip().splitlines()[-1]
                return {"code": job.code, "work": job.work, "goal": job.goal, "failed": f"{name}: {failure}"}
            own.append(json.loads(done.stdout))
    contestants = [
        {"name": name, "seconds": statistics.median(r["seconds"] for r in own), "all": [r["seconds"] for r in own],
         "peak": statistics.median(r["peak"] for r in own)}
        for name, own in runs.items()
    ]  # fmt: skip
    return {"code": job.code, "work": job.work, "goal": job.goal, "contestants": contestants}


def all_jobs(folder: Path, wanted: list[str]) -> list[dict[str, Any]]:
    """Measure all jobs, or those whose codes are given."""
    results = []
    for job in (j for j in JOBS if not wanted or j.code in wanted):
        print(f"{job.code} {job.work}", file=sys.stderr)
        results.append(measure(job, folder))
    return results


def table(jobs: list[dict[str, Any]]) -> str:
    """Return the results as a Markdown table."""
    lines = [
        "| job | work | descend | rivals | ratio | goal | peak memory, MB: descend, rivals |", "|---|---|---|---|---|---|---|"
    ]  # fmt: skip
    for job in jobs:
        start = f"| {job['code']} | {job['work']} "
        if "failed" in job:
            lines.append(f"{start}| failed: {job['failed']} | | | {job['goal']} | |")
            continue
        ours, *others = job["contestants"]
        rivals = " · ".join(f"{c['name']} {shown(c['seconds'])}" for c in others) or "none"
        ratio = f"{others[0]['seconds'] / ours['seconds']:.2g}×" if others else ""  # to the rival that the goal names
        peaks = ", ".join(f"{max(c['peak'], 0) / 1e6:,.0f}" for c in job["contestants"])
        lines.append(f"{start}| {shown(ours['seconds'])} | {rivals} | {ratio} | {job['goal']} | {peaks} |")
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(sys.argv[2], sys.argv[3], Path(sys.argv[4]))))
    else:
        with tempfile.TemporaryDirectory() as place:
            print(table(all_jobs(Path(place), sys.argv[1:])))
