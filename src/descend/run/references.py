"""references: what the test rows say of a constant, of the exact linear model, and of boosted trees, beside the model."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from descend import optimum as exact
from descend.arrays import Array
from descend.evaluation import Evaluation
from descend.evaluation.reference import Reference, ReferenceModel
from descend.metrics import best_first
from descend.problem import Problem
from descend.run.model import Prediction
from descend.run.scoring import Scored, evaluation_of, held_out, model_of, run_scores, targets_of
from descend.search.result import SearchResult
from descend.table.prepare import Prepared

MOST_WORK = 1e10  # rows times squared weights of a linear model that is found beside a network: about a second
SMALLEST_SHARE = 1e-15  # probability of a class that trees rule out, so that its logarithm is finite


def references(
    prepared: Prepared,
    result: SearchResult,
    held: Evaluation,
    metric: str,
    *,
    trees: bool,
    threads: int,
    known: Mapping[str, Scored] | None = None,
) -> tuple[Reference, ...]:
    """Return the references, the best first by the metric.

    Args:
        prepared: the data, with test rows.
        result: the search; its problem is what the linear model minimises too.
        held: the evaluation of the trained model on the test rows.
        metric: that tables show.
        trees: whether to train scikit-learn's histogram gradient boosting at its defaults, which gradient descent has
            nothing to do with.
        threads: for the linear model and the trees.
        known: "baseline" and "optimum" on the test rows, where their scores are known.

    A reference that cannot be found, such as the linear optimum of classes that a plane separates, is left out.
    """
    found = []
    if prepared.numbers is not None:  # of a streamed table: the rows at hand are what all are compared on
        fit = result.fit
        own = _evaluated(prepared, fit.problem, fit.weights[result.best])
        held = held if own is None else own
    for model, make in _makers(prepared, result, trees, threads, known or {}):
        began = time.monotonic()
        evaluation = make()
        if evaluation is None:
            continue
        value = evaluation.estimates[metric]
        found.append(
            Reference(
                model=model, value=value.value, low=value.low, high=value.high, verdict=held.compare(evaluation, metric),
                seconds=time.monotonic() - began,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: best_first(metric, one.value)))


def _makers(
    prepared: Prepared, result: SearchResult, trees: bool, threads: int, known: Mapping[str, Scored]
) -> Iterator[tuple[ReferenceModel, Callable[[], Evaluation | None]]]:
    problem, landscape = result.fit.problem, result.landscape
    yield (
        ReferenceModel.CONSTANT,
        lambda: _evaluated(prepared, problem, landscape.baseline_weights, known.get("baseline")),
    )
    if problem.network is None:
        yield (
            ReferenceModel.LINEAR,
            lambda: _evaluated(prepared, problem, landscape.optimum.weights, known.get("optimum")),
        )
    else:
        yield ReferenceModel.LINEAR, lambda: _linear(prepared, problem, threads)
    if trees:
        yield ReferenceModel.TREES, lambda: _trees(prepared, threads)


def _linear(prepared: Prepared, problem: Problem, threads: int) -> Evaluation | None:
    """The linear model of the same loss and penalty, on all training rows."""
    linear = replace(problem, network=None, data=prepared.train)
    if prepared.train.rows * float(linear.params) ** 2 > MOST_WORK:
        return None
    return _evaluated(prepared, linear, exact.optimum(linear, threads).weights)


def _evaluated(
    prepared: Prepared, problem: Problem, weights: Array | None, known: Scored | None = None
) -> Evaluation | None:
    test = prepared.test
    if weights is None or test is None:
        return None
    here = known is not None and known.z is not None and known.data is test
    z = known.z if here and known is not None else run_scores(problem, weights[None], test)[0]
    return held_out(model_of(prepared, problem, weights), prepared, Scored(weights, test, z), prepared.rows[1])


def _trees(prepared: Prepared, threads: int) -> Evaluation | None:
    """Histogram gradient boosting (Ke et al. 2017) on the same columns, as scikit-learn sets it up by default."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    train, test, classes = prepared.train, prepared.test, prepared.target.classes
    assert test is not None
    chosen: Any = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    trees = chosen(random_state=0, **_objective(prepared))
    X = np.asarray(test.X)
    with threadpool_limits(threads, user_api="openmp"):
        trees.fit(np.asarray(train.X), train.y, sample_weight=train.sample_weight)
        predicted = _of_classes(prepared, trees, X) if classes else _numbers(prepared, trees.predict(X))
    model = model_of(prepared, _shape_of(prepared), np.zeros(0))
    return evaluation_of(model, targets_of(prepared, test.y), predicted, test.sample_weight)


def _objective(prepared: Prepared) -> dict[str, Any]:
    """What trees minimise for a loss; squares where they have nothing nearer."""
    name = prepared.loss.name
    if name == "poisson":
        return {"loss": "poisson"}
    return {"loss": "quantile", "quantile": prepared.constants["tau"]} if name == "quantile" else {}


def _numbers(prepared: Prepared, values: Array) -> Prediction:
    return Prediction(values=targets_of(prepared, values), probabilities=None, classes=(), unseen={}, filled={})


def _of_classes(prepared: Prepared, trees: Any, X: Array) -> Prediction:
    """Probabilities of all classes; 0 for one that has no training row."""
    classes = prepared.target.classes
    shares = np.full((len(X), len(classes)), SMALLEST_SHARE)
    shares[:, trees.classes_.astype(np.int64)] = np.maximum(trees.predict_proba(X), SMALLEST_SHARE)
    scores = np.log(shares[:, 1] / shares[:, 0]) if len(classes) == 2 else np.log(shares)
    return Prediction(
        values=np.array(classes)[shares.argmax(axis=1)], probabilities=shares, classes=classes, unseen={}, filled={},
        scores=scores,
    )  # fmt: skip


def _shape_of(prepared: Prepared) -> Problem:
    return Problem(prepared.train, prepared.loss, prepared.constants, prepared.outputs)
