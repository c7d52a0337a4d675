"""prepare: from a file, a frame or arrays to scaled training and test rows, saying what was done."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import DataError, UsageError
from descend.losses import Loss
from descend.options import Options
from descend.table.class_weights import weights_of_classes
from descend.table.columns import OTHER, Schema, complete_rows, fit_schema, schema_of_matrix
from descend.table.data import Data
from descend.table.frames import (
    column_of_cells,
    from_arrays,
    from_frame,
    is_frame,
    is_missing,
    number_of,
)
from descend.table.moments import Accumulate, Gram, accumulate
from descend.table.read import Format, read_as
from descend.table.reading import Conventions, Reading
from descend.table.scale import Scale, fit_scale, scaled_data
from descend.table.split import split
from descend.table.table import Column, Kind, Table, check_finite
from descend.table.target import Target, match_classes, read_target
from descend.table.target_loss import loss_for, shown, task_description, typed_loss
from descend.table.texts import Engine

VALIDATION_SHARE = 0.2  # of the training rows, unless told: as for test rows, scikit-learn's MLP takes 0.1
FEWEST_TO_VALIDATE = 20  # training rows: of fewer, a fifth is too few to decide anything (arbitrary)
WORDS = {Kind.CATEGORY: "text", Kind.BOOLEAN: "booleans", Kind.DATE: "dates"}


@dataclass(frozen=True)
class Note:
    """One line of what was done with the data: a topic such as "read", and a text."""

    topic: str
    text: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Prepared:
    """Data that training can start on, and all that undoes its preparation.

    Args:
        table: what was read, before rows or columns were left out.
        schema: how columns become features; fitted on the training rows alone.
        scale: fitted on the training rows alone.
        train: scaled training rows.
        test: scaled test rows, which decide nothing, or None.
        validation: scaled validation rows, where they are a file of their own, else None; see `validation_split`.
        target: the target, as read.
        loss: the loss to train on, with its constants.
        rows: indices into the table of the training rows, and of the test rows when they come from it.
        filled: cells a column that were missing and filled with the median.
        notes: what was done, in order.
        class_weights: of each class in training (classes,), or None where all rows count alike; those of the rows of
            `train` are in its example weights, and the metrics of other rows leave them out.
        sample: of a streamed table, drawn rows prepared in the same way, in memory, for what needs rows at hand; the
            columns of `table` are then those of these rows. None where all rows are at hand.
        numbers: of a sample, the place of each row of its table in the file (rows,); None where they are the same.
    """

    table: Table
    schema: Schema
    scale: Scale
    train: Data
    test: Data | None
    validation: Data | None
    target: Target
    loss: Loss
    constants: dict[str, float]
    rows: tuple[Array, Array]
    filled: dict[str, int]
    notes: tuple[Note, ...]
    class_weights: Array | None = None
    sample: "Prepared | None" = None
    numbers: Array | None = None

    @property
    def at_hand(self) -> "Prepared":
        """The rows that are in memory: all of them, or of a streamed table those that were drawn."""
        return self.sample or self

    def numbers_of(self, rows: Array) -> Array:
        """Return the numbers in the file, counted from 1, of these rows of the table (rows,)."""
        return (rows if self.numbers is None else self.numbers[rows]) + 1

    def as_trained(self, data: Data) -> Data:
        """Return rows that were set aside, counting as training rows do: times the weight of their class."""
        if self.class_weights is None:
            return data
        by_class = self.class_weights[data.y.astype(np.int64)]
        return replace(data, sample_weight=by_class if data.sample_weight is None else by_class * data.sample_weight)

    @property
    def outputs(self) -> int:
        """Columns of the linear prediction."""
        return len(self.target.classes) if self.loss.outputs == "classes" else 1


def load(data: Any, options: Options, trained: Mapping[str, Reading] | None = None) -> Table:
    """Return the table of a path, "-" for standard input, a data frame, or a two-dimensional array.

    Args:
        data: what to read.
        options: how to read it.
        trained: how a trained model reads its columns, which then decides, whatever the cells look like; the columns that
            it does not use are read by their cells, and dropped ones too, so that they can be carried along.
    """
    how = how_to_read(options, trained)
    if isinstance(data, (str, os.PathLike)):
        return read_as(data, how)
    if isinstance(data, Table):
        return data
    conventions = replace(how.conventions, decimal=None)
    return from_frame(data, conventions, how.drop) if is_frame(data) else from_arrays(data, null=options.null)


def how_to_read(options: Options, trained: Mapping[str, Reading] | None = None) -> Format:
    """Return how `load` reads a file."""
    declared = {name: Reading.of(kind) for name, kind in (entry.rsplit("=", 1) for entry in options.kinds)}
    drop = options.drop if trained is None else tuple(name for name in options.drop if "#" in name)
    conventions = Conventions(
        decimal=options.decimal,
        null=options.null,
        readings={**declared, **(trained or {})},
        trained=trained is not None,
    )
    return Format(
        format=options.input_format, delimiter=options.delimiter, encoding=options.encoding, skip_rows=options.skip_rows,
        drop=drop, conventions=conventions,
    )  # fmt: skip


def prepare(
    data: Any, target: Any, options: Options, on_event: Callable[[Note], None] = lambda note: None,
    moments: Accumulate = accumulate,
) -> Prepared:  # fmt: skip
    """Read, choose, split, encode and scale.

    Args:
        data: a path, "-", a frame, or an array (rows, features).
        target: a column's name, or an array (rows,).
        options: as `options.read_options` returns them.
        on_event: hears the notes.
        moments: takes the moments of the training rows; `cluster` shares them among processes.

    Raises UsageError for a column that is not there and DataError for data that nothing can be learned from.
    """
    notes: list[Note] = []

    def say(topic: str, text: str) -> None:
        notes.append(Note(topic, text))
        on_event(notes[-1])

    table = load(data, options)
    say("read", describe(table))
    for text in table.notes:
        say("read", text)
    named, column = _target_column(table, target)
    typed, constants, task = typed_loss(options)
    if not isinstance(target, str) and task != "classification" and (numbers := _numbers_of_text(column)):
        column = numbers
        say("target", "its text is read as numbers; if they are classes, use --task classification")
    features, weight = _features(named, column.name, options)
    found = read_target(column, task, sample_weight=weight)
    form = loss_for(found, typed)
    say("target", f"{shown(found.name)} · {task_description(found)}")
    for text in found.notes:
        say("target", text)
    kept = np.flatnonzero(found.kept)
    weight = None if weight is None else weight[kept]
    if options.missing == "drop":
        here = features.take(kept)
        whole = complete_rows(
            here, fit_schema(here, missing="drop", max_levels=options.max_levels, asked=options.features)
        )
        say("columns", f"{int((~whole).sum())} rows with missing cells left out")
        kept, found, weight = kept[whole], replace(found, y=found.y[whole]), None if weight is None else weight[whole]
    train_rows, test_rows = _split(named, found, kept, options.test, options)
    check_left(found, found.y[train_rows])
    if features.matrix is not None:
        schema = schema_of_matrix(features.matrix, features.names, kept[train_rows], options.missing)
    else:
        schema = fit_schema(
            features.take(kept[train_rows]), missing=options.missing, max_levels=options.max_levels,
            asked=options.features, target=found.y[train_rows], classes=bool(found.classes),
        )  # fmt: skip
    if not schema.names:
        raise no_features(found.name, schema.dropped)
    coded = schema.coded(features if len(kept) == features.rows else features.take(kept))
    for text in columns_text(schema, coded.filled):
        say("columns", text)
    X, y = coded.features(train_rows), found.y
    own = None if weight is None else weight[train_rows]
    by_class = class_weights_of(found, y[train_rows], own, options)
    if by_class is not None:
        of_rows = by_class[y[train_rows].astype(np.int64)]
        own = of_rows if own is None else of_rows * own
        say("target", f"{options.class_weight} classes: the rows of every class weigh the same in training")
    scale, gram = fit_scale(
        X, y[train_rows], own, scale=options.scale, target=form.scales_target, threads=options.threads or 1, moments=moments,
    )  # fmt: skip
    say("scaling", "on · every feature has mean 0 and spread 1" if options.scale else "off")
    scaling = Scaling(scale, schema, found, form, options.threads or 1)
    train = scaling.data(X, y[train_rows], own, gram)
    del X  # as large as the scaled rows
    if isinstance(options.test, float):
        rest = None if weight is None else weight[test_rows]
        test = scaling.data(coded.features(test_rows), y[test_rows], rest) if len(test_rows) else None
    else:
        test = scaling.file(options.test, options)
    validation = None if _no_file(options.validation) else scaling.file(options.validation, options)
    say("split", described_split(train, test, options))
    return Prepared(
        table=table, schema=schema, scale=scale, train=train, test=test, validation=validation, target=found, loss=form,
        constants=constants, rows=(kept[train_rows], kept[test_rows]), filled=coded.filled, notes=tuple(notes),
        class_weights=by_class,
    )  # fmt: skip


def describe(table: Table) -> str:
    """Return in a line what was read."""
    source = table.source
    names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
    parts = [f"{table.rows:,} rows × {len(table.columns) + len(table.unread):,} columns"]
    details = [names.get(source.delimiter or "", source.delimiter and repr(source.delimiter)), source.encoding]
    details.append({True: "header", False: "no header", None: None}[source.header])
    dialect = ", ".join(d for d in details if d)
    return " · ".join([shown(source.name), *parts, *([dialect] if dialect else [])])


def _target_column(table: Table, target: Any) -> tuple[Table, Column]:
    """The table without the target, if it was one of its columns, and the target as a column."""
    if isinstance(target, str):
        return table, table[target]
    masked = isinstance(target, np.ma.MaskedArray) and target.dtype.kind in "biuf"
    values = np.ma.filled(target.astype(np.float64), np.nan) if masked else np.asarray(target, _dtype(target))
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or len(values) != table.rows:
        raise DataError(
            f"the target has shape {np.shape(target)}, the data have {table.rows} rows",
            fix=f"pass a target of shape ({table.rows},)",
            code="target-shape",
        )
    name = "y"
    while name in table.names:
        name += "_"
    if is_frame(target):
        return table, replace(from_frame(target).columns[0], name=name)
    if values.dtype.kind in "biuf":
        kind = Kind.BOOLEAN if values.dtype.kind == "b" else Kind.NUMBER
        return table, Column(name, kind, check_finite(values.astype(np.float64), name))
    cells = values.astype("datetime64[us]").tolist() if values.dtype.kind == "M" else list(values)
    with Engine() as engine:
        return table, column_of_cells(engine, name, [None if is_missing(v) else v for v in cells])[0]


def labelled(table: Table, target: Any) -> tuple[Table, str]:
    """Return the table with the target as one of its columns, and that column's name."""
    named, column = _target_column(table, target)
    return (named if column.name in named.names else replace(named, columns=(*named.columns, column))), column.name


