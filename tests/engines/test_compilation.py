"""Seconds of compilation, by a clock of the test's own."""

from itertools import count

from numba import njit
from numba.core.event import end_event, start_event

from descend.engines.compilation import compilation


def test_one_compilation_within_another_counts_once():
    now = iter([10.0, 13.0, 20.0, 20.5])
    with compilation(lambda: next(now)) as compiled:
        start_event("numba:compile")
        start_event("numba:compile")
        end_event("numba:compile")
        end_event("numba:compile")
        assert compiled.seconds == 3.0
        start_event("numba:compile")
        end_event("numba:compile")

    assert compiled.seconds == 3.5


def test_only_what_numba_compiles_in_the_block_counts():
    ticks = count()
    double, triple = njit(lambda x: 2 * x), njit(lambda x: 3 * x)
    double(1)
    with compilation(lambda: float(next(ticks))) as compiled:
        double(2)
        assert compiled.seconds == 0.0
        triple(2)
    double(1.5)

    assert compiled.seconds == 1.0  # one tick between beginning and end
