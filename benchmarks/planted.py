"""Faults that are planted into real tables: at least five ways a code, from faint to gross.

A way takes a table and a strength from 0 (faint) over 1 to 2 (gross), and returns a Case, or None where the table does not
allow it. Names of columns that are made begin with "made". `needs_harm` marks faults of training, which count as faults only where
the run ends with less of the gain than a healthy run of the same model.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.real_tables import RealTable

MOST_ROWS = 1500  # a case must be short


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """A table with a way to train it, and what must be said of it.

    Args:
        code: of the finding that must be there.
        also: codes that say the same.
        data, target: what is trained on.
        options: how.
        place: what the evidence must name: {name of the evidence: values any of which is right}.
        healthy: options of the run without the fault; None for a fault of the data, or of the fit.
    """

    code: str
    data: Any
    target: Any
    options: dict[str, Any] = field(default_factory=dict)
    place: dict[str, Any] | None = None
    also: tuple[str, ...] = ()
    healthy: dict[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class Table:
    """A table to plant a fault in."""

    frame: pd.DataFrame
    target: str
    classes: bool
    rng: np.random.Generator

    @classmethod
    def of(cls, table: RealTable, seed: int) -> "Table":
        frame = table.frame()
        frame = frame[frame[table.target].notna()].reset_index(drop=True)
        rng = np.random.default_rng(seed)
        if len(frame) > MOST_ROWS:
            frame = frame.iloc[np.sort(rng.permutation(len(frame))[:MOST_ROWS])].reset_index(drop=True)
        return cls(frame, table.target, table.classes, rng)

    @property
    def rows(self) -> int:
        return len(self.frame)

    @property
    def y(self) -> pd.Series:
        return self.frame[self.target]

    def case(
        self, code: str, frame: pd.DataFrame | None = None, options: dict[str, Any] | None = None, **more: Any
    ) -> Case:
        data = self.frame if frame is None else frame
        return Case(code=code, data=data, target=self.target, options=options or {}, **more)

    def numbers(self, distinct: int = 10) -> list[str]:
        """Columns of numbers with some spread, the target not among them."""
        X = self.frame.drop(columns=self.target)
        return [c for c in X if pd.api.types.is_numeric_dtype(X[c]) and not pd.api.types.is_bool_dtype(X[c])
                and X[c].nunique() >= distinct and X[c].notna().mean() > 0.7]  # fmt: skip

    def scores(self) -> np.ndarray:
        """The target as standardised numbers (rows,): of classes their number."""
        y = self.y.astype("category").cat.codes if self.classes else self.y
        return np.asarray((y - y.mean()) / y.std(), float)

    def with_column(self, values: Any, name: str = "made") -> pd.DataFrame:
        return self.frame.assign(**{name: values})

    def with_noise_columns(self, count: int, rows: int) -> pd.DataFrame:
        frame = self.frame.iloc[self.rng.permutation(self.rows)[:rows]].reset_index(drop=True)
        noise = pd.DataFrame(self.rng.normal(size=(len(frame), count)), columns=[f"made{j}" for j in range(count)])
        return pd.concat([frame, noise], axis=1)


def limit_of(t: Table, optimizer: str, **options: Any) -> float | None:
    """Return the stability limit, of a network at its initial weights."""
    import descend as ds

    run = ds.train(t.frame, t.target, optimizer=optimizer, lr=1e-9, max_epochs=1, seeds=1, progress=False, **options)
    found = run.chosen["why"]["lr"].get("stability_limit")
    return float(found) if found else None


Way = Callable[[Table, int], Case | None]
NET = {"hidden_layer_sizes": (16,), "activation": "tanh", "max_epochs": 60}
GOOD_NET = {**NET, "optimizer": "adam", "lr": 0.01}
