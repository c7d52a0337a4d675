"""facts: a table, prepared as for training, and all that the checks read of it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import DataError
from descend.options import Options
from descend.table.columns import MISSING, Schema, fit_schema
from descend.table.data import Data
from descend.table.moments import Gram
from descend.table.prepare import Note, Prepared, labelled, load, prepare
from descend.table.reading import Kind
from descend.table.scale import Scale, fit_scale, scaled_data
from descend.table.table import Column, Table

MOST_FEATURES = 2000  # whose second moments are taken: 32 MB, and the curvature's limit for all eigenvalues
SAMPLE = 1 << 16  # rows that costly numbers are taken from: a share of them is known to 0.4 % (two standard errors)


@dataclass(frozen=True, eq=False, kw_only=True)
class Facts:
    """What the checks read.

    Args:
        table: what was read, the target among its columns.
        target: the name of its column; None where none was given.
        prepared: the rows as training gets them; None without a target, and where training would refuse.
        refusal: why it would.
        schema, scale: how columns become scaled features; of all rows where nothing is prepared.
        train: the rows that they were fitted to: the training rows, or all, whose targets are then 0.
        options: how to read and prepare.
        notes: what reading and preparing said.
    """

    table: Table
    target: str | None
    prepared: Prepared | None
    refusal: DataError | None
    schema: Schema
    scale: Scale
    train: Data
    options: Options
    notes: tuple[Note, ...]

    @classmethod
    def of(cls, data: Any, target: Any, options: Options, on_event: Callable[[Note], None]) -> "Facts":
        """Read a table and prepare it as training would; raises what reading it raises, and UsageError for what was typed."""
        options = options.replace(threads=options.threads or os.cpu_count() or 1)
        notes: list[Note] = []

        def say(note: Note) -> None:
            notes.append(note)
            on_event(note)

        table, name, prepared, refusal = load(data, options), None, None, None
        if target is not None:
            whole, name = labelled(table, target)
            try:
                prepared = prepare(table, target, options, say)
            except DataError as error:
                refusal = error
            table = whole
        if prepared is not None:
            schema, scale, train = prepared.schema, prepared.scale, prepared.train
        else:
            schema, scale, train = _features_alone(table, name, options)
        return cls(
            table=table, target=name, prepared=prepared, refusal=refusal, schema=schema, scale=scale, train=train,
            options=options, notes=tuple(notes),
        )  # fmt: skip

    @cached_property
    def uses(self) -> dict[str, str]:
        """What becomes of each column of the table."""
        own = {} if self.target is None else {self.target: "target"}
        return dict.fromkeys(self.table.names, "left out: as asked") | self.schema.uses | own

    @cached_property
    def used(self) -> list[Column]:
        """The columns that features are made of, and the target where it is a number to predict."""
        names = {f.column for f in self.schema.features}
        if self.target is not None and self.prepared is not None and not self.prepared.target.classes:
            names.add(self.target)
        return [c for c in self.table.columns if c.name in names]

    @cached_property
    def targets(self) -> Array | None:
        """The target of each row of the table, class indices of classes, NaN where it has none (rows,)."""
        if self.prepared is None:
            return None
        y = np.full(self.table.rows, np.nan)
        y[np.sort(np.concatenate(self.prepared.rows))] = self.prepared.target.y
        return y

    @cached_property
    def owners(self) -> Array:
        """The place in the schema of the column of each feature (features,)."""
        return np.repeat(np.arange(len(self.schema.features)), [len(f.names) for f in self.schema.features])

    @cached_property
    def flags(self) -> Array:
        """Which features say that a cell is missing (features,)."""
        return np.array([k > 0 if f.kind != Kind.CATEGORY else f.levels[k] == MISSING
                         for f in self.schema.features for k in range(len(f.names))], bool)  # fmt: skip

    @cached_property
    def gram(self) -> Gram | None:
        """The moments of the scaled features and the target; None of too many features, and of none."""
        if not 0 < self.train.features <= MOST_FEATURES:
            return None
        gram = self.train.gram(self.options.threads or 1)
        return gram if gram.finite else None

    @cached_property
    def sample(self) -> Array | None:
        """Some of the rows of the table, in their order, where they are many; None for all."""
        if self.table.rows <= SAMPLE:
            return None
        rng = np.random.Generator(np.random.Philox(key=0))
        return np.sort(rng.choice(self.table.rows, SAMPLE, replace=False, shuffle=False))


def _features_alone(table: Table, target: str | None, options: Options) -> tuple[Schema, Scale, Data]:
    """How all rows become features, without a target to learn."""
    columns = table.keep([name for name in table.names if name != target and name not in options.drop])
    schema = fit_schema(columns, max_levels=options.max_levels, asked=options.features)
    y = np.zeros(table.rows)
    if not schema.names:
        return schema, Scale.none(0), Data(np.zeros((table.rows, 0)), y)
    X = schema.coded(columns).features(slice(None))
    scale, gram = fit_scale(X, y, None, scale=options.scale, target=False, threads=options.threads or 1)
    return schema, scale, scaled_data(scale, X, y, None, target=False, dtype=np.float64, names=schema.names, gram=gram)