def _dtype(target: Any) -> Any:
    """Lists keep their cells as they are: a list of text and NaN must not become text alone."""
    return object if isinstance(target, (list, tuple)) else None


def _numbers_of_text(column: Column) -> Column | None:
    """The column as numbers when its text reads as them, as it would in a file."""
    if column.kind != Kind.CATEGORY:
        return None
    numbers = [number_of(cell) for cell in column.values]
    if None in numbers:
        return None
    return Column(column.name, Kind.NUMBER, check_finite(np.array(numbers, np.float64), column.name))


def _features(table: Table, target: str, options: Options) -> tuple[Table, Array | None]:
    """The table of candidate features, and the example weights."""
    names = feature_names(table, target, options)
    return table.keep(names), None if options.weight is None else example_weights(table[options.weight])


def feature_names(table: Table, target: str, options: Options) -> list[str]:
    """Return the columns that may be features; raises UsageError for names that are none of columns."""
    if target in options.features:
        raise UsageError(
            f"the target {target!r} is also among the features",
            fix="leave it out of --features",
            code="target-is-feature",
        )
    for option in ("weight", "group", "time"):
        _check_name(option, getattr(options, option))
    for name in (*options.drop, *options.features):
        if name not in table.unread:
            table[name]
    aside = {target, options.weight, options.group, *options.drop}
    wanted = options.features or tuple(c.name for c in table.columns)
    return [name for name in wanted if name not in aside]


