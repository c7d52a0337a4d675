"""Does the diagnosis hold on tables it has not seen? Faults planted into real tables, and healthy runs on them.

    python -m benchmarks.diagnosis_tables [--tables unseen] [--limit N] [--minutes M] [--codes D101,D402] [--again] [--processes P]

Thresholds are set with the known tables, the fresh ones, which were looked at once, and the pool; the unseen ones are looked at
once, at the end. Every case is written to
diagnosis_tables.json as soon as it is known, and a later call goes on from there. `page` of diagnosis_page.py shows them.

- A fault counts as named when its code, or one that says the same of it (`also` of the case), is among the findings; first,
  when such a code is the first finding, those left out that are said of the table with nothing planted and nothing typed; its
  place when the evidence names that column, layer or row.
- A fault of training is one only where it does harm: the run ends with less than HARMED of the gain of a healthy run.
  Cases without harm are counted and left out.
- The first cure is what is proposed after the proof of `doctor`; it is tried in a training of full length.
- Healthy runs, and what is a false alarm of one: see healthy_runs.py.
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import planted_data, planted_fit, planted_training
from benchmarks.healthy_runs import gain, healthy, sound, trained
from benchmarks.planted import Case, Table
from benchmarks.real_tables import RealTable, fresh_tables, hashed, pool_tables, tables, unseen_tables
from benchmarks.timing import machine

WAYS = dict(sorted((planted_training.WAYS | planted_fit.WAYS | planted_data.WAYS).items()))
RESULTS = Path(__file__).parent / "diagnosis_tables.json"
SETS: dict[str, Callable[[], tuple[RealTable, ...]]] = {
    "known": tables,
    "fresh": fresh_tables,
    "pool": pool_tables,
    "unseen": unseen_tables,
}
STRENGTHS = ("faint", "plain", "gross")
HARMED = 0.98  # of the gain of a healthy run


def planted(name: str) -> Iterator[tuple[str, str, RealTable, int, int]]:
    """Every way of every code at every strength: (key, code, first table to try, way, strength)."""
    own = SETS[name]()
    for code, ways in WAYS.items():
        for k in range(len(ways)):
            for strength in range(len(STRENGTHS)):
                key = f"{code} way {k + 1} {STRENGTHS[strength]}"
                yield key, code, own[hashed(key) % len(own)], k, strength


def case_of(key: str, name: str, code: str, first: RealTable, k: int, strength: int) -> tuple[RealTable, Case] | None:
    """Return the case on the first table, in order, that allows it."""
    own = SETS[name]()
    at = own.index(first)
    for table in [*own[at:], *own[:at]]:
        case = WAYS[code][k](Table.of(table, hashed(key) % 2**32), strength)
        if case is not None:
            return table, case
    return None


def harmful(case: Case, run: Any) -> bool:
    """Whether what was planted is a fault in this run, by figures that no finding reads."""
    if run.failed:
        return case.code != "D504"  # a rate at which noise makes a run leave the finite range is D101
    if case.code in HARM:
        return HARM[case.code](case, run)
    return case.healthy is None or gain(run) < HARMED * gain(trained(case.data, case.target, case.healthy))


def edge_crossed(case: Case, run: Any) -> bool:
    """Whether the rate is above 2 over the largest eigenvalue at the end, by power iteration on differences of gradients."""
    from descend.problem import gradient

    fit = run.search_result.fit
    w, step = fit.weights[run.search_result.best].astype(float), 1e-4
    v, eigenvalue = np.random.default_rng(0).normal(size=len(w)), 0.0
    for _ in range(100):
        v /= np.linalg.norm(v)
        change = (gradient(fit.problem, w + step * v)[1] - gradient(fit.problem, w - step * v)[1]) / (2 * step)
        eigenvalue, v = float(v @ change), change
    return bool(case.options["lr"] * eigenvalue > 2.02)  # power iteration is known to a hundredth


def starts_differ(case: Case, run: Any) -> bool:
    """Whether five single starts end with gains that differ by more than a quarter of the best one's."""
    alone = {k: v for k, v in case.options.items() if k not in ("restarts", "seeds")}
    gains = [gain(trained(case.data, case.target, {**alone, "random_state": k})) for k in range(5)]
    return max(gains) - min(gains) > 0.25 * max(gains) > 0


