"""Faults of the data: leaks, copies, sentinels, labels, time and cells."""

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.planted import Case, Table, Way


def leak(how: str) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        y, n = t.scores(), t.rows
        small = (0.3, 0.1, 0.0)[strength]
        frame, names = t.frame, ["made"]
        if how == "copy":
            values = 3 * y + 1 + 0.05 * small * t.rng.normal(size=n)
        elif how == "monotone":
            if t.classes:
                return None
            values = np.exp(2 * y) if strength else y + y**3
        elif how == "ranks":
            if t.classes:
                return None
            values = pd.Series(y).rank(method="first").to_numpy() + 0.002 * small * n * t.rng.normal(size=n)
        elif how == "codes":
            bins = (
                pd.qcut(y, 12, labels=False, duplicates="drop") if not t.classes else t.y.astype("category").cat.codes
            )
            letters = np.array(list("qzmxkbvtrwpd"))[np.asarray(bins) % 12]
            values = np.where(t.rng.uniform(size=n) < 0.05 * small, "q", letters)
        elif how == "scattered codes":  # several codes a class, in no order
            if not t.classes:
                return None
            codes = t.y.astype("category").cat.codes.to_numpy() + 7 * t.rng.integers(0, 9, n)
            values = (codes * 37) % 101
        elif how == "sum":
            if t.classes:
                return None
            part = t.rng.uniform(0.2, 0.8, n)
            frame, names = t.frame.assign(made=t.y * part, made2=t.y * (1 - part)), ["made", "made2"]
            values = frame["made"]
        elif how == "sorted":
            order = np.argsort(y, kind="stable")
            frame = t.frame.iloc[order].reset_index(drop=True)
            values = 1000 + np.cumsum(t.rng.integers(1, 4, n))
        elif how == "rare":
            counts = t.y.value_counts()
            if len(counts) != 2 or not t.classes:
                return None
            rows = np.flatnonzero(t.y == counts.index[-1])
            keep = t.rng.permutation(rows)[: max(8, int(0.04 * n))]
            frame = t.frame.iloc[np.sort(np.concatenate([np.flatnonzero(t.y != counts.index[-1]), keep]))].reset_index(
                drop=True
            )
            values = (frame[t.target] == counts.index[-1]) * 1.0 + 0.05 * t.rng.normal(size=len(frame))
        else:
            raise ValueError(how)
        return t.case("D402", frame.assign(made=values), place={"column": names})

    return way


def copied(times: int, shuffled: bool, share: tuple[float, ...] = (1, 1, 1)) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        part = share[strength]
        extra = [t.frame if part == 1 else t.frame.sample(frac=part, random_state=strength)] * (times - 1)
        frame = pd.concat([t.frame, *extra], ignore_index=True)
        return t.case("D403", frame.sample(frac=1, random_state=1).reset_index(drop=True) if shuffled else frame)

    return way


def useless(make: str) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        n = t.rows
        values = {
            "number": np.full(n, 7.0), "word": np.full(n, "all"), "empty": np.full(n, np.nan),
            "keys": np.array([f"id-{k:x}-{t.rng.integers(1 << 30):x}" for k in range(n)]), "counter": np.arange(n) + 1,
            "date": np.full(n, "2020-03-01"),
        }[make]  # fmt: skip
        return t.case("D404", t.with_column(values), place={"columns": [["made"]]})

    return way


