"""Data: what a model is trained on, as arrays."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from descend.arrays import Array
from descend.errors import DataError
from descend.sparse import canonical, column_squares, dense, is_sparse
from descend.table.moments import Gram, Rows, accumulate, shard_rows
from descend.table.scaled_rows import ScaledRows


class Add(Protocol):
    """Returns the sum of gradients over a batch of rows (params,), to which every process adds that of its part."""

    def __call__(self, data: "Data", weights: Array, rows: Array, own: Callable[[Array], Array]) -> Array:
        """Add up.

        Args:
            data: of which the rows are.
            weights: at which the gradients are taken (params,).
            rows: of the batch, by their places (rows,).
            own: adds up some of them, by their places among those that this process holds.
        """


class Team(Protocol):
    """Other processes that hold the same rows, or each a part, and take a part of each pass over them, and of the runs."""

    @property
    def size(self) -> int:
        """How many processes there are, this one among them."""

    def fill(self, kind: int, weights: Array, blocks: Array, own: Callable[[int, int], None]) -> bool:
        """Put the sums of a pass into blocks (blocks, ...), one a block of rows; False, and nothing, where nobody else is there.

        Args:
            kind: of pass: its place in `engines.full_pass.PASSES`.
            weights: at which the pass is taken (params,).
            blocks: to be filled.
            own: fills those from a first to a last, excluded, in this process.
        """

    def in_step(self, told: bytes) -> AbstractContextManager["Add | None"]:
        """Have all processes take the steps of some runs, each with a part of every batch, while the context lasts.

        None where nobody else is there.

        Args:
            told: what the others must know, see `engines.shared_runs.serve`.
        """

    def share(self, told: bytes, costs: list[float], own: Callable[[list[int]], bytes]) -> list[bytes] | None:
        """Have jobs done by all processes; return what each makes of its jobs, or None where nobody else is there.

        Args:
            told: what the others must know, see `engines.shared_runs.serve`.
            costs: of each job.
            own: does some of the jobs, by their places, in this process.
        """

    def of_sample(self, rows: int, seed: int) -> "Team":
        """Return the team of so many rows that are drawn of these, see `Data.drawn`."""

    def of_fitted(self) -> "Team":
        """Return the team of those of these rows that are no validation rows."""


@dataclass(frozen=True, eq=False)
class Data:
    """Features, target and example weights, ready for an engine.

    Args:
        X: features (rows, features), float32 or float64, C order, finite; real numbers of another dtype become float64.
            SciPy's sparse containers stay sparse, as rows of non-zeros; ScaledRows stay what they are.
        y: target (rows,), brought to the same dtype; class indices for softmax; (rows, targets) for several targets.
        sample_weight: example weights (rows,), with mean 1, or None when all count alike.
        names: a name a feature.

    Raises DataError for other shapes, for values that are not real numbers and for negative weights.

    >>> Data(np.array([[1], [2]]), [True, False]).X.dtype
    dtype('float64')
    """

    X: Any
    y: Array
    sample_weight: Array | None = None
    names: tuple[str, ...] = ()
    _gram: Gram | None = field(default=None, init=False, repr=False)  # once it is known; a replaced part forgets it
    _team: Team | None = field(default=None, init=False, repr=False)  # a replaced part has none
    _held: "Data | None" = field(default=None, init=False, repr=False)  # a replaced part holds all of itself
    first: int = field(default=0, init=False)  # the place of the first row that is held

    def __post_init__(self) -> None:
        X = _features(self.X)
        if X.ndim != 2:
            what = f"X has shape {X.shape}, it must have two dimensions"
            fix = "use X.reshape(-1, 1) for one feature" if X.ndim == 1 else "pass an array of shape (rows, features)"
            raise DataError(what, fix=fix, code="array-shape")
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "y", np.ascontiguousarray(_floats(self.y, "the target"), X.dtype))
        if self.sample_weight is not None:
            object.__setattr__(self, "sample_weight", _weights(self.sample_weight, self.rows))

    @property
    def rows(self) -> int:
        """The number of examples."""
        return int(self.X.shape[0])

    @property
    def rows_in_all(self) -> int:
        """The number of examples that these stand for: more than there are where the moments are those of a larger table."""
        return self.rows if self._gram is None else self._gram.rows

    @property
    def features(self) -> int:
        """The number of columns of X."""
        return int(self.X.shape[1])

    @property
    def cells(self) -> int:
        """The number of values of X: of non-zeros, where it is sparse."""
        return int(self.X.nnz) if is_sparse(self.X) else self.rows * self.features

    @property
    def row_bytes(self) -> int:
        """The bytes of the features of one row, on average; a non-zero goes with the number of its column."""
        size = int(self.X.dtype.itemsize) + (4 if is_sparse(self.X) else 0)
        return self.cells * size // max(self.rows, 1)

    def gram(self, threads: int = 1) -> Gram:
        """Return the moments of the examples, which are computed once; threads do not change their bits."""
        if self._gram is None:
            object.__setattr__(self, "_gram", accumulate(self._pieces(), threads))
        assert self._gram is not None
        return self._gram

    def mean_squares(self) -> Array:
        """Return the mean square of each feature (features,), whatever the weights; from the moments where they are known."""
        if self._gram is not None and self._gram.finite and self.sample_weight is None:
            with np.errstate(over="ignore"):
                return np.asarray(np.diagonal(self._gram.G) + np.square(self._gram.mean))
        return column_squares(self.X) / max(self.rows, 1)

    @property
    def has_gram(self) -> bool:
        """Whether the moments are known already."""
        return self._gram is not None

    @property
    def team(self) -> Team | None:
        """The processes that share the passes over these rows; None where this one takes them alone."""
        return self._team

    @property
    def held(self) -> "Data":
        """Those of the examples that this process holds: all, but where several processes hold a part each."""
        return self if self._held is None else self._held

    @property
    def in_parts(self) -> bool:
        """Whether several processes hold a part of the examples each."""
        return self._held is not None

    def with_team(self, team: Team) -> "Data":
        """Return these examples, passes over which are shared."""
        known = self.with_gram(self._gram)
        object.__setattr__(known, "_team", team)
        return known

    def with_gram(self, gram: Gram | None) -> "Data":
        """Return these examples with their moments, where they are known already."""
        known = replace(self)
        object.__setattr__(known, "_gram", gram)
        return known if self._held is None else known.with_held(self._held, self.first)

    def with_held(self, held: "Data", first: int) -> "Data":
        """Return these examples, of which this process holds those from a first on; passes over them are shared."""
        known = replace(self)
        for name, value in (("_gram", self._gram), ("_held", held), ("first", first)):
            object.__setattr__(known, name, value)
        return known

    def _pieces(self) -> Iterator[Rows]:
        """The examples themselves; where they are sparse, dense blocks of them."""
        if not is_sparse(self.X):
            yield Rows(self.X, self.y, self.sample_weight)
            return
        size, weight = shard_rows(self.features), self.sample_weight
        for lo in range(0, self.rows, size):
            cut = slice(lo, lo + size)
            yield Rows(dense(self.X[cut]), self.y[cut], None if weight is None else weight[cut])

    def take(self, rows: Array) -> "Data":
        """Return the examples at these indices; their weights are brought back to mean 1."""
        weight = self.sample_weight
        weight = None if weight is None else mean_one(weight[rows])
        return replace(self, X=self.X[rows], y=np.ascontiguousarray(self.y[rows]), sample_weight=weight)

    def drawn(self, rows: int, seed: int) -> "Data":
        """Return so many examples, drawn without replacement, in their order; all of them where there are no more."""
        if rows >= self.rows:
            return self
        sample = self.take(drawn_places(self.rows, rows, seed))
        return sample if self.team is None else sample.with_team(self.team.of_sample(rows, seed))


def drawn_places(among: int, rows: int, seed: int) -> Array:
    """Return so many of the places of `among` rows, drawn without replacement, in their order; all where there are no more."""
    if rows >= among:
        return np.arange(among)
    rng = np.random.Generator(np.random.Philox(key=seed))
    return np.sort(rng.choice(among, rows, replace=False, shuffle=False))


def mean_one(weight: Array) -> Array:
    """Return weights (rows,) divided by their mean, whatever their size; as they are where all are 0.

    >>> mean_one(np.array([1e308, 1e308])).tolist(), mean_one(np.array([5e-324, 0.0])).tolist()
    ([1.0, 1.0], [2.0, 0.0])
    """
    scaled = np.ldexp(weight, -np.frexp(weight.max(initial=0.0))[1])  # no rounding, and no sum of these overflows
    return np.asarray(scaled / (scaled.mean() if scaled.any() else 1.0))


def _features(given: Any) -> Any:
    """Rows of non-zeros when the features are sparse, else what `_floats` makes of them."""
    if isinstance(given, ScaledRows):
        return given
    if not is_sparse(given):
        return _floats(given, "X")
    if given.dtype.kind not in "biuf":
        raise _no_numbers("X", given.dtype)
    return canonical(given)


def _floats(values: ArrayLike, what: str) -> Array:
    """The values themselves when they are float32 or float64 in C order, else a copy that is."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise _no_numbers(what, array.dtype)
    return np.asarray(array, np.float32 if array.dtype == np.float32 else np.float64, order="C")


def _no_numbers(what: str, dtype: Any) -> DataError:
    return DataError(
        f"{what} has dtype {dtype}, it must hold real numbers", fix="convert it to float64", code="array-dtype"
    )


def _weights(given: ArrayLike, rows: int) -> Array:
    weight = _floats(given, "the example weight")
    if weight.shape != (rows,):
        what = f"the example weight has shape {weight.shape}, the data have {rows} rows"
        raise DataError(what, fix=f"pass weights of shape ({rows},)", code="bad-weights")
    if (weight < 0).any():
        at = int(np.argmax(weight < 0))
        what = f"the example weight is {weight[at]:g} in row {at + 1}, it must be at least 0"
        raise DataError(what, fix="correct or drop such rows", code="bad-weights")
    return weight
