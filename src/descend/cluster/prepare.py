"""prepare: data that several processes prepare together; all end with what one process would have.

Every rank reads the whole table, since types, levels, medians and the split depend on all rows; they share the passes that
take the moments, which for squared loss are all that training asks of the rows.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from descend.cluster.agreement import agreed, facts
from descend.cluster.group import Group
from descend.cluster.moments import accumulate
from descend.errors import UsageError
from descend.options import Options
from descend.problem import moments
from descend.problem.build import build_problem
from descend.table.data import Data
from descend.table.moments import Accumulate, Rows
from descend.table.prepare import Note, Prepared, labelled, load, prepare
from descend.table.table import Table


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
    if prepared.loss.name != "squared":
        raise _not_shared(f"the loss {prepared.loss.name}", "start one process, whose threads share it")
    on_event(Note("ranks", f"{group.world} processes share the sums over all rows; the search is that of rank 0"))
    problem = build_problem(prepared.train, prepared.loss, prepared.constants, prepared.outputs, options)
    if not moments.measures(problem):
        return prepared
    threads = options.threads or 1
    test = None if prepared.test is None else _with_moments(prepared.test, shared, threads)
    return replace(prepared, train=_with_moments(prepared.train, shared, threads), test=test)


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
    }
    for what, (given, fix) in asked.items():
        if given:
            raise _not_shared(what, f"{fix}, or start one process")


def _not_shared(what: str, fix: str) -> UsageError:
    return UsageError(
        f"several processes cannot share {what} yet, they share squared loss of linear models",
        fix=fix,
        code="not-shared",
    )
