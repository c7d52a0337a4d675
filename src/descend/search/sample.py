"""sample: the rows on which the settings of a large table compete, before the best of them see all rows."""

from dataclasses import replace

import numpy as np

from descend.arrays import Array
from descend.options import Options
from descend.problem import Problem
from descend.search.candidates import ENDLESS_SCHEDULES

SAMPLED_CELLS = 1 << 18  # of features: of a smaller table hundreds of epochs take less than a second
FEWEST_ROWS = 1 << 13  # of a sample: fewer are hardly faster, since a call then costs as much as its rows
ROWS_A_WEIGHT = 128  # of a sample: weights fitted to n rows lose about params / (2 n) of the noise, here 0.4 %
LARGEST_PART = 0.25  # of the rows: a larger sample saves too little to be worth a second landscape


def sample_of(problem: Problem, options: Options) -> Problem | None:
    """Return the problem on rows that are drawn once, without replacement; None where all rows are to be read.

    All are read by networks, on small tables, where the settings depend on the number of rows (a schedule with an end),
    and where the sample would lack a class.
    """
    data, rows = problem.data, rows_of_sample(problem.params)
    fixed = options.schedule not in ENDLESS_SCHEDULES or options.schedule == "auto" or options.warmup
    if problem.network is not None or fixed or data.cells < SAMPLED_CELLS or rows > LARGEST_PART * data.rows:
        return None
    sample = data.drawn(rows, options.random_state)
    if problem.loss.task == "classification" and _classes(sample.y) < _classes(data.y):
        return None
    return replace(problem, data=sample)


def rows_of_sample(params: int) -> int:
    """Return how many rows tell the settings of a model of so many weights apart."""
    return max(FEWEST_ROWS, ROWS_A_WEIGHT * params)


def _classes(y: Array) -> int:
    """The number of classes among class indices (rows,)."""
    return int(np.count_nonzero(np.bincount(y.astype(np.int64))))
