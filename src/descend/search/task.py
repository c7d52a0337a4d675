"""task: what a search is given, and when its trainings end."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from descend.arrays import Array
from descend.optimum.landscape import Landscape
from descend.options import Options
from descend.outcome import Outcome
from descend.plan import Plan
from descend.problem import Problem
from descend.table.data import Data
from descend.training import Fit, Limits, Progress, train
from descend.training.checkpoint import Checkpoints

MOST_EPOCHS = 100_000  # of a run where the user set none (arbitrary: patience or the time ends it before)
CELLS_AFTER_CONVERGENCE = (
    5e7  # cell visits of a group once a run has converged: about a tenth of a second, whatever the machine
)
UNSEEN = 5  # times less of it where nobody sees these runs: one that has converged by all rows a step is kept anyway (arbitrary)
QUICK_GRACE = (
    10  # epochs, see `Limits.grace`, of a search that is to show which setting is fastest, and no more (arbitrary)
)


@dataclass(frozen=True, eq=False)
class Task:
    """What a search is given, see `search`."""

    problem: Problem
    held_out: Data | None
    options: Options
    landscape: Landscape
    on_event: Callable[[Progress], None]
    start: Array | None
    checkpoints: Checkpoints
    quick: bool

    @property
    def limits(self) -> Limits:
        """When a training ends."""
        limits = limits_of(self.options, self.landscape)
        return dataclasses.replace(limits, grace=QUICK_GRACE, others=1.0) if self.quick else limits

    @property
    def threads(self) -> int:
        """Over which a training is spread."""
        return self.options.threads or 1

    def train(self, plan: Plan, limits: Limits, on_event: Callable[[Progress], None] | None = None) -> Fit:
        """Train a plan on all rows."""
        heard = on_event or self.on_event
        return train(self.problem, plan, self.held_out, limits, heard, self.threads, self.checkpoints)

    def after_convergence(self, limits: Limits, done: Fit, runs: int) -> Limits:
        """The limits of so many runs after others: once one has converged, so much work, counted in cells, whatever its pace."""
        converged = [int(e) for e, o in zip(done.epochs, done.outcomes, strict=True) if o == Outcome.CONVERGED]
        if not converged:
            return limits
        cells = self.problem.data.rows * max(self.problem.params, 1) * max(runs, 1)
        work = CELLS_AFTER_CONVERGENCE / (UNSEEN if self.quick else 1)
        most = max(int(work / cells), 1), int(limits.others * max(limits.grace, min(converged)))
        return dataclasses.replace(limits, epochs=min(limits.epochs, *most))


def validation_decides(landscape: Landscape, options: Options) -> bool:
    """Whether validation rows, rather than the training objective, decide when a run stops and which weights are kept.

    They do where the user asked for them, by --val or --patience, and where the optimum is unknown.
    """
    if isinstance(options.validation, str) and options.validation == "auto":
        return landscape.optimum.weights is None or "patience" in options.user_set
    return not (isinstance(options.validation, float) and options.validation == 0)


def limits_of(options: Options, landscape: Landscape) -> Limits:
    """Return when a run ends by what the user asked for, and by what is known of the optimum."""
    return Limits(
        epochs=MOST_EPOCHS if options.max_epochs is None else options.max_epochs,
        seconds=options.time_budget,
        patience=options.patience,
        tol=options.tol,
        optimum=None if landscape.optimum.weights is None else landscape.optimum.objective,
        aim=landscape.aim(options.tol),
        reference=landscape.baseline,
        early=validation_decides(landscape, options),
    )
