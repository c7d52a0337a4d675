"""exportable: all that a model predicts by, as every format writes it: columns, features, layers, link and labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np

from descend.arrays import Array
from descend.losses import Loss, step
from descend.ops import exp
from descend.problem.network import EPS, Layer, Network, matrix
from descend.problem.response import has_probabilities
from descend.table.columns import MISSING, OTHER, Feature, Schema
from descend.table.reading import VERBATIM_TEXT, Kind, Reading
from descend.table.scale import Scale
from descend.table.texts import MISSING_WORDS
from descend.table.types import numbers_among

Label = bool | int | float | str


class Link(StrEnum):
    """What becomes of the scores of the last layer."""

    IDENTITY = "identity"
    EXP = "exp"
    SIGMOID = "sigmoid"
    SOFTMAX = "softmax"
    STEP = "step"


@dataclass(frozen=True, kw_only=True)
class InputColumn:
    """One column of a table that a model reads.

    Args:
        name: as the table has it.
        kind: what it holds; a date is days since 1970-01-01 in UTC, a boolean 0 or 1.
        null: cells that mean missing besides an empty one: words of a category, numbers of a number.
        trimmed: whether blanks around the cells of a category are taken away.
        levels: of a category, in the order of its features.
        median: fills missing cells of other kinds.
        flag: whether a second feature is 1 where a cell was missing.
    """

    name: str
    kind: Kind
    null: tuple[str, ...] | tuple[float, ...]
    trimmed: bool
    levels: tuple[str, ...]
    median: float
    flag: bool

    @classmethod
    def of(cls, feature: Feature, null: Sequence[str]) -> "InputColumn":
        """Return the column of a feature.

        Args:
            null: further words that mean missing, as `--null` has them.
        """
        category = feature.kind == Kind.CATEGORY
        verbatim = Reading(feature.kind, feature.pattern) == VERBATIM_TEXT
        words = tuple(dict.fromkeys((*(("",) if verbatim else MISSING_WORDS), *null)))
        numbers = tuple(numbers_among(null)) if feature.kind == Kind.NUMBER else ()
        return cls(
            name=feature.column, kind=feature.kind, null=words if category else numbers,
            trimmed=category and not verbatim, levels=feature.levels, median=feature.median, flag=feature.flag,
        )  # fmt: skip

    @property
    def other(self) -> int | None:
        """The level of cells that are no other level; None where these are 0 in all features."""
        return self.levels.index(OTHER) if OTHER in self.levels else None

    @property
    def missing(self) -> int | None:
        """The level of missing cells; None where these are 0 in all features."""
        return self.levels.index(MISSING) if MISSING in self.levels else None

    @property
    def width(self) -> int:
        """The number of its features."""
        return len(self.levels) if self.kind == Kind.CATEGORY else 1 + self.flag


@dataclass(frozen=True, eq=False, kw_only=True)
class Dense:
    """One layer: activation(h W + b), and + h where it is residual; batch normalisation is in W and b already.

    Args:
        W: (inputs, outputs), float64.
        b: (outputs,), float64.
        activation: its name; "identity" for the last layer.
        residual: whether the input is added to the output.
    """

    W: Array
    b: Array
    activation: str = "identity"
    residual: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Exportable:
    """A model as every format writes it.

    The scores are those of the layers, one after another, of (features - center) / width. There is one score, or, with
    three classes or more, one a class.

    Args:
        target: the name of the target's column.
        loss: the name of the loss.
        columns: what is read, in the order of the features.
        features: a name a feature.
        center, width: (features,).
        layers: at least one; the units of the target are in the last.
        link: from scores to the prediction, or to probabilities.
        labels: the classes with the type of the data; none for numbers.
        classes: the same as text.
        threshold, cut: the probability and the score above which the second of two classes is predicted.
    """

    target: str
    loss: str
    columns: tuple[InputColumn, ...]
    features: tuple[str, ...]
    center: Array
    width: Array
    layers: tuple[Dense, ...]
    link: Link
    labels: tuple[Label, ...]
    classes: tuple[str, ...]
    threshold: float
    cut: float

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that are read."""
        return tuple(c.name for c in self.columns)

    @property
    def has_probabilities(self) -> bool:
        """Whether the scores stand for probabilities of classes."""
        return self.link in (Link.SIGMOID, Link.SOFTMAX)


def input_columns(schema: Schema, null: Sequence[str]) -> tuple[InputColumn, ...]:
    """Return the columns of a schema, see `InputColumn.of`."""
    return tuple(InputColumn.of(feature, null) for feature in schema.features)


def link_of(loss: Loss, scores: int) -> Link:
    """Return the link of a loss with so many scores a row.

    >>> from descend.losses import LOSSES
    >>> [link_of(LOSSES[name], 1).value for name in ("quantile", "poisson", "logistic", "hinge", "softmax")]
    ['identity', 'exp', 'sigmoid', 'step', 'sigmoid']
    """
    if has_probabilities(loss):
        return Link.SIGMOID if scores == 1 else Link.SOFTMAX
    if loss.mean is step:
        return Link.STEP
    return Link.EXP if loss.mean is exp else Link.IDENTITY


def dense_layers(network: Network | None, weights: Array, outputs: int, scale: Scale) -> tuple[Dense, ...]:
    """Return the layers of a model in the units of its target; two scores become one, that of the second class.

    Args:
        network: its shape; None for a linear model.
        weights: (params,).
        outputs: scores a row.
        scale: of the target; a link other than the identity has none.
    """
    weights = weights.astype(np.float64)
    if network is None:
        hidden, W, b = [], weights[:-outputs].reshape(-1, outputs), weights[-outputs:]
    else:
        hidden, last = [_hidden(network, layer, weights) for layer in network.hidden], network.layers[-1]
        W, b = matrix(last, weights), weights[last.b]
    if outputs == 2:
        W, b = W[:, 1:] - W[:, :1], b[1:] - b[:1]
    return (*hidden, Dense(W=W * scale.target_width, b=b * scale.target_width + scale.target_center))


def _hidden(network: Network, layer: Layer, weights: Array) -> Dense:
    W = matrix(layer, weights)
    if layer.scale is None:
        return Dense(W=W, b=weights[layer.b], activation=network.activation, residual=layer.skips)
    factor = weights[layer.scale] / np.sqrt(weights[layer.variance] + EPS)
    shift = weights[layer.shift] - weights[layer.mean] * factor
    return Dense(W=W * factor, b=shift, activation=network.activation, residual=layer.skips)
