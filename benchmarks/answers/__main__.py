"""Draw random cases for some minutes, count what came of each check, and list every silent disagreement by its seed.

python -m benchmarks.answers                     three minutes of seed 0
python -m benchmarks.answers --minutes 60        an hour
python -m benchmarks.answers --case 0:17         case 17 of seed 0 alone, in words
"""

import argparse
import itertools
import json
import sys
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.answers import invariances, solvers, tables  # noqa: F401  each enters its checks
from benchmarks.answers.check import CHECKS, ROUND, Check, Tamper
from benchmarks.answers.product import Refusal
from benchmarks.pages import put

RESULTS = Path(__file__).parent.parent / "answers.json"
OUTCOMES = ("right", "wrong, silent", "crash", "wrong, said", "refused")
FAULTS = ("wrong, silent", "crash")


def check_of(case: int) -> Check:
    """The check that a case tries: they take turns, and new ones leave the numbers of the others."""
    return CHECKS[case % ROUND]


def tried(check: Check, seed: int, case: int, tamper: Tamper = lambda v: v) -> dict[str, Any]:
    """Try one case, which seed and number determine, and return what came of it."""
    begun = time.perf_counter()
    row: dict[str, Any] = {"case": f"{seed}:{case}", "check": check.name}
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            came = check.run(np.random.default_rng([seed, case]), tamper)
        wrong = not came.apart <= came.allowed
        outcome = ("wrong, said" if came.words else "wrong, silent") if wrong else "right"
        row |= {
            "outcome": outcome,
            "apart": came.apart,
            "allowed": came.allowed,
            "detail": came.detail,
            "words": list(came.words),
        }
    except Refusal as refusal:
        row |= {"outcome": "refused", "detail": str(refusal)}
    except Exception as error:  # noqa: BLE001
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{'/'.join(Path(last.filename).parts[-2:])}:{last.lineno}"
        row |= {"outcome": "crash", "detail": f"{type(error).__name__}: {str(error)[:80]} ({where})"}
    return row | {"seconds": time.perf_counter() - begun}


def search(seed: int, minutes: float) -> list[dict[str, Any]]:
    """Try cases in turn until the time is over."""
    end, rows = time.monotonic() + 60 * minutes, []
    for case in (first + number for first in itertools.count(0, ROUND) for number in CHECKS):
        if time.monotonic() > end:
            break
        row = tried(check_of(case), seed, case)
        rows.append(row)
        if row["outcome"] in FAULTS:
            print(
                f"{row['case']} {row['check']} {row['outcome']}: {_measure(row)}{row['detail']}",
                file=sys.stderr,
                flush=True,
            )
    return rows


def _measure(row: dict[str, Any]) -> str:
    return f"{row['apart']:.2g} apart, {row['allowed']:.2g} allowed; " if "apart" in row else ""


def results(rows: list[dict[str, Any]], seed: int, minutes: float) -> dict[str, Any]:
    """What is kept: counts a check, and every fault."""
    counts = {c.name: Counter(r["outcome"] for r in rows if r["check"] == c.name) for c in CHECKS.values()}
    faults = [
        {k: r[k] for k in ("case", "check", "outcome", "detail")} | {"measure": _measure(r)}
        for r in rows
        if r["outcome"] in FAULTS
    ]
    return {
        "seed": seed,
        "minutes": minutes,
        "cases": len(rows),
        "counts": {name: {o: c[o] for o in OUTCOMES} for name, c in counts.items()},
        "faults": faults,
    }


def summary(kept: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    counts = kept["counts"]
    total = Counter[str]()
    for c in counts.values():
        total.update(c)
    lines = [
        f"Seed {kept['seed']}, {kept['minutes']:g} minutes, {kept['cases']:,} cases: "
        f"{total['wrong, silent']} silently wrong, {total['crash']} crashes, "
        f"{total['wrong, said']} wrong and said, {total['refused']} refused.",
        "",
        "| check | claim | tolerance | " + " | ".join(OUTCOMES) + " |",
        "|---|---|---|" + "---|" * len(OUTCOMES),
    ]
    for check in CHECKS.values():
        cells = " | ".join(str(counts.get(check.name, {}).get(o, 0)) for o in OUTCOMES)
        lines.append(f"| {check.name} | {check.claim} | {check.tolerance} | {cells} |")
    if kept["faults"]:
        lines += ["", "Faults, each repeated by `python -m benchmarks.answers --case SEED:CASE`:", ""]
        lines += [f"- `{f['case']}` {f['check']}, {f['outcome']}: {f['measure']}{f['detail']}" for f in kept["faults"]]
    return "\n".join(lines)


def write() -> None:
    """Write docs/answers.md from the results."""
    put("docs/answers.md", "answers", summary(json.loads(RESULTS.read_text())))


def main(arguments: list[str]) -> int:
    """Search and write, or repeat one case."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.answers", description="A random search for wrong answers."
    )
    parser.add_argument("--minutes", type=float, default=3.0, help="how long to search")
    parser.add_argument("--seed", type=int, default=0, help="which cases")
    parser.add_argument("--case", metavar="SEED:CASE", help="repeat one case and write nothing")
    given = parser.parse_args(arguments)
    if given.case:
        seed, case = (int(part) for part in given.case.split(":"))
        row = tried(check_of(case), seed, case)
        print(json.dumps(row, indent=1, default=str, ensure_ascii=False))
        return int(row["outcome"] in FAULTS)
    kept = results(search(given.seed, given.minutes), given.seed, given.minutes)
    RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    write()
    print(summary(kept))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
