"""moments: means, spreads and second moments of features and target, in one pass over the rows.

They are sums over fixed shards of rows, so they have the same bits for any number of threads, and for any cut of a
stream into pieces.
"""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from descend.arrays import Array
from descend.blas import one_blas_thread

BLOCK_CELLS = 1 << 17  # cells of a block: its float64 copy, 1 MB, stays in the level-2 cache of one core
SHARD_BLOCKS = 16  # blocks that one task adds up: about 2 ms, far more than handing a task to a thread costs
FEWEST_ROWS = 256  # of a block, however wide: a product of fewer rows is slow
SHIFT_ROWS = 1000  # rows whose mean the sums are taken about; the mean of these is near enough (arbitrary)


class Examples(Protocol):
    """Rows that moments are taken of: features (rows, features), targets (rows,) or (rows, targets), and weights."""

    @property
    def X(self) -> Any: ...  # noqa: D102
    @property
    def y(self) -> Array: ...  # noqa: D102
    @property
    def sample_weight(self) -> Array | None: ...  # noqa: D102


class Rows(NamedTuple):
    """Some of the rows of Examples."""

    X: Any
    y: Array
    sample_weight: Array | None


@dataclass(frozen=True, eq=False, kw_only=True)
class Gram:
    """Moments of examples with weights s, each a sum over the rows divided by their number; all float64.

    Args:
        G: of the features about their means (features, features), exactly symmetric.
        c: of the features and targets about their means (features, targets).
        yy: of each target about its mean (targets,).
        mean: the features' weighted means (features,).
        target: the targets' weighted means (targets,).
        mass: the mean of the example weights, 1 up to rounding.
        rows: the number of examples.
    """

    G: Array
    c: Array
    yy: Array
    mean: Array
    target: Array
    mass: float
    rows: int

    @property
    def finite(self) -> bool:
        """Whether no sum has left the range of float64."""
        return all(bool(np.isfinite(part).all()) for part in (self.G, self.c, self.yy, self.mean, self.target))

    def rescaled(self, center: Array, width: Array, target_center: Array, target_width: Array) -> "Gram":
        """Return the moments of (X - center) / width and (y - target_center) / target_width.

        No row is read again: moments about the mean do not depend on the centre.
        """
        return Gram(
            G=self.G / width[:, None] / width, c=self.c / width[:, None] / target_width,
            yy=self.yy / target_width / target_width, mean=(self.mean - center) / width,
            target=(self.target - target_center) / target_width, mass=self.mass, rows=self.rows,
        )  # fmt: skip


def accumulate(pieces: Iterable[Examples], threads: int = 1) -> Gram:
    """Return the moments of data that comes in pieces, such as a stream of row groups of one table.

    Args:
        pieces: consecutive rows, of any lengths; one at a time is held, and no float64 copy of it is made.
        threads: threads at most; they do not change the bits.

    The sums are taken about the mean of some of the first rows, so that large means cost no digits.

    >>> whole = accumulate([Rows(np.array([[1.0], [3.0]]), np.array([2.0, 6.0]), None)])
    >>> whole.G.item(), whole.c.item(), whole.mean.item()
    (1.0, 2.0, 2.0)
    """
    with one_blas_thread(), Accumulator(threads) as sums:
        for piece in pieces:
            sums.add(piece)
        return sums.gram()


Accumulate = Callable[[list[Rows], int], Gram]  # takes rows and threads; `accumulate`, or what gives the same bits


class Accumulator:
    """Moments of rows that are given piece by piece, as `accumulate` takes them.

    Args:
        threads: threads at most; they do not change the bits.
        pool: what the threads are of; one of its own when None.
        shift: what the sums are taken about, where these are not the first rows of all: then their shards stay apart.
    """

    def __init__(self, threads: int = 1, pool: ThreadPoolExecutor | None = None, shift: Array | None = None) -> None:
        self._threads, self._given = threads, pool
        self._pool = ThreadPoolExecutor(threads) if threads > 1 and pool is None else pool
        self._rest: list[Rows] = []
        self._shift, self._apart = shift, shift is not None
        self._features = 0
        self._totals: list[Sums] = []
        self._ahead: deque[Future[Sums]] = deque()  # shards that are being added up

    def add(self, piece: Examples) -> None:
        """Take the next rows, cut into shards of so many that only the number of columns decides, whatever their number."""
        rows = Rows(piece.X, piece.y, piece.sample_weight)
        n, size, lo = rows.X.shape[0], shard_rows(rows.X.shape[1]), 0
        if self._rest:
            lo = min(size - sum(rest.X.shape[0] for rest in self._rest), n)
            self._rest.append(cut(rows, 0, lo))
            if sum(rest.X.shape[0] for rest in self._rest) < size:
                return
            self._shard(_joined(self._rest))
        while n - lo >= size:
            self._shard(cut(rows, lo, lo + size))
            lo += size
        self._rest = [cut(rows, lo, n)] if lo < n else []

    def gram(self) -> Gram:
        """Return the moments of all rows."""
        (total,) = self.sums()
        assert self._shift is not None
        return gram_of(total, self._shift, self._features)

    def sums(self) -> list["Sums"]:
        """Return the sums of all rows, or of each shard where they stay apart."""
        if self._rest:
            self._shard(_joined(self._rest))
        self._rest = []
        while self._ahead:
            self._merge(self._ahead.popleft().result())
        return self._totals

    def __enter__(self) -> "Accumulator":
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None and self._given is None:
            self._pool.shutdown(cancel_futures=True)

    def _shard(self, rows: Rows) -> None:
        self._features = int(rows.X.shape[1])
        if self._shift is None:
            self._shift = shift_of(rows)
        if self._pool is None:
            return self._merge(sums_of(rows, self._shift))
        self._ahead.append(self._pool.submit(sums_of, rows, self._shift))
        if len(self._ahead) > self._threads:
            self._merge(self._ahead.popleft().result())
        return None

    def _merge(self, sums: "Sums") -> None:
        if self._apart or not self._totals:
            self._totals.append(sums)
        else:
            self._totals[0] = merged([self._totals[0], sums])


