"""sample: the rows on which the settings of a large table compete, before the best of them see all rows."""

from dataclasses import replace

import numpy as np

from descend.options import Options
from descend.problem import Problem
from descend.search.candidates import ENDLESS_SCHEDULES
from descend.table.data import Data

SAMPLED_CELLS = 1 << 22  # of features; a smaller table is read whole in a few milliseconds
FEWEST_ROWS = 1 << 15  # of a sample: a full batch of so many takes about as long as a hundred small calls (arbitrary)
ROWS_A_WEIGHT = 512  # of a sample: weights fitted to n rows lose about params / (2 n) of the noise, here 0.1 %
LARGEST_PART = 0.25  # of the rows: a larger sample saves too little to be worth a second landscape


def sample_of(problem: Problem, options: Options) -> Problem | None:
    """Return the problem on rows that are drawn once, without replacement; None where all rows are to be read.

    All are read by networks, on small tables, where the settings depend on the number of rows (a schedule with an end),
    and where the sample would lack a class.
    """
    data, rows = problem.data, max(FEWEST_ROWS, ROWS_A_WEIGHT * problem.params)
    fixed = options.schedule not in ENDLESS_SCHEDULES or options.schedule == "auto" or options.warmup
    if problem.network is not None or fixed or data.cells < SAMPLED_CELLS or rows > LARGEST_PART * data.rows:
        return None
    sample = drawn(data, rows, options.random_state)
    if problem.loss.task == "classification" and len(np.unique(sample.y)) < len(np.unique(data.y)):
        return None
    return replace(problem, data=sample)


def drawn(data: Data, rows: int, seed: int) -> Data:
    """Return so many examples, drawn without replacement, in their order; all of them where there are no more."""
    if rows >= data.rows:
        return data
    rng = np.random.Generator(np.random.Philox(key=seed))
    return data.take(np.sort(rng.choice(data.rows, rows, replace=False, shuffle=False)))
