"""passes: what rank 0 announces and each rank takes a part of: passes over blocks of rows, batches of rows, and runs.

Rank 0 gets the sums of every block and adds them up as one process does, so the bits are those of one process. By batches all
ranks take the same steps: each gets a sum from every other, and adds them in the order of the ranks.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from descend.arrays import Array, packed, unpacked
from descend.cluster.group import HEAD, PASS, Group
from descend.engines.full_pass import PASSES, on_threads
from descend.engines.shared_runs import serve as serve_runs
from descend.plan.rule import Rule
from descend.problem import Problem
from descend.table.data import Add, Data
from descend.table.moments import share_of
from descend.table.streamed.rows import Parts, Product, ScaledStream, own_products, products_of

TRAIN, TEST, FITTED = range(
    3
)  # places of rows: of training, of test, and those of training that are no validation rows
IN_STEP, RUNS, PRODUCTS = range(len(PASSES), len(PASSES) + 3)  # what is announced, beside the passes


@dataclass(frozen=True, eq=False)
class SharedPasses:
    """The other ranks, as rank 0 sees them, for the rows at a place among those that all ranks hold; see `table.data.Team`.

    Args:
        group: the ranks.
        place: of the rows in the problems that `Served` is given.
        room: weights of the model.
        sample: how many of these rows are drawn, and the seed; (0, 0) for all of them.
    """

    group: Group
    place: int
    room: int = 0
    sample: tuple[int, int] = (0, 0)

    @property
    def size(self) -> int:
        """How many processes there are."""
        return self.group.world

    def fill(self, kind: int, weights: Array, blocks: Array, own: Callable[[int, int], None]) -> bool:
        """Fill the blocks of a pass, unless the others do not wait for it, or no more, or the rows are a sample."""
        if self.sample != (0, 0) or not self.group.serving.is_set():
            return False
        with self._announced((kind,), weights):
            _exchange(self.group, blocks, own)
        return True

    @contextmanager
    def in_step(self, told: bytes) -> Iterator[Add | None]:
        """Have all ranks take the steps of some runs."""
        if not self.group.serving.is_set():
            yield None
            return
        with self._announced((IN_STEP,), np.zeros(self.room)):
            self.group.broadcast_bytes(told, 0)
            yield partial(_added, self.group)

    def share(self, told: bytes, costs: list[float], own: Callable[[list[int]], bytes]) -> list[bytes] | None:
        """Have jobs done by all ranks."""
        if not self.group.serving.is_set():
            return None
        with self._announced((RUNS,), np.zeros(self.room)):
            self.group.broadcast_bytes(told, 0)
            jobs = assigned(costs, self.group.world)
            self.group.broadcast_bytes(json.dumps(jobs).encode(), 0)
            return [own(jobs[0]), *(self.group.broadcast_bytes(b"", rank) for rank in range(1, self.group.world))]

    def products(self, streams: Sequence[ScaledStream], parts: Parts) -> Iterator[Product]:
        """Yield the products of rows of which each rank reads a part, see `table.streamed.rows.products`.

        Args:
            streams: the rows at each place.
            parts: some of them, and the weights of each.
        """
        if not self.group.serving.is_set():
            yield from products_of([X.rows for X, _ in parts], parts)
            return
        places = [next(k for k, stream in enumerate(streams) if stream is X) for X, _ in parts]
        with self._announced((PRODUCTS,), np.zeros(self.room)):
            self.group.broadcast_bytes(packed({str(k): W for k, (_, W) in zip(places, parts, strict=True)}), 0)
            found = list(own_products(parts))
            for rank in range(1, self.group.world):
                theirs = _unpacked_products(self.group.broadcast_bytes(b"", rank))
                found += [(places.index(place), rows, values) for place, rows, values in theirs]
        yield from found

    def of_sample(self, rows: int, seed: int) -> "SharedPasses":
        """Return the ranks for rows that are drawn of these."""
        return replace(self, sample=(rows, seed))

    def of_fitted(self) -> "SharedPasses":
        """Return the ranks for those of these rows that are no validation rows."""
        return replace(self, place=FITTED)

    @contextmanager
    def _announced(self, about: tuple[int, ...], weights: Array) -> Iterator[None]:
        """Announce what all are to take a part of; when that is cut short, nothing is shared any more."""
        with self.group.lock:
            try:
                self.group.tell((PASS, self.place, *self.sample, *about), weights)
                yield
            except (
                BaseException
            ):  # Ctrl-C in the middle of it: the best so far is measured and saved without the others
                self.group.serving.clear()
                raise


def assigned(costs: list[float], world: int) -> list[list[int]]:
    """Return the jobs of each rank: the most costly first, each to the rank that has least to do.

    >>> assigned([1.0, 5.0, 2.0, 2.0], 2)
    [[1], [2, 3, 0]]
    """
    jobs: list[list[int]] = [[] for _ in range(world)]
    loads = [0.0] * world
    for job in sorted(range(len(costs)), key=lambda k: -costs[k]):
        least = loads.index(min(loads))
        jobs[least].append(job)
        loads[least] += costs[job]
    return jobs


class Served:
    """What takes another rank's part of what rank 0 has announced.

    Args:
        group: the ranks.
        problem_of: returns the problem of the rows at a place.
        threads: threads at most; they do not change the bits.
        rules: those that are none of descend's, by their names.
    """

    def __init__(
        self, group: Group, problem_of: Callable[[int], Problem], threads: int, rules: Mapping[str, Rule] | None = None
    ) -> None:  # fmt: skip
        self._group, self._threads, self._rules, self._problem_of = group, threads, rules or {}, problem_of
        self._problem = cache(self._drawn)
        self._pass = cache(lambda problem, kind: PASSES[kind](problem))

    @property
    def room(self) -> int:
        """Weights of the model."""
        return self._problem(TRAIN, 0, 0).params

    def __call__(self, told: Array) -> None:
        """Take this rank's part."""
        place, rows, seed, kind = told[1:5].tolist()
        problem = self._problem(place, rows, seed)
        if kind == RUNS:
            self._train(problem)
        elif kind == IN_STEP:
            self._step(problem)
        elif kind == PRODUCTS:
            self._multiply()
        else:
            weights = told[HEAD:].view(np.float64).astype(problem.dtype)
            job, blocks = self._pass(problem, kind)
            own = partial(on_threads, partial(job, weights, blocks), self._threads)
            _exchange(self._group, blocks, own, problem.data.in_parts)

    def _train(self, problem: Problem) -> None:
        """Train the runs that fall to this rank, and tell what became of each rank's."""
        from descend.engines import linear, network  # Numba is loaded when the first training begins

        trainers = {module.__name__: module.train_parts for module in (linear, network)}
        told = self._group.broadcast_bytes(b"", 0)
        jobs = json.loads(self._group.broadcast_bytes(b"", 0))[self._group.rank]
        moved = serve_runs(told, jobs, problem, self._threads, trainers, self._rules)
        for rank in range(1, self._group.world):
            self._group.broadcast_bytes(moved, rank)

    def _step(self, problem: Problem) -> None:
        """Take the steps of some runs, which rank 0 takes too."""
        from descend.engines import linear

        steps = partial(linear.train_in_step, partial(_added, self._group))
        told = self._group.broadcast_bytes(b"", 0)
        serve_runs(told, None, problem, self._threads, {linear.__name__: steps}, self._rules)

    def _multiply(self) -> None:
        """Multiply the rows of this rank with weights, by their places, and tell all products."""
        weights, _ = unpacked(self._group.broadcast_bytes(b"", 0))
        places = sorted(map(int, weights))
        parts = [(self._problem(place, 0, 0).data.X, weights[str(place)]) for place in places]
        own = [(places[k], rows, values) for k, rows, values in own_products(parts)]
        for rank in range(1, self._group.world):
            self._group.broadcast_bytes(_packed_products(own), rank)

    def _drawn(self, place: int, rows: int, seed: int) -> Problem:
        """The problem of so many rows that are drawn of those at a place; of all of them where that is 0."""
        problem = self._problem_of(place)
        return replace(problem, data=problem.data.drawn(rows, seed)) if rows else problem


