"""A group exchanges values, tells whether rank 0 is at work, and ends with one sentence when a rank is lost."""

import numpy as np
import pytest

from descend.cluster.group import joined, rank_here
from descend.errors import ClusterError


def test_a_process_alone_has_no_group():
    with joined() as group:
        assert group is None
    assert rank_here() == 0


def test_all_ranks_gather_the_same_in_their_order(in_threads):
    said = [b"", b"one", "zwölf".encode()]
    assert in_threads(3, lambda group: group.gather(said[group.rank])) == [said] * 3


def test_what_rank_0_sends_arrives(in_threads):
    def exchanged(group):
        return group.broadcast(np.array([np.nan, -0.0, group.rank]), root=1).tobytes()

    assert in_threads(2, exchanged) == [np.array([np.nan, -0.0, 1]).tobytes()] * 2


def work(group, job):
    """Rank 0 does a job, and the others wait for it."""
    if group.rank:
        return group.wait()
    with group.at_work():
        return job()


def test_the_others_wait_until_rank_0_is_done(in_threads):
    assert in_threads(2, lambda group: work(group, lambda: "done"), limit=0.01) == ["done", None]


def test_the_others_learn_that_rank_0_failed(in_threads):
    def fail():
        raise ValueError("a bad day")

    mine, theirs = in_threads(2, lambda group: work(group, fail))
    assert str(mine) == "a bad day"
    assert str(theirs) == "rank 0 of 2 ended with ValueError: a bad day; see what it says"
    assert (theirs.code, theirs.exit_code) == ("rank-failed", 7)


LOSE = """
with joined(LIMIT) as group:
    if rank == LOST:
        HOW
    try:
        AWAIT
    except ds.DescendError as error:
        print(error, flush=True)
        os._exit(error.exit_code)
"""


def lose(lost, how, await_, limit=30):
    text = LOSE.replace("LIMIT", str(limit)).replace("LOST", str(lost)).replace("HOW", how)
    return text.replace("AWAIT", await_)


LOST = "rank 0 of 2 has lost the connection to another rank; see the error of the rank that ended first, and start all again\n"
EXCHANGE = "group.exchange(np.zeros(2), lambda: np.full(2, rank)).tolist()"


def test_all_ranks_get_what_each_computes(in_threads):
    found = in_threads(3, lambda group: group.exchange(np.zeros(2), lambda: np.array([group.rank, 7.0])).tolist())
    assert found == [[[0.0, 7.0], [1.0, 7.0], [2.0, 7.0]]] * 3


def test_a_rank_that_dies_after_an_exchange_ends_the_other_with_one_sentence(in_processes):
    exchanged = f"print({EXCHANGE}, flush=True)"
    script = lose(1, f"{exchanged}; os._exit(3)", f"{exchanged}; group.gather(b'')")
    (code, said, _), (died, heard, _) = in_processes(2, script)
    assert (code, died) == (7, 3)
    assert heard == "[[0.0, 0.0], [1.0, 1.0]]\n"
    assert said == heard + LOST


@pytest.mark.slow
def test_a_rank_that_dies_in_an_exchange_ends_the_other_with_one_sentence(in_processes):
    (code, said, _), (died, _, _) = in_processes(2, lose(1, "os._exit(3)", EXCHANGE))
    assert (code, died, said) == (7, 3, LOST)


@pytest.mark.slow
@pytest.mark.parametrize("awaited", ["group.gather(b'')", EXCHANGE], ids=["gather", "exchange"])
def test_a_rank_that_is_silent_ends_the_other_after_the_time_limit(in_processes, awaited):
    stop = "os.kill(os.getpid(), signal.SIGSTOP)"
    outcomes = in_processes(2, lose(1, stop, awaited, limit=2), ends=(1,))
    assert outcomes[0][:2] == (
        7,
        "rank 0 of 2 has waited 2 s for another rank, which did not answer; see which rank ended or hangs, or raise "
        "--rank-timeout for a slow one\n",
    )


@pytest.mark.slow
@pytest.mark.parametrize("how", ["os._exit(3)", "os.kill(os.getpid(), signal.SIGKILL)"], ids=["exits", "is killed"])
def test_those_that_wait_end_when_rank_0_dies(in_processes, how):
    outcomes = in_processes(3, lose(0, how, "group.wait()", limit=10))
    assert [code for code, _, _ in outcomes[1:]] == [7, 7]
    assert [said.count("\n") for _, said, _ in outcomes[1:]] == [1, 1]


@pytest.mark.slow
def test_rank_0_learns_at_the_end_that_another_died_while_it_worked(in_processes):
    script = """
from threading import Event
with joined(4) as group:
    if rank == 1:
        os._exit(3)
    try:
        with group.at_work():
            Event().wait(3)
    except ds.DescendError as error:
        os._exit(error.exit_code)
"""
    assert [code for code, _, _ in in_processes(2, script)] == [7, 3]


def test_the_error_is_one_of_ours():
    assert issubclass(ClusterError, ValueError)
