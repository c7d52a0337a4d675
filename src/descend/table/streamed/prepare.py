"""prepare: from a streamed table to what training starts on, as `table.prepare` does it for a table that is read whole.

The columns that need a look of their own are read one at a time; then one reading of all rows gives the second moments of
training and test rows, and the rows that are drawn for what needs rows at hand.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import DataError
from descend.losses import Loss
from descend.memory import size_text
from descend.options import Options
from descend.table.data import Data, mean_one
from descend.table.moments import Gram
from descend.table.prepare import (
    Note,
    Prepared,
    Scaling,
    check_left,
    class_weights_of,
    columns_text,
    describe,
    described_split,
    example_weights,
    feature_names,
)
from descend.table.scale import fit_scale, scaled_data, scaled_gram
from descend.table.scaled_rows import LARGE_CELLS
from descend.table.streamed.one_pass import Places, schema_and_rows
from descend.table.streamed.opening import Need
from descend.table.streamed.parts import Own, Part, WholeColumns, parts_of
from descend.table.streamed.readers import ALONE, Readers
from descend.table.streamed.rows import ScaledStream, StreamedRows, hold
from descend.table.streamed.scratch import Scratch
from descend.table.streamed.source import StreamedTable
from descend.table.table import Table
from descend.table.target import read_target
from descend.table.target_loss import loss_for, shown, task_description, typed_loss

ROW_BYTES = 48  # that each row takes in all: its target, prediction and place in the split, in their copies (measured)
BLOCK_ROWS = 4096  # of a block of gradients (`engines.kernels.loops.BLOCK`), whose rows one process holds
IN_PARTS = (
    "squared",
    "logistic",
    "poisson",
)  # losses whose optimum a sample and gradients of all rows lead to, and one output
PIECEWISE = ("quantile", "hinge")  # losses whose optimum is a linear program of all rows


def prepare_streamed(
    source: StreamedTable, need: Need, target: Any, options: Options, on_event: Callable[[Note], None], scratch: Scratch,
    looked_at: Places = lambda rows, features: (), readers: Readers = ALONE,
) -> Prepared:  # fmt: skip
    """Choose, split, encode and scale a table that is larger than memory.

    Args:
        source: the table.
        need: what it would take, read whole.
        target: a column's name.
        options: as `options.read_options` returns them.
        scratch: where rows are written that are read more than once.
        looked_at: returns the places of the rows that a search will look at, of a part of so many rows and features.
        readers: the processes that read it; all return the same.

    Raises as `prepare` does, and DataError for what a streamed table cannot have.
    """
    notes: list[Note] = []

    def say(topic: str, text: str) -> None:
        notes.append(Note(topic, text))
        on_event(notes[-1])

    _check_possible(source, need, target, options)
    outline = source.outline
    outline[target]
    names = feature_names(outline, target, options)
    say("read", describe(outline))
    allowed = f"{size_text(need.allowed)} are allowed (--memory)"
    if readers.world == 1:
        say("read", f"streamed: whole it would take about {size_text(need.whole)}, and {allowed}")
    else:
        say("read", f"streamed: each of {readers.world} processes reads its part of the rows")
    for text in source.notes:
        say("read", text)
    columns = WholeColumns(source, say)
    weight = None if options.weight is None else example_weights(columns.read(options.weight))
    typed, constants, task = typed_loss(options)
    found = read_target(columns.read(target), task, sample_weight=weight)
    form = loss_for(found, typed)
    _check_loss(need, form, options, readers)
    say("target", f"{shown(found.name)} · {task_description(found)}")
    for text in found.notes:
        say("target", text)
    train, test = parts_of(columns, found, weight, options)
    check_left(found, train.y)
    by_class = class_weights_of(found, train.y, train.weight, options)
    if by_class is not None:
        of_rows = by_class[train.y.astype(np.int64)]
        train = replace(train, weight=mean_one(of_rows if train.weight is None else of_rows * train.weight))
        say("target", f"{options.class_weight} classes: the rows of every class weigh the same in training")
    columns.draw(np.union1d(train.drawn_rows, test.drawn_rows))
    found = replace(found, y=found.y[:0], kept=found.kept[:0])  # the parts have what is needed of them
    schema, taken = schema_and_rows(columns, names, found, (train, test), options, looked_at, readers)
    for text in columns_text(schema, taken.filled):
        say("columns", text)
    scale, gram = fit_scale(
        StreamedRows(source, schema, train.mask), train.y, train.weight, scale=options.scale, target=form.scales_target,
        gram=taken.grams[0],
    )  # fmt: skip
    say("scaling", "on · every feature has mean 0 and spread 1" if options.scale else "off")
    scaling = Scaling(scale, schema, found, form, options.threads or 1)
    job = _Job(source, scaling, columns.rows, scratch, say, readers)
    drawn = columns.table(taken.columns)
    at_hand = [job.drawn(part, drawn) for part in (train, test) if len(part.y)]
    train_data = job.data(train, taken.looked_at[0], gram if options.scale else taken.grams[0], "train")
    test_data = None
    if taken.grams[1] is not None:
        test_data = job.data(test, taken.looked_at[1], scaled_gram(taken.grams[1], scale), "test")
    if not isinstance(options.test, float):
        test_data = scaling.file(options.test, options)
    if readers.world > 1 and form.name != "squared":
        parts = [part for part in (train_data, test_data) if part is not None]
        hold([part.X for part in parts if isinstance(part.X, ScaledStream)])
        train_data, test_data = _with_held(train_data), test_data and _with_held(test_data)
    say("split", described_split(train_data, test_data, options))
    said = " and ".join(f"{data.rows:,} {word} rows" for data, word in zip(at_hand, ("training", "test"), strict=False))
    say("split", f"findings, charts and the comparison of variants are of {said}, evenly spread; scores are of all")
    if readers.world == 1 and (
        form.name != "squared" or options.l1 > 0
    ):  # the optimum, too, then takes many readings of all rows
        for data in (train_data, test_data):
            if data is not None and isinstance(data.X, ScaledStream):
                data.X.whole()
    places = [np.searchsorted(columns.rows, part.drawn_rows) for part in (train, test)]
    prepared = Prepared(
        table=drawn, schema=schema, scale=scale, train=at_hand[0].with_gram(train_data.gram()),
        test=at_hand[1] if len(at_hand) > 1 else test_data, validation=None, target=found,
        loss=form, constants=constants, rows=(places[0], places[1]), filled=taken.filled, notes=tuple(notes),
        class_weights=by_class, numbers=columns.rows,
    )  # fmt: skip
    rows = np.arange(0), np.flatnonzero(test.mask)
    return replace(
        prepared, table=replace(drawn, rows=source.rows), train=train_data, test=test_data, rows=rows, sample=prepared, numbers=None
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Job:
    """What turns parts of the table into data for training."""

    source: StreamedTable
    scaling: Scaling
    rows: Array
    scratch: Scratch
    say: Callable[[str, str], None]
    readers: Readers

    def data(self, part: Part, looked_at: list[tuple[Array, Array]], gram: Gram | None, name: str) -> Data:
        """Return all rows of a part, which are read when they are asked for; its targets are scaled in place."""
        scale, schema, target = self.scaling.scale, self.scaling.schema, self.scaling.loss.scales_target
        rows = StreamedRows(self.source, schema, part.mask, looked_at)
        own = Own.of(part, BLOCK_ROWS, self.readers)
        mine = StreamedRows(self.source, schema, own.mask, window=own.window, first=own.rows.start)
        X = ScaledStream(
            rows, scale.center, scale.width, self.scratch, f"{name}.rows", lambda text: self.say("cache", text), mine
        )
        y = part.y
        if target:
            y -= scale.target_center
            y /= scale.target_width
        gram = gram if rows.size > LARGE_CELLS else None  # as of a table that is read whole, see `scaled_data`
        return Data(X, y, part.weight, schema.names).with_gram(gram)

    def drawn(self, part: Part, drawn: Table) -> Data:
        """Return the rows of a part that are at hand."""
        X = self.scaling.schema.encode(drawn.take(np.searchsorted(self.rows, part.drawn_rows))).X
        weight = None if part.weight is None else part.weight[part.drawn]
        return scaled_data(
            self.scaling.scale, X, part.y[part.drawn], weight, target=self.scaling.loss.scales_target, dtype=np.float64,
            names=self.scaling.schema.names,
        )  # fmt: skip


def _with_held(data: Data) -> Data:
    """The rows of a part with those that this process holds."""
    X, weight = data.X, data.sample_weight
    if not isinstance(X, ScaledStream):
        return data
    rows = slice(X.own.first, X.own.first + X.own.shape[0])
    own = Data(X.held, data.y[rows], None if weight is None else weight[rows], data.names)
    return data.with_held(own, rows.start)


def _check_possible(source: StreamedTable, need: Need, target: Any, options: Options) -> None:
    """Raise DataError for what a streamed table cannot have."""
    least = source.rows * ROW_BYTES
    if least > need.most:
        raise DataError(
            f"the table has {source.rows:,} rows, of which targets and predictions alone take {size_text(least)}, and "
            f"{size_text(need.most)} are allowed",
            fix="raise --memory, or train on fewer rows", code="too-large",
        )  # fmt: skip
    typed_validation = options.validation not in ("auto", 0.0) or "patience" in options.user_set
    asked = {
        "a target that is no column": not isinstance(target, str),
        "hidden layers (--hidden)": bool(options.hidden_layer_sizes),
        "validation rows (--val, --patience)": typed_validation,
        "folds (--cv)": options.cv is not None,
        "--missing drop": options.missing == "drop",
    }
    for what in (what for what, given in asked.items() if given):
        raise _not_streamed(need, what)


def _check_loss(need: Need, loss: Loss, options: Options, readers: Readers) -> None:
    """Raise DataError for losses whose optimum needs all rows at once, or, where several processes read, often."""
    if loss.name in PIECEWISE or (readers.world > 1 and loss.name not in IN_PARTS):
        raise _not_streamed(need, f"the loss {loss.name}")
    if readers.world > 1 and options.l1 > 0:
        raise _not_streamed(need, "an l1 penalty (--l1)")


def _not_streamed(need: Need, what: str) -> DataError:
    return DataError(
        f"{what} needs the whole table in memory, about {size_text(need.whole)}, and {size_text(need.allowed)} are allowed",
        fix="raise --memory, or train on a part of the rows", code="not-streamed",
    )  # fmt: skip
