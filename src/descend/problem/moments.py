"""Gramian: second moments of features and targets, from which squared loss and its gradient follow whatever the rows.

The moments are taken about the means, block by block, in float64, and the blocks are merged in order (Chan, Golub and
LeVeque 1983): the same bits for any number of threads, and for any cut of a stream into pieces.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial, reduce
from itertools import chain
from typing import Any

import numpy as np

from descend import rules
from descend.arrays import Array
from descend.plan import Plan, Setting
from descend.problem.problem import Problem, penalty
from descend.sparse import dense, is_sparse, is_wide
from descend.table.data import Data

BLOCK_CELLS = 1 << 17  # cells of a block: its float64 copy stays in the cache of one core
UNTHREADED = 1 << 18  # multiplications below which OpenBLAS keeps to one thread
CANCELLED = 1e-3  # below this ratio of residual to target the loss has lost too many digits
UNIT = float(np.finfo(np.float64).eps) / 2  # half a unit in the last place, the u of rounding bounds
NOISE = 10 * UNIT  # a gradient of so small a part of its terms is rounding
ROUNDINGS = 8 * UNIT  # the rounding of one step, relative to weights, trace and curvature; measured
MOST_BYTES = 1 << 28  # of the matrix of moments

# The rules that are linear in the gradient, as w'' = a w' - b w along an eigenvector, of x = lr times its curvature.
RECURSIONS: dict[Any, Callable[[Array, float], tuple[Array, Array | float]]] = {
    rules.sgd: lambda x, beta: (1 - x, 0.0),
    rules.momentum: lambda x, beta: (1 + beta - x, beta),
    rules.momentum_keras: lambda x, beta: (1 + beta - x, beta),
    rules.nesterov: lambda x, beta: ((1 + beta) * (1 - x), beta * (1 - x)),
}


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


def gram(problem: Problem, threads: int = 1) -> Gram:
    """Return the moments of a problem's data in one pass; they serve for any penalty, rule and intercept."""
    return accumulate(_pieces(problem.data), threads)