def present_rows(table: Table, target: Target, options: Options) -> tuple[Array, Array, Array | None]:
    """Return the rows of a file that have a target and a weight above 0: indices, targets, and weights or None.

    The weights are those of the column that training read, where this file has it.
    """
    rows = np.flatnonzero(target.kept)
    if options.weight is None or options.weight not in table.names:
        return rows, target.y, None
    weight = example_weights(table[options.weight])[rows]
    return rows[weight > 0], target.y[weight > 0], weight[weight > 0]


def _check_name(option: str, given: Any) -> None:
    if given is not None and not isinstance(given, str):
        raise UsageError(
            f"{option} is of type {type(given).__name__}, it must be the name of a column",
            fix="make it a column of the data and pass its name",
            code=f"bad-{option}",
        )


def example_weights(column: Column) -> Array:
    """Return example weights, divided by the power of two at the largest, so that no sum of them overflows."""
    if column.kind != Kind.NUMBER:
        raise DataError(
            f"the weight column {column.name!r} holds {WORDS[column.kind]}",
            fix="name a column of numbers",
            code="bad-weights",
        )
    weight = check_weights(column.values, f"the weight column {column.name!r}")
    scaled: Array = np.ldexp(weight, -np.frexp(weight.max())[1])
    return scaled


def class_weights_of(found: Target, y: Array, weight: Array | None, options: Options) -> Array | None:
    """Return the weight of each class in training, or None where all rows count alike."""
    if options.class_weight is None:
        return None
    if not found.classes:
        raise UsageError(
            f"class_weight is {options.class_weight!r}, which needs classes, and the target {found.name!r} is a number",
            fix="leave out --class-weight, or use --task classification",
            code="bad-class-weight",
        )
    return weights_of_classes(options.class_weight, np.array(found.classes), y.astype(np.int64), weight)


