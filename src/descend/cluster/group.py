"""group: the processes of one training, and what they tell each other, each time within a time limit.

There are three operations: a broadcast from one rank to all others, and what is made of it, so that whatever all ranks receive
has the same bits; a collection on rank 0, which adds in the order of the ranks; and an exchange, after which all can add so.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import ClusterError

LIMIT = (
    60.0  # seconds that a rank waits for another: torch's own limit of 30 minutes hides that one is lost (arbitrary)
)
SIGNS = 4  # signs of life within a time limit: one may be late
AT_WORK, PASS, DONE, FAILED = range(4)  # what rank 0 tells those that wait for it
HEAD = (
    8  # numbers before the weights of what rank 0 tells: what it is, and about it; a message has always the same length
)


@dataclass(frozen=True, eq=False)
class Group:
    """The processes of one training, as one of them sees it.

    Args:
        rank: the number of this process, from 0.
        world: the number of processes.
        limit: seconds that each exchange may take.
        handle: torch's process group.
    """

    rank: int
    world: int
    limit: float
    handle: Any
    serving: threading.Event = field(default_factory=threading.Event)  # while the others wait for rank 0
    lock: threading.Lock = field(
        default_factory=threading.Lock
    )  # held from what rank 0 tells to the end of what follows

    def broadcast(self, values: Array, root: int) -> Array:
        """Return the values of rank `root`, on all ranks; of the others shape and dtype are taken.

        Raises ClusterError when a rank is lost, or silent for longer than the time limit.
        """
        from torch import distributed, from_numpy

        buffer = np.array(values)
        with _lost_ranks(self.rank, self.world, self.limit):
            distributed.broadcast(from_numpy(buffer), root, group=self.handle)
        return buffer

    def broadcast_bytes(self, data: bytes, root: int) -> bytes:
        """Return the bytes of rank `root`, on all ranks; what the others give does not count."""
        size = int(self.broadcast(np.array([len(data)]), root)[0])
        own = np.frombuffer(data, np.uint8) if self.rank == root else np.zeros(size, np.uint8)
        return self.broadcast(own, root).tobytes()

    def collect(self, values: Array) -> list[Array]:
        """Return, on rank 0, the values of all ranks, which have one shape and dtype; on the others nothing.

        Raises ClusterError as `broadcast` does.
        """
        from torch import distributed, from_numpy

        places = [np.empty_like(values) for _ in range(0 if self.rank else self.world)]
        with _lost_ranks(self.rank, self.world, self.limit):
            own = from_numpy(np.ascontiguousarray(values))
            distributed.gather(own, [from_numpy(p) for p in places] or None, 0, group=self.handle)
        return places

    def exchange(self, like: Array, own: Callable[[], Array]) -> Array:
        """Return what every rank computes (ranks, ...), on all ranks: few numbers of one shape and dtype.

        Args:
            like: of that shape and dtype.
            own: computes this rank's.

        Each rank sends to each other at once, which takes two of them a third of the time of torch's all_gather (210 against 650
        microseconds for 204 bytes on two busy cores). Room for what they send is announced before the work: gloo's thread spins
        while a message waits for room. Raises ClusterError as `broadcast` does.
        """
        from torch import distributed, from_numpy

        found = np.empty((self.world, *like.shape), like.dtype)
        others = [rank for rank in range(self.world) if rank != self.rank]
        with _lost_ranks(self.rank, self.world, self.limit):
            coming = [distributed.irecv(from_numpy(found[rank]), rank, group=self.handle) for rank in others]
        found[self.rank] = own()
        with _lost_ranks(self.rank, self.world, self.limit):
            going = [distributed.isend(from_numpy(found[self.rank]), rank, group=self.handle) for rank in others]
            for message in (*coming, *going):
                message.wait()
        return found

    def tell(self, numbers: tuple[int, ...], weights: Array | None = None, room: int = 0) -> Array:
        """Tell all others, from rank 0, what they are to do, or hear it there: the numbers (HEAD,), then the weights.

        Args:
            numbers: what is told, and about it.
            weights: that go with it (room,); what rank 0 tells is heard by ranks that know how many weights there may be.
            room: how many, where none go with it.
        """
        message = np.zeros(HEAD + (room if weights is None else weights.size), np.int64)
        message[: len(numbers)] = numbers
        if weights is not None:
            message[HEAD:] = weights.astype(np.float64).view(np.int64)
        return self.broadcast(message, 0)

    def gather(self, data: bytes) -> list[bytes]:
        """Return the bytes of every rank, in their order, on all ranks."""
        return [self.broadcast_bytes(data, root) for root in range(self.world)]

    @contextmanager
    def at_work(self, room: int = 0) -> Iterator[None]:
        """Tell the others, while rank 0 works alone, that it does, and at the end how it ended.

        Args:
            room: weights of the model.

        Raises ClusterError at the end when another rank was lost meanwhile.
        """
        ended, lost = threading.Event(), list[ClusterError]()

        def give_signs() -> None:
            try:
                while not ended.wait(self.limit / SIGNS):
                    with self.lock:
                        if self.serving.is_set():
                            self.tell((AT_WORK,), room=room)
            except ClusterError as error:
                lost.append(error)

        thread = threading.Thread(target=give_signs, daemon=True)
        self.serving.set()
        thread.start()
        try:
            yield
        except BaseException as error:
            self.serving.clear()
            ended.set()
            thread.join()
            with suppress(ClusterError):  # the error that ended the work is the one to tell
                self.tell((FAILED,), room=room)
                self.broadcast_bytes(f"{type(error).__name__}: {error}".encode(), 0)
            raise
        ended.set()
        if not self.serving.is_set():  # a pass was cut short, and what is told now would be taken for a part of it
            raise ClusterError(
                f"rank 0 of {self.world} was interrupted in a pass that it shared",
                fix="start all again",
                code="rank-lost",
            )
        self.serving.clear()
        thread.join()
        if lost:
            raise lost[0]
        self.tell((DONE,), room=room)

    def wait(self, serve: Callable[[Array], None] = lambda told: None, room: int = 0) -> None:
        """Wait, on another rank, until rank 0 has done its work; raises ClusterError when it fails or falls silent.

        Args:
            serve: takes this rank's part of what rank 0 has announced, see `tell`.
            room: weights of the model.
        """
        while (told := self.tell((), room=room))[0] in (AT_WORK, PASS):
            if told[0] == PASS:
                serve(told)
        if told[0] == FAILED:
            what = self.broadcast_bytes(b"", 0).decode()
            raise ClusterError(f"rank 0 of {self.world} ended with {what}", fix="see what it says", code="rank-failed")


def rank_here() -> int:
    """Return the number of this process among those of torch's process group; 0 where there is none."""
    return int(torch.get_rank()) if (torch := _initialized()) else 0


