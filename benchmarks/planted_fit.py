"""Faults of the fit: too close, too loose, uneven, held back, or of nothing."""

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.planted import GOOD_NET, Case, Table, Way


def overfit(network: bool, columns: float) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        rows = min(t.rows, (140, 100, 70)[strength])
        frame = t.with_noise_columns(int(columns * rows), rows)
        how: dict[str, Any] = {"l2": 0.0, "optimizer": "adam"}
        if network:
            how |= {"hidden_layer_sizes": (64,), "activation": "relu", "lr": 0.01, "max_epochs": 300, "validation": 0}
        return t.case("D301", frame, how, also=("D308", "D305"))

    return way


def nonlinear(shape: str) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        names = t.numbers()
        if t.classes or len(names) < 2:
            return None
        a, b = (str(c) for c in t.rng.choice(names, 2, replace=False))
        x, w = ((t.frame[c].fillna(t.frame[c].median()).rank() / t.rows - 0.5) * 3.4 for c in (a, b))
        term = {"square": x**2, "product": x * w, "absolute": x.abs(), "wave": np.cos(2 * x), "step": (x > 0) * w}[
            shape
        ]
        term = (term - term.mean()) / term.std()
        frame = t.frame.copy()
        frame[t.target] = t.y + (0.5, 1.0, 3.0)[strength] * t.y.std() * term
        return t.case("D302", frame)

    return way


def rare(share: float) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        counts = t.y.value_counts()
        if not t.classes or len(counts) > 3:
            return None
        name = str(counts.index[-1])
        others = t.frame[t.y != name]
        keep = max(8, int(share * (1.5, 1.0, 0.6)[strength] * len(others)))
        if keep > counts.iloc[-1] or keep > 0.09 * len(others):
            return None
        frame = pd.concat([others, t.frame[t.y == name].sample(keep, random_state=int(t.rng.integers(1000)))])
        return t.case("D303", frame.sample(frac=1, random_state=0).reset_index(drop=True), place={"class": [name]})

    return way


def quieter_tests(share: float) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        if t.classes or t.rows < 120:
            return None
        frame = t.with_column(np.arange(t.rows), "made")
        noise = (1.0, 2.0, 5.0)[strength] * t.y.std() * t.rng.normal(size=t.rows)
        frame[t.target] = t.y + np.where(np.arange(t.rows) < (1 - share) * t.rows, noise, 0.0)
        return t.case("D304", frame, {"time": "made", "test": share})

    return way


def worse(how: str) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        if how == "noise":
            rows = min(t.rows, (90, 75, 60)[strength])
            return t.case("D305", t.with_noise_columns(int(0.7 * rows), rows), {"l2": 0.0}, also=("D308",))
        if how == "huge":
            if not t.numbers() or t.classes:
                return None
            name = str(t.rng.choice(t.numbers()))
            frame = t.with_column(np.arange(t.rows))
            x = frame[name].astype(float)
            frame[name] = np.where(np.arange(t.rows) > 0.9 * t.rows, x + (30, 100, 1000)[strength] * x.std(), x)
            return t.case("D305", frame, {"time": "made"}, also=("D407",))
        if t.classes:
            return None
        frame = t.with_column(np.arange(t.rows))
        late = np.arange(t.rows) > 0.8 * t.rows
        turned = {"flip": 2 * t.y.mean() - t.y, "shift": t.y - (1.5, 3, 8)[strength] * t.y.std()}[how]
        if how == "shift":  # the constant prediction is shifted as well: only the relation can make it worse
            turned = t.y.mean() - (1, 1.5, 3)[strength] * (t.y - t.y.mean())
        frame[t.target] = np.where(late, turned, t.y)
        return t.case("D305", frame, {"time": "made"})

    return way


def no_signal(**options: Any) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        if t.rows < 150:
            return None
        frame = t.frame.assign(**{t.target: t.rng.permutation(t.y.to_numpy())})
        kept = [c for c in frame if c != t.target][: (12, 6, 3)[strength]]
        return t.case("D306", frame[[*kept, t.target]], dict(options))

    return way


def penalised(name: str, sizes: tuple[float, ...], **options: Any) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        return t.case("D307", options={name: sizes[strength], **options}, also=("D210",),
                      healthy=GOOD_NET if "hidden_layer_sizes" in options else dict(options))  # fmt: skip

    return way


def wide(factor: float, rows: int, **options: Any) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        frame = t.with_noise_columns(int(factor * (1 + strength) * rows), min(rows, t.rows))
        return t.case("D308", frame, {"optimizer": "adam", "l2": 1e-6, **options}, also=("D301", "D305"))

    return way


def overconfident(columns: int) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        names = t.numbers()[:columns]
        if not t.classes or len(names) < 1:
            return None
        frame = t.with_column(np.arange(t.rows))
        late = t.rng.choice(np.arange(int(0.85 * t.rows), t.rows), max(4, t.rows // 50), replace=False)
        for c in names:
            x = frame[c].astype(float)
            x.iloc[late] = x.mean() - (30, 100, 300)[strength] * (x.iloc[late] - x.mean() + x.std())
            frame[c] = x
        return t.case("D503", frame, {"l2": 1e-7, "time": "made"}, also=("D305", "D407"))

    return way


WAYS: dict[str, tuple[Way, ...]] = {
    "D301": (overfit(False, 0.5), overfit(False, 0.65), overfit(True, 0.3), overfit(True, 0.6), overfit(False, 0.4)),
    "D302": (nonlinear("square"), nonlinear("product"), nonlinear("absolute"), nonlinear("wave"), nonlinear("step")),
    "D303": (rare(0.03), rare(0.04), rare(0.05), rare(0.02), rare(0.04)),
    "D304": (quieter_tests(0.2), quieter_tests(0.3), quieter_tests(0.25), quieter_tests(0.4), quieter_tests(0.15)),
    "D305": (worse("noise"), worse("huge"), worse("flip"), worse("shift"), worse("noise")),
    "D306": (
        no_signal(),
        no_signal(optimizer="adam"),
        no_signal(optimizer="gd"),
        no_signal(**GOOD_NET),
        no_signal(optimizer="momentum"),
    ),
    "D307": (
        penalised("l2", (3.0, 30.0, 1e4)),
        penalised("l2", (3.0, 30.0, 1e4), optimizer="adam"),
        penalised("l1", (1.0, 3.0, 30.0)),
        penalised("l2", (1.0, 10.0, 100.0), **GOOD_NET),
        penalised("l1", (1.0, 3.0, 30.0), optimizer="gd"),
    ),
    "D308": (
        wide(1.2, 100),
        wide(1.5, 70),
        wide(2.0, 60),
        wide(1.2, 80, optimizer="gd"),
        wide(1.5, 100, optimizer="momentum"),
    ),
    "D503": (overconfident(1), overconfident(2), overconfident(4), overconfident(3), overconfident(6)),
}
