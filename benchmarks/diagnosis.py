"""Are faults named, and only faults? Planted faults and healthy runs, and a table of what was said of each.

    python -m benchmarks.diagnosis
    python -m benchmarks.diagnosis torch     # loops in torch, see diagnosis_torch.py

A third of the planted cases and of the healthy runs is drawn with seeds that were never looked at while thresholds were
set. A fault counts as named when its code is among the findings; its place, where it has one, when the evidence names
that layer or column.
The first proposed cure is what `doctor` proposes after its proof; it is tried once more in a training of full length.
"""

import json
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.pages import put
from benchmarks.timing import machine

HERE = Path(__file__).parent
SEEN, UNSEEN = (0, 1, 2, 3), (1001, 1002)
DEEP = ",".join(["24"] * 15)


@dataclass(frozen=True, eq=False)
class Case:
    """A table with a way to train it, and what must be said of it."""

    code: str
    frame: pd.DataFrame
    options: dict[str, Any] = field(default_factory=dict)
    place: Any = None


def numbers(seed: int, rows: int = 300, columns: int = 4, noise: float = 0.3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns))
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(columns)])
    frame["y"] = X @ rng.normal(size=columns) + noise * rng.normal(size=rows)
    return frame


def classes(seed: int, rows: int = 300, columns: int = 4, k: int = 2, noise: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns))
    z = X @ rng.normal(size=(columns, k)) + noise * rng.gumbel(size=(rows, k))
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(columns)])
    frame["y"] = [f"c{i}" for i in z.argmax(axis=1)]
    return frame


def waves(seed: int, rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, size=(rows, 3))
    frame = pd.DataFrame(X, columns=["x0", "x1", "x2"])
    frame["y"] = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] / 2 + 0.1 * rng.normal(size=rows)
    return frame


def limit_of(frame: pd.DataFrame, optimizer: str, **options: Any) -> float:
    import descend as ds

    found = ds.train(frame, "y", optimizer=optimizer, lr=1e-6, max_epochs=1, seeds=1, progress=False, **options)
    return float(found.chosen["why"]["lr"]["stability_limit"])


def d101(s: int) -> Iterator[Case]:
    for optimizer, frame, factor in (
        ("gd", numbers(s), 1.3),
        ("momentum", classes(s), 3.0),
        ("nesterov", numbers(s, 2000, 9), 20.0),
    ):
        lr = factor * limit_of(frame, optimizer)
        yield Case("D101", frame, {"optimizer": optimizer, "lr": lr, "max_epochs": 3000})


def d102(s: int) -> Iterator[Case]:
    yield Case("D102", classes(s), {"hidden_layer_sizes": (32,) * (16 + s % 4), "activation": "elu", "init": "normal:0.5",
                                    "optimizer": "minibatch", "lr": 0.05, "max_epochs": 40}, {"layer": None})  # fmt: skip
    yield Case("D102", waves(s), {"hidden_layer_sizes": (24,) * (10 + s % 4), "activation": "relu", "init": "normal:1.0",
                                  "optimizer": "momentum", "lr": 0.01, "max_epochs": 40}, {"layer": None})  # fmt: skip


def d103(s: int) -> Iterator[Case]:
    frame = numbers(s)
    frame["x1"] *= 1e200
    yield Case(
        "D103", frame, {"optimizer": "adam", "lr": 0.1, "scale": False, "max_epochs": 30}, {"place": "column 'x1'"}
    )


def d201(s: int) -> Iterator[Case]:
    yield Case("D201", numbers(s), {"optimizer": "gd", "lr": 0.003, "max_epochs": 60})
    yield Case("D201", classes(s, k=3), {"optimizer": "adam", "lr": 0.001, "max_epochs": 40})


def d202(s: int) -> Iterator[Case]:
    yield Case("D202", classes(s, 600), {"hidden_layer_sizes": (24,) * (12 + s % 4), "activation": "sigmoid", "init": "normal:0.1",
                                         "optimizer": "adam", "lr": 0.01, "max_epochs": 30}, {"layer": "first"})  # fmt: skip
    yield Case("D202", waves(s), {"hidden_layer_sizes": (16,) * (10 + s % 4), "activation": "tanh", "init": "normal:0.05",
                                  "optimizer": "minibatch", "lr": 0.05, "max_epochs": 30}, {"layer": "first"})  # fmt: skip


