"""prepare: data that several processes prepare together; all end with what one process would have.

Of a large Parquet file each rank reads a part, where moments are all that training asks of the rows (`in_parts`). Any other table
every rank reads whole, since types, levels, medians and the split depend on all rows; they share the passes over the rows:
moments, and sums of losses and gradients.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from descend.cluster.agreement import agreed, facts
from descend.cluster.group import Group
from descend.cluster.in_parts import Given, prepare_in_parts
from descend.cluster.moments import accumulate
from descend.cluster.passes import FITTED, TEST, TRAIN, SharedPasses
from descend.errors import UsageError
from descend.options import Options
from descend.problem import Problem, moments
from descend.problem.build import build_problem
from descend.table.data import Data
from descend.table.moments import Accumulate, Rows
from descend.table.prepare import Note, Prepared, labelled, load, prepare, validation_split
from descend.table.streamed.rows import ScaledStream
from descend.table.table import Table


def prepare_together(group: Group, given: Given, on_event: Callable[[Note], None] = lambda note: None) -> Prepared:
    """Return what `table.prepare.prepare` returns, with the moments of training and test rows, on all ranks.

    Raises UsageError when ranks were given different data, options or versions, and for what processes do not share.
    """
    data, target, options = given.data, given.target, given.options
    if (prepared := prepare_in_parts(group, given, on_event)) is not None:
        return _with_ranks(prepared, group, problem_at(prepared, options, TRAIN).params)

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
    on_event(
        Note("ranks", f"{group.world} processes share the sums over all rows, and runs; the search is that of rank 0")
    )
    problem, parts = problem_at(prepared, options, TRAIN), [prepared.train, prepared.test]
    if moments.measures(problem):
        parts = [part and _with_moments(part, shared, options.threads or 1) for part in parts]
    if group.rank == 0:
        parts = [part and part.with_team(SharedPasses(group, at, problem.params)) for at, part in enumerate(parts)]
    train, test = parts
    assert train is not None
    return replace(prepared, train=train, test=test)


def _with_ranks(prepared: Prepared, group: Group, params: int) -> Prepared:
    """What was read in parts, on rank 0 with the other ranks, who take their part of products, and of passes over rows they hold."""
    if group.rank:
        return prepared
    parts = [prepared.train, prepared.test]
    teams = [SharedPasses(group, place, params) for place in range(len(parts))]
    streams = [part.X for part in parts if part is not None and isinstance(part.X, ScaledStream)]
    for stream in streams:
        stream.share = partial(teams[0].products, streams)
    train, test = (
        part.with_team(team) if part and part.in_parts else part for part, team in zip(parts, teams, strict=True)
    )
    assert train is not None
    return replace(prepared, train=train, test=test)


def problem_at(prepared: Prepared, options: Options, place: int) -> Problem:
    """Return the problem of rows that ranks share: TRAIN, TEST or FITTED, see `cluster.passes`."""
    data: Data | None = prepared.test if place == TEST else prepared.train
    if place == FITTED and (split := validation_split(prepared, options)) is not None:
        data = split[0]
    assert data is not None
    return build_problem(data, prepared.loss, prepared.constants, prepared.outputs, options)


def _with_moments(data: Data, shared: Accumulate, threads: int) -> Data:
    """The rows with their moments; where they are known already, those."""
    if data.has_gram:
        return data
    return data.with_gram(shared([Rows(data.X, data.y, data.sample_weight)], threads))


def _check_options(options: Options) -> None:
    """Raise UsageError for a limit of memory, which tables that are read whole do not keep."""
    if options.memory is not None:
        raise _not_shared("--memory for a table that they read whole", "leave out --memory, or start one process")


def _not_shared(what: str, fix: str) -> UsageError:
    return UsageError(f"several processes cannot share {what}", fix=fix, code="not-shared")
