"""Does the diagnosis hold on tables it has not seen? Faults planted into 80 real tables, and healthy runs on them.

    python -m benchmarks.diagnosis_tables [--half held-back] [--limit N] [--minutes M] [--codes D101,D402] [--fresh]

Thresholds are set with the working half alone; the other half is looked at once, at the end. Every case is written to
diagnosis_tables.json as soon as it is known, and a later call goes on from there.

- A fault counts as named when its code, or one that says the same of it (`also` of the case), is among the findings; first,
  when such a code is the first finding, those left out that are said of the table with nothing planted and nothing typed; its
  place when the evidence names that column, layer or row.
- A fault of training is one only where it does harm: the run ends with less than HARMED of the gain of a healthy run.
  Cases without harm are counted and left out.
- The first cure is what is proposed after the proof of `doctor`; it is tried in a training of full length.
- A healthy run's warning is a false alarm unless scikit-learn, or the definition itself, shows the same of the table.
"""

import argparse
import json
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import planted_data, planted_fit, planted_training
from benchmarks.diagnosis import _of as counts_of
from benchmarks.pages import put
from benchmarks.planted import GOOD_NET, Case, Table
from benchmarks.real_tables import RealTable, hashed, linear_pipeline, parts_of, tables
from benchmarks.timing import machine
from descend.evaluation.intervals import clopper_pearson

WAYS = dict(sorted((planted_training.WAYS | planted_fit.WAYS | planted_data.WAYS).items()))
RESULTS = Path(__file__).parent / "diagnosis_tables.json"
HALVES = ("working", "held-back")
STRENGTHS = ("faint", "plain", "gross")
SECONDS = 3.0
HARMED = 0.98  # of the gain of a healthy run
FRESH_EYES = ("D302", "D303", "D301", "D305", "D405", "D203", "D304", "D308", "D306")  # what `natural` looks for


def trained(data: Any, target: Any, options: dict[str, Any]) -> Any:
    import descend as ds

    given = {"seeds": 1, "time_budget": SECONDS, **options}
    return ds.train(data, target, progress=False, **{k: v for k, v in given.items() if v is not None})


def planted(half: str) -> Iterator[tuple[str, str, RealTable, int, int]]:
    """Every way of every code at every strength: (key, code, first table to try, way, strength)."""
    own = [t for t in tables() if t.held_back == (half == "held-back")]
    for code, ways in WAYS.items():
        for k in range(len(ways)):
            for strength in range(len(STRENGTHS)):
                key = f"{code} way {k + 1} {STRENGTHS[strength]}"
                yield key, code, own[hashed(key) % len(own)], k, strength


def case_of(key: str, half: str, code: str, first: RealTable, k: int, strength: int) -> tuple[RealTable, Case] | None:
    """Return the case on the first table, in order, that allows it."""
    own = [t for t in tables() if t.held_back == (half == "held-back")]
    at = own.index(first)
    for table in [*own[at:], *own[:at]]:
        case = WAYS[code][k](Table.of(table, hashed(key) % 2**32), strength)
        if case is not None:
            return table, case
    return None


def gain(run: Any, part: str = "train") -> float:
    """The share of the baseline's squared error, or log loss, that a run has removed on a part of its rows."""
    if run.failed:
        return -np.inf
    name = "logloss" if "logloss" in run.metrics[part] else "rmse"
    power = 1 if name == "logloss" else 2
    return float(1 - (run.metrics[part][name] / run.baseline_on(part, name)) ** power)


def harmful(case: Case, run: Any) -> bool:
    """Whether what was planted is a fault in this run, by figures that no finding reads."""
    if run.failed:
        return True
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
        if isinstance(said, list) and len(said) == 1 and said[0] in right:
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


def healthy(half: str) -> Iterator[tuple[str, RealTable, dict[str, Any]]]:
    """Nothing typed; and, by the hash of the name, two rules at rates in their band and a network."""
    from descend.plan import THE_EIGHT

    for table in tables():
        if table.held_back != (half == "held-back"):
            continue
        yield f"{table.name}, nothing typed", table, {}
        for k in range(2):
            rule = THE_EIGHT[hashed(f"{table.name}/{k}") % len(THE_EIGHT)]
            yield f"{table.name}, {rule}", table, {"optimizer": rule, "in_band": 0.5 + k / 2}
        rule = ("adam", "momentum", "nesterov", "rmsprop")[hashed(table.name) % 4]
        yield (
            f"{table.name}, network, {rule}",
            table,
            {**GOOD_NET, "max_epochs": 200, "optimizer": rule, "lr": "auto", "in_band": 1.0},
        )


