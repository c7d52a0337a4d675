"""Training ends for a reason, keeps the best weights that were measured, and says what it measured."""

import dataclasses
import itertools
import time

import numpy as np
import pytest

from descend import optimum as exact
from descend.losses import loss
from descend.outcome import Outcome
from descend.plan import FULL, Plan, setting
from descend.problem import Problem, mean_losses, objectives
from descend.table.data import Data
from descend.training import Limits, train
from descend.training import loop as fit


def line():
    """y = 0.1 x + 0.3 on x = 0..99: curvature 6568, limit 3.045e-4."""
    x = np.arange(100.0)
    return Problem(Data(x[:, None], 0.1 * x + 0.3), loss("squared"))


def one_weight():
    """f(w) = (w - 1)^2 from w = 0."""
    return Problem(Data(np.ones((1, 1)), np.ones(1)), loss("squared"), intercept=False)


def test_case_c02_a_rate_above_the_limit_ends_as_an_outcome_with_its_step():
    done = train(line(), Plan((setting("sgd", lr=0.5), setting("sgd", lr=3e-4))), limits=Limits(epochs=200))
    assert done.outcomes[0] in (Outcome.DIVERGED, Outcome.NONFINITE)
    assert 1 <= done.steps[0] < 200
    assert done.outcomes[1] not in (Outcome.DIVERGED, Outcome.NONFINITE)
    assert np.isfinite(done.weights).all()


def test_a_run_just_above_the_limit_never_counts_as_converged():
    done = train(
        line(), Plan((setting("sgd", lr=3.06e-4),)), limits=Limits(epochs=100_000, aim=1e-9, optimum=0.0, early=False)
    )
    assert done.outcomes[0] in (Outcome.DIVERGED, Outcome.STOPPED)
    assert done.loss[0] > 1e-9


@pytest.mark.parametrize(
    ("lr", "weights", "kept", "epoch"),
    [(0.6, [0, 1.2, 0.96, 1.008, 0.9984], 0.9984, 4), (1.1, [0, 2.2, -0.44, 2.728, -1.0736], 0.0, 0)],
)
def test_case_c19_the_reported_loss_is_that_of_the_weights_that_are_kept(lr, weights, kept, epoch):
    done = train(one_weight(), Plan((setting("sgd", lr=lr),)), limits=Limits(epochs=4))
    np.testing.assert_allclose(done.trace.weights[0, :, 0], weights, atol=1e-12)
    np.testing.assert_allclose(done.trace.loss[0], np.square(np.array(weights) - 1), atol=1e-12)
    assert done.weights[0, 0] == pytest.approx(kept)
    assert done.epoch[0] == epoch
    assert done.loss[0] == pytest.approx((kept - 1) ** 2)


