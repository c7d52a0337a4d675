"""When a run ends: by its losses at the record points, by hand and in whole trainings."""

import dataclasses

import numpy as np
import pytest

from descend.optimum import optimum
from descend.outcome import Outcome
from descend.plan import Plan, setting
from descend.training import Limits, train
from descend.training.stopping import Stopping


def judged(losses, limits, held_out=None, schedule="none", run=None):
    """The outcome of one run after these losses, epoch by epoch, and what judged it."""
    run = run or dataclasses.replace(setting("sgd", lr=1.0), schedule=schedule)
    held_out = [np.nan] * len(losses) if held_out is None else held_out
    weights, outcome = np.zeros((1, 1)), np.array([Outcome.RUNNING])
    first = np.array([losses[0]]), np.array([held_out[0]])
    guided = bool(np.isfinite(held_out[0]))
    stopping = Stopping(Plan((run,)), limits, guided, *first, weights, np.array([run.epochs_of_schedule(1)]))
    for epoch, (loss, held) in enumerate(zip(losses[1:], held_out[1:], strict=True), 1):
        stopping.judge(epoch, np.array([loss]), np.array([held]), weights, outcome, np.array([-1]))
    return Outcome(int(outcome[0])), stopping


def test_a_run_is_stopped_after_its_patience_without_improvement():
    outcome, stopping = judged([4.0, 2.0, 1.0, 1.0, 1.0, 1.0, 0.1], Limits(patience=3))

    assert outcome == Outcome.STOPPED
    assert (stopping.epochs[0], stopping.best.epoch[0]) == (5, 2)  # what follows an end is not judged


def test_an_improvement_below_the_tolerance_is_none_but_is_kept():
    outcome, stopping = judged([1.0, 0.9999, 0.9998, 0.9997], Limits(patience=3, tol=1e-3))

    assert outcome == Outcome.STOPPED
    assert stopping.best.epoch[0] == 3


def test_where_the_optimum_is_known_a_run_may_wait_twenty_times_as_long():
    limits = Limits(patience=1, optimum=0.0)

    assert judged([1.0, 0.5] + [0.5] * 19, limits)[0] == Outcome.RUNNING
    assert judged([1.0, 0.5] + [0.5] * 20, limits)[0] == Outcome.STOPPED


def test_the_held_out_loss_decides_where_it_guides():
    held_out = [3.0, 2.0, 2.5, 2.5]

    outcome, stopping = judged([4.0, 3.0, 2.0, 1.0], Limits(patience=2), held_out)

    assert outcome == Outcome.STOPPED
    assert stopping.best.epoch[0] == 1
    assert stopping.smoothed[0] == pytest.approx((3.0 + 2.5 + 2.5) / 3)  # means of the larger loss: 3, 2.75, 2.67


def test_a_run_at_its_aim_has_converged():
    assert judged([4.0, 1.0], Limits(aim=1.0))[0] == Outcome.CONVERGED


@pytest.mark.parametrize(
    ("last", "outcome"), [(3.9e4, Outcome.RUNNING), (4.1e4, Outcome.DIVERGED), (np.inf, Outcome.NONFINITE)]
)
def test_a_loss_far_above_the_start_has_diverged(last, outcome):
    assert judged([4.0, last], Limits())[0] == outcome


def test_a_start_far_below_the_best_constant_does_not_count_as_divergence():
    assert judged([1e-9, 2.0], Limits(reference=3.0))[0] == Outcome.RUNNING


def test_a_plateau_lowers_the_rate_after_half_the_patience_without_a_new_lowest_loss():
    losses = [4.0, 1.0, 1.1, 1.2, 1.1]

    rates = [judged(losses[:k], Limits(patience=6), schedule="plateau")[1].rate_part[0] for k in (3, 4, 5)]

    assert rates == [1.0, 1.0, 0.3]


def test_patience_counts_from_the_end_of_a_schedule():
    run = dataclasses.replace(setting("sgd", lr=1.0), factors=np.array([1.0, 0.8, 0.6, 0.4, 0.2]))

    outcome, stopping = judged([4.0, 1.0] + [1.0] * 8, Limits(patience=2), run=run)

    assert (outcome, stopping.epochs[0]) == (Outcome.STOPPED, 6)  # the rate changes until after epoch 4


def test_steady_progress_is_no_plateau_however_slow():
    losses = (1 - 1e-5 * np.arange(30)).tolist()

    outcome, stopping = judged(losses, Limits(patience=30), schedule="plateau")

    assert (outcome, stopping.rate_part[0]) == (Outcome.RUNNING, 1.0)


def test_a_plateau_is_stopped_where_its_rate_is_a_thousandth():
    """0.3 to the sixth is 7.3e-4: six cuts, and once more the wait."""
    outcome, stopping = judged([1.0] * 8, Limits(patience=2), schedule="plateau")

    assert (outcome, stopping.epochs[0]) == (Outcome.STOPPED, 7)
    assert stopping.rate_part[0] == pytest.approx(0.3**6)


def test_a_plateau_lowers_the_rate_until_it_no_longer_helps(small):
    """A rate too large for batches of one row stays above the optimum; lowered, it comes down."""
    problem = small("squared", rows=200, l2=0.01)
    base = setting("sgd", lr=0.1, batch_size=1)
    plan = Plan((base, dataclasses.replace(base, schedule="plateau")))

    fit = train(problem, plan, limits=Limits(epochs=2000, patience=5, tol=1e-4))
    best = optimum(problem).objective

    assert [o.word for o in fit.outcomes] == ["stopped", "stopped"]
    assert fit.epochs[1] > fit.epochs[0]
    assert fit.loss[1] - best < 0.1 * (fit.loss[0] - best)
    assert [s.lr for s in fit.plan.settings] == [0.1, 0.1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "rule", "lr"), [("squared", "sgd", 0.1), ("logistic", "sgd", 0.5), ("squared", "adam", 0.1)]
)
def test_a_plateau_cuts_the_rate_within_forty_epochs_where_the_optimum_is_known(small, name, rule, lr, dtype):
    problem = small(name, rows=200, l2=0.01, dtype=dtype)
    best, base = optimum(problem).objective, setting(rule, lr=lr, batch_size=1)
    plan = Plan((base, dataclasses.replace(base, schedule="plateau")))

    fit = train(problem, plan, limits=Limits(epochs=40, optimum=best))

    assert fit.trace.lr[1, -1] < 0.3 * lr
    assert fit.loss[1] - best < 0.2 * (fit.loss[0] - best)


@pytest.mark.parametrize(("grace", "others", "last"), [(2, 1.0, 3), (2, 2.0, 6), (8, 1.0, 8)])
def test_once_a_run_has_converged_the_others_get_so_many_times_its_epochs(grace, others, last):
    plan, outcome = Plan((setting("sgd", lr=1.0), setting("sgd", lr=0.5))), np.array([Outcome.RUNNING] * 2)
    limits = Limits(aim=0.5, patience=100, grace=grace, others=others)
    stopping = Stopping(plan, limits, False, np.full(2, 4.0), np.full(2, np.nan), np.zeros((2, 1)), np.zeros(2))
    ended = []
    for epoch in range(1, 10):
        loss = np.array([4.0 - epoch if epoch < 3 else 0.5, 3.9 - 0.1 * epoch])
        stopping.judge(epoch, loss, np.full(2, np.nan), np.zeros((2, 1)), outcome, np.full(2, -1))
        ended += [epoch] if outcome[1] != Outcome.RUNNING else []

    assert (outcome.tolist(), ended[0]) == ([Outcome.CONVERGED, Outcome.BUDGET], last)
