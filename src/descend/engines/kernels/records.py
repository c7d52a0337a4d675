"""records: what compiled code is called with, in named tuples; Numba's types follow from their annotations alone.

A field of a new kind is added here, once. Compiled loops unpack the arrays of a record before they begin, and pass them
on one by one: each access to an array in a record counts references, atomically, which inside a loop over rows costs as
much as the arithmetic (one row a step took 2.5 times as long). Numbers in a record cost nothing. A call from Python
takes about 5 microseconds longer than with as many single arguments: once a record point, not once a step.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, get_args, get_type_hints

import numpy as np
from numba import types

from descend.arrays import Array


@dataclass(frozen=True)
class Layout:
    """How an array lies in memory: C order, `dtype` "real" for that of the weights, else its own name."""

    dtype: str
    ndim: int
    readonly: bool = False


# For functions that are called in a loop over rows or steps and allocate nothing: Numba then leaves out the counting of
# references to their arguments, which the caller holds. With it a step of one row took 1.5 times as long.
UNCOUNTED = {"_nrt": False}

Vector = Annotated[Array, Layout("real", 1)]
Table = Annotated[Array, Layout("real", 2)]
Tables = Annotated[Array, Layout("real", 3)]
ReadVector = Annotated[Array, Layout("real", 1, readonly=True)]
ReadTable = Annotated[Array, Layout("real", 2, readonly=True)]
Numbers = Annotated[Array, Layout("float64", 1)]
NumberTable = Annotated[Array, Layout("float64", 2)]
Indices = Annotated[Array, Layout("int64", 1)]
IndexTable = Annotated[Array, Layout("int64", 2)]
ReadIndices = Annotated[Array, Layout("int64", 1, readonly=True)]
ReadColumns = Annotated[Array, Layout("int32", 1, readonly=True)]


class SparseRows(NamedTuple):
    """Rows of non-zeros (CSR): values and columns (non-zeros,), where each row starts (rows + 1,), columns in all."""

    values: ReadVector
    columns: ReadColumns
    starts: ReadIndices
    features: int


class Examples(NamedTuple):
    """Training rows: features (rows, features), targets (rows, targets), sample weights (rows,), empty for none."""

    X: ReadTable
    y: ReadTable
    sample_weight: Vector


class Scaling(NamedTuple):
    """What centres and scales features as they are read: (x - center) * inverse; zeros follow the last feature.

    Args:
        center: in two parts, which together have more digits than one number of this dtype (2, width).
        inverse: of the widths (width,); empty where features are read as they are.
    """

    center: Table
    inverse: Vector


class SparseExamples(NamedTuple):
    """Training rows of sparse features."""

    X: SparseRows
    y: ReadTable
    sample_weight: Vector


class LossSettings(NamedTuple):
    """The loss's constants, and the number of outputs."""

    constants: Numbers
    outputs: int


class StepNumbers(NamedTuple):
    """The numbers among the settings of a step; a record without arrays costs nothing to pass on.

    Args:
        lr: where the learning rate is among the rule's constants.
        l2, l1: the penalties.
        clip, clip_value, clip_layer: largest gradient norm, coordinate, and norm of a layer; infinity for none.
    """

    lr: int
    l2: float
    l1: float
    clip: float
    clip_value: float
    clip_layer: float


class StepSettings(NamedTuple):
    """How a gradient becomes a step, see `kernels.step`.

    Args:
        constants: of the rule, with the learning rate before its schedule.
        factors: multiply lr at step 1, 2, ... (steps,); the last one holds from then on.
        penalised: 1 for a weight, 0 for a bias (params,).
        layer_ends: where the layers of a network end in the flat vector (layers,); empty for a linear model.
        numbers: all else.
    """

    constants: Numbers
    factors: Numbers
    penalised: Numbers
    layer_ends: Indices
    numbers: StepNumbers


class Run(NamedTuple):
    """What training changes in place: weights (params,) and the rule's memory (slots, params)."""

    w: Vector
    memory: Table


class Call(NamedTuple):
    """One call of a compiled loop: the rows first to last, counted through all epochs, after so many steps.

    Args:
        orders: row indices (epochs, rows) of the epochs that these rows fall into; no epochs for the table's order.
    """

    orders: IndexTable
    first: int
    last: int
    steps: int


class Batch(NamedTuple):
    """The rows order[begin:end]; begin to end themselves where there is no order."""

    order: Indices
    begin: int
    end: int


class Moments(NamedTuple):
    """Second moments of features and targets, see `problem.moments.Gram`; c is transposed (targets, features).

    Args:
        scale: what multiplies the gradient: 2, divided by the number of targets.
    """

    G: NumberTable
    c: NumberTable
    mean: Numbers
    target: Numbers
    mass: float
    scale: float


