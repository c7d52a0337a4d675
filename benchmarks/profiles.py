"""Where the time of whole jobs goes: seconds of each stage, in this process and warm; writes docs/speed.md.

    python -m benchmarks.profiles

A stage is a function that the profile saw, with what it calls. What a job spends beyond them is its own glue.
"""

import cProfile
import io
import pstats
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.flights import flights
from benchmarks.jobs import JOBS, classes, medium, regression
from benchmarks.pages import put
from benchmarks.timing import machine

PENGUINS = Path(__file__).parent.parent / "examples" / "data" / "penguins.csv"
LEAST = 0.01  # share of a job from which a stage is shown

# Each stage: the end of its file's name, and the function.
STAGES = {
    "reading": ("table/prepare.py", "load"),
    "cells of a text file": ("table/text_table.py", "read_cells"),
    "of that, how they look": ("table/text_table.py", "look"),
    "of that, values out of DuckDB": ("table/texts.py", "columns"),
    "predicting": ("run/model.py", "predict"),
    "scale and second moments": ("table/scale.py", "fit_scale"),
    "columns, split and the rest of preparing": ("table/prepare.py", "prepare"),
    "exact optimum": ("optimum/solve.py", "optimum"),
    "curvature": ("optimum/curvature.py", "curvature"),
    "search, all settings": ("search/search.py", "search"),
    "of that, by moments": ("search/by_sample.py", "_by_moments"),
    "of that, the race": ("search/trainings.py", "race"),
    "of that, on a corrected sample": ("search/corrected.py", "approach"),
    "of that, the best and all rows": ("search/by_sample.py", "_final"),
    "of that, repeats over seeds": ("search/trainings.py", "repeat_over_seeds"),
    "steps of a linear model": ("engines/linear.py", "advance"),
    "steps of a network": ("engines/network.py", "advance"),
    "findings": ("diagnosis/__init__.py", "diagnose"),
    "of that, copies of rows": ("diagnosis/data_faults.py", "count_copies"),
    "scores and metrics": ("run/scoring.py", "scored_parts"),
    "table of variants": ("run/trials.py", "trials"),
    "coefficients' intervals": ("run/coefficients.py", "coefficients"),
    "importance of columns": ("run/importance.py", "importances"),
    "other models beside it": ("run/references.py", "references"),
    "report": ("run/record.py", "report"),
}


@dataclass(frozen=True)
class Profile:
    """Seconds of one job, and of the stages that were seen in it."""

    job: str
    seconds: float
    stages: dict[str, float]

    def lines(self) -> list[str]:
        """Return the job and its stages as a list of Markdown."""
        shown = {name: s for name, s in self.stages.items() if s >= LEAST * self.seconds}
        rows = [f"| {name} | {s:.2f} | {100 * s / self.seconds:.0f} % |" for name, s in shown.items()]
        return [f"**{self.job}**: {self.seconds:.2f} s", "", "| stage | seconds | share |", "|---|---|---|", *rows, ""]


def profiled(job: str, work: Callable[[], object]) -> Profile:
    """Profile the second of two runs: the first compiles and warms the caches."""
    work()
    profile = cProfile.Profile()
    began = time.perf_counter()
    profile.enable()
    work()
    profile.disable()
    seconds = time.perf_counter() - began
    seen: dict[tuple[str, str], float] = {}
    for (file, _, function), (_, _, _, cumulative, _) in pstats.Stats(profile, stream=io.StringIO()).stats.items():  # type: ignore[attr-defined]  # fmt: skip
        for place in STAGES.values():
            if file.endswith(f"descend/{place[0]}") and function == place[1]:
                seen[place] = max(seen.get(place, 0.0), cumulative)
    return Profile(job, seconds, {name: seen[place] for name, place in STAGES.items() if place in seen})


def jobs(folder: Path) -> list[tuple[str, Callable[[], object]]]:
    """The jobs that miss their goals, by their codes in the README."""
    import descend as ds

    one, two, hard = regression(), classes(), classes(1e4)
    many, path, table = regression(2_000_000), str(flights(folder)), medium(folder)
    common: dict[str, Any] = {"progress": False}
    trained = ds.train(path, "arr_delay", **common)
    return [
        ("J1, DescentRegressor, 1,000,000 × 50", lambda: ds.DescentRegressor(random_state=0).fit(*one)),
        ("J2, DescentClassifier, 1,000,000 × 50", lambda: ds.DescentClassifier(random_state=0).fit(*two)),
        ("J3, the same, condition 10,000", lambda: ds.DescentClassifier(random_state=0).fit(*hard)),
        ("J4, train, 2,000,000 × 50", lambda: ds.train(*many, **common)),
        ("J5, reading 200,000 × 30", of_job("J5", folder)),
        ("J6, train, flights.csv", lambda: ds.train(path, "arr_delay", **common).report()),
        ("J7, predicting flights.csv", lambda: trained.predict(path)),
        ("J8, one row a step, 500,000 × 50, 5 epochs", of_job("J8", folder)),
        ("J9, network 64-100-10, 20 epochs of 32", of_job("J9", folder)),
        ("J10, train, 2,287 × 28, --hidden 64", lambda: ds.train(table, "y", hidden_layer_sizes=(64,), **common)),
        ("J11, train, 344 rows", lambda: ds.train(str(PENGUINS), "body_mass_g", **common).report()),
    ]


def of_job(code: str, folder: Path) -> Callable[[], object]:
    """Return our part of a job of the README."""
    job = next(job for job in JOBS if job.code == code)
    return job.contestants["descend"](job.make(folder))


def main() -> int:
    """Profile each job, and write the page."""
    with tempfile.TemporaryDirectory() as folder:
        found = [profiled(*job) for job in jobs(Path(folder))]
    known = machine()
    about = f"One run on {time.strftime('%Y-%m-%d')}, warm, profiler on. {known['processor']}, {known['cores']} cores."
    put("docs/speed.md", "profiles", "\n".join([line for p in found for line in p.lines()] + [about]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
