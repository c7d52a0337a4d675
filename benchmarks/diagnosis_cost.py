"""What the diagnosis costs: user CPU seconds of the findings about a run with nothing typed, beside those of the run.

    python -m benchmarks.diagnosis_cost [--tables N]

On the first N known tables in the order of a hash, with 30 s as a person gets them, and on large arrays as tables. The least of ROUNDS
is kept, since other processes disturb a measurement in one direction only. Results go to diagnosis_cost.json.
"""

import argparse
import json
import resource
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.diagnosis_page import COST
from benchmarks.real_tables import hashed, tables

ROUNDS = 2
LARGE = ((20_000, 20), (200_000, 20), (1_000_000, 10))


def user() -> float:
    """User CPU seconds of this process so far, all threads together."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def problems(count: int) -> Iterator[tuple[str, pd.DataFrame, str]]:
    """Yield name, table and target."""
    for table in sorted(tables(), key=lambda t: hashed(t.name + "/cost"))[:count]:
        yield table.name, table.frame(), table.target
    for rows, columns in LARGE:
        rng = np.random.default_rng(0)
        X = rng.normal(size=(rows, columns))
        frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(columns)])
        yield f"{rows:,} × {columns} numbers", frame.assign(y=X @ rng.normal(size=columns) + rng.normal(size=rows)), "y"


def measured(frame: pd.DataFrame, target: str) -> tuple[float, float]:
    """The user seconds of the diagnosis within a run, and of all the rest of the run."""
    import descend as ds
    from descend.run import job

    spent: list[float] = []
    judge = job.judge

    def timed(*given: Any) -> Any:
        begun = user()
        found = judge(*given)
        spent.append(user() - begun)
        return found

    job.judge = timed
    try:
        begun = user()
        ds.train(frame, target, progress=False)
        return spent[0], user() - begun - sum(spent)
    finally:
        job.judge = judge


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tables", type=int, default=30)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    rows: list[dict[str, Any]] = []
    for name, frame, target in problems(given.tables):
        diagnosis, training = np.min([measured(frame, target) for _ in range(ROUNDS)], axis=0)
        rows.append({"table": name, "diagnosis": round(float(diagnosis), 4), "training": round(float(training), 4)})
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
        COST.write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