def check_weights(weight: Array, what: str) -> Array:
    """Return example weights as float64 (rows,); raises DataError unless all are finite, none negative, some above 0."""
    weight = np.asarray(weight, np.float64)
    bad = ~(np.isfinite(weight) & (weight >= 0))
    if bad.any():
        at = int(np.argmax(bad))
        raise DataError(
            f"{what} is {weight[at]:g} in row {at + 1} ({int(bad.sum())} rows in all), it must be a finite number of at least 0",
            fix="correct or drop these rows",
            code="bad-weights",
        )
    if not (weight > 0).any():
        raise DataError(f"{what} is 0 in every row", fix="give some rows a weight above 0", code="bad-weights")
    return weight


def _split(table: Table, found: Target, kept: Array, share: Any, options: Options) -> tuple[Array, Array]:
    """Cut rows in two; none are set aside where `share` is no share but a file."""
    if not isinstance(share, float):
        return np.arange(len(kept)), np.arange(0)
    group, time = (None if labels is None else labels[kept] for labels in split_labels(table, options))
    stratify = found.y.astype(np.int64) if found.classes else None
    return split(len(kept), share, options.random_state, stratify=stratify, group=group, time=time)


def split_labels(table: Table, options: Options) -> tuple[Array | None, Array | None]:
    """Return the labels of groups and the times that a split goes by, each (rows,) or None."""
    group = None if options.group is None else _labels(table[options.group])
    return group, None if options.time is None else _ordered(table[options.time])


def validation_split(prepared: Prepared, options: Options) -> tuple[Data, Data] | None:
    """Return the training rows in two parts: those to train on, and the validation rows.

    Validation rows decide when to stop and what to keep; the test rows are for the final score alone, so they cannot.
    None where the training rows are too few.
    """
    if prepared.validation is not None:
        return prepared.train, prepared.as_trained(prepared.validation)
    if prepared.sample is not None:  # a part of a streamed table would be copied into memory
        return None
    rows = prepared.rows[0]
    if len(rows) < FEWEST_TO_VALIDATE:
        return None
    share = VALIDATION_SHARE if options.validation == "auto" else options.validation
    target = replace(prepared.target, y=prepared.train.y)
    try:
        train, validation = _split(prepared.table, target, rows, share, options)
    except DataError:
        return None
    return prepared.train.take(train), prepared.train.take(validation)


