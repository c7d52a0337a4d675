"""result: what a search found."""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from descend.arrays import Array
from descend.optimum.landscape import Landscape
from descend.options import Options
from descend.search.rationale import rationale
from descend.search.selection import repeats
from descend.table.data import Data
from descend.training import Fit


@dataclass(frozen=True, eq=False, kw_only=True)
class SearchResult:
    """The outcome of a search.

    Args:
        fit: all runs.
        best: the run that is kept.
        best_per_variant: the best run of each variant, in the plan's order.
        landscape: what was known before.
        options: the value of every option.
        seeds: how many seeds of each variant were asked for.
        skipped: the variants for which there was no time at all.
        out_of_time: whether the time, rather than a run itself, ended a run.
        validation: the rows that decided when to stop and what to keep; None where the training objective did.
        sample_rows: on how many rows settings competed; None where that was all of them.
        chosen_on_all: whether the setting that is kept competed on all rows nevertheless, trained by moments.
        places: of the training rows that are left, where they stood among all (rows,); None where these are all.
    """

    fit: Fit
    best: int
    best_per_variant: tuple[int, ...]
    landscape: Landscape
    options: Options
    seeds: int
    skipped: tuple[str, ...] = ()
    out_of_time: bool = False
    validation: Data | None = None
    sample_rows: int | None = None
    chosen_on_all: bool = False
    places: Array | None = None

    @cached_property
    def why(self) -> dict[str, dict[str, Any]]:
        """For each value that was chosen: how it was found, and the evidence."""
        why, rows = rationale(self.fit, self.best, self.options, self.landscape), self.fit.problem.data.rows_in_all
        if self.sample_rows is not None and not self.chosen_on_all:
            for name in ("optimizer", "lr"):
                why[name]["source"] += f", on {self.sample_rows:,} of {rows:,} rows"
        return why

    def on_some(self, data: Data, places: Array | None = None) -> "SearchResult":
        """Return this search with some of its training rows, which have the moments of all, in place of all."""
        problem = dataclasses.replace(self.fit.problem, data=data)
        fit = dataclasses.replace(self.fit, problem=problem)
        return dataclasses.replace(self, fit=fit, landscape=self.landscape.on_some(problem), places=places)

    def seeds_of(self, r: int) -> tuple[int, ...]:
        """Return the runs of a setting that are compared with others: one a seed, without those of --restarts."""
        first = min(s.seed for s in self.fit.plan.settings)
        return tuple(k for k in repeats(self.fit, r) if self.fit.plan.settings[k].seed < first + self.seeds)
