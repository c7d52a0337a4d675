"""insights: what is known about a fit beside its model, computed when it is first read: most fits are never asked."""

from functools import cached_property
from typing import Any

from descend.blas import one_blas_thread
from descend.diagnosis import Finding
from descend.diagnosis.verdict import Verdict, judge
from descend.options import Options
from descend.search.search import SearchResult

NAMES = ("verdict", "findings", "gap", "curvature", "stability_limit", "why")


class Insights:
    """The verdict on a fit, its findings, and what was known before it.

    The search, and with it the training rows, are kept until all has been read: `settle` reads it, and so does a pickle,
    which holds no data.

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

    def settle(self) -> None:
        """Compute all, and let go of the rows."""
        self.__dict__.update(self.__getstate__())

    def __getstate__(self) -> dict[str, Any]:
        return {"_search": None, **{name: getattr(self, name) for name in NAMES}}