def d203(s: int) -> Iterator[Case]:
    frame = numbers(s)
    frame.insert(0, "twin", frame.x1 + 3e-3 * np.random.default_rng(s).normal(size=len(frame)))
    frame["y"] += 60 * (frame.twin - frame.x1)
    yield Case("D203", frame, {"optimizer": "gd", "l2": 0.0, "lr": 0.3, "max_epochs": 500}, {"column": ("x1", "twin")})
    frame = numbers(s)
    frame["x2"] *= 1e3
    lr = 0.9 * limit_of(frame, "gd", scale=False)
    yield Case("D203", frame, {"optimizer": "gd", "scale": False, "lr": lr, "max_epochs": 500}, {"column": ("x2",)})


def d204(s: int) -> Iterator[Case]:
    yield Case("D204", numbers(s, noise=0.05), {"optimizer": "adagrad", "lr": 0.02, "max_epochs": 400})


def d205(s: int) -> Iterator[Case]:
    frame = numbers(s)
    frame["x3"] = frame.x0 + frame.x1 + 0.2 * frame.x3
    lr = 0.998 * limit_of(frame, "gd")
    yield Case("D205", frame, {"optimizer": "gd", "lr": lr, "max_epochs": 120})


def d206(s: int) -> Iterator[Case]:
    yield Case("D206", waves(s), {"hidden_layer_sizes": (16,), "activation": "relu", "optimizer": "minibatch", "lr": 30.0, "clip": 1.0,
                                  "max_epochs": 15}, {"layer": 1})  # fmt: skip


def d207(s: int) -> Iterator[Case]:
    for frame, activation in ((classes(s), "sigmoid"), (waves(s), "tanh")):
        yield Case("D207", frame, {"hidden_layer_sizes": (16, 16), "activation": activation, "init": "normal:10", "optimizer": "adam",
                                   "lr": 0.001, "max_epochs": 30}, {"layer": None})  # fmt: skip


def d208(s: int) -> Iterator[Case]:
    yield Case("D208", waves(s), {"hidden_layer_sizes": (16,), "activation": "tanh", "init": "zeros", "optimizer": "adam", "lr": 0.01,
                                  "max_epochs": 40}, {"layer": 1})  # fmt: skip


def d301(s: int) -> Iterator[Case]:
    rng = np.random.default_rng(s)
    frame = pd.DataFrame(rng.normal(size=(80, 50)), columns=[f"x{j}" for j in range(50)])
    frame["y"] = frame.x0 + 1.5 * rng.normal(size=80)
    yield Case("D301", frame, {"l2": 0.0})
    frame = frame.assign(y=np.where(frame.y > 0, "yes", "no"))
    yield Case("D301", frame, {"l2": 1e-5})


def d302(s: int) -> Iterator[Case]:
    rng = np.random.default_rng(s)
    frame = numbers(s, noise=0.2)
    frame["y"] += (1.0 + rng.uniform()) * frame.x2**2
    yield Case("D302", frame, {}, {"term": "x2²"})


def d303(s: int) -> Iterator[Case]:
    rng = np.random.default_rng(s)
    frame = numbers(s, 1200)
    score = frame.x0 + 1.5 * rng.normal(size=1200)
    frame["y"] = np.where(score > np.quantile(score, 0.96), "rare", "usual")
    yield Case("D303", frame, {}, {"class": "rare"})


def d304(s: int) -> Iterator[Case]:
    frame = numbers(s, 400, noise=0.0)
    frame["t"] = np.arange(400)
    frame["y"] += np.where(frame.t < 320, 1.0, 0.1) * np.random.default_rng(s).normal(size=400)
    yield Case("D304", frame, {"time": "t"})


def d401(s: int) -> Iterator[Case]:
    frame = numbers(s)
    frame["x3"] *= 300
    lr = 0.5 * limit_of(frame, "gd", scale=False)
    yield Case("D401", frame, {"optimizer": "gd", "scale": False, "lr": lr, "max_epochs": 200}, {"column": "x3"})


def d402(s: int) -> Iterator[Case]:
    frame = numbers(s)
    frame.insert(0, "total", 3 * frame.y + 1)
    yield Case("D402", frame, {}, {"column": "total"})
    frame = classes(s)
    frame.insert(0, "answer", (frame.y == "c1") + 0.1 * np.random.default_rng(s).uniform(size=len(frame)))
    yield Case("D402", frame, {}, {"column": "answer"})


def d403(s: int) -> Iterator[Case]:
    frame = numbers(s, 200)
    yield Case("D403", pd.concat([frame, frame], ignore_index=True), {})


def d404(s: int) -> Iterator[Case]:
    frame = numbers(s)
    frame.insert(0, "same", 7.0)
    yield Case("D404", frame, {}, {"columns": ["same"]})