@dataclass(frozen=True, eq=False)
class Sums:
    """Moments of some rows, features and targets side by side: the means about the shift, the products about the means.

    Args:
        mass: the sum of the example weights.
        mean: (columns,).
        scatter: (columns, columns).
        rows: their number.
    """

    mass: float
    mean: Array
    scatter: Array
    rows: int


def gram_of(total: Sums, shift: Array, d: int) -> Gram:
    """Return the moments of which these are the sums about a shift; the first d columns are features."""
    with np.errstate(over="ignore", invalid="ignore"):
        joint, mean = total.scatter / total.rows, shift + total.mean
    return Gram(
        G=np.ascontiguousarray(joint[:d, :d]), c=joint[:d, d:].copy(), yy=np.diagonal(joint)[d:].copy(),
        mean=mean[:d].copy(), target=mean[d:].copy(), mass=total.mass / total.rows, rows=total.rows,
    )  # fmt: skip


def shift_of(rows: Rows) -> Array:
    """Return the mean of some of the rows that count, features and targets side by side (columns,)."""
    some = slice(None, None, -(-rows.X.shape[0] // SHIFT_ROWS))
    X, y = np.ascontiguousarray(rows.X[some]), _columns(rows.y[some])  # sums depend on the order in memory
    counts = slice(None) if rows.sample_weight is None else rows.sample_weight[some] > 0
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.concatenate([part[counts].sum(axis=0, dtype=np.float64) for part in (X, y)])
        mean = sums / max(len(y[counts]), 1)
    return np.where(np.isfinite(mean), mean, 0.0)


def _columns(y: Array) -> Array:
    return y.reshape(len(y), -1)


def _block_rows(columns: int) -> int:
    return max(FEWEST_ROWS, BLOCK_CELLS // (columns + 1))


def shard_rows(columns: int) -> int:
    """Return the rows of a shard, which the number of columns decides."""
    return SHARD_BLOCKS * _block_rows(columns)


def share_of(count: int, rank: int, world: int) -> range:
    """Return which of so many shards, or blocks of rows, are those of a rank: contiguous, even up to one; the last may have none.

    >>> [share_of(5, rank, 3) for rank in range(3)], share_of(1, 1, 2)
    ([range(0, 2), range(2, 4), range(4, 5)], range(1, 1))
    """
    return range(-(-count * rank // world), -(-count * (rank + 1) // world))


def sums_of(rows: Rows, shift: Array) -> Sums:
    """Return the moments of a shard about a shift (columns,): a column of ones beside the others makes the sums part of the products."""
    (n, d), k = rows.X.shape, len(shift)
    size = min(_block_rows(d), n)
    buffer, total, product = np.empty(size * (k + 1)), np.zeros((k + 1, k + 1)), np.empty((k + 1, k + 1))
    y = _columns(rows.y)
    with np.errstate(over="ignore", invalid="ignore"):  # the context of a thread is its own
        for lo in range(0, n, size):
            hi = min(lo + size, n)
            X = rows.X[lo:hi]
            order: Literal["C", "F"] = "F" if X.strides[0] == X.itemsize else "C"  # the products have the same bits
            block = buffer[: (hi - lo) * (k + 1)].reshape((hi - lo, k + 1), order=order)
            np.subtract(X, shift[:d], out=block[:, :d])
            np.subtract(y[lo:hi], shift[d:], out=block[:, d:k])
            block[:, k] = 1.0
            if rows.sample_weight is not None:
                block *= np.sqrt(rows.sample_weight[lo:hi].astype(np.float64))[:, None]
            total += np.dot(block.T, block, out=product)
        mass = float(total[k, k])
        mean = total[:k, k] / (mass or 1.0)
        return Sums(mass, mean, total[:k, :k] - mass * np.outer(mean, mean), n)


def merged(shards: Iterable[Sums]) -> Sums:
    """Return the moments of the rows of all shards, which are added in their order."""
    with np.errstate(over="ignore", invalid="ignore"):
        return reduce(_merged, shards)


def _merged(a: Sums, b: Sums) -> Sums:
    """The moments of the rows of both (Chan, Golub and LeVeque 1983)."""
    mass = a.mass + b.mass
    share, apart = b.mass / (mass or 1.0), b.mean - a.mean
    scatter = a.scatter + b.scatter + (a.mass * share) * np.outer(apart, apart)
    return Sums(mass, a.mean + share * apart, scatter, a.rows + b.rows)


def cut(rows: Rows, lo: int, hi: int) -> Rows:
    """Return the rows from lo up to hi."""
    weight = rows.sample_weight
    return Rows(rows.X[lo:hi], rows.y[lo:hi], None if weight is None else weight[lo:hi])


def _joined(pieces: list[Rows]) -> Rows:
    if len(pieces) == 1:
        return pieces[0]
    weights = [p.sample_weight for p in pieces if p.sample_weight is not None]
    parts = np.concatenate([p.X for p in pieces]), np.concatenate([p.y for p in pieces])
    return Rows(*parts, np.concatenate(weights) if weights else None)
