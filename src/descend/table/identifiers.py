"""identifiers: columns that number or name the rows, which nothing can be learned from."""

import re

import numpy as np

from descend.arrays import Array
from descend.scipy_parts import special_functions
from descend.table.reading import Kind
from descend.table.table import Column

NEW_SHARE = 0.9  # a text column whose cells are new so often is an identifier (arbitrary)
FEWEST_ROWS = 20  # below this many rows nothing is called an identifier (arbitrary)
FIRST_YEAR, LAST_YEAR = 1500, 2200  # whole numbers that count from one year to another are years (arbitrary)
INDEX_NAME = re.compile(
    r"(?i)unnamed: ?\d+|(.*[_ .-])?(id|idx|index)|row[_ .-]?(names?|id|number|num|nr|no)?|key|serial|obs|nr\.?|no\.?"
)
BLOCKS = 10  # consecutive parts of the rows whose targets are compared
CHANCE = 0.001  # of rows in random order that seem to be in an order of the target


def names_rows(column: Column, levels: int) -> str | None:
    """Return the reason to leave out text that has another value in nearly every row."""
    present = len(column.cells) - column.missing
    if levels > max(2, NEW_SHARE * present) and present >= FEWEST_ROWS:
        return f"identifier: {levels:,} levels in {present:,} rows"
    return None


def numbers_rows(column: Column, target: Array | None, classes: bool) -> str | None:
    """Return the reason to leave out whole numbers that rise row by row through nearly all of their range.

    Args:
        column: in the order of the file.
        target: numbers or class indices of the same rows, or None where there is none.
        classes: whether the target is of classes.

    Years are kept. So is a column that is not called an index, where the target follows the order of the rows.
    """
    present = column.values[~column.is_missing] if column.kind == Kind.NUMBER else np.zeros(0)
    if len(present) < FEWEST_ROWS or (present != np.round(present)).any():
        return None
    first, last = present[0], present[-1]
    if (np.diff(present) <= 0).any() or last - first >= 2 * len(present):
        return None
    if first >= FIRST_YEAR and last <= LAST_YEAR:
        return None
    if not INDEX_NAME.fullmatch(column.name) and target is not None and follows_rows(target, classes):
        return None
    return f"identifier: it numbers the rows from {first:g} to {last:g}"


def follows_rows(target: Array, classes: bool) -> bool:
    """Tell whether a target changes along the rows, beyond chance and beyond a file that is sorted by it.

    Args:
        target: numbers or class indices, in the order of the file.
        classes: whether they are classes.

    Consecutive blocks of rows are compared: by the rank test of Kruskal and Wallis (1952) for numbers, by Pearson's
    chi-squared test (1900) for classes.

    >>> follows_rows(np.arange(100) + np.tile([3.0, -3.0], 50), False), follows_rows(np.tile([1.0, 2.0], 50), False)
    (True, False)
    """
    rows, steps = len(target), np.diff(target)
    blocks = np.arange(rows) * BLOCKS // rows
    values, at = np.unique(target, return_inverse=True)
    if len(values) < 2 or rows < FEWEST_ROWS:
        return False
    if classes and int((steps != 0).sum()) < len(values):
        return False  # the file is sorted by class
    if not classes and ((steps >= 0).all() or (steps <= 0).all()) and not np.allclose(steps, steps.mean(), rtol=0.01):
        return False  # the file is sorted by the target, unless that is a line
    sizes = np.bincount(blocks)
    if classes:
        counts = np.zeros((BLOCKS, len(values)))
        np.add.at(counts, (blocks, at), 1.0)
        expected = np.outer(sizes, counts.sum(axis=0)) / rows
        statistic, freedom = float((np.square(counts - expected) / expected).sum()), (BLOCKS - 1) * (len(values) - 1)
    else:
        ties = np.bincount(at).astype(np.float64)
        rank = (np.cumsum(ties) - (ties - 1) / 2)[at]
        sums = np.bincount(blocks, rank)
        untied = 1 - float((ties**3 - ties).sum()) / (rows**3 - rows)
        statistic = (12 / (rows * (rows + 1)) * float((sums**2 / sizes).sum()) - 3 * (rows + 1)) / untied
        freedom = BLOCKS - 1
    return bool(special_functions().chdtrc(freedom, statistic) < CHANCE)
