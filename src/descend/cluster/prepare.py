"""prepare: data that several processes prepare together; all end with what one process would have.

Every rank reads the whole table, since types, levels, medians and the split depend on all rows; they share the passes over
the rows: moments, which for squared loss are all that steps on the whole batch need, and sums of losses and gradients.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from descend.cluster.agreement import agreed, facts
from descend.cluster.group import Group
from descend.cluster.moments import accumulate
from descend.cluster.passes import SharedPasses
from descend.errors import UsageError
from descend.options import Options
from descend.problem import Problem, moments
from descend.problem.build import build_problem
from descend.table.data import Data
from descend.table.moments import Accumulate, Rows
from descend.table.prepare import Note, Prepared, labelled, load, prepare
from descend.table.table import Table

SHARED = ("squared", "logistic", "poisson", "huber")  # losses of one output, which are summed by blocks of rows


def prepare_together(
    group: Group, data: Any, target: Any, options: Options, on_event: Callable[[Note], None] = lambda note: None
) -> Prepared:  # fmt: skip
    """Return what `table.prepare.prepare` returns, with the moments of training and test rows, on all ranks.

    Raises UsageError when ranks were given different data, options or versions, and for what processes do not share.
    """

    def read() -> Table:
        if isinstance(data, str) and data == "-":
            raise _not_shared("standard input", "write it to a file first")
        _check_options(options)
        return load(data, options)

    def facts_of(table: Table) -> dict[str, str]:
        named, name = labelled(table, target)  # raises where there is no such target
        return facts(table, named[name], options)

    table = agreed(group, read, facts_of)
    shared = partial(accumulate, group)
    prepared = prepare(table, target, options, on_event, shared)
    if prepared.loss.name not in SHARED:
        raise _not_shared(f"the loss {prepared.loss.name}", "start one process, whose threads share it")
    on_event(Note("ranks", f"{group.world} processes share the sums over all rows; the search is that of rank 0"))
    parts = [prepared.train, *([] if prepared.test is None else [prepared.test])]
    if moments.measures(problems_of(prepared, options)[0]):
        parts = [_with_moments(part, shared, options.threads or 1) for part in parts]
    if group.rank == 0:
        parts = [part.with_team(SharedPasses(group, place)) for place, part in enumerate(parts)]
    return replace(prepared, train=parts[0], test=parts[1] if len(parts) > 1 else None)


def problems_of(prepared: Prepared, options: Options) -> list[Problem]:
    """Return the problems whose rows ranks share: on training rows, and on test rows where there are some."""
    parts = [prepared.train, *([] if prepared.test is None else [prepared.test])]
    return [build_problem(part, prepared.loss, prepared.constants, prepared.outputs, options) for part in parts]


def _with_moments(data: Data, shared: Accumulate, threads: int) -> Data:
    """The rows with their moments; where they are known already, those."""
    if data.has_gram:
        return data
    return data.with_gram(shared([Rows(data.X, data.y, data.sample_weight)], threads))


def _check_options(options: Options) -> None:
    """Raise UsageError for options that make training read rows at every step."""
    asked = {
        "hidden layers": (bool(options.hidden_layer_sizes), "leave out --hidden"),
        "steps on batches of rows": (options.batch_size not in ("auto", "full"), "use --batch full"),
        "folds": (options.cv is not None, "leave out --cv"),
        "tables larger than memory": (options.memory is not None, "leave out --memory"),
    }
    for what, (given, fix) in asked.items():
        if given:
            raise _not_shared(what, f"{fix}, or start one process")


def _not_shared(what: str, fix: str) -> UsageError:
    return UsageError(
        f"several processes cannot share {what} yet, they share full batches of linear models, of the losses "
        f"{', '.join(SHARED)}",
        fix=fix,
        code="not-shared",
    )