def not_on_test_rows(case: Case, run: Any) -> bool:
    """Whether test rows see less than 70 % of the gain on training rows."""
    return gain(run, "test") < 0.7 * gain(run)


HARM: dict[str, Callable[[Case, Any], bool]] = {
    "D105": edge_crossed, "D209": starts_differ, "D301": not_on_test_rows, "D503": not_on_test_rows, 
    "D303": lambda case, run: run.metrics["train"].get("balanced_accuracy", 0.0) < 0.75,
    "D305": lambda case, run: gain(run, "test") < 0,
}  # fmt: skip


def right_place(case: Case, finding: Any) -> bool | None:
    """Whether the evidence names the column, layer or rows; None where the case has no place."""
    wanted = {k: v for k, v in (case.place or {}).items() if v is not None and k in finding.evidence}
    if not case.place or not any(v is not None for v in case.place.values()):
        return None
    for name, right in wanted.items():
        said = finding.evidence[name]
        if isinstance(right, tuple) and right[0] == "most":  # more than half of the rows that are named
            return bool(np.mean(np.isin(said, right[1])) > 0.5)
        if (
            isinstance(said, list)
            and isinstance(right, tuple | list)
            and any(r in said for r in right if isinstance(r, str))
        ):
            return True
        if name == "columns":
            return all(c in said for c in right[0])
        if said in right:
            return True
        if isinstance(said, list) and any(isinstance(r, list) and set(said) >= set(r) for r in right):
            return True
    return False


def judge(table: RealTable, case: Case) -> dict[str, Any]:
    """Train, look whether the fault is named, and try the first cure that the doctor proposes."""
    from descend.diagnosis.proof import metric_of, outcome, prove_all
    from descend.options import options_of_flags
    from descend.run.job import retrain

    begun = time.perf_counter()
    if not isinstance(case.target, str):
        return {"table": table.name, "code": case.code, **judge_arrays(case)}
    run = trained(case.data, case.target, case.options)
    said = [f"{f.code} {f.level}" for f in run.findings]
    right = (case.code, *case.also)
    found = next((f for code in right for f in run.findings if f.code == code), None)
    row: dict[str, Any] = {
        "table": table.name, "code": case.code, "status": run.verdict.status, "said": said, "named": found is not None,
        "harm": harmful(case, run),
    }  # fmt: skip
    if found is not None:
        row["first"] = run.findings[0].code in right or _is_first(table, run, right)
        row["place"] = right_place(case, found) if found.code == case.code else None
        data, name = run.prepared.table, case.target
        proved = found if found.proof else prove_all(
            (found,), run.options, run, lambda o: retrain(data, name, o, lambda heard: None))[0]  # fmt: skip
        flags = [fix for fix in proved.fix if options_of_flags(fix)]
        if proved.proof and flags:
            again = trained(case.data, case.target, {**case.options, **options_of_flags(flags[0])})
            row |= {"cure": flags[0], "helps": outcome(run, again, *metric_of(found, run))[1]}
        elif proved.proof:
            row["none_helped"] = True
    else:
        row["first"] = False
    return {**row, "seconds": round(time.perf_counter() - begun, 2)}


def judge_arrays(case: Case) -> dict[str, Any]:
    """Judge a case of arrays, whose dtype only the estimator keeps."""
    import descend as ds

    model = ds.DescentRegressor(l2=0, **case.options).fit(case.data, case.target)
    said = [f"{f.code} {f.level}" for f in model.findings_]
    missed = float(np.mean(model.predict(case.data).astype(float) - case.target.astype(float)))
    row = {
        "status": model.verdict_.status,
        "said": said,
        "harm": abs(missed) > 0.05 * float(np.std(case.target.astype(float))),
    }
    return row | {"named": any(case.code in s for s in said), "first": bool(said) and case.code in said[0]}


