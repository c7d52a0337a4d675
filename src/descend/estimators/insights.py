"""insights: what is known about a fit beside its model, computed when it is first read: most fits are never asked."""

from dataclasses import replace
from functools import cached_property
from typing import Any

from descend.arrays import evenly_spaced
from descend.blas import one_blas_thread
from descend.diagnosis import TRAINING, Finding, diagnose
from descend.diagnosis.data_faults import shown_by
from descend.diagnosis.verdict import Verdict, evidence_of, judge
from descend.options import Options
from descend.search.result import SearchResult
from descend.sparse import is_sparse

ROWS_KEPT = 1 << 14  # of a large table: more than any check looks at of one, and 3 MB of 50 columns
NAMES = ("verdict", "findings", "gap", "curvature", "stability_limit", "why")


class Insights:
    """The verdict on a fit, its findings, and what was known before it.

    The search, and with it the training rows, are kept until all has been read; of a large table some of them, see `let_go`. A
    pickle holds what is known, and no rows.

    Args:
        result: the search.
        options: the value of every option.
    """

    def __init__(self, result: SearchResult, options: Options) -> None:
        self._search: tuple[SearchResult, Options] | None = (result, options)

    @property
    def _result(self) -> SearchResult:
        assert self._search is not None  # all is known, where it is None
        return self._search[0]

    @cached_property
    def _judged(self) -> tuple[Verdict, tuple[Finding, ...]]:
        assert self._search is not None
        with one_blas_thread():
            return judge(self._result, options=self._search[1])

    @cached_property
    def verdict(self) -> Verdict:
        """How training ended."""
        return self._judged[0]

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, the most severe first."""
        return self._judged[1]

    @cached_property
    def gap(self) -> float | None:
        """The excess training loss over the optimum; None where that is unknown."""
        result = self._result
        return result.landscape.gap(float(result.fit.loss[result.best]))

    @cached_property
    def curvature(self) -> float:
        """The largest curvature of the objective."""
        with one_blas_thread():
            return float(self._result.landscape.curvature.largest)

    @cached_property
    def stability_limit(self) -> float | None:
        """The learning rate above which the rule diverges; None where it is not known."""
        limit: float | None = self.why["lr"]["stability_limit"]
        return limit

    @cached_property
    def why(self) -> dict[str, dict[str, Any]]:
        """For each value that was chosen: how it was found, and the evidence."""
        with one_blas_thread():
            return self._result.why

    @cached_property
    def slowness(self) -> Finding | None:
        """The first finding about why training did not come to its end, without any about the data."""
        assert self._search is not None
        with one_blas_thread():
            found = diagnose(evidence_of(self._result, None, self._search[1]), TRAINING)
        return next((f for f in found if f.code.startswith("D2")), None)

    def let_go(self) -> None:
        """Let go of the rows of a large table, which are not copied: keep a few, evenly spaced, with the moments of all.

        Where these few may not show what all would, or have no moments of all, everything is computed now.
        """
        result, problem = self._result, self._result.fit.problem
        data = problem.data
        if problem.network is None and data.has_gram and problem.loss.curvature is not None and not is_sparse(data.X):
            places = evenly_spaced(data.rows, ROWS_KEPT)
            part = data.take(places).with_gram(data.gram())
            if shown_by(part, data):
                assert self._search is not None
                self._search = replace(result.on_some(part, places), validation=None), self._search[1]
                return
        self.__dict__.update(self.__getstate__())

    def __getstate__(self) -> dict[str, Any]:
        return {"_search": None, **{name: getattr(self, name) for name in NAMES}}
