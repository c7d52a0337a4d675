"""search: which rule at which rate; all candidates are trained side by side and the best is kept.

The rates of one variant compete by successive halving (`training.halving.worse_half`); the best is tried between its
neighbours, each variant's best is repeated over seeds, and the best of all is tried from other initial weights and
under other schedules where the user asked for that.
"""

from collections.abc import Callable

from descend.arrays import Array
from descend.optimum.landscape import Landscape
from descend.options import Options
from descend.problem import Problem
from descend.problem.moments import fits
from descend.search.by_sample import search_by_sample
from descend.search.candidates import candidates, settings
from descend.search.result import SearchResult
from descend.search.sample import sample_of
from descend.search.task import Task
from descend.search.trainings import search_rows
from descend.table.data import Data
from descend.training import Progress
from descend.training.checkpoint import Checkpoints


def search(
    problem: Problem,
    held_out: Data | None,
    options: Options,
    landscape: Landscape | None = None,
    on_event: Callable[[Progress], None] = lambda progress: None,
    start: Array | None = None,
    checkpoints: Checkpoints | None = None,
    quick: bool = False,
) -> SearchResult:
    """Train every candidate that the options leave open and keep the best.

    Args:
        problem: what to minimise.
        held_out: validation rows, which decide when a run stops and which is best where `validation_decides` says so;
            else rows whose loss is only recorded.
        options: as `options.read_options` returns them.
        start: initial weights (params,), zeros when None.
        checkpoints: where its trainings write how they stand, and find it.
        quick: whether nobody looks at any run but the best: the others end soon, and are not measured.

    What the user typed is trained as it is; "auto" tries the eight variants, and for each of them rates below its
    stability limit.
    """
    landscape = landscape or Landscape.of(problem)
    task = Task(problem, held_out, options, landscape, on_event, start, checkpoints or Checkpoints(), quick)
    free = all(fits(problem, s) for s in candidates(problem, options))  # moments train all of them
    sample = sample_of(problem, options) if _leaves_a_choice(options) and not free else None
    if sample is not None:
        result = search_by_sample(task, sample)
        if result is not None:
            return result
    return search_rows(task, settings(problem, options, landscape), task.limits)


def _leaves_a_choice(options: Options) -> bool:
    """Whether several settings are trained of which the user named none, and one is kept: those who name several compare
    them, and each sees all rows."""
    several = isinstance(options.optimizer, str) and "," in options.optimizer
    return not several and (options.lr == "auto" or options.optimizer == "auto")
