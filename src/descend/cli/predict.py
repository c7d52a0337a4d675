"""`descend predict`: one prediction a row, in the order of the rows."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from descend.cli.flags import READING, Flag, Sectioned, from_table
from descend.errors import UsageError


@click.command("predict", cls=Sectioned, short_help="One prediction a row, in the order of the rows.")
@click.argument("run")
@click.argument("data")
@from_table(READING)
@click.option("--id", "ids", cls=Flag, metavar="COL", multiple=True, help="carry this column along; may be repeated")
@click.option("--append", cls=Flag, is_flag=True, help="carry all columns along")
@click.option("--format", "form", cls=Flag, metavar="FORMAT", default="csv", help="csv, jsonl or json  [csv]")
@click.option("-o", "--output", cls=Flag, metavar="FILE", help="write a file, whole or not at all, instead of printing")
@click.option("--force", cls=Flag, is_flag=True, help="replace the file of --output")
@click.pass_context
def command(
    ctx: click.Context, /, run: str, data: str, ids: tuple[str, ...], append: bool, form: str, output: str | None,
    force: bool, **reading: Any,
) -> int:  # fmt: skip
    """Predict each row of DATA with RUN, a run folder.

    The column `prediction` holds the answer; for classes, p_CLASS holds the probability of each. Text that a
    spreadsheet would run as a formula gets a quote in front.

    Exit codes: 0 done, 2 usage, 3 data, 5 the data do not fit the model.
    """
    from descend.cli.formatting import WRITERS
    from descend.cli.loading import at_hand, load_run, named, reading_options
    from descend.cli.output import atomic_text_file
    from descend.cli.passthrough import passthrough_columns
    from descend.store import check_file
    from descend.table.prepare import load

    if form not in WRITERS:
        raise UsageError(
            f"--format is {form!r}, it must be one of {', '.join(WRITERS)}", fix="try csv", code="bad-format"
        )
    if output is not None:
        check_file(output, data, force)
    loaded = load_run(run)
    options = reading_options(loaded, reading)
    with at_hand(data) as path:
        table = named(load(path, options, loaded.model.readings), data)
        names = list(dict.fromkeys([*ids, *(table.names if append else ())]))
        along = passthrough_columns(path, table, names, options, as_text=form == "csv")
    prediction = loaded.predict(table)
    columns = {**along, **_columns(prediction, along, form == "csv")}
    with atomic_text_file(output) as file:
        WRITERS[form](file, columns)
    if not ctx.obj["quiet"]:
        say_differences(prediction)
    return 0


def _columns(prediction: Any, carried: Mapping[str, Any], as_text: bool) -> dict[str, Any]:
    """The predictions by column; a carried column of the same name keeps it, and ours steps aside."""
    import numpy as np

    from descend.text import unused

    boolean = as_text and prediction.values.dtype == bool
    values = np.where(prediction.values, "true", "false") if boolean else prediction.values
    columns = {unused("prediction", carried): values}
    if prediction.probabilities is not None:
        for k, name in enumerate(prediction.classes):
            columns[unused(f"p_{name}", carried)] = prediction.probabilities[:, k]
    return columns


def say_differences(prediction: Any) -> None:
    """Say on standard error which cells were not as in training: levels never seen, and missing cells that were filled."""
    from descend.text import encodable, printable

    lines = [
        f"unseen   {name}: {n:,} {_cells(n)} with a level never seen in training"
        for name, n in prediction.unseen.items()
        if n
    ]
    lines += [f"filled   {name}: {n:,} missing {_cells(n)} filled" for name, n in prediction.filled.items() if n]
    for line in lines:
        click.echo(encodable(printable(line), sys.stderr), err=True)


def _cells(count: int) -> str:
    return "cell" if count == 1 else "cells"