def d405(s: int) -> Iterator[Case]:
    frame = numbers(s)
    frame.loc[[5, 17, 40], "y"] += np.array([400.0, -300.0, 250.0])
    yield Case("D405", frame, {})


def d406(s: int) -> Iterator[Case]:
    rng = np.random.default_rng(s)
    frame = numbers(s, 400)
    frame["day"] = pd.date_range("2020-01-01", periods=400)
    frame["y"] += np.cumsum(rng.normal(size=400)) / 2
    yield Case("D406", frame, {}, {"column": "day"})


def d408(s: int) -> Iterator[Case]:
    frame = numbers(s)
    frame.loc[np.random.default_rng(s).choice(len(frame), 20, replace=False), "x2"] = -999.0
    yield Case("D408", frame, {}, {"column": ["x2"]})


def d502(s: int) -> Iterator[Case]:
    yield Case("D502", numbers(s), {"optimizer": "adam", "eps": 1e-200})


def d503(s: int) -> Iterator[Case]:
    frame = classes(s, 400, noise=0.3)
    frame["t"] = np.arange(400)
    odd = np.random.default_rng(s).choice(np.arange(330, 400), 12, replace=False)
    frame.loc[odd, ["x0", "x1", "x2", "x3"]] *= -40.0
    yield Case("D503", frame, {"l2": 1e-6, "time": "t", "features": ("x0", "x1", "x2", "x3")})


def d504(s: int) -> Iterator[Case]:
    yield Case(
        "D504", numbers(s, 600, noise=1.5), {"optimizer": "minibatch", "batch_size": 4, "lr": 0.08, "max_epochs": 150}
    )


PLANTED: tuple[Callable[[int], Iterator[Case]], ...] = (
    d101, d102, d103, d201, d202, d203, d204, d205, d206, d207, d208, d301, d302, d303, d304, d401, d402, d403, d404, d405, d406,
    d408, d502, d503, d504,
)  # fmt: skip


def healthy() -> Iterator[tuple[str, pd.DataFrame, dict[str, Any]]]:
    """All eight variants at rates that are found, on five kinds of task, with three seeds, the last one never seen before."""
    from descend.plan import THE_EIGHT

    for seed, data in enumerate((0, 1, UNSEEN[0])):
        for variant in THE_EIGHT:
            yield f"{variant}, numbers, linear", numbers(data, 300 + 100 * seed), {"optimizer": variant}
            yield f"{variant}, two classes, linear", classes(data), {"optimizer": variant}
            yield f"{variant}, three classes, linear", classes(data, 500, k=3), {"optimizer": variant}
            shape = {
                "hidden_layer_sizes": ((16,), (16, 16), (24,))[seed],
                "activation": ("relu", "tanh", "sigmoid")[seed],
            }
            yield f"{variant}, numbers, network", waves(data), {"optimizer": variant, "max_epochs": 60, **shape}
            yield (
                f"{variant}, three classes, network",
                classes(data, 400, k=3),
                {"optimizer": variant, "max_epochs": 60, **shape},
            )


def trained(frame: pd.DataFrame, options: dict[str, Any]) -> Any:
    import descend as ds

    return ds.train(frame, "y", seeds=1, progress=False, **{"time_budget": 10, **options})


def right_place(case: Case, finding: Any) -> bool | None:
    """Whether the evidence names the layer or column that was planted; None where there is no place."""
    if case.place is None:
        return None
    ((name, wanted),) = case.place.items()
    said = finding.evidence.get(name)
    if wanted is None:
        return said is not None and 1 <= said <= len(case.options["hidden_layer_sizes"]) + 1
    if wanted == "first":
        return said is not None and said < len(case.options["hidden_layer_sizes"])
    return said in wanted if isinstance(wanted, tuple) else said == wanted


def judge(case: Case, seed: int) -> dict[str, Any]:
    """Train, look whether the fault is named, and try the first cure that the doctor proposes."""
    from descend.diagnosis.proof import prove_all
    from descend.options import options_of_flags
    from descend.run.job import retrain

    begun = time.perf_counter()
    run = trained(case.frame, case.options)
    codes = [f.code for f in run.findings if f.level != "note" or f.code == case.code]
    found = next((f for f in run.findings if f.code == case.code), None)
    row: dict[str, Any] = {
        "code": case.code,
        "seed": seed,
        "status": run.verdict.status,
        "said": codes,
        "named": found is not None,
    }
    if found is not None:
        row["place"] = right_place(case, found)
        cured = (
            found
            if found.proof
            else prove_all(
                (found,), run.options, run, lambda o: retrain(run.prepared.table, "y", o, lambda heard: None)
            )[0]
        )
        if found.code == "D103" and not found.fix:
            cured = next((f for f in run.findings if f.proof), found)
        tried = list(cured.proof)
        flags = [fix for fix in cured.fix if options_of_flags(fix)]
        row["tried"] = len(tried)
        row["cure"] = flags[0] if flags else None
        row["helps"] = _helps(case, run, found, flags[0]) if tried and flags else None
        row["none_helped"] = bool(tried) and not flags
        row["first_listed_helps"] = tried[0].helped if tried else None
    return {**row, "seconds": time.perf_counter() - begun}