def _added(group: Group, data: Data, weights: Array, rows: Array, own: Callable[[Array], Array]) -> Array:
    """The sum over a batch of rows, see `table.data.Add`: of its part, or of those that this rank holds."""
    if data.in_parts:
        held = rows - data.first
        mine = held[(held >= 0) & (held < data.held.rows)]
    else:
        share = share_of(len(rows), group.rank, group.world)
        mine = rows[share.start : share.stop]
    return np.asarray(np.add.reduce(group.exchange(weights, lambda: own(mine)), axis=0))


def _packed_products(products: Iterable[Product]) -> bytes:
    """Products as bytes, each with its place and its rows."""
    found = list(products)
    about = [(place, rows.start, rows.stop) for place, rows, _ in found]
    return packed({str(k): values for k, (_, _, values) in enumerate(found)}, about)


def _unpacked_products(data: bytes) -> list[Product]:
    arrays, about = unpacked(data)
    return [(place, slice(lo, hi), arrays[str(k)]) for k, (place, lo, hi) in enumerate(about)]


def _exchange(group: Group, blocks: Array, own: Callable[[int, int], None], in_parts: bool = False) -> None:
    """Fill the blocks of this rank, and, on rank 0, those of the others.

    Args:
        own: fills some blocks of those that this rank holds.
        in_parts: whether it holds its own alone, which on rank 0 are the first ones anyway.
    """
    parts = [share_of(len(blocks), rank, group.world) for rank in range(group.world)]
    mine = parts[group.rank]
    first = 0 if in_parts else mine.start
    own(first, first + len(mine))
    padded = np.zeros(
        (len(parts[0]), *blocks.shape[1:]), blocks.dtype
    )  # all send as many as rank 0 has, which has the most
    padded[: len(mine)] = blocks[first : first + len(mine)]
    for theirs, found in list(zip(parts, group.collect(padded), strict=False))[1:]:
        blocks[theirs.start : theirs.stop] = found[: len(theirs)]