def _pieces(data: Data) -> Iterable[Data]:
    """The data themselves; where they are sparse, dense blocks of them."""
    if not is_sparse(data.X):
        return [data]
    size = max(256, BLOCK_CELLS // (data.features + 1))
    cuts = [slice(lo, lo + size) for lo in range(0, data.rows, size)]
    return (
        Data(dense(data.X[c]), data.y[c], None if data.sample_weight is None else data.sample_weight[c]) for c in cuts
    )


def accumulate(pieces: Iterable[Data], threads: int = 1) -> Gram:
    """Return the moments of data that comes in pieces, such as a stream of row groups of one table.

    Args:
        pieces: consecutive rows, of any lengths; one at a time is held, and no float64 copy of it is made.
        threads: threads at most, for tables of up to about 90 columns; wider ones use the matrix library's as well. They do
            not change the bits.

    >>> whole = accumulate([Data(np.array([[1.0], [3.0]]), np.array([2.0, 6.0]))])
    >>> whole.G.item(), whole.c.item(), whole.mean.item()
    (1.0, 2.0, 2.0)
    """
    blocks = _blocks(pieces)
    first = next(blocks)
    shift = _joint(first)[0]  # about the first row, so that a huge mean leaves the blocks' means their digits
    with np.errstate(over="ignore", invalid="ignore"):
        total = reduce(_merged, _in_order(partial(_moments, shift=shift), chain([first], blocks), threads))
    d, mean = total.features, shift + total.mean
    joint = total.scatter / total.rows
    return Gram(
        G=np.ascontiguousarray(joint[:d, :d]), c=joint[:d, d:].copy(), yy=np.diagonal(joint)[d:].copy(),
        mean=mean[:d].copy(), target=mean[d:].copy(), mass=total.mass / total.rows, rows=total.rows,
    )  # fmt: skip


def objectives(gram: Gram, problem: Problem, weights: Array) -> Array:
    """Return mean loss plus penalty, float64 (runs,), of weights (runs, params), or NaN where it has cancelled.

    It cancels where residuals are below a thousandth of the targets; there the caller takes a pass over the data.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        W, b = problem.split(weights.astype(np.float64, copy=False))
        W = W.transpose(0, 2, 1)  # (runs, targets, features)
        offset, reach = W @ gram.mean + b - gram.target, np.abs(W) @ np.abs(gram.mean) + np.abs(b) + np.abs(gram.target)
        squares, crossing = W * (W @ gram.G), W * gram.c.T
        terms = np.abs(W) * (np.abs(W) @ np.abs(gram.G)) + 2 * np.abs(crossing)
        loss = (squares - 2 * crossing).sum(axis=-1) + gram.yy + gram.mass * offset**2
        size, slip = terms.sum(axis=-1) + gram.yy, NOISE * reach
        lost = gram.mass * slip * (2 * np.abs(offset) + slip)  # by rounding the offset
        known = (CANCELLED**2 * size.sum(axis=-1) < loss.sum(axis=-1)) & (lost.sum(axis=-1) < 1e-9 * loss.sum(axis=-1))
        return np.where(known, loss.mean(axis=-1) + penalty(problem, weights), np.nan)


def hessian(gram: Gram, problem: Problem) -> Array:
    """Return the second derivative in the weights of one target and their bias (features + intercept, same)."""
    mean = np.append(gram.mean, 1.0) if problem.intercept else gram.mean
    H = gram.mass * np.outer(mean, mean)
    d = len(gram.mean)
    H[:d, :d] += gram.G
    H *= 2 / problem.outputs
    H[range(d), range(d)] += problem.l2
    return H


def fits(problem: Problem, setting: Setting) -> bool:
    """Tell whether a run is squared loss on the whole batch, on a table much longer than wide."""
    data, size = problem.data, problem.data.features + 1
    whole = setting.rows_a_step(data.rows) == data.rows and not is_wide(data.X)
    return problem.loss.name == "squared" and whole and data.rows > 2 * size and 8 * size**2 <= MOST_BYTES


def safe(problem: Problem, plan: Plan, gram: Gram, steps: int, tolerance: float = 1e-9) -> Array:
    """Tell which runs engines.gram trains as a pass over the data a step would, bool (runs,).

    The tolerance is relative to max |w|.

    A rule that is linear in the gradient must be stable and keep 8 A u trace/L within the tolerance. A is the number
    of roundings that add up, min(steps, 1/(lr mu)) for gradient descent and min(steps**2, 1/(lr mu)) for the
    accelerated rules; mu and L are the smallest and largest curvature. For the other rules no such bound holds: they
    are safe in that the engine watches their gradient, and agree as far as engines.gram.determined says.
    """
    values = curvatures(problem, gram)
    if values is None:
        return np.zeros(len(plan), bool)
    return np.array([fits(problem, s) and _bounded(s, values, steps, tolerance) for s in plan.settings], bool)


def growth(setting: Setting, values: Array) -> float:
    """Return by how much a step multiplies the error, at worst, under these `curvatures`; NaN for a rule not linear.

    Above 1 the run diverges, and `safe` says no: what it blows up is, in the end, rounding.

    >>> from descend.plan import setting
    >>> growth(setting("sgd", lr=0.25), np.array([1.0, 2.0]))
    0.75
    """
    recursion = RECURSIONS.get(setting.rule.update)
    if recursion is None:
        return float("nan")
    a, b = recursion(setting.lr * float(np.max(setting.factors)) * values, setting.constants.get("beta", 0.0))
    square = a * a / 4 - b
    roots = np.where(square >= 0, np.abs(a) / 2 + np.sqrt(np.maximum(square, 0)), np.sqrt(np.maximum(b, 0)))
    return float(roots.max(initial=0.0))


def curvatures(problem: Problem, gram: Gram) -> Array | None:
    """Return the eigenvalues of the Hessian, increasing, those of rounding as 0; None when moments are not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        H = hessian(gram, problem)
    if not (np.isfinite(H).all() and np.isfinite(gram.c).all() and len(H)):
        return None
    values: Array = np.linalg.eigvalsh(H)
    values[values < len(H) * NOISE * values[-1]] = 0.0
    return values


def _bounded(setting: Setting, values: Array, steps: int, tolerance: float) -> bool:
    if setting.rule.update not in RECURSIONS:
        return True
    if not growth(setting, values) <= 1 + 1e-12:
        return False
    slowest = setting.lr * float(np.min(setting.factors)) * float(values[0])
    most = float(steps) if setting.rule.update is rules.sgd else float(steps) ** 2
    added = min(most, 1 / slowest) if slowest > 0 else most
    return bool(ROUNDINGS * added * values.sum() <= tolerance * values[-1])


@dataclass(frozen=True, eq=False)
class _Moments:
    """Sums over a block, features and targets side by side; the means are about the shift, the products about them."""

    mass: float
    mean: Array
    scatter: Array
    rows: int
    features: int


def _joint(block: Data) -> Array:
    """Features and targets side by side, in float64."""
    d = block.features
    joint = np.empty((block.rows, d + (1 if block.y.ndim == 1 else block.y.shape[1])))
    joint[:, :d], joint[:, d:] = block.X, block.y.reshape(block.rows, -1)
    return joint


def _moments(block: Data, shift: Array) -> _Moments:
    joint = _joint(block)
    with np.errstate(over="ignore", invalid="ignore"):
        weight = np.ones(block.rows) if block.sample_weight is None else block.sample_weight.astype(np.float64)
        mass = float(weight.sum())
        joint -= shift
        mean = weight @ joint / (mass or 1.0)
        joint -= mean
        if block.sample_weight is not None:
            joint *= np.sqrt(weight)[:, None]
        return _Moments(mass, mean, _products(joint), block.rows, block.features)


def _products(joint: Array) -> Array:
    """joint' joint, in products so small that the matrix library starts no threads beside ours."""
    rows, columns = joint.shape
    size = UNTHREADED // (columns * (columns + 1))
    if not 32 <= size < rows:
        return np.asarray(joint.T @ joint)
    whole = rows // size * size
    parts, rest = joint[:whole].reshape(-1, size, columns), joint[whole:]
    return np.asarray((parts.transpose(0, 2, 1) @ parts).sum(axis=0) + rest.T @ rest)


def _merged(a: _Moments, b: _Moments) -> _Moments:
    mass = a.mass + b.mass
    share, apart = b.mass / (mass or 1.0), b.mean - a.mean
    scatter = a.scatter + b.scatter + (a.mass * share) * np.outer(apart, apart)
    return _Moments(mass, a.mean + share * apart, scatter, a.rows + b.rows, a.features)


def _blocks(pieces: Iterable[Data]) -> Iterator[Data]:
    """Cut into blocks of so many rows that only the number of columns decides, whatever the pieces' lengths."""
    rest: list[Data] = []
    for piece in pieces:
        joined, size = _joined([*rest, piece]), max(256, BLOCK_CELLS // (piece.features + 1))
        whole = joined.rows // size * size
        yield from (_rows(joined, lo, lo + size) for lo in range(0, whole, size))
        rest = [_rows(joined, whole, joined.rows)] if whole < joined.rows else []
    yield from rest


def _rows(data: Data, lo: int, hi: int) -> Data:
    return Data(data.X[lo:hi], data.y[lo:hi], None if data.sample_weight is None else data.sample_weight[lo:hi])


def _joined(pieces: list[Data]) -> Data:
    if len(pieces) == 1:
        return pieces[0]
    weights = [p.sample_weight for p in pieces if p.sample_weight is not None]
    parts = np.concatenate([p.X for p in pieces]), np.concatenate([p.y for p in pieces])
    return Data(*parts, np.concatenate(weights) if weights else None)


def _in_order(function: Callable[[Data], _Moments], blocks: Iterable[Data], threads: int) -> Iterator[_Moments]:
    """The blocks' moments in the blocks' order, a few of them computed ahead."""
    if threads == 1:
        yield from map(function, blocks)
        return
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[_Moments]] = deque()
        for block in blocks:
            ahead.append(pool.submit(function, block))
            if len(ahead) > 2 * threads:
                yield ahead.popleft().result()
        yield from (moments.result() for moments in ahead)