def _helps(case: Case, run: Any, found: Any, fix: str) -> bool:
    """Whether a training of full length with the fix is better than the one before."""
    from descend.diagnosis.proof import metric_of, outcome
    from descend.options import options_of_flags

    again = trained(case.frame, {**case.options, **options_of_flags(fix)})
    return outcome(run, again, *metric_of(found, run))[1]


def measure() -> dict[str, Any]:
    planted, sound = [], []
    for seed in (*SEEN, *UNSEEN):
        for plant in PLANTED:
            for case in plant(seed):
                try:
                    planted.append(judge(case, seed))
                except Exception as error:  # noqa: BLE001
                    planted.append({"code": case.code, "seed": seed, "named": False, "said": [], "failed": repr(error)})
                print(json.dumps(planted[-1], default=str), file=sys.stderr, flush=True)
    for name, frame, options in healthy():
        run = trained(frame, options)
        alarms = [f.code for f in run.findings if f.level != "note"]
        sound.append({"name": name, "status": run.verdict.status, "alarms": alarms})
        print(json.dumps(sound[-1]), file=sys.stderr, flush=True)
    return {"machine": machine(), "planted": planted, "healthy": sound}


def summary(found: dict[str, Any]) -> str:
    """Return the confusion table and the shares as Markdown."""
    planted, sound = found["planted"], found["healthy"]
    lines = [
        "| planted | runs | named | with unseen seeds | place | first cure helps | also said |",
        "|---|---|---|---|---|---|---|",
    ]
    for code in dict.fromkeys(r["code"] for r in planted):
        own = [r for r in planted if r["code"] == code]
        fresh = [r for r in own if r["seed"] in UNSEEN]
        beside = Counter(c for r in own for c in set(r["said"]) if c != code)
        also = ", ".join(f"{c} {n}×" for c, n in beside.most_common(4))
        lines.append(f"| {code} | {len(own)} | {_of(own, 'named')} | {_of(fresh, 'named')} | {_of(own, 'place')} | "
                     f"{_of(own, 'helps')} | {also} |")  # fmt: skip
    alarms = [r for r in sound if r["alarms"]]
    fresh = [r for r in planted if r["seed"] in UNSEEN]
    said = [
        f"- {len(planted)} planted faults: {_of(planted, 'named')} named, {_of(fresh, 'named')} of those with unseen seeds.",
        f"- The right layer or column: {_of(planted, 'place')}.",
        f"- The cure that is proposed first lowers the loss in a training of full length: {_of(planted, 'helps')}; no cure "
        f"that was tried helped, and none is proposed: {_of(planted, 'none_helped')}; the first of the list, before any was "
        f"tried, would help: {_of(planted, 'first_listed_helps')}.",
        f"- {len(sound)} healthy runs: {len(alarms)} with a false alarm ({len(alarms) / max(len(sound), 1):.1%}).",
        *(f"    - {r['name']}: {', '.join(r['alarms'])}" for r in alarms),
    ]
    missed = [f"{r['code']} seed {r['seed']}" for r in planted if not r["named"]]
    if missed:
        said.append(f"- Missed: {', '.join(missed)}.")
    return "\n".join([*said, "", *lines])


def _of(rows: list[dict[str, Any]], name: str) -> str:
    known = [r[name] for r in rows if r.get(name) is not None]
    return f"{sum(known)} of {len(known)}" if known else ""


def write() -> None:
    """Write docs/diagnosis.md from the result file."""
    put("docs/diagnosis.md", "diagnosis", summary(json.loads((HERE / "diagnosis.json").read_text())))


def main() -> int:
    if sys.argv[1:2] == ["torch"]:
        from benchmarks import diagnosis_torch

        return diagnosis_torch.main(sys.argv[2:])
    warnings.simplefilter("ignore")
    (HERE / "diagnosis.json").write_text(json.dumps(measure(), indent=1, default=str) + "\n")
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
