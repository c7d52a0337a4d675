"""The compiled network engine against its definition, torch's optimizers and the linear engine."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.problem.test_network import torch_scores

from descend.engines import choose, linear, network, plain
from descend.engines.kernels import network_loop
from descend.engines.state import start
from descend.losses import loss
from descend.outcome import Outcome
from descend.plan import Plan, setting
from descend.plan.rule import RULES
from descend.problem import Problem, mean_losses, objectives
from descend.problem.initialise import initial
from descend.problem.layer_stats import KINDS
from descend.problem.network import Network, scores
from descend.table.data import Data

ROWS, POINTS = 53, np.array([53, 106, 212])
LOSSES = {"squared": 2, "logistic": 1, "softmax": 3, "poisson": 1, "huber": 1}


def problem_of(name="squared", widths=(6, 6), dtype=np.float64, weighted=False, l1=0.0, l2=0.0, **shape):
    rng, outputs = np.random.default_rng(0), LOSSES[name]
    X = rng.normal(size=(ROWS, 4))
    y = {"logistic": rng.integers(0, 2, ROWS), "softmax": rng.integers(0, 3, ROWS), "poisson": rng.poisson(2, ROWS)}
    target = y.get(name, rng.normal(size=(ROWS, outputs) if outputs > 1 else ROWS))
    weight = rng.random(ROWS) + 0.5 if weighted else None
    form = loss(name)
    data = Data(X.astype(dtype), target, None if weight is None else weight / weight.mean())
    shape = Network((4, *widths, outputs), **shape)
    return Problem(data, form, form.constants, outputs, l1=l1, l2=l2, network=shape)


def trained(engine, problem, plan, threads=1):
    layer_stats = np.empty((len(plan), len(POINTS), len(problem.network.layers), len(KINDS)))
    state, path = engine.advance(problem, plan, start(problem, plan), POINTS, threads, layer_stats)
    return state, path, layer_stats


def assert_same(problem, plan, rtol=1e-9):
    ours, theirs = trained(network, problem, plan), trained(plain, problem, plan)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=rtol, atol=rtol * 0.01)
    np.testing.assert_allclose(ours[2], theirs[2], rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(ours[0].steps, theirs[0].steps)
    np.testing.assert_array_equal(ours[0].seen, theirs[0].seen)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_that_of_the_definition(name):
    assert_same(problem_of(activation="tanh"), Plan((setting(name, lr=0.01, batch_size=8, seed=2),)))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    "shape", [{}, {"batch_norm": True}, {"residual": True}, {"batch_norm": True, "residual": True}], ids=str
)
def test_every_loss_with_the_cures(name, shape):
    assert_same(
        problem_of(name, weighted=True, activation="tanh", **shape), Plan((setting("sgd", lr=0.05, batch_size=8),))
    )


@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "softplus"])
def test_every_activation(activation):
    assert_same(problem_of(activation=activation), Plan((setting("adam", lr=0.01, batch_size=8),)))


@pytest.mark.parametrize("batch", [1, 13, 0])
@pytest.mark.parametrize(
    "shape", [{"dropout": 0.3}, {"dropout": 0.3, "batch_norm": True}, {"batch_norm": True}], ids=str
)
def test_batches_that_leave_one_row_and_dropout(shape, batch):
    assert_same(problem_of(**shape, activation="tanh"), Plan((setting("momentum", lr=0.01, batch_size=batch, seed=4),)))


def test_a_large_batch_is_summed_in_parts(monkeypatch):
    monkeypatch.setattr(network, "MOST_PASS_ROWS", 16)

    assert_same(problem_of(dropout=0.2, activation="tanh"), Plan((setting("adam", lr=0.01, batch_size=40),)))


@pytest.fixture
def small_parts(monkeypatch):
    """Batches of 40 rows have parts, of at most three passes, and two threads even where there is one core."""
    monkeypatch.setattr(network, "cores", lambda: 2)
    monkeypatch.setattr(network, "LEAST_PART_WORK", 0)
    monkeypatch.setattr(network, "PART_ROWS", ((2, 16),))
    monkeypatch.setattr(network, "MOST_PASS_ROWS", 8)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_batch_in_parts_is_that_of_the_definition(name, threads):
    problem = problem_of(name, weighted=True, activation="tanh", residual=True, dropout=0.2, l1=0.01, l2=0.1)
    plan = Plan((replace(setting("adam", lr=0.01, batch_size=40), clip=0.5),))

    ours, theirs = trained(network, problem, plan, threads), trained(plain, problem, plan)

    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(ours[2], theirs[2], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("batch", "parts"), [(256, 4), (130, 2), (0, 4)])
def test_one_network_has_the_same_bits_with_any_number_of_threads(monkeypatch, dtype, batch, parts):
    monkeypatch.setattr(network, "cores", lambda: 3)
    rng, shape = np.random.default_rng(0), Network((40, 100, 60, 1), "tanh", dropout=0.1)
    data = Data(rng.normal(size=(515, 40)).astype(dtype), rng.normal(size=515).astype(dtype))
    problem = Problem(data, loss("squared"), {}, 1, l2=0.01, network=shape)
    plan = Plan((setting("adam", lr=0.01, batch_size=batch),))
    assert network.batch_parts(problem, batch or 515, True).parts == parts
    stats = np.empty((3, 1, 1, 3, len(KINDS)))

    runs = [network.advance(problem, plan, start(problem, plan), np.array([5 * 515]), threads, stats[threads - 1])[0]
            for threads in (1, 2, 3)]  # fmt: skip

    for run in runs[1:]:
        np.testing.assert_array_equal(run.weights, runs[0].weights)
        np.testing.assert_array_equal(run.memory, runs[0].memory)
    np.testing.assert_array_equal(stats, stats[[1, 2, 0]])
    assert not np.array_equal(runs[0].weights, start(problem, plan).weights)


@pytest.mark.usefixtures("small_parts", "wide_torch")
def test_a_step_on_two_threads_is_torchs_gradient_and_that_of_differences():
    problem, step = problem_of(activation="tanh"), 1e-6
    begin = initial(problem.network, "auto", 3)
    w = torch.tensor(begin, requires_grad=True)
    X, y = torch.as_tensor(problem.data.X), torch.as_tensor(problem.data.y)
    ((torch_scores(problem.network, w, X, training=True) - y) ** 2).mean().backward()
    ways = step * np.eye(problem.params)
    differences = (objectives(problem, begin + ways) - objectives(problem, begin - ways)) / (2 * step)
    plan = Plan((setting("sgd", lr=1.0),), begin)

    state, _ = network.advance(problem, plan, start(problem, plan), np.array([ROWS]), 2)

    np.testing.assert_allclose(begin - state.weights[0], w.grad.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(begin - state.weights[0], differences, rtol=1e-5, atol=1e-8)


def test_no_more_threads_than_cores_wait_for_each_other(monkeypatch):
    problem, seen = problem_of(widths=(400, 400)), []
    monkeypatch.setattr(network, "LEAST_PART_WORK", 0)
    monkeypatch.setattr(network, "PART_ROWS", ((2, 16),))
    assert network.cores() >= 1
    monkeypatch.setattr(network, "cores", lambda: 1)
    members = network._members
    monkeypatch.setattr(network, "_members", lambda *a: seen.append(a[2]) or members(*a))
    plan = Plan((setting("sgd", lr=0.1, batch_size=40),))

    network.advance(problem, plan, start(problem, plan), np.array([ROWS]), 2)

    assert seen == [1]


def test_runs_side_by_side_and_normalised_batches_are_not_cut():
    problem, normalised = problem_of(widths=(400, 400)), problem_of(widths=(400, 400), batch_norm=True)

    assert network.batch_parts(problem, 81, True) == (81, 2, 41)
    assert network.batch_parts(problem, 63, True) == (63, 1, 63)
    assert network.batch_parts(problem, 81, False) == (81, 1, 81)
    assert network.batch_parts(normalised, 81, True) == (81, 1, 81)


@pytest.mark.usefixtures("small_parts")
def test_a_run_on_two_threads_that_leaves_the_finite_range_stops():
    problem, plan = problem_of(activation="relu"), Plan((setting("sgd", lr=1e300, batch_size=40),))

    ours, theirs = trained(network, problem, plan, 2), trained(plain, problem, plan)

    assert ours[0].outcome.tolist() == [Outcome.NONFINITE]
    assert ours[0].steps.tolist() == theirs[0].steps.tolist()
    np.testing.assert_array_equal(ours[2][0, 0, :, 5] > 0, theirs[2][0, 0, :, 5] > 0)


@pytest.mark.usefixtures("small_parts")
def test_a_thread_that_fails_does_not_leave_the_others_waiting(monkeypatch):
    problem, plan = problem_of(), Plan((setting("sgd", lr=0.1, batch_size=40),))

    def failing(loop, members, pool, call):
        def member_loop(member, call):
            if member.number == 1:
                raise MemoryError
            return loop(member, call)

        return on_all(member_loop, members, pool, call)

    on_all = network._on_all
    monkeypatch.setattr(network, "_on_all", failing)

    with pytest.raises(MemoryError):
        network.advance(problem, plan, start(problem, plan), np.array([ROWS]), 2)


@pytest.mark.parametrize(
    "options",
    [{"clip": 0.05}, {"clip_value": 0.01}, {"clip_layer": 0.05}, {"factors": np.linspace(1, 0.1, 20)}],
    ids=lambda o: next(iter(o)),
)
def test_clipping_and_schedules(options):
    base = setting("sgd", lr=0.5, batch_size=8)
    assert_same(problem_of(activation="tanh", l2=0.01), Plan((type(base)(**{**base.__dict__, **options}),)))


@pytest.mark.parametrize("penalty", [{"l1": 0.02}, {"l2": 0.1}, {"l1": 0.02, "l2": 0.1}], ids=str)
def test_penalties_and_decay(penalty):
    plan = Plan((setting("sgd", lr=0.1, batch_size=8), setting("adamw", lr=0.01, batch_size=8)))
    assert_same(problem_of(activation="tanh", batch_norm=True, **penalty), plan)


def test_float32_follows_the_definition():
    assert_same(problem_of(dtype=np.float32, activation="tanh"), Plan((setting("adam", lr=0.01, batch_size=8),)), 1e-3)


@pytest.mark.parametrize("batch", [1, 8, 0])
@pytest.mark.parametrize("name", ["squared", "softmax"])
def test_without_hidden_layers_it_is_the_linear_engine(name, batch):
    net = problem_of(name, widths=(), l2=0.1)
    flat = Problem(net.data, net.loss, net.constants, net.outputs, l2=0.1)
    begin = initial(net.network, "xavier", 0)
    plan = Plan((setting("adam", lr=0.05, batch_size=batch, seed=1),), begin)

    ours, theirs = trained(network, net, plan)[1], linear.advance(flat, plan, start(flat, plan), POINTS)[1]

    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


TORCH = {
    "sgd": (torch.optim.SGD, {}), "momentum": (torch.optim.SGD, {"momentum": 0.9}),
    "nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}), "adagrad": (torch.optim.Adagrad, {}),
    "rmsprop": (torch.optim.RMSprop, {}), "adam": (torch.optim.Adam, {}), "amsgrad": (torch.optim.Adam, {"amsgrad": True}),
    "adadelta": (torch.optim.Adadelta, {}), "nadam": (torch.optim.NAdam, {}),
}  # fmt: skip


@pytest.fixture
def wide_torch():
    """NAdam keeps its product of momenta in torch's default dtype."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("wide_torch")
