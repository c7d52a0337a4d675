"""Evidence to look at: a real run of a small problem, with parts of it replaced."""

import dataclasses

import numpy as np

from descend.diagnosis import Evidence
from descend.losses import loss
from descend.optimum.landscape import Landscape
from descend.outcome import Outcome
from descend.plan import Plan
from descend.problem import Problem
from descend.problem.network import Network
from descend.table.data import Data
from descend.training import Limits, train
from descend.training.trace import Trace


def evidence_of(problem, how, epochs=30, landscape=None, **changes):
    """Evidence about one run."""
    fit = train(problem, Plan((how,)), limits=Limits(epochs=epochs, patience=epochs))
    evidence = Evidence(
        problem=problem,
        landscape=landscape or Landscape.of(problem),
        setting=how,
        outcome=fit.outcomes[0],
        steps=int(fit.steps[0]),
        epochs=int(fit.epochs[0]),
        weights=fit.weights[0],
        loss=float(fit.loss[0]),
        trace=fit.trace.until(0, int(fit.epochs[0])),
        state=fit.state,
    )
    return dataclasses.replace(evidence, **changes)


def line(rows=60, noise=0.3, seed=0, scales=(1.0, 1.0, 1.0), dtype=np.float64, **options):
    """A linear problem of three columns."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 3))
    y = X @ [1.0, -2.0, 0.5] + noise * rng.normal(size=rows)
    return Problem(Data((X * scales).astype(dtype), y.astype(dtype), names=("a", "b", "c")), loss("squared"), **options)


def deep(sizes=(3, 8, 8, 8, 1), activation="tanh", rows=60, **options):
    """A network on the same kind of data."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, sizes[0]))
    network = Network(sizes, activation, **options)
    return Problem(Data(X, np.sin(X[:, 0]) + X[:, -1]), loss("squared"), network=network)


def with_losses(evidence, losses, outcome=Outcome.BUDGET):
    """The same evidence with a made-up curve of the training loss."""
    points = len(losses)
    trace = Trace(
        epochs=np.arange(points)[None], loss=np.array([losses], float), held_out=np.full((1, points), np.nan),
        weights=np.zeros((1, points, 0)), layer_stats=evidence.trace.layer_stats[:, :1].repeat(points, axis=1),
    )  # fmt: skip
    return dataclasses.replace(evidence, trace=trace, outcome=outcome, loss=float(losses[-1]), epochs=points - 1)


def with_gap(evidence, gap):
    """The same evidence, ended at a gap to the optimum."""
    baseline, optimum = evidence.landscape.baseline, evidence.landscape.optimum.objective
    return dataclasses.replace(evidence, loss=optimum + gap * (baseline - optimum))
