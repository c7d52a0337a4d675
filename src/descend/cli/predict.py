"""`descend predict`: one prediction a row, in the order of the rows."""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import click

from descend.cli.flags import READING, Flag, Sectioned, from_table
from descend.errors import UsageError
from descend.options.kinds import VERBATIM_TEXT


@click.command("predict", cls=Sectioned, short_help="One prediction a row, in the order of the rows.")
@click.argument("run")
@click.argument("data")
@from_table((*READING, "memory"))
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
    from descend.cli.loading import reading_options
    from descend.cli.output import atomic_text_file
    from descend.run.predictor import load_predictor
    from descend.store import check_file
    from descend.table.streamed.scratch import Scratch

    if form not in WRITERS:
        raise UsageError(
            f"--format is {form!r}, it must be one of {', '.join(WRITERS)}", fix="try csv", code="bad-format"
        )
    if output is not None:
        check_file(output, data, force)
    predictor = load_predictor(run)
    job = _Job(predictor.model, reading_options(predictor.options, reading), ids, append, form == "csv")
    with Scratch(output) as scratch:
        blocks = job.blocks(data, scratch)
        first = next(blocks)  # what is wrong with the data is said before a file is begun
        with atomic_text_file(output) as file:
            WRITERS[form](file, chain([first], blocks))
    if not ctx.obj["quiet"]:
        say_differences(job)
    return 0


class _Job:
    """Predictions of the rows of a file, with columns carried along, block after block where it is larger than memory."""

    def __init__(self, model: Any, options: Any, ids: Sequence[str], append: bool, as_text: bool) -> None:
        self.model, self.options, self.ids, self.append, self.as_text = model, options, ids, append, as_text
        self.unseen, self.filled = Counter[str](), Counter[str]()

    def blocks(self, data: str, scratch: Any) -> Iterator[dict[str, Any]]:
        """Yield the columns of the rows, as they are written."""
        from descend.cli.loading import at_hand, named
        from descend.cli.passthrough import cells_along, passthrough_columns
        from descend.table.prepare import load

        streamed = self._opened(data, scratch, self.model.readings)
        if streamed is None:
            with at_hand(data) as path:
                table = named(load(path, self.options, self.model.readings), data)
                names = self._names(table.names)
                along = passthrough_columns(path, table, names, self.options, as_text=self.as_text)
            yield self._predicted(table, along)
            return
        names, outline = self._names(streamed.names), streamed.outline
        for name in names:
            outline[name]
        used = [name for name in streamed.names if name in self.model.schema.kinds or name in names]
        texts: Iterator[Any] = repeat(None)
        if streamed.source.format == "csv" and names:
            others = tuple(name for name in streamed.names if name not in names)
            verbatim = self._opened(data, scratch, dict.fromkeys(names, VERBATIM_TEXT), others)
            texts = verbatim.windows(names, streamed.piece_rows(len(used)))
        for table, text in zip(streamed.windows(used, streamed.piece_rows(len(used))), texts, strict=False):
            yield self._predicted(table, cells_along(table, names, text, self.as_text))

    def _opened(self, data: str, scratch: Any, readings: Any, drop: tuple[str, ...] = ()) -> Any:
        """The file as a streamed table, of which some columns are dropped; None where it fits in memory."""
        from descend.table.prepare import how_to_read
        from descend.table.streamed.opening import opened

        if data == "-":
            return None
        how = how_to_read(self.options, readings)
        threads = self.options.threads or os.cpu_count() or 1
        found = opened(Path(data), replace(how, drop=(*how.drop, *drop)), self.options.memory, threads, scratch)
        return None if found is None else found[0]

    def _names(self, columns: Sequence[str]) -> list[str]:
        return list(dict.fromkeys([*self.ids, *(columns if self.append else ())]))

    def _predicted(self, table: Any, along: Mapping[str, Any]) -> dict[str, Any]:
        from descend.blas import one_blas_thread

        with one_blas_thread():
            prediction = self.model.predict(table)
        self.unseen.update(prediction.unseen)
        self.filled.update(prediction.filled)
        return {**along, **_columns(prediction, along, self.as_text)}


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
