"""How often does a 95 % interval hold the true figure, and a verdict tell equal models apart? 1,000 simulated tables each.

    python -m benchmarks.evaluation         about two minutes of one core

Each world draws rows with targets and the predictions of a fixed model; the true figure is that of 1,000,000 rows. Coverage is
how many of 1,000 samples have an interval that holds it. Two models of one quality are drawn with noise of their own; a verdict
other than tie tells them apart.
"""

import json
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pages import put
from descend.evaluation import ClassificationEvaluation, Evaluation, RegressionEvaluation
from descend.evaluation.paired import Verdict

HERE = Path(__file__).parent
SAMPLES, TRUE_ROWS, SEED = 1000, 1_000_000, 0
SIZES = (100, 300, 1000)
GOOD = (0.93, 0.97)
EXACT = ("accuracy", "precision", "recall", "F1", "lift")  # hold the true figure in at least 95 %, by construction
World = Callable[[np.random.Generator, int, int], list[Evaluation]]


def numbers(noise: Callable[[np.random.Generator, int], Any]) -> World:
    """Targets that follow what models know, and something that none of them knows."""

    def world(rng: np.random.Generator, rows: int, models: int) -> list[Evaluation]:
        signal, unknown = rng.normal(0, 2, rows), noise(rng, rows)
        y = signal + unknown
        return [RegressionEvaluation(y=y, predicted=signal + rng.normal(0, 0.5, rows)) for _ in range(models)]

    return world


def classes(shares: tuple[float, ...]) -> World:
    """Classes with these shares; a model sees the class through noise, and its probabilities are right."""

    def world(rng: np.random.Generator, rows: int, models: int) -> list[Evaluation]:
        y = rng.choice(len(shares), rows, p=shares)
        made: list[Evaluation] = []
        for _ in range(models):
            seen = 1.5 * np.eye(len(shares))[y] + rng.normal(size=(rows, len(shares)))
            z = 1.5 * seen + np.log(shares)  # the logarithms of the probabilities, up to a constant of the row
            p = np.exp(z - z.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            score = z[:, 1] - z[:, 0] if len(shares) == 2 else z
            made.append(
                ClassificationEvaluation(
                    y=y.astype(np.float64), score=score, probabilities=p, predicted=z.argmax(axis=1),
                    classes=tuple(map(str, range(len(shares)))),
                )
            )  # fmt: skip
        return made

    return world


WORLDS: dict[str, World] = {
    "numbers, normal errors": numbers(lambda rng, rows: rng.normal(size=rows)),
    "numbers, heavy tails": numbers(lambda rng, rows: rng.standard_t(6, rows)),
    "numbers, skewed errors": numbers(lambda rng, rows: rng.exponential(size=rows) - 1),
    "two classes, 1 : 1": classes((0.5, 0.5)),
    "two classes, 9 : 1": classes((0.91, 0.09)),
    "three classes": classes((0.5, 0.3, 0.2)),
}


def figures(one: Evaluation) -> dict[str, tuple[float, float, float]]:
    """Value and interval of every figure; of the classes those of the last one."""
    found = {name: (e.value, e.low, e.high) for name, e in one.estimates.items()}
    if isinstance(one, ClassificationEvaluation):
        last = one.by_class[-1]
        named = {"precision": last.precision, "recall": last.recall, "F1": last.f1, "area under precision-recall":
                 last.average_precision, "lift": last.lift}  # fmt: skip
        found |= {name: (e.value, e.low, e.high) for name, e in named.items() if e is not None}
    return found


def row(name: str, rows: int, samples: int = SAMPLES) -> dict[str, Any]:
    """Return the coverage of each figure of one world, and how often each metric tells equal models apart."""
    world, rng = WORLDS[name], np.random.default_rng([SEED, rows])
    truth = figures(world(rng, TRUE_ROWS, 1)[0])
    held: dict[str, list[bool]] = defaultdict(list)
    apart: dict[str, int] = defaultdict(int)
    for _ in range(samples):
        one, other = world(rng, rows, 2)
        for figure, (_, low, high) in figures(one).items():
            if figure in truth and np.isfinite(low):
                held[figure].append(low <= truth[figure][0] <= high)
        for metric in one:
            apart[metric] += one.compare(other, metric).verdict is not Verdict.TIE
    return {
        "world": name, "rows": rows, "samples": samples, "coverage": {k: round(float(np.mean(v)), 4) for k, v in held.items()},
        "known": {k: len(v) for k, v in held.items()}, "apart": {k: v / samples for k, v in apart.items()},
    }  # fmt: skip


def summary(rows: list[dict[str, Any]]) -> str:
    """Return the shares as Markdown."""
    metrics = ["rmse", "mae", "r2", "accuracy", "balanced_accuracy", "logloss", "auc"]
    names = [*metrics, *dict.fromkeys(n for r in rows for n in r["coverage"] if n not in metrics)]
    lines: list[str] = []
    for title, key in (("Intervals that hold the true figure", "coverage"), ("Equal models told apart", "apart")):
        lines += [f"### {title}, of 1,000 samples", ""]
        for task in ("numbers", "classes"):
            own = [r for r in rows if (task == "numbers") == r["world"].startswith("numbers")]
            shown = [n for n in names if any(n in r[key] for r in own)]
            lines += [f"| world | rows | {' | '.join(shown)} |", "|---|---" + "|---" * len(shown) + "|"]
            for r in own:
                cells = (f"{100 * r[key][n]:.1f} %" if n in r[key] else "" for n in shown)
                lines.append(f"| {r['world']} | {r['rows']:,} | {' | '.join(cells)} |")
            lines.append("")
    by_delta, exact = (
        [v for r in rows for name, v in r["coverage"].items() if (name in EXACT) is kind] for kind in (False, True)
    )
    apart = [v for r in rows for v in r["apart"].values()]
    within = sum(GOOD[0] <= v <= GOOD[1] for v in by_delta)
    return "\n".join([
        f"By the delta method {within} of {len(by_delta)} intervals hold the true figure in 93 to 97 % of the samples, all of "
        f"them in {_range(by_delta)}. Those of Clopper and Pearson hold it in {_range(exact)}. Equal models are told apart in "
        f"{100 * np.mean(apart):.1f} % of all comparisons, in {100 * max(apart):.1f} % in the worst row.", "", *lines,
    ]).rstrip()  # fmt: skip


def _range(shares: list[float]) -> str:
    return f"{100 * min(shares):.1f} to {100 * max(shares):.1f} %"


def write() -> None:
    """Write the figures into docs/evaluation.md."""
    put("docs/evaluation.md", "evaluation", summary(json.loads((HERE / "evaluation.json").read_text())))


def main() -> int:
    """Simulate, write the results, and put the shares into docs/evaluation.md."""
    warnings.simplefilter("error")
    rows = []
    for name in WORLDS:
        for size in SIZES:
            rows.append(row(name, size))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    (HERE / "evaluation.json").write_text(json.dumps(rows, indent=1) + "\n")
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