@pytest.mark.parametrize("name", TORCH)
def test_200_steps_follow_torchs_optimizer(name):
    problem, lr, steps = problem_of(activation="tanh", residual=True), 0.001, 200
    plan = Plan((setting(name, lr=lr),), initial(problem.network, "auto", 3))
    w = torch.tensor(initial(problem.network, "auto", 3), requires_grad=True)
    form, constants = TORCH[name]
    optimizer = form([w], lr=lr, **constants)
    X, y = torch.as_tensor(problem.data.X), torch.as_tensor(problem.data.y)
    for _ in range(steps):
        optimizer.zero_grad()
        ((torch_scores(problem.network, w, X, training=True) - y) ** 2).mean().backward()
        optimizer.step()

    state, _ = network.advance(problem, plan, start(problem, plan), np.array([steps * ROWS]))

    np.testing.assert_allclose(state.weights[0], w.detach().numpy(), rtol=1e-9, atol=1e-11)


def test_the_torch_twin_can_fail():
    problem = problem_of(activation="tanh")
    runs = [network.advance(problem, p, start(problem, p), np.array([200 * ROWS]))[0].weights
            for p in (Plan((setting("adam", lr=lr),)) for lr in (0.01, 0.0100001))]  # fmt: skip

    assert not np.allclose(*runs, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_together_is_alone_with_any_number_of_threads(dtype):
    problem = problem_of(dtype=dtype, batch_norm=True, dropout=0.1)
    plan = Plan(tuple(setting(n, lr=lr, batch_size=b, seed=s) for n in ("sgd", "adam") for lr in (0.01, 0.1)
                      for b in (8, 0) for s in (0, 1)))  # fmt: skip

    together = [trained(network, problem, plan, threads)[1] for threads in (1, 2, 3)]
    alone = np.concatenate([trained(network, problem, plan.take([r]))[1] for r in range(len(plan))])

    for path in together:
        np.testing.assert_array_equal(path, alone)


def test_in_two_calls_is_in_one():
    problem, plan = problem_of(batch_norm=True, dropout=0.1), Plan((setting("adam", lr=0.01, batch_size=8),))
    whole, _ = network.advance(problem, plan, start(problem, plan), POINTS)
    half, _ = network.advance(problem, plan, start(problem, plan), POINTS[:2])

    again, _ = network.advance(problem, plan, half, POINTS[2:])

    np.testing.assert_array_equal(again.weights, whole.weights)


def test_a_run_that_leaves_the_finite_range_names_the_layers_and_stops_alone():
    problem = problem_of(activation="relu", widths=(6, 6, 6))
    plan = Plan((setting("sgd", lr=1e300, batch_size=8), setting("sgd", lr=0.01, batch_size=8)))

    ours, theirs = trained(network, problem, plan), trained(plain, problem, plan)

    assert [Outcome(o) for o in ours[0].outcome] == [Outcome.NONFINITE, Outcome.RUNNING]
    assert ours[0].steps.tolist() == theirs[0].steps.tolist()
    assert ours[2][0, 0, :, 5].max() > 0
    np.testing.assert_array_equal(ours[2][0, 0, :, 5] > 0, theirs[2][0, 0, :, 5] > 0)


def test_dead_and_saturated_units_are_counted():
    problem = problem_of(activation="relu")
    begin = initial(problem.network, "he", 0)
    begin[problem.network.layers[0].b] = [-100, -100, -100, 0, 0, 0]
    dead = trained(network, problem, Plan((setting("sgd", lr=1e-6, batch_size=8),), begin))[2]
    problem = problem_of(activation="tanh")
    begin = initial(problem.network, "xavier", 0)
    begin[problem.network.layers[1].b] = [50, -50, 50, 0, 0, 0]
    flat = trained(network, problem, Plan((setting("sgd", lr=1e-6, batch_size=8),), begin))[2]

    assert dead[0, 0, :, 3].tolist() == [0.5, pytest.approx(0, abs=0.4), 0]
    assert flat[0, 0, 1, 4] >= 0.5
    assert flat[0, 0, 0, 4] < 0.3


def test_networks_are_trained_by_this_engine():
    assert choose(problem_of(), Plan((setting("adam", lr=0.1),))).name == "network"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [{}, {"batch_norm": True, "residual": True}, {"dropout": 0.3}], ids=str)