def sound(table: RealTable, options: dict[str, Any]) -> dict[str, Any]:
    """Train a healthy run, at a rate beside the one that is found where a rule is typed."""
    options, frame = dict(options), Table.of(table, 0).frame
    begun = time.perf_counter()
    factor = options.pop("in_band", None)
    if factor is not None:
        options["lr"] = factor * trained(frame, table.target, options).chosen["lr"]
    run = trained(frame, table.target, {**options, "time_budget": 2 * SECONDS})
    alarms = [f.code for f in run.findings if f.level != "note"]
    true = natural(run, frame, table) if alarms else set()
    return {
        "table": table.name, "typed": sorted(options), "status": run.verdict.status, "alarms": alarms,
        "false": [code for code in alarms if code not in true], "seconds": round(time.perf_counter() - begun, 2),
    }  # fmt: skip


def natural(run: Any, frame: pd.DataFrame, table: RealTable) -> set[str]:
    """Return the codes of faults that the table has by nature, by scikit-learn and by definitions."""
    from sklearn.metrics import log_loss, recall_score
    from sklearn.preprocessing import PolynomialFeatures

    X, y = parts_of(frame, table.target)
    train, test = (X.index.intersection(frame.index[rows]) for rows in run.prepared.rows)
    found = {code for code, part in (("D305", "test"), ("D210", "train")) if gain(run, part) < 0.002}
    model = linear_pipeline(X, table.classes, 1e-4 * len(train)).fit(X.loc[train], y[train])

    def losses(rows: Any) -> tuple[float, float]:
        """The loss of the model and of the best constant."""
        if table.classes:
            shares = y[train].value_counts(normalize=True).reindex(model.classes_)
            constant = np.tile(shares.to_numpy(), (len(rows), 1))
            return tuple(
                log_loss(y[rows], p, labels=model.classes_) for p in (model.predict_proba(X.loc[rows]), constant)
            )  # type: ignore[return-value]
        return float(np.square(y[rows] - model.predict(X.loc[rows])).mean()), float(
            np.square(y[rows] - y[train].mean()).mean()
        )

    (fitted, constant), (unseen, unseen_constant) = losses(train), losses(test)
    if unseen > unseen_constant:
        found |= {"D305", "D306", "D308"}
    if unseen_constant - unseen < 0.5 * (constant - fitted):
        found |= {"D301", "D308"}
    if unseen < fitted:
        found.add("D304")
    if table.classes:
        recalls = recall_score(y[train], model.predict(X.loc[train]), average=None, labels=model.classes_)
        shares = y[train].value_counts(normalize=True).reindex(model.classes_).to_numpy()
        if (recalls[shares < 0.1] < 0.5).any():
            found.add("D303")
    else:
        residual = np.asarray(y - model.predict(X))
        if _follows_time(frame.loc[X.index], residual):
            found.add("D406")
        design = model[:-1].transform(X)
        design = np.asarray(design.todense() if hasattr(design, "todense") else design)
        if design.shape[1] <= 60:
            from sklearn.linear_model import Ridge
            from sklearn.model_selection import KFold, cross_val_score

            squares = PolynomialFeatures(2, include_bias=False).fit_transform(design)
            plain, curved = (
                cross_val_score(Ridge(1.0), D, y, cv=KFold(5, shuffle=True, random_state=0)).mean()
                for D in (design, squares)
            )
            residual = np.asarray(y - Ridge(1e-6).fit(design, y).predict(design))
            fit = Ridge(1e-3).fit(squares, residual)
            if curved > plain + 0.01 or 1 - np.var(residual - fit.predict(squares)) / np.var(
                residual
            ) > 0.1 + squares.shape[1] / len(y):
                found.add("D302")
        distance = (y - y.median()).abs()
        if (distance > 20 * 1.4826 * distance.median()).any():
            found.add("D405")
    design = model[:-1].transform(X)
    values = np.linalg.eigvalsh(
        np.corrcoef(np.asarray(design.todense() if hasattr(design, "todense") else design).T + 1e-12)
    )
    if values[-1] / max(values[values > 1e-10].min(initial=np.inf), 1e-300) > 1e3:
        found.add("D203")
    return found


def _follows_time(frame: pd.DataFrame, residual: Any) -> bool:
    """Whether the residuals follow each other in the order of a column of dates, by the statistic of Durbin and Watson."""
    for c in frame:
        if not pd.api.types.is_numeric_dtype(frame[c]):
            times = pd.to_datetime(frame[c], errors="coerce", format="mixed")
            if times.notna().mean() > 0.9 and times.nunique() > 20:
                r = residual[np.argsort(times.to_numpy(), kind="stable")]
                return bool(np.square(np.diff(r)).sum() / np.square(r).sum() < 1.7)
    return False


