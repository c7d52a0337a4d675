"""How good are the choices? Regret of `lr` and `train` against brute force, and verdicts of `compare` over splits.

    python -m benchmarks.choices            all problems (about half an hour of one core)
    python -m benchmarks.choices few        every sixth problem and three splits (minutes)

Regret of `lr`: every variant is trained at 33 rates over eight decades, with two seeds that the sweep has not seen, on the
same rows for the same epochs; regret is the loss at the suggested variant and rate over the lowest of all. Regret of `train`:
the same grid under the limits of the search; regret is the training objective that was kept over the lowest (linear models),
or the validation loss (networks). A ten-thousandth of what the best gained is added to both losses, so that losses near 0 do
not make ratios of rounding.

Verdicts of `compare`: a table is split ten times. A pair of variants has opposite verdicts when one is called behind the other
in one split and ahead in another. The null is one variant at one rate, its seeds cut into eight groups that are compared as if
they were variants. Coverage: how often the 95 % interval of a paired difference, from 60 test rows and three seeds, holds the
difference on 20,000 rows and nine seeds.
"""

import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.pages import put
from benchmarks.timing import machine

HERE = Path(__file__).parent
RATES = np.geomspace(1e-6, 1e2, 33)
SEEDS = (101, 102)  # of brute force
EPOCHS = 200  # of a training whose choice is judged
FLOOR = 1e-4  # of what the best gained
GOOD = 1.1  # regret up to which a choice is as good as any
SPLITS = 10
GROUPS, GROUP = 8, 3  # groups of the null, and seeds of each
TEST_ROWS, TRUE_ROWS, TRUE_SEEDS = 60, 20_000, 9


@dataclass(frozen=True)
class Case:
    """A problem: data and target as `descend.train` takes them, and the options that it is trained with."""

    name: str
    make: Callable[[], tuple[Any, Any]]
    options: dict[str, Any]


