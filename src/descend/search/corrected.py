"""corrected: descent on a sample whose gradient is corrected by that of all rows, to come near the optimum of all rows.

A sample's objective f_s plus (g - g_s)'w, where g and g_s are the gradients of all rows and of the sample at the weights w0
where a round begins, has the gradient of all rows at w0: the correction of SVRG (Johnson and Zhang 2013), held until the
sample is trained out (DANE, Shamir, Srebro and Zhang 2014). Its optimum is that of all rows up to the part of the distance by
which the curvatures of sample and table differ, about root(params / rows). So a round costs epochs of the sample and one
gradient of all rows, and leaves about a hundredth of the excess loss, where as many epochs of all rows would cost a
hundred times as much.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from descend.arrays import Array
from descend.optimum.hessians import solve_system
from descend.optimum.landscape import Landscape
from descend.plan import FULL, Plan, Setting
from descend.problem import Problem, gradient, objectives
from descend.training import Limits, Progress, train

LINEAR_IN_TARGET = ("logistic", "poisson")  # losses a(z) - y z: a linear term in the weights is a change of the targets
MOST_ROUNDS = 3  # one leaves too much where the sample began far away; a fourth has never been needed
SLACK = 0.25  # part of the aim's distance to the optimum that a round may leave on the sample (arbitrary)


def fits(problem: Problem, setting: Setting, limits: Limits) -> bool:
    """Tell whether a run can come near the optimum this way: a loss that is linear in its target, all rows a step, and the
    training objective, whose optimum is known, decides."""
    from descend.engines.full_pass import measures  # Numba is loaded when it is first needed

    whole = setting.batch_size == FULL and problem.loss.name in LINEAR_IN_TARGET and problem.l1 == 0
    return whole and limits.aim is not None and not limits.early and measures(problem)


def approach(
    problem: Problem, sample: Problem, setting: Setting, weights: Array, landscape: Landscape, limits: Limits,
    on_event: Callable[[Progress], None] = lambda progress: None, threads: int = 1,
) -> Array:  # fmt: skip
    """Return weights (params,) of lower objective on all rows than these, or these.

    Args:
        problem, landscape: of all rows.
        sample: the same problem on some of them.
        setting: trains, on the corrected sample.
        weights: where it begins (params,).
        limits: of the training on all rows that follows; their seconds bound all rounds together.
    """
    from descend.engines.full_pass import full_gradient, full_objectives

    optimum, aim = landscape.optimum, limits.aim
    assert optimum.weights is not None
    assert aim is not None
    begun, slope = time.monotonic(), full_gradient(problem, threads)
    measure = full_objectives(problem, threads)
    loss = float(measure(weights[None])[0])
    for _ in range(MOST_ROUNDS):
        left = None if limits.seconds is None else limits.seconds - (time.monotonic() - begun)
        if loss <= aim or (left is not None and left <= 0):
            break
        nearer = corrected(sample, weights, slope(weights))
        lowest = float(objectives(nearer, optimum.weights[None])[0])
        close = replace(limits, optimum=lowest, aim=lowest + SLACK * (aim - optimum.objective), seconds=left)
        fit = train(nearer, Plan((setting,), weights[None]), None, close, on_event, threads)
        after = float(measure(fit.weights)[0])
        if not after < loss:
            break
        weights, loss = fit.weights[0], after
        if fit.interrupted:
            break
    return weights


def corrected(sample: Problem, weights: Array, slope: Array) -> Problem:
    """Return a sample with targets that give it this gradient (params,) at these weights (params,).

    The targets change by the least squares of weighted rows: by x'a, with a from the second moments of the sample.
    """
    data, exact = sample.data, weights.astype(np.float64)
    X = np.asarray(data.X, np.float64)
    X = np.column_stack([X, np.ones(len(X))]) if sample.intercept else X
    weighted = X if data.sample_weight is None else X * data.sample_weight[:, None]
    missing = gradient(sample, exact)[1] - slope
    change = X @ solve_system(weighted.T @ X / data.rows, missing)
    return replace(sample, data=replace(data, y=data.y + change))
