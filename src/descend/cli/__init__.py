"""The `descend` command: one file a command, loaded when it is asked for; errors become exit codes in one place."""

import contextlib
import gc
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from descend.cli.commands import Commands
from descend.cli.errors import guarded

SELDOM = 250_000  # new objects before Python looks for cycles: a training of 344 rows makes 100,000, for which it looks 250 times (0.06 s)


def _version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from descend.version import VERSION

        click.echo(f"descend {VERSION}")
        ctx.exit()


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
@click.option("-q", "--quiet", is_flag=True, help="No notes and no progress; errors remain.")
@click.option("-v", "--verbose", is_flag=True, help="More notes: every trial, every finding and figure in full.")
@click.option("--no-color", is_flag=True, help="No colour; so does NO_COLOR in the environment.")
@click.pass_context
def app(ctx: click.Context, /, **common: bool) -> None:
    """Train by gradient descent: the learning rate is found, the gap to the optimum known, the fault named.

    \b
    descend train houses.csv --target price       train, compare, save a run folder
    descend predict runs/houses-1 new.csv         one prediction a row
    """
    if common["quiet"] and common["verbose"]:
        raise click.UsageError("-q and -v contradict each other.")
    ctx.obj = common


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 a gate tripped, else see `descend.errors`.

    Without arguments it is the whole process: BLAS is loaded with the one thread that descend uses, where the user asked for
    no other number, since others wait for work in a loop (0.1 s of processor time); and the process ends without another
    search for cycles among all modules (0.1 s).
    """
    if argv is not None:
        return _run(list(argv))
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        return _run(sys.argv[1:])
    finally:
        gc.freeze()


def _run(arguments: list[str]) -> int:
    with _rare_collections():
        return guarded(_invoker(arguments), arguments)


@contextlib.contextmanager
def _rare_collections() -> Iterator[None]:
    """Let Python look for unreachable cycles seldom: while modules are imported there are none, and it looks 300 times."""
    thresholds = gc.get_threshold()
    gc.set_threshold(SELDOM, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def _invoker(arguments: list[str]) -> Callable[[], Any]:
    begun = time.monotonic()

    def invoke() -> Any:
        with app.make_context("descend", arguments or ["--help"]) as ctx:
            ctx.meta["descend.arguments"], ctx.meta["descend.begun"] = arguments, begun
            return app.invoke(ctx)

    return invoke