@contextmanager
def joined(limit: float = LIMIT) -> Iterator[Group | None]:
    """Yield the group of this process, or None where it is alone: torch's process group, with a time limit of its own.

    Args:
        limit: seconds that each exchange may take.
    """
    distributed = _initialized()
    world = int(distributed.get_world_size()) if distributed else 1
    if not distributed or world == 1:
        yield None
        return
    rank = int(distributed.get_rank())
    with _lost_ranks(rank, world, limit):
        handle = distributed.new_group(backend="gloo", timeout=timedelta(seconds=limit))
    try:
        yield Group(rank, world, limit, handle)
    finally:
        distributed.destroy_process_group(handle)


@contextmanager
def started(rank: int, world: int, limit: float = LIMIT, attempt: str = "0") -> Iterator[None]:
    """Connect the processes that torchrun started, by gloo, while the context lasts.

    Args:
        rank, world: of this process, and how many there are.
        limit: seconds that it may take.
        attempt: which start this is; after a restart torchrun's store still holds the addresses of those that have ended
            (torch 2.13, pytorch issue 135712), so each attempt has keys of its own.
    """
    from torch import distributed

    seconds = timedelta(seconds=limit)
    with _lost_ranks(rank, world, limit):
        shared = next(distributed.rendezvous("env://", rank, world, timeout=seconds))[0]
        store = distributed.PrefixStore(f"attempt {attempt}", shared)
        distributed.init_process_group("gloo", store=store, rank=rank, world_size=world, timeout=seconds)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def _initialized() -> Any:
    """torch.distributed where a process group has been made, which is never without torch being imported; else None."""
    distributed = sys.modules.get("torch.distributed")
    return distributed if distributed and distributed.is_available() and distributed.is_initialized() else None


@contextmanager
def _lost_ranks(rank: int, world: int, limit: float) -> Iterator[None]:
    """Say in one sentence what torch says of a rank that does not answer."""
    try:
        yield
    except RuntimeError as error:
        said = str(error).lower()
        if ("timed out" in said or "timeout" in said) and "refused" not in said:
            raise ClusterError(
                f"rank {rank} of {world} has waited {limit:g} s for another rank, which did not answer",
                fix="see which rank ended or hangs, or raise --rank-timeout for a slow one", code="rank-silent",
            ) from error  # fmt: skip
        raise ClusterError(
            f"rank {rank} of {world} has lost the connection to another rank",
            fix="see the error of the rank that ended first, and start all again", code="rank-lost",
        ) from error  # fmt: skip