def outlying(make: str) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        if t.classes or t.rows < 80:
            return None
        y = t.y.astype(float).copy()
        spread = 1.4826 * float((y - y.median()).abs().median())
        if spread <= 0:
            return None
        far = (30, 100, 1000)[strength] * spread
        rows = t.rng.choice(t.rows, 1 if make == "one" else min(4, t.rows // 60), replace=False)
        y.iloc[rows] = {"one": y.median() + far, "up": y.median() + far * t.rng.uniform(1, 2, len(rows)),
                        "down": y.median() - far, "both": y.median() + far * t.rng.choice([-1, 1], len(rows)),
                        "units": np.maximum(y.iloc[rows].abs() * 1000, far)}[make]  # fmt: skip
        return t.case("D405", t.frame.assign(**{t.target: y}), place={"row": (rows + 1).tolist()}, also=("D407",))

    return way


def drifting(dates: str) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        n, rng = t.rows, t.rng
        if n < 100:
            return None
        walk = np.cumsum(rng.normal(size=n))
        walk = (walk - walk.mean()) / walk.std()
        days = {
            "daily": np.arange(n), "monthly": np.arange(n) * 30, "gaps": np.cumsum(rng.integers(1, 40, n)), "text": np.arange(n) * 3,
            "hours": np.arange(n) / 24, "several": np.arange(n) // 4,
        }[dates]  # fmt: skip
        stamps = pd.Timestamp("2009-01-05") + pd.to_timedelta(days, unit="D")
        made: Any = stamps.strftime("%d/%m/%Y") if dates == "text" else stamps
        frame = t.with_column(made)
        if t.classes:
            labels = t.y.value_counts().index[:2]
            sure = np.abs(walk) > (1.0, 0.7, 0.3)[strength]
            frame[t.target] = np.where(sure, np.where(walk > 0, labels[0], labels[1]), t.y)
        else:
            frame[t.target] = t.y + (0.5, 1.0, 3.0)[strength] * t.y.std() * walk
        order = rng.permutation(n)
        return t.case("D406", frame.iloc[order].reset_index(drop=True), place={"column": ["made"]})

    return way


def extreme(place: str, sizes: tuple[float, ...]) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        if not t.numbers() or (t.classes and place == "target"):
            return None
        name = t.target if place == "target" else str(t.rng.choice(t.numbers()))
        row = int(t.rng.integers(t.rows))
        values = t.frame[name].astype(float).copy()
        values.iloc[row] = sizes[strength] * max(float(values.abs().max()), 1.0)
        return t.case("D407", t.frame.assign(**{name: values}), place={"row": [row + 1]})

    return way


def sentinel(value: float, columns: int) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        near = [c for c in t.numbers(5) if t.frame[c].abs().max() < abs(value) / 3 and t.frame[c].nunique() >= 5]
        if len(near) < columns:
            return None
        names = [str(c) for c in t.rng.choice(near, columns, replace=False)]
        frame = t.frame.copy()
        for c in names:
            frame.loc[t.rng.choice(t.rows, max(3, int((0.02, 0.05, 0.15)[strength] * t.rows)), replace=False), c] = (
                value
            )
        return t.case("D408", frame, place={"column": [names, names[::-1]] if columns < 3 else None})

    return way


def nearly_constant(make: str) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        n = t.rows
        odd = t.rng.choice(n, max(1, min((3, 2, 1)[strength], n // 100)), replace=False)
        values: Any = np.full(n, {"number": 5.0, "zero": 0.0, "whole": 1, "word": "no", "missing": 2.0}[make])
        values = values.astype(object) if make == "word" else values
        values[odd] = {"number": 6.5, "zero": 120.0, "whole": 0, "word": "yes", "missing": np.nan}[make]
        if make == "missing":
            values[(odd + 7) % n] = 3.0
        return t.case("D409", t.with_column(values), place={"column": ["made"]})

    return way


def contradicting(share: tuple[float, ...], every: bool) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        if not t.classes:
            return None
        labels = t.y.unique()
        rows = t.rng.choice(t.rows, int(share[strength] * t.rows), replace=False)
        extra = t.frame.iloc[rows].copy()
        at = {label: labels[(k + 1) % len(labels)] for k, label in enumerate(labels)}
        extra[t.target] = extra[t.target].map(at)
        frame = pd.concat([t.frame, extra], ignore_index=True)
        return t.case("D410", frame if every else frame.sample(frac=1, random_state=2).reset_index(drop=True))

    return way


def flipped(share: tuple[float, ...], one_sided: bool, explained: float) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        if not t.classes or t.rows < 150 or t.rng.uniform() > 1:
            return None
        labels = t.y.unique()
        z = made_classes(t)
        frame = t.frame.copy()
        if z is not None:  # labels that a linear model tells apart, so that a wrong one shows
            frame[t.target] = z
        pool = np.flatnonzero(frame[t.target] == labels[0]) if one_sided else np.arange(t.rows)
        rows = t.rng.choice(pool, max(3, min(int(share[strength] * t.rows), len(pool) // 3)), replace=False)
        at = {label: labels[(k + 1) % len(labels)] for k, label in enumerate(labels)}
        frame.loc[rows, t.target] = frame.loc[rows, t.target].map(at)
        return t.case("D411", frame, place={"rows": ("most", (rows + 1).tolist())})

    return way


def made_classes(t: Table) -> Any:
    """Labels that follow from two columns of numbers, with a margin; None where there are no such columns."""
    names = t.numbers(20)
    if len(names) < 2:
        return None
    x = sum(
        ((t.frame[c].fillna(t.frame[c].median()).rank() / t.rows - 0.5) for c in names[:2]),
        start=pd.Series(0.0, t.frame.index),
    )
    labels = t.y.unique()
    return np.where(x + 0.03 * t.rng.normal(size=t.rows) > 0, labels[0], labels[1])


WAYS: dict[str, tuple[Way, ...]] = {
    "D402": (
        leak("copy"),
        leak("monotone"),
        leak("ranks"),
        leak("codes"),
        leak("scattered codes"),
        leak("sum"),
        leak("sorted"),
        leak("rare"),
        leak("codes"),
        leak("copy"),
    ),
    "D403": (
        copied(2, False),
        copied(3, True),
        copied(2, True),
        copied(2, True, (0.15, 0.3, 0.6)),
        copied(2, False, (0.2, 0.4, 0.8)),
    ),
    "D404": (
        useless("number"),
        useless("word"),
        useless("empty"),
        useless("keys"),
        useless("counter"),
        useless("date"),
    ),
    "D405": (outlying("one"), outlying("up"), outlying("down"), outlying("both"), outlying("units")),
    "D406": (
        drifting("daily"),
        drifting("monthly"),
        drifting("gaps"),
        drifting("text"),
        drifting("hours"),
        drifting("several"),
    ),
    "D407": (
        extreme("column", (1e7, 1e10, 1e12)),
        extreme("column", (1e8, 1e60, 1e160)),
        extreme("target", (1e8, 1e12, 1e100)),
        extreme("column", (1e9, 1e20, 1e300)),
        extreme("target", (1e7, 1e10, 1e150)),
    ),
    "D408": (sentinel(-999.0, 1), sentinel(9999.0, 1), sentinel(-99.0, 2), sentinel(-9999.0, 2), sentinel(-1e6, 1)),
    "D409": (
        nearly_constant("number"),
        nearly_constant("zero"),
        nearly_constant("whole"),
        nearly_constant("word"),
        nearly_constant("missing"),
    ),
    "D410": (
        contradicting((0.1, 0.3, 0.9), True),
        contradicting((0.1, 0.3, 0.9), False),
        contradicting((0.15, 0.4, 1.0), True),
        contradicting((0.2, 0.5, 1.0), False),
        contradicting((0.08, 0.2, 0.6), True),
    ),
    "D411": (
        flipped((0.02, 0.04, 0.08), False, 0.6),
        flipped((0.02, 0.05, 0.1), True, 0.6),
        flipped((0.03, 0.05, 0.1), False, 0.5),
        flipped((0.01, 0.03, 0.06), True, 0.5),
        flipped((0.02, 0.04, 0.06), False, 0.7),
    ),
}
