"""usage: what a model uses of its columns: coefficients, importance, and how the prediction follows one."""

from dataclasses import dataclass

from descend.arrays import Array


@dataclass(frozen=True, kw_only=True)
class Coefficient:
    """One coefficient of a linear model.

    Args:
        feature: its name, or "intercept".
        output: the class it belongs to; empty where there is one output.
        value: in the units of the file.
        standardised: of scaled features, so that sizes can be compared; None of an intercept.
        low, high: the 95 % interval of the value; None where it is not known.
    """

    feature: str
    output: str
    value: float
    standardised: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Importance:
    """How much a column is used (Breiman 2001).

    Args:
        column: its name in the file, whatever features it became.
        mean: how much worse the metric is when its cells are permuted; below 0 where that is better, by chance.
        std: the standard deviation over permutations.
    """

    column: str
    mean: float
    std: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Dependence:
    """How the mean prediction follows one column, the other columns as they are (Friedman 2001).

    Args:
        column: its name.
        values: numbers (points,), or the levels of a category.
        mean: the mean prediction, or the mean probability of each class (points, outputs).
        outputs: the classes; empty of a number.
    """

    column: str
    values: Array | tuple[str, ...]
    mean: Array
    outputs: tuple[str, ...]
