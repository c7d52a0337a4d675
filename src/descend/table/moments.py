"""moments: means, spreads and second moments of features and target, in one pass over the rows.

They are sums over fixed shards of rows, so they have the same bits for any number of threads, and for any cut of a
stream into pieces.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial, reduce
from itertools import chain
from typing import Any, NamedTuple, Protocol

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
    shards = _shards(pieces)
    first = next(shards)
    shift = shift_of(first)
    with one_blas_thread():
        total = merged(_in_order(partial(sums_of, shift=shift), chain([first], shards), threads))
    return gram_of(total, shift, int(first.X.shape[1]))


Accumulate = Callable[[list[Rows], int], Gram]  # takes rows and threads; `accumulate`, or what gives the same bits


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


def sums_of(rows: Rows, shift: Array) -> Sums:
    """Return the moments of a shard about a shift (columns,): a column of ones beside the others makes the sums part of the products."""
    (n, d), k = rows.X.shape, len(shift)
    size = min(_block_rows(d), n)
    buffer, total, product = np.empty((size, k + 1)), np.zeros((k + 1, k + 1)), np.empty((k + 1, k + 1))
    y = _columns(rows.y)
    with np.errstate(over="ignore", invalid="ignore"):  # the context of a thread is its own
        for lo in range(0, n, size):
            hi = min(lo + size, n)
            block = buffer[: hi - lo]
            np.subtract(rows.X[lo:hi], shift[:d], out=block[:, :d])
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


def _shards(pieces: Iterable[Examples]) -> Iterator[Rows]:
    """Cut into shards of so many rows that only the number of columns decides, whatever the pieces' lengths."""
    rest: list[Rows] = []
    for piece in pieces:
        joined = _joined([*rest, Rows(piece.X, piece.y, piece.sample_weight)])
        n, size = joined.X.shape[0], shard_rows(joined.X.shape[1])
        whole = n // size * size
        yield from (cut(joined, lo, lo + size) for lo in range(0, whole, size))
        rest = [cut(joined, whole, n)] if whole < n else []
    yield from rest


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


def _in_order(function: Callable[[Rows], Sums], shards: Iterable[Rows], threads: int) -> Iterator[Sums]:
    """The moments of the shards in their order, a few of them computed ahead."""
    if threads == 1:
        yield from map(function, shards)
        return
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[Sums]] = deque()
        for shard in shards:
            ahead.append(pool.submit(function, shard))
            if len(ahead) > 2 * threads:
                yield ahead.popleft().result()
        yield from (sums.result() for sums in ahead)
