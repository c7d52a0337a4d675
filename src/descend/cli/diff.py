"""`descend diff`: what is not the same in two runs, and which model is better."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from descend.cli.flags import AS_JSON, Flag, Sectioned

if TYPE_CHECKING:
    from descend.run.diff import Diff

CELL = 40  # characters of a cell; longer ones are shortened in the middle


@click.command("diff", cls=Sectioned, short_help="What is not the same in two runs, and which is better.")
@click.argument("first", metavar="RUN")
@click.argument("second", metavar="RUN")
@click.option("--data", cls=Flag, section="data", metavar="FILE", help="the data, where they have moved since the runs")
@AS_JSON
def command(first: str, second: str, data: str | None, as_json: bool) -> int:
    """Compare two run folders: options, data, choice, metrics, findings and losses. Where both were trained on the same
    data, say whether the second model is better than the first, worse, or ties with it, on the test rows that they share.

    Exit codes: 0 done, 3 data, 5 a folder is no run, or is damaged.
    """
    from descend.cli.output import answer, answer_json
    from descend.run.diff import diff

    found = diff(first, second, data)
    answer_json(document(found)) if as_json else answer("\n".join(lines(found)))
    return 0


def document(found: "Diff") -> dict[str, Any]:
    """Return the comparison as one JSON document."""
    return {"schema": "descend.diff/1", "status": "ok", "verdict": found.verdict, **asdict(found)}


def lines(found: "Diff") -> list[str]:
    """Return a line for each change, section by section, and the verdict."""
    from descend.run.diff import HEADER
    from descend.text import aligned, printable, shortened

    names = (f"{folder} ({status})" for folder, status in zip(found.runs, found.statuses, strict=True))
    rows = [(*HEADER[:2], *names), *found.rows_of_table()]
    table = aligned([[shortened(printable(cell), CELL) for cell in row] for row in rows], right=(2, 3))
    return [*table, "", printable(found.verdict)]