def _is_first(table: RealTable, run: Any, right: tuple[str, ...]) -> bool:
    """Whether all findings before it are said of the table as it is, with nothing planted and nothing typed."""
    frame = Table.of(table, 0).frame
    own = {f.code for f in trained(frame, table.target, {}).findings}
    before = [f.code for f in run.findings][: next(k for k, f in enumerate(run.findings) if f.code in right)]
    return set(before) <= own


Job = tuple[int, str, str, Callable[[], dict[str, Any]]]


def jobs(name: str, codes: set[str]) -> list[Job]:
    """Return all that can be judged on a set of tables, in the order of a hash: (hash, kind, key, work)."""

    def fault(key: str, code: str, *rest: Any) -> dict[str, Any]:
        try:
            made = case_of(key, name, code, *rest)
            return judge(*made) if made is not None else {"code": code, "not_possible": True}
        except Exception as error:  # noqa: BLE001
            return _failed(error) | {"code": code, "named": False, "first": False, "harm": True}

    def run(table: RealTable, options: dict[str, Any]) -> dict[str, Any]:
        try:
            return sound(table, options)
        except Exception as error:  # noqa: BLE001
            return _failed(error) | {"table": table.name, "typed": sorted(options), "false": []}

    todo: list[Job] = [
        (hashed(key), "planted", key, partial(fault, key, *rest))
        for key, *rest in planted(name)
        if not codes or rest[0] in codes
    ]
    if not codes or "healthy" in codes:
        todo += [(hashed(key), "healthy", key, partial(run, *rest)) for key, *rest in healthy(SETS[name]())]
    return sorted(todo, key=lambda job: job[:3])


def _failed(error: Exception) -> dict[str, Any]:
    return {"failed": f"{type(error).__name__}: {error}"[:300]}


@cache
def _jobs_by_key(name: str, codes: frozenset[str]) -> dict[str, Job]:
    warnings.simplefilter("ignore")
    return {job[2]: job for job in jobs(name, set(codes))}


def _judged(name: str, codes: frozenset[str], key: str) -> dict[str, Any]:
    return _jobs_by_key(name, codes)[key][3]()


def measure(name: str, given: argparse.Namespace) -> None:
    """Judge the cases that are not in the file yet, and write each as it is known."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    own = results.setdefault(name, {"planted": {}, "healthy": {}})
    results["machine"] = machine()
    deadline, codes = time.monotonic() + 60 * given.minutes, frozenset(filter(None, given.codes.split(",")))
    todo = [job for job in _jobs_by_key(name, codes).values() if given.again or job[2] not in own[job[1]]][
        : given.limit
    ]
    with ProcessPoolExecutor(given.processes, mp_context=get_context("spawn")) as pool:
        waiting, left = {}, iter(todo)
        while True:
            while len(waiting) < given.processes and time.monotonic() < deadline and (job := next(left, None)):
                waiting[pool.submit(_judged, name, codes, job[2])] = job
            if not waiting:
                break
            for done in wait(waiting, return_when=FIRST_COMPLETED).done:
                _, kind, key, _ = waiting.pop(done)
                own[kind][key] = done.result()
                print(key, json.dumps(own[kind][key], default=str), file=sys.stderr, flush=True)
                RESULTS.write_text(json.dumps(results, indent=1, default=str) + "\n")


def main() -> int:
    from benchmarks.diagnosis_page import write

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tables", choices=tuple(SETS), default="known")
    parser.add_argument("--limit", type=int, default=None, help="cases that are judged")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--codes", default="", help="of the faults, and the word healthy; all when not given")
    parser.add_argument("--again", action="store_true", help="judge again what is in the file")
    parser.add_argument("--processes", type=int, default=1, help="that judge side by side")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    measure(given.tables, given)
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
