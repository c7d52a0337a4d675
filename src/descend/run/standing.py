"""standing: which variants differ beyond chance, for `train` and `compare` alike.

Every variant is trained with the same seeds and scored on the same rows, so two of them are compared pair by pair: the
differences of their losses, row by row and seed by seed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property, partial

import numpy as np

from descend.arrays import Array
from descend.evaluation.intervals import ALPHA
from descend.evaluation.paired import paired_difference, within_least
from descend.metrics import HIGHER_IS_BETTER
from descend.outcome import Outcome
from descend.problem import Problem, losses_and_slopes, moments
from descend.problem.problem import flat
from descend.problem.response import class_indices
from descend.run.scoring import run_scores, score
from descend.search.result import SearchResult
from descend.search.selection import usable
from descend.table.data import Data
from descend.table.prepare import Prepared

AT_OPTIMUM = 1e-3  # gap below which two linear models are the same: ten times the default tol, as in the diagnosis


class Standing(StrEnum):
    """How a variant compares with the best."""

    BEST = "best"
    TIE = "tie with best"
    BEHIND = "behind"
    FAILED = "failed"


@dataclass(frozen=True, eq=False, kw_only=True)
class Contestant:
    """The best setting of one variant.

    Args:
        run: the first seed's run.
        scores: the metric that is shown, of each seed (seeds,); one value where no chance is involved.
        measure: returns what each row adds to the metric, of each seed (seeds, rows), see `row_losses`; most are never asked for.
        at_optimum: whether every seed ended at the exact optimum.
        failed: whether a seed gave no usable model.
    """

    run: int
    scores: Array
    measure: Callable[[], Array]
    at_optimum: bool
    failed: bool

    @cached_property
    def losses(self) -> Array:
        """What each row adds to the metric (seeds, rows)."""
        return self.measure()

    @property
    def score(self) -> float | None:
        """The mean over the seeds; None where one failed."""
        return None if self.failed else float(self.scores.mean())

    @property
    def spread(self) -> float | None:
        """The standard deviation over the seeds; None where there is one."""
        return None if self.failed or len(self.scores) < 2 else float(self.scores.std(ddof=1))


def contestants(prepared: Prepared, result: SearchResult, metric: str) -> tuple[Contestant, ...]:
    """Return the best setting of each variant, scored on the test rows, or on the training rows where there are none."""
    fit, data = result.fit, prepared.test or prepared.train
    made = []
    everyone = [k for r in result.best_per_variant for k in result.seeds_of(r) or (r,)]
    known = _from_moments(prepared, result, everyone, data, metric)
    z: Mapping[int, Array] = {}
    if known is None:
        z = dict(zip(everyone, run_scores(fit.problem, fit.weights[everyone], data), strict=True))
        known = {
            k: score(prepared, fit.problem, fit.weights[k], data, z[k]).get(metric, np.nan)
            for k in everyone if usable(fit, k)
        }  # fmt: skip
    for r in result.best_per_variant:
        runs = result.seeds_of(r) or (r,)
        failed = not all(usable(fit, k) for k in runs)
        gaps = [result.landscape.gap(float(fit.loss[k])) for k in runs]
        near = all(
            gap is not None and (gap <= AT_OPTIMUM or fit.outcomes[k] == Outcome.CONVERGED)
            for gap, k in zip(gaps, runs, strict=True)
        )
        kept = () if failed else runs
        made.append(
            Contestant(
                run=r,
                scores=np.array([known[k] for k in kept]),
                measure=partial(_losses_of, result, kept, z, data, metric),
                at_optimum=near and not failed,
                failed=failed,
            )
        )
    return tuple(made)


def _from_moments(
    prepared: Prepared, result: SearchResult, runs: Sequence[int], data: Data, metric: str
) -> dict[int, float] | None:
    """The root mean squared error of runs on a large table whose moments are known; None where rows must be read."""
    fit = result.fit
    problem = replace(fit.problem, data=data, l2=0.0, l1=0.0)
    if metric != "rmse" or result.sample_rows is None or not data.has_gram or not moments.measures(problem):
        return None
    squares = moments.measured(problem, fit.weights[list(runs)].astype(np.float64))
    return dict(zip(runs, (np.sqrt(squares) * prepared.scale.target_width).tolist(), strict=True))


def _losses_of(result: SearchResult, runs: Sequence[int], z: Mapping[int, Array], data: Data, metric: str) -> Array:
    """The losses of each row under several runs (runs, rows), whose scores z are known or found now."""
    fit = result.fit
    scores = [z[k] for k in runs] if z else run_scores(fit.problem, fit.weights[list(runs)], data)
    return np.array([row_losses(fit.problem, own, data, metric) for own in scores])


def row_losses(problem: Problem, z: Array, data: Data, metric: str) -> Array:
    """Return what each row adds to a metric (rows,), up to a factor, from scores z (rows, outputs); lower is better.

    Squared or absolute errors, wrong classes (each class counting alike where they are balanced), or log losses; AUC, which
    has no part of a row, is judged by the log loss.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if metric == "accuracy":
            return np.asarray(class_indices(z) != data.y, np.float64)
        if metric == "balanced_accuracy":
            y = data.y.astype(np.int64)
            share = np.bincount(y, data.sample_weight)
            share = share / share.sum() * np.count_nonzero(share)
            return np.asarray((class_indices(z) != y) / share[y], np.float64)
        z = flat(problem, z)
        if metric in ("rmse", "r2", "mae"):
            error = np.abs(problem.loss.mean(z) - data.y).reshape(len(z), -1)
            return np.asarray((error if metric == "mae" else np.square(error)).mean(axis=1), np.float64)
        return np.asarray(losses_and_slopes(problem, z, data.y)[0], np.float64)


def standings(made: tuple[Contestant, ...], metric: str, sample_weight: Array | None = None) -> dict[int, Standing]:
    """Return {run: how it compares with the best}, the best being the one whose mean score is shown as the best.

    Args:
        sample_weight: of the rows of the losses (rows,), or None.
    """
    sign = -1.0 if metric in HIGHER_IS_BETTER else 1.0
    known = [c for c in made if c.score is not None and np.isfinite(c.score)]
    if not known:
        return {c.run: Standing.FAILED for c in made}
    best = min(known, key=lambda c: (sign * float(c.score or 0.0), not c.at_optimum))
    rivals = max(len(known) - 1, 1)
    result = {}
    for c in made:
        if c.score is None or not np.isfinite(c.score):
            result[c.run] = Standing.FAILED
        elif c is best:
            result[c.run] = Standing.BEST
        else:
            result[c.run] = Standing.TIE if ties(c, best, rivals, sample_weight) else Standing.BEHIND
    return result


def ties(one: Contestant, best: Contestant, rivals: int = 1, sample_weight: Array | None = None) -> bool:
    """Return whether one of so many rivals differs from the best by no more than chance.

    Two linear models at the same optimum tie by construction, and so do scores within a thousandth. Else the paired
    differences of the losses decide; the level ALPHA is divided by the number of rivals (Bonferroni).
    """
    a, b = (np.nan if c.score is None else c.score for c in (one, best))
    if (one.at_optimum and best.at_optimum) or within_least(a, b):
        return True
    if not (np.isfinite(one.losses).all() and np.isfinite(best.losses).all()):
        return False
    difference = paired_difference(one.losses, best.losses, sample_weight)
    return difference.mean <= 0 or difference.mean <= difference.margin(ALPHA / rivals)
