"""How good is `train` with nothing typed? Held-out losses on real tables beside scikit-learn's, and the time they took.

    python -m benchmarks.quality            the tables of the list
    python -m benchmarks.quality held-back  five that nothing was tuned on

Every contestant learns from the same rows and the same columns, and is judged on the same held-out rows by the squared
error, or the log loss of classes. "No worse" means: not above the rival's mean loss by more than the standard error of
our own; the stricter count, by the standard error of the difference row by row, is given beside it.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pages import put
from benchmarks.tables import HELD_BACK, TABLES, Table
from benchmarks.timing import machine

HERE = Path(__file__).parent
SMALL = 1200  # training rows up to which networks are compared: a random search of twenty takes minutes beyond
FAR = 30.0  # a log loss is cut off there


@dataclass(frozen=True, eq=False)
class Rows:
    """What every contestant is given, columns encoded but not scaled, and the held-out rows."""

    X: np.ndarray
    y: np.ndarray
    held_X: np.ndarray
    held_y: np.ndarray
    classes: int

    def losses(self, predicted: np.ndarray) -> np.ndarray:
        """Loss of each held-out row: of numbers, or of probabilities (rows, classes)."""
        if not self.classes:
            return np.square(predicted - self.held_y)
        of_class = predicted[np.arange(len(predicted)), self.held_y.astype(int)]
        return np.minimum(-np.log(np.maximum(of_class, 1e-300)), FAR)


def ours(table: Table, **options: Any) -> tuple[Rows, np.ndarray, float, Any]:
    """Train with nothing typed but what the table says."""
    import descend as ds

    begun = time.perf_counter()
    run = ds.train(table.frame(), table.target, drop=table.drop, task=table.task, progress=False, **options)
    took = time.perf_counter() - begun
    prepared = run.prepared
    X, held_X = (prepared.schema.encode(prepared.table.take(rows)).X for rows in prepared.rows)
    place = {row: k for k, row in enumerate(np.flatnonzero(prepared.target.kept))}
    own, held = (np.array([place[r] for r in rows]) for rows in prepared.rows)
    rows = Rows(X, prepared.target.y[own], held_X, prepared.target.y[held], len(prepared.target.classes))
    predicted = run.model.predict(prepared.table.take(prepared.rows[1]))
    return (
        rows,
        rows.losses(predicted.values if predicted.probabilities is None else predicted.probabilities),
        took,
        run,
    )


def rival(rows: Rows, model: Any) -> tuple[np.ndarray, float]:
    """Fit a scikit-learn model and return its losses and seconds; infinity where it fails."""
    begun = time.perf_counter()
    try:
        with np.errstate(all="ignore"):
            model.fit(rows.X, rows.y)
            said = model.predict_proba(rows.held_X) if rows.classes else model.predict(rows.held_X)
            losses = np.nan_to_num(rows.losses(said), nan=np.inf)
    except ValueError:
        losses = np.full(len(rows.held_y), np.inf)
    return losses, time.perf_counter() - begun


def linear_rivals(rows: Rows) -> dict[str, Any]:
    from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier, SGDRegressor
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rates = np.geomspace(1e-5, 1, 12)
    if rows.classes:
        base = SGDClassifier(loss="log_loss", random_state=0)
        tuned = GridSearchCV(
            SGDClassifier(loss="log_loss", learning_rate="constant", random_state=0),
            {"eta0": rates},
            scoring="neg_log_loss",
        )
        exact: Any = LogisticRegression(C=np.inf, max_iter=5000)
    else:
        base, exact = SGDRegressor(random_state=0), LinearRegression()
        tuned = GridSearchCV(SGDRegressor(random_state=0), {"eta0": rates}, scoring="neg_mean_squared_error")
    return {"SGD, defaults": base, "SGD, scaled, 12 rates": make_pipeline(StandardScaler(), tuned),
            "exact": make_pipeline(StandardScaler(), exact)}  # fmt: skip


def network_rivals(rows: Rows) -> dict[str, Any]:
    from scipy.stats import loguniform
    from sklearn.model_selection import RandomizedSearchCV
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    form = MLPClassifier if rows.classes else MLPRegressor
    space = {
        "hidden_layer_sizes": [(32,), (100,), (32, 32)],
        "learning_rate_init": loguniform(1e-4, 1e-1),
        "alpha": loguniform(1e-6, 1e-1),
    }
    scoring = "neg_log_loss" if rows.classes else "neg_mean_squared_error"
    search = RandomizedSearchCV(form(random_state=0), space, n_iter=20, cv=3, random_state=0, scoring=scoring)
    return {
        "MLP, defaults": make_pipeline(StandardScaler(), form(random_state=0)),
        "MLP, search of 20": make_pipeline(StandardScaler(), search),
    }


def judge(table: Table, deep: bool) -> dict[str, Any] | None:
    """One table, by linear models or by networks."""
    options = {"hidden_layer_sizes": (32,), "seeds": 1} if deep else {"seeds": 1}
    rows, own, took, run = ours(table, **options)
    if deep and len(rows.y) > SMALL:
        return None
    results = {"descend": {"loss": float(own.mean()), "seconds": took}}
    for name, model in (network_rivals if deep else linear_rivals)(rows).items():
        losses, seconds = rival(rows, model)
        results[name] = {"loss": float(losses.mean()), "seconds": seconds, **_no_worse(own, losses)}
    found = run.search_result
    best, exact = float(found.fit.loss[found.best]), found.landscape.optimum
    above = None if exact.weights is None else (best - exact.objective) / max(abs(exact.objective), 1e-300)
    return {"table": table.source, "target": table.target, "rows": len(rows.y), "features": rows.X.shape[1], "deep": deep,
            "optimizer": run.chosen["optimizer"], "above_optimum": above, "results": results}  # fmt: skip


def _no_worse(own: np.ndarray, losses: np.ndarray) -> dict[str, bool]:
    """Whether ours is no worse: within the standard error of its own mean, and within that of the difference by rows."""
    apart = own - losses
    if not np.isfinite(apart).all():
        return {"no_worse": True, "no_worse_paired": True}
    error, paired = (float(v.std(ddof=1) / np.sqrt(len(v))) for v in (own, apart))
    return {"no_worse": bool(apart.mean() <= error), "no_worse_paired": bool(apart.mean() <= paired)}


def measure(tables: tuple[Table, ...]) -> list[dict[str, Any]]:
    """Judge every table; a failure is a row."""
    found = []
    for deep in (False, True):
        for table in tables:
            try:
                row = judge(table, deep)
            except Exception as error:  # noqa: BLE001
                row = {"table": table.source, "target": table.target, "deep": deep, "failed": repr(error)}
            if row is not None:
                found.append(row)
                print(json.dumps(row), file=sys.stderr, flush=True)
    return found


def summary(rows: list[dict[str, Any]]) -> str:
    """Return the table and the shares as Markdown."""
    parts = []
    for deep, title in ((False, "Linear models"), (True, "Networks of one hidden layer of 32")):
        own = [r for r in rows if r["deep"] == deep]
        good = [r for r in own if "failed" not in r]
        if not good:
            continue
        names = list(good[0]["results"])
        lines = ["| table | rows × columns | " + " | ".join(names) + (" | above the optimum |" if not deep else " | time: ours / search |"),
                 "|---|---|" + "---|" * (len(names) + 1)]  # fmt: skip
        lines += [_line(r, names) for r in good]
        lines += [f"| {r['table'].partition(':')[2]} | failed: {r['failed']} |" for r in own if "failed" in r]
        parts.append("\n".join([f"### {title}", "", *lines, "", *_shares(good, names, deep)]))
    return "\n\n".join(parts)


def _line(row: dict[str, Any], names: list[str]) -> str:
    cells = [
        f"{row['results'][n]['loss']:.4g}{'' if row['results'][n].get('no_worse', True) else ' **better**'}"
        for n in names
    ]
    if row["deep"]:
        last = f"{row['results']['descend']['seconds']:.1f} s / {row['results']['MLP, search of 20']['seconds']:.0f} s"
    else:
        last = "no optimum" if row["above_optimum"] is None else f"{100 * max(row['above_optimum'], 0):.2g} %"
    name = f"{row['table'].partition(':')[2]}, {row['target']}"
    return f"| {name} | {row['rows']:,} × {row['features']} | " + " | ".join([*cells, last]) + " |"


def _shares(good: list[dict[str, Any]], names: list[str], deep: bool) -> list[str]:
    rivals = names[1:]
    ranks = np.mean(
        [[1 + sum(r["results"][m]["loss"] < r["results"][n]["loss"] for m in names) for n in names] for r in good],
        axis=0,
    )
    said = [
        f"- No worse than {n}: {_share(good, [n], 'no_worse')} of {len(good)} tables; "
        f"by rows {_share(good, [n], 'no_worse_paired')}."
        for n in rivals
    ]
    said.append(f"- No worse than the best of them: {_share(good, rivals, 'no_worse')}; "
                f"by rows {_share(good, rivals, 'no_worse_paired')}.")  # fmt: skip
    said.append("- Mean rank: " + ", ".join(f"{n} {rank:.2f}" for n, rank in zip(names, ranks, strict=True)) + ".")
    if not deep:
        known = [r["above_optimum"] for r in good if r["above_optimum"] is not None]
        said.append(
            f"- Within 0.1 % of the exact optimum's training loss: {np.mean(np.array(known) <= 1e-3):.0%} of {len(known)} with an optimum."
        )
    else:
        part = np.median(
            [r["results"]["descend"]["seconds"] / r["results"]["MLP, search of 20"]["seconds"] for r in good]
        )
        said.append(f"- Median time as a part of the search of 20: {part:.2f}.")
    return said


def _share(rows: list[dict[str, Any]], names: list[str], word: str) -> str:
    return f"{np.mean([all(r['results'][n][word] for n in names) for r in rows]):.0%}"


def main(arguments: list[str]) -> int:
    """Measure, write the results, and put the tables into docs/quality.md."""
    warnings.simplefilter("ignore")
    back = arguments == ["held-back"]
    place = HERE / ("quality-held-back.json" if back else "quality.json")
    place.write_text(
        json.dumps({"machine": machine(), "rows": measure(HELD_BACK if back else TABLES)}, indent=1) + "\n"
    )
    write()
    return 0


def write() -> None:
    """Write docs/quality.md from the result files."""
    parts: list[str] = []
    titles: dict[str, Callable[[], str]] = {
        "quality.json": lambda: "## The list",
        "quality-held-back.json": lambda: "## Held back to the end",
    }
    for name, title in titles.items():
        if (HERE / name).exists():
            parts += [title(), summary(json.loads((HERE / name).read_text())["rows"])]
    put("docs/quality.md", "quality", "\n\n".join(parts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