def generated(kind: str, rows: int, features: int, condition: float, noise: float, seed: int) -> tuple[Any, Any]:
    """Features with the condition number `condition`, and a target that follows them with noise."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(features, features)))[0]
    X = rng.normal(size=(rows, features)) * np.geomspace(1, condition**-0.5, features) @ rotation
    z = X @ rotation.T @ (rng.normal(size=features) * np.geomspace(1, condition**0.25, features))
    z = z / z.std() + noise * rng.normal(size=rows)
    if kind == "curve":
        return X, np.sin(2 * z) + X[:, 0] ** 2
    if kind == "class":
        return X, np.where(z > 0, "yes", "no")
    if kind == "classes":
        return X, np.array(["low", "middle", "high"])[np.digitize(z, [-0.5, 0.5])]
    if kind == "count":
        return X, np.random.default_rng(seed).poisson(np.exp(np.clip(z, -5, 3))).astype(float)
    return X, z


def real(name: str, target: str) -> tuple[Any, Any]:
    """A table that ships with the project, or with scikit-learn."""
    if name == "penguins":
        return pd.read_csv(HERE.parent / "examples" / "data" / "penguins.csv"), target
    from sklearn import datasets

    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    if name != "diabetes":
        frame["target"] = [f"class {label}" for label in frame["target"]]
    return frame.iloc[:600], target


def cases() -> list[Case]:
    """Sixty problems, fixed before anything was tuned on them."""
    made = []
    network = {"hidden_layer_sizes": (16,)}
    for kind, options in (
        ("number", {}),
        ("class", {}),
        ("classes", {}),
        ("count", {"loss": "poisson"}),
        ("curve", network),
    ):
        for k, (rows, features, condition, noise) in enumerate(
            ((40, 3, 1, 0.5), (200, 5, 10, 0.1), (200, 10, 100, 0.5), (400, 20, 1e3, 1.0), (400, 5, 1e4, 0.3), (100, 30, 10, 0.0),
             (300, 8, 30, 2.0), (60, 2, 1, 0.05))
        ):  # fmt: skip
            name = f"{kind}, {rows} × {features}, condition {condition:g}, noise {noise:g}"
            made.append(Case(name, lambda a=(kind, rows, features, condition, noise, k): generated(*a), options))
    for name, target in (
        ("penguins", "body_mass_g"), ("penguins", "species"), ("penguins", "sex"), ("penguins", "island"),
        ("penguins", "flipper_length_mm"), ("diabetes", "target"), ("iris", "target"), ("wine", "target"),
        ("breast_cancer", "target"), ("digits", "target"),
    ):  # fmt: skip
        for options in ({}, network):
            title = f"{name}, {target}" + (", network" if options else "")
            made.append(Case(title, lambda n=name, t=target: real(n, t), options))
    return made


def settings_of(problem: Any, options: dict[str, Any]) -> list[Any]:
    """Every variant at every rate and seed of brute force."""
    from descend.options import read_options
    from descend.search.candidates import candidates

    bases = [b for seed in SEEDS for b in candidates(problem, read_options({**options, "random_state": seed}))]
    return [base.at(lr=float(lr)) for base in bases for lr in RATES]


def mean_over_seeds(settings: list[Any], losses: np.ndarray) -> float:
    """The lowest mean over the seeds of a variant at a rate."""
    means: dict[tuple[str, float], list[float]] = {}
    for s, loss in zip(settings, losses, strict=True):
        means.setdefault((s.label, s.lr), []).append(loss)
    return min(float(np.mean(v)) for v in means.values())


def regret(own: float, best: float, start: float) -> float:
    """The ratio of two losses above the floor; 1 where the choice was better than brute force."""
    floor = FLOOR * abs(start - best)
    low = min(best, own, 0.0)  # an objective may be negative
    return max(1.0, (own - low + floor) / max(best - low + floor, 1e-300))


def lr_row(case: Case) -> dict[str, Any]:
    """Suggest a rate, and train it and every other."""
    import descend as ds
    from descend.optimum.landscape import Landscape
    from descend.options import read_options
    from descend.plan import Plan
    from descend.problem.build import build_problem, initial_weights
    from descend.search.candidates import candidates
    from descend.table.prepare import prepare
    from descend.training import Limits, train

    data, target = case.make()
    found = ds.find_lr(data, target, **case.options)
    values = read_options({**case.options, "optimizer": "auto"})
    prepared = prepare(data, target, values)
    problem = build_problem(prepared.train, prepared.loss, prepared.constants, prepared.outputs, values)
    baseline = Landscape.of(problem, initial_weights(problem, values)).baseline
    limits = Limits(epochs=found.epochs, patience=found.epochs + 1, tol=0.0, reference=baseline, ends=True)
    grid = settings_of(problem, {**case.options, "optimizer": "auto"})
    own = [
        base.at(lr=found.lr)
        for seed in SEEDS
        for base in candidates(problem, read_options({**case.options, "optimizer": found.variant, "random_state": seed}))
    ] if found.lr is not None else []  # fmt: skip
    fit = train(problem, Plan((*grid, *own)), None, limits, threads=1)
    last = np.where([o.failed for o in fit.outcomes], np.inf, fit.trace.loss[:, -1])
    start = float(fit.trace.loss[0, 0])
    best = mean_over_seeds(grid, last[: len(grid)])
    chosen = float(np.mean(last[len(grid) :])) if own else start
    return {"kind": "lr", "case": case.name, "variant": found.variant, "lr": found.lr, "epochs": found.epochs,
            "loss": chosen, "best": best, "start": start, "regret": regret(chosen, best, start)}  # fmt: skip


def train_row(case: Case) -> dict[str, Any]:
    """Train with nothing typed, and every variant at every rate under the same limits."""
    import descend as ds
    from descend.plan import Plan
    from descend.search.task import limits_of
    from descend.training import train

    data, target = case.make()
    run = ds.train(data, target, max_epochs=EPOCHS, seeds=1, progress=False, **case.options)
    result = run.search_result
    fit, landscape = result.fit, result.landscape
    grid = settings_of(fit.problem, {**case.options, "optimizer": "auto"})
    brute = train(
        fit.problem, Plan(tuple(grid)), result.validation, limits_of(run.options.replace(time_budget=None), landscape)
    )
    by = "held_out" if result.validation is not None else "loss"
    losses = np.where([o.failed for o in brute.outcomes], np.inf, getattr(brute, by))
    best, chosen = mean_over_seeds(grid, losses), float(getattr(fit, by)[result.best])
    return {"kind": "train", "case": case.name, "variant": run.chosen["optimizer"], "lr": run.chosen["lr"], "epochs": EPOCHS,
            "loss": chosen, "best": best, "start": landscape.baseline, "regret": regret(chosen, best, landscape.baseline)}  # fmt: skip


def verdict_row(case: Case, splits: int) -> dict[str, Any]:
    """Compare over splits: pairs with opposite verdicts, and how many variants are named as the best."""
    import descend as ds

    data, target = case.make()
    behind: set[tuple[str, str]] = set()
    best: list[str] = []
    at_optimum = apart = 0
    for seed in range(splits):
        comparison = ds.compare(data, target, random_state=seed, progress=False, **case.options)
        first = comparison.rows[0]
        best.append(first.variant)
        behind |= {(first.variant, row.variant) for row in comparison.rows if row.standing == "behind"}
        near = [row for row in comparison.rows if row.gap is not None and row.gap < 2e-4]
        if first in near:
            at_optimum += len(near) - 1
            apart += sum(row.standing == "behind" for row in near)
    names = sorted({name for pair in behind for name in pair})
    opposite = [f"{a}/{b}" for a, b in combinations(names, 2) if {(a, b), (b, a)} <= behind]
    return {"kind": "verdicts", "case": case.name, "splits": splits, "best": len(set(best)), "opposite": opposite,
            "pairs": 28, "behind": len(behind), "at_optimum": at_optimum, "apart": apart}  # fmt: skip


def _losses(result: Any, data: Any, metric: str) -> list[Any]:
    """What each row adds to a metric, of every run."""
    from descend.run.scoring import run_scores
    from descend.run.standing import row_losses

    problem = result.fit.problem
    return [row_losses(problem, z, data, metric) for z in run_scores(problem, result.fit.weights, data)]


def null_row(case: Case, splits: int) -> dict[str, Any]:
    """One variant at one rate against itself with other seeds: how often groups of seeds are told apart."""
    from descend.run.standing import Contestant, Standing, standings

    apart = compared = 0
    for split in range(splits):
        run, result = one_setting(case, split, GROUPS * GROUP)
        rows = run.prepared.test
        losses = _losses(result, rows, run.metric)
        made = tuple(
            Contestant(run=k, scores=np.array([v.mean() for v in losses[k * GROUP : (k + 1) * GROUP]]),
                       losses=np.array(losses[k * GROUP : (k + 1) * GROUP]), at_optimum=False, failed=False)
            for k in range(len(losses) // GROUP)
        )  # fmt: skip
        found = standings(made, "rmse")  # losses are lower when better, whatever the metric
        apart, compared = apart + sum(s is Standing.BEHIND for s in found.values()), compared + len(made) - 1
    return {"kind": "null", "case": case.name, "splits": splits, "compared": compared, "apart": apart}


def one_setting(case: Case, split: int, seeds: int) -> tuple[Any, Any]:
    """A run of one setting from many seeds."""
    import descend as ds

    data, target = case.make()
    given = {"optimizer": "adam", "lr": 0.01, "batch_size": 16, "max_epochs": 30, "seeds": seeds, "time_budget": None}
    run = ds.train(data, target, random_state=1000 * split, progress=False, **{**given, **case.options})
    return run, run.search_result


def coverage_row(splits: int) -> dict[str, Any]:
    """How often the interval of a paired difference holds what many rows and seeds say it is."""
    from descend.evaluation.paired import paired_difference
    from descend.table.data import Data

    held = widths = 0.0
    for split in range(splits):
        X, y = generated("curve", 240 + TEST_ROWS + TRUE_ROWS, 4, 1, 0.3, split)
        train_rows = slice(0, 240)
        case = Case("", lambda: (X[train_rows], y[train_rows]), {"hidden_layer_sizes": (8,), "test": 0.0})  # noqa: B023
        losses = {}
        for lr in (0.003, 0.01):
            case.options["lr"] = lr
            run, result = one_setting(case, split, TRUE_SEEDS)
            scale = run.prepared.scale
            rest = Data(scale.transform(X[240:], np.float64), (y[240:] - scale.target_center) / scale.target_width)
            losses[lr] = np.array(_losses(result, rest, "rmse"))
        difference = paired_difference(*(v[:GROUP, :TEST_ROWS] for v in losses.values()))
        truth = float(np.subtract(*losses.values())[:, TEST_ROWS:].mean())
        held += abs(difference.mean - truth) <= difference.margin(0.05)
        widths += difference.margin(0.05)
    return {"kind": "coverage", "splits": splits, "held": int(held), "width": widths / splits}


def measure(few: bool) -> list[dict[str, Any]]:
    """All rows; a failure is a row."""
    every, splits = cases(), 3 if few else SPLITS
    chosen = every[::6] if few else every
    of = {c.name: c for c in every}
    compared = [of[name] for name in ("penguins, body_mass_g", "diabetes, target", "penguins, species, network",
                "number, 200 × 10, condition 100, noise 0.5", "class, 300 × 8, condition 30, noise 2",
                "curve, 200 × 5, condition 10, noise 0.1")]  # fmt: skip
    noisy = [c for c in every if c.options and c.name.startswith(("curve", "penguins"))][: 2 if few else 8]
    jobs: list[tuple[str, str, Callable[[], dict[str, Any]]]] = []
    for kind, make in (("lr", lr_row), ("train", train_row)):
        jobs += [(kind, c.name, lambda c=c, make=make: make(c)) for c in chosen]
    jobs += [("verdicts", c.name, lambda c=c: verdict_row(c, splits)) for c in (compared[:3] if few else compared)]
    jobs += [("null", c.name, lambda c=c: null_row(c, splits)) for c in noisy]
    jobs += [("coverage", "", lambda: coverage_row(5 if few else 40))]
    rows = []
    for kind, name, job in jobs:
        try:
            rows.append(job())
        except Exception as error:  # noqa: BLE001
            rows.append({"kind": kind, "case": name, "failed": repr(error)})
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def summary(rows: list[dict[str, Any]]) -> str:
    """Return the figures and every failure as Markdown."""
    lines: list[str] = []
    for kind in ("lr", "train"):
        own = [r for r in rows if r["kind"] == kind]
        good = [r for r in own if "failed" not in r]
        bad = sorted((r for r in good if r["regret"] > GOOD), key=lambda r: -r["regret"])
        worst = max((r["regret"] for r in good), default=1.0)
        lines += [
            f"### `{kind}`", "",
            f"Regret of at most {GOOD} on {len(good) - len(bad)} of {len(own)} problems; the largest is {worst:.3g}.", "",
        ]  # fmt: skip
        if bad or len(good) < len(own):
            lines += ["| above it | chosen | regret |", "|---|---|---|"]
            lines += [f"| {r['case']} | {r['variant']} at {r['lr']:.3g} | {r['regret']:.3g} |" for r in bad if r["lr"]]
            lines += [f"| {r['case']} | no rate | {r['regret']:.3g} |" for r in bad if not r["lr"]]
            lines += [f"| {r['case']} | failed: {r['failed']} | |" for r in own if "failed" in r]
            lines.append("")
    lines += ["### `compare`", "", "| table | splits | variants named best | opposite verdicts | at the optimum, called behind |",
              "|---|---|---|---|---|"]  # fmt: skip
    for r in (r for r in rows if r["kind"] == "verdicts"):
        if "failed" in r:
            lines.append(f"| {r['case']} | failed: {r['failed']} | | | |")
            continue
        cells = (r["case"], r["splits"], r["best"], f"{', '.join(r['opposite']) or 'none'} of {r['pairs']} pairs",
                 f"{r['apart']} of {r['at_optimum']}")  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    null = [r for r in rows if r["kind"] == "null" and "failed" not in r]
    compared, apart = sum(r["compared"] for r in null), sum(r["apart"] for r in null)
    lines += ["", f"One model against itself with other seeds: told apart in {apart} of {compared} comparisons."]
    lines += [f"The 95 % interval of a difference held the true one in {r['held']} of {r['splits']} samples."
              for r in rows if r["kind"] == "coverage" and "failed" not in r]  # fmt: skip
    lines += [f"Failed: {r['kind']} {r['case']}: {r['failed']}" for r in rows
              if "failed" in r and r["kind"] in ("null", "coverage")]  # fmt: skip
    return "\n".join(lines)


def write() -> None:
    """Write the figures into docs/choices.md."""
    results = json.loads((HERE / "choices.json").read_text())
    put("docs/choices.md", "choices", summary(results["rows"]))


def main(arguments: list[str]) -> int:
    """Measure, write the results, and put the figures into docs/choices.md."""
    warnings.simplefilter("ignore")
    rows = measure(few=arguments == ["few"])
    (HERE / "choices.json").write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
