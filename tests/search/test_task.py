"""When the trainings of a search end, and whether validation rows decide that."""

import dataclasses

import numpy as np
import pytest
from tests.search.made import network_problem, options

from descend.optimum.landscape import Landscape
from descend.outcome import Outcome
from descend.plan import Plan, setting
from descend.search.task import MOST_EPOCHS, Task, limits_of, validation_decides
from descend.training.checkpoint import Checkpoints


def task_of(problem, quick=False, **given):
    return Task(problem, None, options(**given), Landscape.of(problem), lambda p: None, None, Checkpoints(), quick)


def test_limits_are_those_of_the_user_and_of_the_optimum(small):
    problem = small("squared", l2=0.01, rows=100)
    landscape = Landscape.of(problem)
    limits = limits_of(options(max_epochs=7, time_budget=3, tol=1e-3), landscape)
    assert (limits.epochs, limits.seconds) == (7, 3)
    assert limits.optimum == landscape.optimum.objective
    assert limits.aim == landscape.aim(1e-3)
    assert limits_of(options(), landscape).epochs == MOST_EPOCHS


def test_after_a_run_has_converged_others_get_so_much_work_and_no_more(small):
    task = task_of(small("squared", l2=0.01, rows=100))
    done = task.train(Plan((setting("sgd", lr=0.1, label="gd"),)), task.limits)
    assert done.outcomes == (Outcome.CONVERGED,)
    after = task.after_convergence(task.limits, done, runs=10)
    assert after.epochs <= task.limits.others * max(task.limits.grace, int(done.epochs[0]))
    running = dataclasses.replace(done, outcomes=(Outcome.BUDGET,))
    assert task.after_convergence(task.limits, running, runs=10) == task.limits


def test_runs_that_nobody_sees_get_less(small):
    problem = small("squared", l2=0.01, rows=100)
    shown, quick = task_of(problem), task_of(problem, quick=True)
    done = shown.train(Plan((setting("sgd", lr=0.1, label="gd"),)), shown.limits)
    assert (
        quick.after_convergence(quick.limits, done, 10).epochs < shown.after_convergence(shown.limits, done, 10).epochs
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, False), ({"patience": 3}, True), ({"validation": 0.0}, False), ({"validation": 0.2}, True)],
    ids=["nothing", "patience", "no rows", "rows"],
)
def test_validation_rows_decide_where_the_user_asked_for_them(small, given, expected):
    assert validation_decides(Landscape.of(small("squared", l2=0.01)), options(**given)) is expected


def test_validation_rows_decide_where_the_optimum_is_unknown():
    problem = network_problem()
    assert validation_decides(Landscape.of(problem, np.zeros(problem.params)), options())
