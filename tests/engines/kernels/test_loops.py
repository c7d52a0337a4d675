"""Compiled loops over rows against the same steps in NumPy."""

import numpy as np
import pytest
from scipy.special import expit

from descend.engines.dispatch import examples_of, loss_settings_of, step_settings_of
from descend.engines.kernels.compiled import compile_rule
from descend.engines.kernels.loops import BLOCK, compile_block_sums, compile_loop, compile_online_loop
from descend.engines.kernels.pointers import address
from descend.engines.kernels.records import Call, Run
from descend.plan import setting

F64 = np.dtype(np.float64)
UNORDERED = np.empty((0, 0), np.int64)


def slope_of(name, z, y):
    return expit(z) - y if name == "logistic" else 2 * (z - y)


def descended(problem, batches, lr):
    """Weights after gradient descent over these batches of rows, in NumPy."""
    whole, w = np.column_stack([problem.data.X, np.ones(problem.data.rows)]), np.zeros(problem.params)
    for rows in batches:
        w -= lr * whole[rows].T @ slope_of(problem.loss.name, whole[rows] @ w, problem.data.y[rows]) / len(rows)
    return w


def looped(problem, how, call, given=None):
    """What the loop by address returns, and the weights after it."""
    loop, w = compile_loop(problem.loss, problem.dtype, several=False), np.zeros(problem.params, problem.dtype)
    rule, nothing = address(compile_rule(how.rule, problem.dtype)), np.empty(0, problem.dtype)
    ended = loop(
        rule, examples_of(problem), loss_settings_of(problem), step_settings_of(problem, how),
        how.rows_a_step(problem.data.rows), Run(w, np.zeros((0, w.size), problem.dtype)), call,
        nothing if given is None else given,
    )  # fmt: skip
    return ended, w


@pytest.mark.parametrize("name", ["squared", "logistic"])
@pytest.mark.parametrize("size", [7, 70, 150])
def test_two_epochs_of_batches_in_their_orders(small, name, size):
    problem, rng = small(name, rows=150), np.random.default_rng(0)
    orders = np.stack([rng.permutation(150), rng.permutation(150)])

    (steps, failed), w = looped(problem, setting("sgd", lr=0.05, batch_size=size), Call(orders, 0, 300, 0))

    batches = [order[lo : lo + size] for order in orders for lo in range(0, 150, size)]
    assert (steps, failed) == (len(batches), 0)
    np.testing.assert_allclose(w, descended(problem, batches, 0.05), rtol=1e-10)


def test_one_row_a_step_has_the_rule_inside(small):
    problem, how = small("squared", rows=23), setting("sgd", lr=0.05, batch_size=1)
    orders, w = np.random.default_rng(0).permutation(23)[None], np.zeros(4)

    online = compile_online_loop(problem.loss, how.rule, F64)
    run = Run(w, np.zeros((0, 4)))
    settings = loss_settings_of(problem), step_settings_of(problem, how)
    ended = online(examples_of(problem), *settings, 1, run, Call(orders, 0, 23, 0))

    assert ended == (23, 0)
    np.testing.assert_allclose(w, descended(problem, orders[0][:, None], 0.05), rtol=1e-10)


def test_blocks_add_up_to_the_sum_over_all_rows(small):
    problem, w = small("squared", rows=BLOCK + 100), np.array([0.3, -0.2, 0.1, 0.5])
    blocks = np.empty((2, 4))

    sums = compile_block_sums(problem.loss, F64, several=False)
    sums(examples_of(problem), loss_settings_of(problem), np.empty(0, np.int64), w, blocks, 0, 2)

    whole = np.column_stack([problem.data.X, np.ones(BLOCK + 100)])
    each = whole * slope_of("squared", whole @ w, problem.data.y)[:, None]
    np.testing.assert_allclose(blocks, [each[:BLOCK].sum(axis=0), each[BLOCK:].sum(axis=0)], rtol=1e-10)

    how, call = setting("sgd", lr=0.05), Call(UNORDERED, 0, BLOCK + 100, 0)
    sums(examples_of(problem), loss_settings_of(problem), np.empty(0, np.int64), np.zeros(4), blocks, 0, 2)
    np.testing.assert_array_equal(looped(problem, how, call, blocks.sum(axis=0))[1], looped(problem, how, call)[1])


def test_a_step_whose_gradient_is_not_finite_is_not_taken(small):
    problem = small("squared", rows=10)
    problem.data.X[6, 0] = np.nan

    (steps, failed), w = looped(problem, setting("sgd", lr=0.05, batch_size=2), Call(UNORDERED, 0, 10, 0))

    assert (steps, failed) == (3, 1)
    np.testing.assert_allclose(w, descended(problem, np.arange(6).reshape(3, 2), 0.05), rtol=1e-10)
