"""Does any command crash? Random tables and random flags of `descend train`, with every check of the diagnosis.

    python -m benchmarks.random_commands [--runs 2000] [--seed 0] [--minutes M] [--case SEED:RUN]

Each run writes a CSV file of messy columns and types flags drawn from the table of options, among them absurd ones: rates from 1e-12 to
1e12, networks, schedules, clipping, penalties. A warning of a library is an error. A fault is an exit code outside those that the
command promises, which is what an exception becomes, or words on standard output that are no JSON. Results go to random_commands.json.
"""

import argparse
import contextlib
import io
import json
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

RESULTS = Path(__file__).parent / "random_commands.json"
PROMISED = (0, 1, 2, 3, 4)  # exit codes that `descend train --help` names, of a run that nobody interrupts
RULES = ("auto", "gd", "sgd", "minibatch", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")


def table(rng: np.random.Generator) -> pd.DataFrame:
    """A table of 1 to 300 rows with a target `y` of any kind."""
    rows, columns = int(rng.choice([1, 2, 5, 12, 40, 120, 300])), int(rng.integers(1, 7))
    frame = pd.DataFrame({f"c{j}": column(rng, rows) for j in range(columns)})
    numbers = frame.select_dtypes("number").fillna(0.0)
    score = rng.normal(size=rows) + (numbers.rank(pct=True).sum(axis=1).to_numpy() if numbers.shape[1] else 0.0)
    kind = rng.choice(["number", "classes", "rare", "counts", "constant", "huge", "copy", "walk"])
    frame["y"] = {
        "number": score,
        "classes": np.char.add("k", np.digitize(score, [0.0, 1.0]).astype(str)),
        "rare": np.where(score > np.quantile(score, 0.96), "r", "u"),
        "counts": rng.poisson(np.exp(np.clip(score, -3, 3))),
        "constant": np.full(rows, 3.0),
        "huge": score * 1e200,
        "copy": frame["c0"],
        "walk": np.cumsum(rng.normal(size=rows)),
    }[kind]
    if rng.uniform() < 0.15:
        frame = pd.concat([frame] * 2, ignore_index=True)
    if rng.uniform() < 0.15:
        frame.loc[rng.uniform(size=len(frame)) < 0.2, "y"] = None
    return frame


def column(rng: np.random.Generator, rows: int) -> Any:
    """A column of any kind, with or without missing cells."""
    x, at = rng.normal(size=rows), np.arange(rows)
    made: dict[str, Any] = {
        "normal": x,
        "large": x * 10.0 ** rng.integers(-12, 13),
        "offset": x + 1e6,
        "extreme": np.where(at == rows // 2, 1e30, x),
        "sentinel": np.where(rng.uniform(size=rows) < 0.1, -999.0, x),
        "constant": np.full(rows, 1.0),
        "nearly": np.where(at == 0, 1.0, 0.0),
        "whole": np.round(3 * x),
        "words": rng.choice(["a", "b", "ü", "x y"], rows),
        "ids": np.char.add("id", at.astype(str)),
        "dates": pd.date_range("2020-01-01", periods=rows).strftime("%Y-%m-%d").to_numpy(),
    }
    kind = str(rng.choice(list(made)))
    return pd.Series(made[kind]).mask(rng.uniform(size=rows) < rng.choice([0.0, 0.1, 1.0], p=[0.8, 0.18, 0.02]))


def flags(rng: np.random.Generator) -> list[str]:
    """Flags of `descend train`, each with a chance of its own."""

    def power(low: float, high: float) -> list[str]:
        return [f"{10.0 ** rng.uniform(low, high):.3g}"]

    linear = {
        "--optimizer": (0.7, RULES),
        "--lr": (0.5, power(-12, 12) if rng.uniform() < 0.4 else power(-4, 1)),
        "--epochs": (0.9, ("0", "1", "2", "7", "30", "100")),
        "--batch": (0.3, ("1", "4", "full", "1000")),
        "--l2": (0.2, power(-8, 4)),
        "--l1": (0.2, power(-6, 2)),
        "--clip": (0.15, power(-6, 2)),
        "--schedule": (0.2, ("cosine", "step", "plateau", "one_cycle", "auto")),
        "--warmup": (0.1, ("1", "100", "10000")),
        "--loss": (0.1, ("huber", "hinge", "poisson", "quantile", "mse")),
        "--eps": (0.1, power(-250, 0)),
        "--test": (0.2, ("none", "0.5", "0.05")),
        "--val": (0.2, ("none", "0.3")),
        "--cv": (0.03, ("3",)),
        "--class-weight": (0.05, ("balanced",)),
        "--missing": (0.1, ("drop",)),
        "--seed": (0.2, ("1", "2", "99")),
        "--patience": (0.1, ("1", "50")),
        "--tol": (0.1, ("0", "0.1")),
        "--time-column": (0.05, ("c0",)),
        "--group": (0.05, ("c0",)),
    }
    network = {
        "--hidden": (1.0, ("4", "8,8", "3,3,3,3,3,3", "16")),
        "--activation": (0.6, ("tanh", "relu", "sigmoid", "identity", "gelu")),
        "--init": (0.4, ("zeros", "normal:10", "normal:0.001", "he", "orthogonal")),
        "--restarts": (0.2, ("3",)),
        "--dropout": (0.2, ("0.5",)),
    }
    deep = rng.uniform() < 0.4
    drawn = linear | network if deep else linear
    words = [
        w for name, (chance, values) in drawn.items() if rng.uniform() < chance for w in (name, str(rng.choice(values)))
    ]
    switches = [s for s in ("--no-scale", *(("--batch-norm", "--residual") if deep else ())) if rng.uniform() < 0.2]
    return [*words, *switches, "--time", "0.6s", "--seeds", "1"]


def tried(seed: int, number: int) -> dict[str, Any]:
    """Run one command, which seed and number determine, and return what came of it."""
    from descend.cli import main

    rng = np.random.default_rng([seed, number])
    frame, given = table(rng), flags(rng)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "t.csv"
        frame.to_csv(place, index=False)
        out, err = io.StringIO(), io.StringIO()
        words = ["train", str(place), "-t", "y", *given, "--json", "--no-report", "--run-dir", f"{folder}/run"]
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                warnings.simplefilter("error")
                code = main(words) or 0
        except BaseException as error:  # noqa: BLE001
            return {
                "command": " ".join(given),
                "case": f"{seed}:{number}",
                "what": f"{type(error).__name__}: {error}"[:300],
            }
    row: dict[str, Any] = {"command": " ".join(given), "case": f"{seed}:{number}", "code": code}
    if code not in PROMISED:
        return row | {"what": f"exit code {code}: {err.getvalue()[-300:]}"}
    try:
        answer = json.loads(out.getvalue())
    except ValueError as error:
        return row | {"what": f"no JSON: {error}"}
    return row | {"findings": [f["code"] for f in answer.get("findings", ())], "trained": "verdict" in answer}


def summary(rows: list[dict[str, Any]], seed: int) -> dict[str, Any]:
    """What is kept of all runs."""
    codes = Counter(c for r in rows for c in r.get("findings", ()))
    return {
        "seed": seed,
        "runs": len(rows),
        "trained": sum(bool(r.get("trained")) for r in rows),
        "findings": sum(codes.values()),
        "codes": len(codes),
        "refused": sum("what" not in r and not r.get("trained") for r in rows),
        "said": dict(sorted(codes.items())),
        "exits": dict(sorted(Counter(str(r.get("code")) for r in rows).items())),
        "faults": [r for r in rows if "what" in r],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--case", metavar="SEED:RUN", help="repeat one run and write nothing")
    given = parser.parse_args()
    if given.case:
        print(json.dumps(tried(*(int(part) for part in given.case.split(":"))), indent=1))
        return 0
    end, rows = time.monotonic() + 60 * given.minutes, []
    for number in range(given.runs):
        if time.monotonic() > end:
            break
        rows.append(tried(given.seed, number))
        if "what" in rows[-1]:
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    RESULTS.write_text(json.dumps(summary(rows, given.seed), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