def measure(half: str, limit: int | None, minutes: float, codes: set[str], fresh: bool) -> None:
    """Judge the cases that are not in the file yet, in the order of a hash, and write each as it is known."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    own = results.setdefault(half, {"planted": {}, "healthy": {}})
    results["machine"] = machine()
    deadline, done = time.monotonic() + 60 * minutes, 0
    todo: list[tuple[int, str, str, Any]] = [
        (hashed(key), "planted", key, rest) for key, *rest in planted(half) if not codes or rest[0] in codes
    ]
    todo += [(hashed(key), "healthy", key, rest) for key, *rest in healthy(half) if not codes or "healthy" in codes]
    for _, kind, key, rest in sorted(todo, key=lambda job: job[:3]):
        if time.monotonic() > deadline or (limit is not None and done >= limit):
            break
        if key in own[kind] and not fresh:
            continue
        try:
            if kind == "healthy":
                row = sound(*rest)
            else:
                made = case_of(key, half, *rest)
                row = judge(*made) if made is not None else {"code": rest[0], "not_possible": True}
        except Exception as error:  # noqa: BLE001
            row = {
                "failed": f"{type(error).__name__}: {error}"[:300],
                **({"code": rest[0], "named": False, "first": False, "harm": True} if kind == "planted" else {}),
            }
        own[kind][key] = row
        done += 1
        print(key, json.dumps(row, default=str), file=sys.stderr, flush=True)
        RESULTS.write_text(json.dumps(results, indent=1, default=str) + "\n")


def share(rows: list[dict[str, Any]], name: str) -> str:
    """Return a share with its counts and its 95 % interval."""
    known = [r[name] for r in rows if r.get(name) is not None]
    if not known:
        return "none"
    e = clopper_pearson(float(sum(known)), float(len(known)))
    return f"{e.value:.1%} ({sum(known)} of {len(known)}, {e.low:.0%} to {e.high:.0%})"


def summary(found: dict[str, Any]) -> str:
    """Return figures, curves and misses of both halves as Markdown."""
    lines = []
    for half in HALVES:
        own = found.get(half)
        if not own:
            continue
        cases = {k: r for k, r in own["planted"].items() if r.get("harm")}
        rows, runs = list(cases.values()), list(own["healthy"].values())
        for run in runs:
            run["alarm"] = bool(run.get("false")) or "failed" in run
        idle = sum(1 for r in own["planted"].values() if r.get("harm") is False)
        free, typed = ([r for r in runs if bool(r.get("typed")) == flag] for flag in (False, True))
        lines += [
            f"### The {half} half", "",
            f"- {len(rows)} faults in {len({r.get('table') for r in rows})} tables; {idle} more did no harm and are left out.",
            f"- Among the findings: {share(rows, 'named')}.", f"- First: {share(rows, 'first')}.",
            f"- The right column, layer or row: {share(rows, 'place')}.",
            f"- The cure that is proposed first helps at full length: {share(rows, 'helps')}; none that was tried helped: "
            f"{sum(1 for r in rows if r.get('none_helped'))}.",
            f"- False alarms: nothing typed {share(free, 'alarm')}; a rule with a rate in its band {share(typed, 'alarm')}.",
            *(f"    - {k}: {', '.join(r.get('false', [])) or r.get('failed')}" for k, r in own["healthy"].items() if r["alarm"]),
            "", "| fault | cases | among | first | place | first cure helps | faint | plain | gross | also said |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]  # fmt: skip
        for code in WAYS:
            mine = {k: r for k, r in cases.items() if r["code"] == code}
            by = [counts_of([r for k, r in mine.items() if k.endswith(s)], "named") for s in STRENGTHS]
            said = Counter(
                c.split()[0]
                for r in mine.values()
                for c in r.get("said", ())
                if "note" not in c and c.split()[0] != code
            )
            also = ", ".join(f"{c} {n}×" for c, n in said.most_common(3))
            each = [counts_of(list(mine.values()), name) for name in ("named", "first", "place", "helps")]
            lines.append(f"| {code} | {len(mine)} | {' | '.join([*each, *by])} | {also} |")
        missed = [
            f"{k} ({r.get('table', '')}: {', '.join(r.get('said', ())) or r.get('failed') or 'nothing'})"
            for k, r in cases.items()
            if not r["named"]
        ]
        lines += ["", f"Missed: {'; '.join(missed)}." if missed else "Nothing missed.", ""]
    return "\n".join(lines)


def write() -> None:
    """Write the section of docs/diagnosis.md from the result file."""
    put("docs/diagnosis.md", "diagnosis tables", summary(json.loads(RESULTS.read_text())))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--half", choices=HALVES, default="working")
    parser.add_argument("--limit", type=int, default=None, help="cases that are judged")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--codes", default="", help="of the faults, and the word healthy; all when not given")
    parser.add_argument("--fresh", action="store_true", help="judge again what is in the file")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    measure(given.half, given.limit, given.minutes, set(filter(None, given.codes.split(","))), given.fresh)
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