class RoundingLimits(NamedTuple):
    """When moments no longer serve: a loss of this size, a gradient below slope |w| + offset."""

    largest: float
    slope: float
    offset: float


class GroupRuns(NamedTuple):
    """What training changes in place for runs side by side: weights (runs, params), memory (runs, slots, params)."""

    W: Table
    memory: Tables


class GroupSettings(NamedTuple):
    """StepSettings of runs side by side; see there.

    Args:
        rules: addresses of the compiled rules (runs,).
        constants: (runs, most constants).
        lr: where lr is among the constants (runs,).
        factors: of each schedule (schedules, steps).
        schedule: which of them a run follows (runs,).
        clip, clip_value: (runs,).
    """

    rules: Indices
    constants: NumberTable
    lr: Indices
    factors: NumberTable
    schedule: Indices
    penalised: Numbers
    l2: float
    l1: float
    clip: Numbers
    clip_value: Numbers


class NetworkSettings(NamedTuple):
    """A network in compiled code.

    Args:
        layers: one row of numbers a layer, see `passes.layer_table`.
        dropout: the share of hidden outputs that a step leaves out.
        seed: of the dropout masks.
        peak: the largest slope of an activation that saturates, else 0.
    """

    layers: IndexTable
    dropout: float
    seed: int
    peak: float


class PassBuffers(NamedTuple):
    """What a pass leaves for the way back, in buffers of the most rows that one pass takes.

    Args:
        hats, slopes, outs: normalised inputs, activation slopes and outputs of the hidden layers (rows * units,).
        std: root of each unit's variance (units,).
        batch_moments: mean and unbiased variance of each unit over the batch (2, units).
        reach: the largest activation slope of each unit since the last record point (units,).
        flat: how many slopes of each layer were nearly zero in this step (layers,).
        upstream: two buffers for gradients on their way back (2, rows * widest layer).
    """

    hats: Vector
    slopes: Vector
    outs: Vector
    std: Vector
    batch_moments: Table
    reach: Vector
    flat: Indices
    upstream: Table


class PassRows(NamedTuple):
    """The rows of one pass: so many, from number `begin` of their batch, in this step; step 0 is no training, but a prediction,
    by running statistics and without dropout."""

    rows: int
    begin: int
    step: int


class BatchParts(NamedTuple):
    """How a batch is cut, whatever the number of threads: so many rows a step, in so many parts, of so many rows a pass."""

    rows: int
    parts: int
    pass_rows: int


class Member(NamedTuple):
    """One of the threads that take the steps of a run together, and what they share.

    Args:
        number, threads: this thread, of so many.
        barrier: where they wait for each other, see `barrier`.
        gradients: the gradient of each part of the batch (parts, params); the first becomes that of the step.
        raw, before: the gradient before penalties and clipping, and the weights before the step (params,).
        reach, flat: those of the buffers of each thread, at the end (threads, units) and (threads, layers).
        finite: 0 where the step failed (1,).
    """

    number: int
    threads: int
    barrier: Indices
    gradients: Table
    raw: Vector
    before: Vector
    reach: Table
    flat: IndexTable
    finite: Indices


def readonly(values: Array) -> Array:
    """Return a view in C order that cannot be written, as the types ReadVector and ReadTable ask for."""
    view = np.ascontiguousarray(values).view()
    view.flags.writeable = False
    return view


def argument_types(function: Callable[..., Any], dtype: np.dtype[Any], **other: Any) -> tuple[Any, ...]:
    """Return Numba's types of a function's parameters, read from their annotations.

    Args:
        dtype: of the weights.
        other: annotations by parameter that replace those of the function.

    >>> def scale(w: Vector, by: float) -> None: ...
    >>> argument_types(scale, np.dtype(np.float32))
    (Array(float32, 1, 'C', False, aligned=True), float64)
    """
    hints = {**get_type_hints(function, include_extras=True), **other}
    return tuple(numba_type(hints[name], dtype) for name in inspect.signature(function).parameters)


def numba_type(annotation: Any, dtype: np.dtype[Any]) -> Any:
    """Return Numba's type for an annotation: int, float, one of the arrays above, or a record of these."""
    if annotation in (int, float):
        return types.int64 if annotation is int else types.float64
    if hasattr(annotation, "_fields"):
        hints = get_type_hints(annotation, include_extras=True)
        return types.BaseTuple.from_types([numba_type(hints[name], dtype) for name in annotation._fields], annotation)
    layout = next(part for part in get_args(annotation) if isinstance(part, Layout))
    element = real(dtype) if layout.dtype == "real" else getattr(types, layout.dtype)
    return types.Array(element, layout.ndim, "C", readonly=layout.readonly)


def real(dtype: np.dtype[Any]) -> Any:
    """Return Numba's name of a float dtype."""
    return types.float32 if dtype == np.float32 else types.float64
