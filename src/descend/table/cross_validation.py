"""folds: K-fold cross-validation of the whole training, search included, so that nothing of a fold is seen before it."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import DataError
from descend.options import Options
from descend.table.prepare import Prepared, labelled, split_labels
from descend.table.table import Table


@dataclass(frozen=True, eq=False)
class Folds:
    """How rows are cut.

    Args:
        table: the rows that have a target, which is one of its columns.
        name: of the target.
        cuts: for each fold the training rows and its own.
    """

    table: Table
    name: str
    cuts: list[tuple[Array, Array]]


def folds(prepared: Prepared, target: Any, options: Options) -> Folds:
    """Cut the rows into K folds.

    Args:
        prepared: the data as the training itself read them.
        target: as it was given to that.
        options: of them `cv` is K, and `group`, `time` and `random_state` decide the folds, as those of scikit-learn's
            KFold, StratifiedKFold for classes, GroupKFold and TimeSeriesSplit.

    Raises DataError when there are too few rows, groups or members of a class.
    """
    table, name = labelled(prepared.table, target)
    table = table.take(prepared.target.kept)
    group, time = split_labels(table, options)
    classes = prepared.target.classes and np.array([str(v) for v in table[name].values])
    return Folds(table, name, _cuts(table.rows, options.cv or 2, options.random_state, classes, group, time))


def _cuts(
    rows: int, k: int, seed: int, classes: Any, group: Array | None, time: Array | None
) -> list[tuple[Array, Array]]:
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

    if time is not None:
        order = np.argsort(np.where(np.isnan(time), -np.inf, time), kind="stable")
        made: Any = TimeSeriesSplit(k).split(order)
        wanted = ((order[a], order[b]) for a, b in made)
    elif group is not None:
        wanted = GroupKFold(k).split(np.empty(rows), groups=group)
    elif len(classes):
        wanted = StratifiedKFold(k, shuffle=True, random_state=seed % 2**32).split(np.empty(rows), classes)
    else:
        wanted = KFold(k, shuffle=True, random_state=seed % 2**32).split(np.empty(rows))
    try:
        with warnings.catch_warnings():  # a class with fewer rows than folds: the caller says what it means
            warnings.simplefilter("ignore", UserWarning)
            return list(wanted)
    except ValueError as error:
        raise DataError(
            f"{rows:,} rows cannot be cut into {k} folds: {str(error).partition(chr(10))[0].rstrip('.')}",
            fix="use a smaller --cv",
            code="too-few-rows",
        ) from error


def cross_validated(
    made: Folds, options: Options, train: Callable[[Table, str, Options], Any]
) -> dict[str, dict[str, float]]:
    """Return {"cv": mean, "cv_std": standard deviation} of each metric over the folds.

    Args:
        train: trains on a table and returns a Run whose "test" metrics are of the table that `test` is.
    """
    found = []
    for rows, fold in made.cuts:
        run = train(made.table.take(rows), made.name, options.replace(cv=None, test=made.table.take(fold)))
        if not run.failed and not run.interrupted:
            found.append(run.metrics["test"])
    if len(found) < 2:
        return {}
    names = dict.fromkeys(metric for one in found for metric in one)
    values = {metric: np.array([one[metric] for one in found if metric in one]) for metric in names}
    values = {metric: own for metric, own in values.items() if len(own) > 1}
    return {
        "cv": {metric: float(own.mean()) for metric, own in values.items()},
        "cv_std": {metric: float(own.std(ddof=1)) for metric, own in values.items()},
    }