def overfitting():
    """Few rows and many columns of noise: the held-out loss falls and rises again."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 30))
    y = X[:, 0] + rng.standard_normal(60)
    return Problem(Data(X[:35], y[:35]), loss("squared")), Data(X[35:], y[35:])


def test_early_stopping_keeps_the_weights_of_the_lowest_held_out_loss():
    problem, held_out = overfitting()
    done = train(problem, Plan((setting("sgd", lr=0.02),)), held_out, Limits(epochs=5000))
    assert done.outcomes[0] == Outcome.STOPPED
    assert done.held_out[0] == pytest.approx(np.nanmin(done.trace.held_out[0]))
    assert done.held_out[0] < done.trace.until(0, int(done.epochs[0])).held_out[0, -1]
    assert done.epoch[0] < done.epochs[0]


def towards(problem, **given):
    """Limits of a training whose optimum is known, to a ten-thousandth of it."""
    objective = float(exact.optimum(problem).objective)
    return Limits(optimum=objective, aim=1.0001 * objective, **given)


def test_early_stopping_leaves_the_optimum_for_weights_that_are_clearly_better_on_held_out_rows():
    problem, held_out = overfitting()
    limits = towards(problem, epochs=5000, patience=5000)

    done = train(problem, Plan((setting("nesterov", lr=0.05),)), held_out, limits)

    assert done.loss[0] > limits.aim
    assert done.held_out[0] == pytest.approx(np.nanmin(done.trace.held_out[0]))
    assert (done.outcomes[0], done.epoch[0] < done.epochs[0]) == (Outcome.STOPPED, True)


@pytest.mark.parametrize(("seed", "outcome"), [(1, Outcome.STOPPED), (9, Outcome.CONVERGED)])
def test_a_lucky_epoch_of_a_noisy_run_is_not_kept_where_the_run_comes_to_the_optimum(small, seed, outcome):
    problem, held_out = small("squared", rows=300), small("squared", rows=80, seed=seed).data
    run = dataclasses.replace(setting("sgd", lr=0.1, batch_size=2), schedule="plateau")

    done = train(problem, Plan((run,)), held_out, towards(problem, epochs=400, patience=3))

    assert np.nanmin(done.trace.held_out[0]) < done.held_out[0]
    assert done.loss[0] == pytest.approx(done.trace.loss[0].min())
    assert done.outcomes[0] == outcome


def test_with_early_stopping_off_the_training_objective_decides():
    problem, held_out = overfitting()
    best = np.linalg.lstsq(np.c_[problem.data.X, np.ones(35)], problem.data.y, rcond=None)[0]
    optimum = float(objectives(problem, best[None])[0])
    limits = Limits(epochs=100_000, optimum=optimum, aim=optimum * 1.001, early=False)
    done = train(problem, Plan((setting("nesterov", lr=0.05),)), held_out, limits)
    assert done.outcomes[0] == Outcome.CONVERGED
    assert done.loss[0] <= optimum * 1.001


def test_what_is_reported_is_a_fresh_evaluation(small):
    problem = small("logistic", l2=0.1)
    held_out = small("logistic", seed=5).data
    plan = Plan(tuple(setting(rule, lr=0.05, batch_size=b) for rule in ("sgd", "adam") for b in (0, 1, 7)))
    done = train(problem, plan, held_out, Limits(epochs=40))
    np.testing.assert_array_equal(done.loss, objectives(problem, done.weights))
    np.testing.assert_array_equal(done.held_out, mean_losses(problem, done.weights, held_out))


def test_no_epochs_return_the_start(small):
    problem = small("squared")
    done = train(problem, Plan((setting("sgd", lr=0.1),), start=np.arange(4.0)), limits=Limits(epochs=0))
    assert done.weights.tolist() == [[0.0, 1.0, 2.0, 3.0]]
    assert done.trace.epochs.tolist() == [[0]]


def test_the_time_budget_ends_all_runs(small, monkeypatch):
    clock = iter(np.arange(0, 1e6, 0.5))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    done = train(
        small("squared"),
        Plan((setting("sgd", lr=1e-4, batch_size=1),)),
        limits=Limits(epochs=10**6, seconds=20.0, patience=10**6),
    )
    assert done.outcomes == (Outcome.BUDGET,)
    assert 0 < done.epochs[0] < 10**6


def test_an_interrupt_keeps_the_best_so_far(small):
    def stop(progress):
        if progress.epoch >= 3:
            raise KeyboardInterrupt

    problem = small("squared")
    done = train(problem, Plan((setting("sgd", lr=0.05),)), on_event=stop)
    assert done.interrupted
    assert done.outcomes == (Outcome.INTERRUPTED,)
    assert done.loss[0] < objectives(problem, np.zeros((1, 4)))[0]


def test_progress_is_told_with_numbers_that_make_sense(small):
    heard = []
    train(
        small("squared"),
        Plan((setting("sgd", lr=0.05), setting("adam", lr=0.1))),
        limits=Limits(epochs=50),
        on_event=heard.append,
    )
    assert [p.epoch for p in heard] == sorted(p.epoch for p in heard)
    assert heard[-1].epoch == 50
    assert all(0 <= p.share <= 1 and p.running <= 2 and np.isfinite(p.loss) for p in heard)
    assert {p.lr for p in heard} <= {0.05, 0.1}


def test_long_epochs_are_cut_so_that_progress_is_told_between(small, monkeypatch):
    heard = []
    monkeypatch.setattr(fit, "CALL_SECONDS", 1e-9)
    monkeypatch.setattr(fit._Loop, "_next_points", lambda self, epoch: np.empty(0, np.int64))
    monkeypatch.setattr(fit._Loop, "pace", property(lambda self: 0.0, lambda self, value: None), raising=False)
    plan = Plan((setting("adam", lr=0.1, batch_size=1),))
    cut = train(small("squared"), plan, limits=Limits(epochs=2), on_event=heard.append)
    monkeypatch.undo()
    whole = train(small("squared"), plan, limits=Limits(epochs=2))
    assert len(heard) > 20
    np.testing.assert_array_equal(cut.state.weights, whole.state.weights)


def test_the_trace_holds_both_ends_and_is_bounded(small):
    done = train(small("squared"), Plan((setting("sgd", lr=1e-4),)), limits=Limits(epochs=20_000, patience=10**6))
    assert done.trace.epochs[0, 0] == 0
    assert done.trace.epochs[0, -1] == done.epochs[0] == 20_000
    assert done.trace.epochs.shape[1] <= fit.TRACE_POINTS


def test_two_fits_beside_each_other_are_one_with_the_runs_of_both(small):
    problem = small("squared")
    one = train(problem, Plan((setting("sgd", lr=0.05),)), limits=Limits(epochs=10))
    two = train(problem, Plan((setting("adam", lr=0.1, batch_size=7),)), limits=Limits(epochs=30))
    both = one.beside(two)
    assert len(both.plan) == len(both.outcomes) == len(both.weights) == 2
    assert both.trace.until(0, 10).epochs[0, -1] == 10
    np.testing.assert_array_equal(both.trace.until(1, 30).loss[0], two.trace.loss[0])


@pytest.mark.parametrize("runs", [1, 24])
@pytest.mark.parametrize("seconds", [1e-6, 0.01, 1.0])
def test_the_same_bits_whatever_the_speed(small, monkeypatch, runs, seconds):
    """Runs side by side are summed together as long as they train; a clock that ticks so fast tells how fast that is."""
    problem = small("poisson", rows=420)
    plan = Plan(tuple(setting("adam", lr=lr, batch_size=FULL) for lr in np.geomspace(0.5, 0.01, runs)))
    expected = train(problem, plan, limits=Limits(epochs=400, rung=8))
    ticks = itertools.count()
    monkeypatch.setattr(fit.time, "monotonic", lambda: seconds * next(ticks))
    found = train(problem, plan, limits=Limits(epochs=400, rung=8))
    assert found.epochs.tolist() == expected.epochs.tolist()
    assert runs == 1 or len(set(found.epochs.tolist())) > 3
    np.testing.assert_array_equal(found.weights, expected.weights)


def test_the_rate_at_each_point_is_that_of_the_last_step(small):
    """23 rows in batches of 7 are four steps an epoch; the factors end at step 10, within epoch 3."""
    factors = np.linspace(1.0, 0.1, 10)
    falling = dataclasses.replace(setting("sgd", lr=0.02, batch_size=7), factors=factors)

    fit = train(small("squared"), Plan((falling, setting("adam", lr=0.5))), limits=Limits(epochs=4))

    np.testing.assert_allclose(fit.trace.lr[0], 0.02 * factors[[0, 3, 7, 9, 9]])
    assert fit.trace.lr[1].tolist() == [0.5] * 5


def test_each_run_is_told_its_share_of_the_seconds(small, monkeypatch):
    """A clock that goes on by a second at each look: the runs that still train share the seconds of a call."""
    clock = itertools.count()
    monkeypatch.setattr(fit.time, "monotonic", lambda: float(next(clock)))
    done = train(small("squared"), Plan((setting("sgd", lr=0.1), setting("sgd", lr=1e9))), limits=Limits(epochs=100))
    seconds = done.trace.seconds
    assert seconds[:, 0].tolist() == [0.0, 0.0]
    assert (np.diff(seconds) >= 0).all()
    assert done.epochs[1] < done.epochs[0]
    assert 0 < seconds[1, -1] < seconds[0, -1]
    assert seconds[:, -1].sum() <= done.seconds


def test_a_plateau_shows_in_the_rates_of_the_trace(small):
    base = dataclasses.replace(setting("sgd", lr=0.1, batch_size=1), schedule="plateau")

    fit = train(small("squared", rows=200, l2=0.01), Plan((base,)), limits=Limits(epochs=60, patience=5))

    ratios = np.unique((fit.trace.lr[0, 1:] / fit.trace.lr[0, :-1]).round(12))
    assert ratios.tolist() == [0.3, 1.0]
    assert fit.plan.settings[0].lr == fit.trace.lr[0, 0] == 0.1


def test_converged_is_said_of_the_weights_that_are_kept():
    """Where the held-out loss was lower before the optimum was reached, the run has stopped early there."""
    problem, held_out = overfitting()
    best = np.linalg.lstsq(np.c_[problem.data.X, np.ones(35)], problem.data.y, rcond=None)[0]
    optimum = float(objectives(problem, best[None])[0])
    limits = Limits(epochs=100_000, patience=10**6, optimum=optimum, aim=optimum * 1.001)
    plan = Plan((setting("nesterov", lr=0.05),))

    guided, watched = train(problem, plan, held_out, limits), train(problem, plan, None, limits)

    assert (guided.outcomes, watched.outcomes) == ((Outcome.STOPPED,), (Outcome.CONVERGED,))
    assert guided.epoch[0] < guided.epochs[0] == watched.epochs[0]
    assert guided.loss[0] > limits.aim >= watched.loss[0]


def test_held_out_data_guide_only_what_has_no_known_optimum(small):
    problem, other = small("squared", rows=40), small("squared", rows=20, seed=5).data
    plan = Plan((setting("sgd", lr=0.1),))
    watched, guided = (train(problem, plan, other, Limits(epochs=30, early=early)) for early in (False, True))

    np.testing.assert_array_equal(watched.score, watched.loss)
    trace = guided.trace.until(0, int(guided.epochs[0]))
    each = np.maximum(trace.loss[0], trace.held_out[0])[1:]
    means = [each[max(0, k - 4) : k + 1].mean() for k in range(len(each))]
    assert guided.score[0] == pytest.approx(min(means))


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_a_run_that_ends_by_itself_stands_at_its_last_epoch(optimizer):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 3))
    p = Problem(Data(X, X @ [1.0, 2.0, 3.0] + 0.1 * rng.standard_normal(50)), loss("squared"))
    plan = Plan((setting(optimizer, lr=0.02, batch_size=7),))
    ended = train(p, plan, limits=Limits(epochs=100_000, patience=3))
    assert ended.outcomes == (Outcome.STOPPED,)
    again = train(p, plan, limits=Limits(epochs=int(ended.epochs[0]), patience=10**6, tol=0))
    for name in ("weights", "memory", "steps", "seen"):
        np.testing.assert_array_equal(getattr(ended.state, name), getattr(again.state, name))