def test_predictions_are_those_of_the_definition(monkeypatch, dtype, shape):
    monkeypatch.setattr(network_loop, "SCORED_ROWS", 20)
    network_loop.compile_network_scores.cache_clear()
    problem = problem_of(dtype=dtype, activation="gelu", **shape)
    plan = Plan((setting("adam", lr=0.01, batch_size=8),))
    weights = trained(network, problem, plan)[0].weights[0]

    found = network.predict(problem.network, weights, problem.data.X)

    np.testing.assert_allclose(found, scores(problem.network, weights, problem.data.X), rtol=2e-5, atol=2e-6)
    assert not np.allclose(
        found, network.predict(problem.network, weights * 1.001, problem.data.X), rtol=2e-5, atol=2e-6
    )
    network_loop.compile_network_scores.cache_clear()


def test_its_measures_are_mean_losses_and_penalties():
    problem = problem_of("softmax", weighted=True, l1=0.01, l2=0.1, batch_norm=True)
    plan = Plan((setting("adam", lr=0.01, batch_size=8), setting("sgd", lr=0.1)))
    weights, held_out = trained(network, problem, plan)[0].weights, Data(problem.data.X[:9], problem.data.y[:9])

    engine = choose(problem, plan, held_out, threads=2)

    np.testing.assert_allclose(engine.objectives(weights), objectives(problem, weights), rtol=1e-12)
    np.testing.assert_allclose(engine.held_out(weights), mean_losses(problem, weights, held_out), rtol=1e-12)