def check_left(found: Target, y: Array) -> None:
    """Raise DataError when the split leaves nothing to learn in the targets of the training rows; the whole target varies."""
    if (y == y[0]).all():
        what = f"the target {found.name!r} is the same in every training row ({len(y):,} of {len(found.y):,} rows)"
        raise DataError(what, fix="use --test none, another --seed or more rows", code="target-constant")


def no_features(target: str, dropped: Mapping[str, str]) -> DataError:
    """Return what to raise where no column is left."""
    whys = [
        f"every cell of {name!r} is missing" if why.startswith("every cell") else f"{name!r} is {why}"
        for name, why in list(dropped.items())[:5]
    ]
    what = ": ".join([f"no column is left to learn {target!r} from", *(["; ".join(whys)] if whys else [])])
    return DataError(what, fix="add columns that vary from row to row", code="no-features")


def _labels(column: Column) -> Array:
    return np.array([str(v) for v in column.values], dtype=object)


def _ordered(column: Column) -> Array:
    if column.kind == Kind.CATEGORY:
        raise DataError(
            f"the time column {column.name!r} holds text that is no date",
            fix="name a column of dates or numbers",
            code="bad-time",
        )
    return column.values


def columns_text(schema: Schema, filled: Mapping[str, int]) -> list[str]:
    """Return in lines what becomes of the columns."""
    kinds = [f.kind for f in schema.features]
    counts = [f"{kinds.count(k)} {k.value}" for k in Kind if k in kinds]
    levels = sum(len(f.levels) for f in schema.features)
    lines = [
        ", ".join(counts) + (f" ({levels} levels → one-hot)" if levels else "") + f" → {len(schema.names)} features"
    ]
    dates = [f.column for f in schema.features if f.kind == Kind.DATE]
    if dates:
        lines.append(f"{', '.join(map(shown, dates))}: dates as days since 1970-01-01")
    lines += [f"{shown(name)}: {count:,} missing → median + flag" for name, count in filled.items() if count]
    lines += [f"{shown(f.column)}: {f.rare:,} rare levels share {OTHER}" for f in schema.features if f.rare]
    return lines + [f"{shown(name)}: left out, {why}" for name, why in schema.dropped.items()]


def _no_file(rows: Any) -> bool:
    """Whether an option of rows is a share or "auto" rather than a file."""
    return isinstance(rows, float) or (isinstance(rows, str) and rows == "auto")


@dataclass(frozen=True)
class Scaling:
    """What turns rows of the file into data for training: fitted on the training rows, used for all others."""

    scale: Scale
    schema: Schema
    target: Target
    loss: Loss
    threads: int

    def data(self, X: Array, y: Array, sample_weight: Array | None, gram: Gram | None = None) -> Data:
        """Return rows that are encoded already, with the moments of the scaled ones where they are known."""
        return scaled_data(
            self.scale, X, y, sample_weight, target=self.loss.scales_target, dtype=np.float64, names=self.schema.names,
            gram=gram,
            threads=self.threads,
        )  # fmt: skip

    def file(self, rows: Any, options: Options) -> Data:
        """Return the rows of a file of their own."""
        other = load(rows, options, {**self.schema.kinds, self.target.name: self.target.reading})
        task = "classification" if self.target.classes else "regression"
        target = read_target(other[self.target.name], task, evaluating=True)
        if self.target.classes:
            target = match_classes(target, self.target.classes, f"{shown(other.source.name)} has")
        kept, y, weight = present_rows(other, target, options)
        return self.data(self.schema.encode(other.take(kept)).X, y, weight)


def described_split(train: Data, test: Data | None, options: Options) -> str:
    """Return in a line how the rows are split."""
    if test is None:
        return f"{train.rows:,} training rows / no test rows"
    if not isinstance(options.test, float):
        return f"{train.rows:,} training rows / {test.rows:,} test rows from a file of their own"
    how = (
        "last in time" if options.time else f"whole groups of {shown(options.group)}" if options.group
        else f"seed {options.random_state}"
    )  # fmt: skip
    return f"{train.rows:,} training rows / {test.rows:,} test rows ({options.test:.0%}, {how})"
