"""evaluation: the figures that every evaluation has, and the comparison of two on the same rows."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import UsageError
from descend.evaluation.intervals import ALPHA, Estimate, freedom_of_error
from descend.evaluation.paired import PairedVerdict, paired_difference, verdict_of
from descend.metrics import HIGHER_IS_BETTER


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Evaluation(Mapping[str, float], ABC):
    """How good predictions are on rows whose targets are known: a mapping from each metric to its value.

    Args:
        y: targets (rows,): numbers, or indices of classes.
        weight: example weights (rows,), or None.
        rows: where each row stands in the data that were evaluated (rows,); None where all of them were.
    """

    y: Array
    weight: Array | None = None
    rows: Array | None = None

    @cached_property
    @abstractmethod
    def estimates(self) -> dict[str, Estimate]:
        """Each metric with its 95 % interval."""

    @abstractmethod
    def influence(self, metric: str) -> Array:
        """Return how far each row moves a metric (rows,), see `evaluation.influence`."""

    @abstractmethod
    def document(self, rows: bool = True) -> dict[str, Any]:
        """Return what there is beside the metrics as plain values; of single rows only where `rows` is set."""

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """The 95 % interval of each metric."""
        return {name: (e.low, e.high) for name, e in self.estimates.items()}

    def __getitem__(self, metric: str) -> float:
        return self.estimates[metric].value

    def __iter__(self) -> Iterator[str]:
        return iter(self.estimates)

    def __len__(self) -> int:
        return len(self.estimates)

    def __repr__(self) -> str:
        figures = (f"{name} {e.value:.4g} ({e.low:.4g} to {e.high:.4g})" for name, e in self.estimates.items())
        return f"Evaluation of {len(self.y):,} rows: " + ", ".join(figures)

    def compare(self, other: "Evaluation", metric: str | None = None) -> PairedVerdict:
        """Return whether this model is better than another, worse, or ties with it, on the same rows.

        Args:
            other: the evaluation of the other model, of the same rows in the same order.
            metric: what counts; the first one of this evaluation when None.

        Each metric is nearly a mean over rows of its value plus the influence of the row. These are compared pair by
        pair (for AUC that is the test of DeLong, DeLong and Clarke-Pearson 1988), and differences within a thousandth tie.

        Raises UsageError for other rows, and for a metric that one of them does not have.
        """
        if len(self.y) != len(other.y) or not np.array_equal(self.y, other.y):
            raise UsageError(
                f"the evaluations are of {len(self.y):,} and {len(other.y):,} rows, which are not the same rows",
                fix="evaluate both models on the same data", code="other-rows",
            )  # fmt: skip
        metric = next(iter(self)) if metric is None else metric
        for one in (self, other):
            if metric not in one:
                raise UsageError(
                    f"metric is {metric!r}, which does not apply; there are {', '.join(one)}",
                    fix=f"use {next(iter(one))}", code="bad-metric",
                )  # fmt: skip
        scores = self[metric], other[metric]
        by_row = [score + e.influence(metric) for score, e in zip(scores, (self, other), strict=True)]
        difference = paired_difference(by_row[0][None], by_row[1][None], self.weight)
        freedom = freedom_of_error(by_row[0] - by_row[1] - difference.mean, self.weight)
        difference = replace(difference, freedom=min(freedom, difference.freedom))
        margin = difference.margin(ALPHA)
        return PairedVerdict(
            metric=metric, verdict=verdict_of(difference, scores, metric in HIGHER_IS_BETTER),
            difference=difference.mean, low=difference.mean - margin, high=difference.mean + margin,
        )  # fmt: skip
