"""full_pass: losses and gradients of a linear model on all rows, by compiled sums over blocks of rows, on threads.

Rows are summed in the dtype of the problem within a block of 4,096, and blocks in float64, in their order: threads
change no bits.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np

from descend.arrays import Array
from descend.engines.contract import Measure
from descend.engines.dispatch import has_several, held_examples, loss_settings_of, parts_of
from descend.engines.kernels.loops import BLOCK, compile_block_losses, compile_block_sums, compile_row_squares
from descend.engines.kernels.records import readonly
from descend.problem import Problem, penalty
from descend.sparse import is_sparse
from descend.table.scaled_rows import ScaledRows

BlockPass = Callable[[Array, Array, int, int], None]
LARGE_CELLS = 1 << 20  # of features, from which a compiled pass is faster than NumPy by more than it costs to compile


def measures(problem: Problem) -> bool:
    """Tell whether `full_objectives` is made for a problem: one output, and many dense rows."""
    data, one = problem.data, problem.outputs == 1 and problem.loss.outputs == "one"
    return problem.network is None and one and not is_sparse(data.X) and data.cells >= LARGE_CELLS


def full_objectives(problem: Problem, threads: int = 1) -> Measure:
    """Return a function of weights (runs, params): mean loss plus penalty, float64 (runs,)."""

    def objectives(weights: Array) -> Array:
        (losses, totals), means = block_losses(problem), []
        for w in np.ascontiguousarray(weights, problem.dtype):
            fill(problem, LOSSES, w, totals, partial(on_threads, partial(losses, w, totals), threads))
            means.append(totals.sum() / problem.data.rows)
        return np.asarray(np.array(means) + penalty(problem, weights))

    return objectives


def full_gradient(problem: Problem, threads: int = 1) -> Callable[[Array], Array]:
    """Return a function of weights (params,): the gradient (params,) of mean loss plus quadratic penalty, float64.

    Weights are rounded to the dtype of the problem.
    """
    rows, (sums, blocks) = problem.data.rows, block_sums(problem)

    def gradient(weights: Array) -> Array:
        w = np.ascontiguousarray(weights, problem.dtype)
        fill(problem, GRADIENTS, w, blocks, partial(on_threads, partial(sums, w, blocks), threads))
        total = np.add.reduce(blocks, axis=0, dtype=np.float64)
        return np.asarray(total / rows + problem.l2 * problem.penalised * w.astype(np.float64))

    return gradient


def row_squares(X: ScaledRows, threads: int = 1) -> Array:
    """Return the sum of squares of each row (rows,), float64, of features whose source a loop may read."""
    totals, squares = np.empty(X.shape[0]), compile_row_squares(X.dtype)
    with np.errstate(over="ignore"):
        inverse = 1 / X.width
    on_threads(partial(squares, readonly(X.source), X.center, inverse, totals), threads, 0, len(totals))
    return totals


def block_losses(problem: Problem) -> tuple[BlockPass, Array]:
    """Return what puts the sums of losses at weights (params,) into some of the blocks, and room for all (blocks,)."""
    losses = compile_block_losses(problem.loss, problem.dtype)
    return partial(losses, held_examples(problem), loss_settings_of(problem)), np.empty(-(-problem.data.rows // BLOCK))


def block_sums(problem: Problem) -> tuple[BlockPass, Array]:
    """Return what puts the sums of gradients at weights (params,) into some of the blocks, and room for all blocks.

    Its arguments are the weights, the blocks (blocks, params), the first block, and the last, excluded.
    """
    sums = compile_block_sums(problem.loss, problem.dtype, has_several(problem), is_sparse(problem.data.X))
    blocks = np.empty((-(-problem.data.rows // BLOCK), problem.params), problem.dtype)
    return partial(sums, held_examples(problem), loss_settings_of(problem), np.empty(0, np.int64)), blocks


def batch_gradient(problem: Problem, threads: int = 1) -> Callable[[Array, Array], Array]:
    """Return a function of weights (params,) and rows, int64 (batch,), among those held: the sum of their gradients (params,)."""
    sums = compile_block_sums(problem.loss, problem.dtype, has_several(problem), is_sparse(problem.data.X))
    examples, settings = held_examples(problem), loss_settings_of(problem)

    def gradient(weights: Array, rows: Array) -> Array:
        blocks = np.empty((-(-len(rows) // BLOCK), problem.params), problem.dtype)
        job = partial(sums, examples, settings, rows, weights, blocks)
        job(0, len(blocks)) if threads == 1 or len(blocks) == 1 else on_threads(job, threads, 0, len(blocks))
        return np.asarray(np.add.reduce(blocks, axis=0))

    return gradient


PASSES = (block_losses, block_sums)
LOSSES, GRADIENTS = range(len(PASSES))


def fill(problem: Problem, kind: int, weights: Array, blocks: Array, own: Callable[[int, int], None]) -> None:
    """Fill the blocks of a pass, in this process or together with others; the bits are the same. See `Team.fill`."""
    team = problem.data.team
    if team is not None and team.fill(kind, weights, blocks, own):
        return
    if problem.data.in_parts:  # after Ctrl-C the others are gone, and this process reads what they held
        job, _ = PASSES[kind](replace(problem, data=replace(problem.data)))
        own = partial(job, weights, blocks)
    own(0, len(blocks))


def on_threads(job: Callable[[int, int], None], threads: int, first: int, last: int) -> None:
    """Do a job from a first block to a last, excluded, cut into a part a thread."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda part: job(first + part[0], first + part[1]), parts_of(last - first, threads)))
