"""The optimum of one objective on the flights, by descend and by what users would pick: seconds, and the gap that is left.

All minimise the mean loss plus l2/2 |w|² on the same scaled columns. The gap is the excess over the exact optimum, as a
share of what the optimum gains over the best constant prediction.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import Timed, timed

L2 = 1e-4
RATES = np.geomspace(1e-5, 1, 12)  # of the grid, one decade and a half beyond what is best on either side
Fit = Callable[[], Any]  # returns an estimator with coef_ and intercept_


def _flights(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Scaled columns of the rows that descend trains on, and their scaled target."""
    import descend as ds
    from benchmarks.flights import flights

    train = ds.train(flights(folder), "arr_delay", optimizer="nesterov", progress=False).prepared.train
    return np.ascontiguousarray(train.X[:]), np.ascontiguousarray(train.y)


def _compared(name: str, X: np.ndarray, y: np.ndarray, contestants: dict[str, Fit]) -> list[Timed]:
    """Time each contestant, and name the gap that its weights leave."""
    from descend.losses import loss
    from descend.optimum.landscape import Landscape
    from descend.problem import Problem, objectives
    from descend.table.data import Data

    problem = Problem(Data(X, y), loss(name), l2=L2)
    landscape, results = Landscape.of(problem), []
    for title, fit in contestants.items():
        made: list[Any] = []
        grid = title.startswith("grid")  # minutes: once, and not to warm up
        took = timed(title, lambda fit=fit, made=made: made.append(fit()), repeats=1 if grid else 3, warm_up=not grid)
        weights = np.concatenate([np.ravel(made[-1].coef_), np.ravel(made[-1].intercept_)]).astype(X.dtype)
        gap = landscape.gap(float(objectives(problem, weights[None])[0]))
        results.append(replace(took, name=f"{title}, gap {gap:.0e}"))
    return results


def regression(folder: Path) -> list[Timed]:
    from glum import GeneralizedLinearRegressor
    from sklearn.linear_model import Ridge, SGDRegressor
    from sklearn.model_selection import GridSearchCV

    from descend import DescentRegressor

    X, y = _flights(folder)
    sgd = SGDRegressor(alpha=L2 / 2, max_iter=10, tol=None, random_state=0)
    return _compared("squared", X, y, {
        "descend": lambda: DescentRegressor(l2=L2, scale=False, random_state=0).fit(X, y),
        "Ridge": lambda: Ridge(alpha=len(X) * L2 / 2).fit(X, y),
        "glum": lambda: GeneralizedLinearRegressor(family="normal", alpha=L2 / 2, l1_ratio=0).fit(X, y),
        "grid of 12 SGDRegressors": lambda: GridSearchCV(sgd, {"eta0": RATES}, cv=3).fit(X, y).best_estimator_,
    })  # fmt: skip


def classification(folder: Path) -> list[Timed]:
    from glum import GeneralizedLinearRegressor
    from sklearn.linear_model import LogisticRegression, SGDClassifier
    from sklearn.model_selection import GridSearchCV

    from descend import DescentClassifier

    X, y = _flights(folder)
    late = (y > 0).astype(X.dtype)
    sgd = SGDClassifier("log_loss", alpha=L2, max_iter=10, tol=None, learning_rate="invscaling", random_state=0)
    return _compared("logistic", X, late, {
        "descend": lambda: DescentClassifier(l2=L2, scale=False, random_state=0).fit(X, late),
        "LogisticRegression": lambda: LogisticRegression(C=1 / (len(X) * L2), max_iter=1000).fit(X, late),
        "glum": lambda: GeneralizedLinearRegressor(family="binomial", alpha=L2, l1_ratio=0).fit(X, late),
        "grid of 12 SGDClassifiers": lambda: GridSearchCV(sgd, {"eta0": RATES}, cv=3).fit(X, late).best_estimator_,
    })  # fmt: skip
