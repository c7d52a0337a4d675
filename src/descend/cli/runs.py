"""`descend runs`: the runs of a folder, the newest or the best first."""

from typing import TYPE_CHECKING, Any

import click

from descend.cli.flags import AS_JSON, Flag, Sectioned

if TYPE_CHECKING:
    from descend.run.listing import RunList

CELL = 40  # characters of a cell; longer names are shortened in the middle


@click.command("runs", cls=Sectioned, short_help="The runs of a folder, the newest or the best first.")
@click.argument("folder", default="runs", metavar="[DIR]")
@click.option("--sort", cls=Flag, metavar="METRIC", help="the best first by a metric, such as rmse  [newest first]")
@AS_JSON
@click.pass_context
def command(ctx: click.Context, /, folder: str, sort: str | None, as_json: bool) -> int:
    """List the runs in DIR, `runs` when not given: data, target, what was chosen, the score, and the findings.

    Exit codes: 0 done, 2 no run has that metric, 5 there is no such folder.
    """
    from descend.cli.output import answer, answer_json
    from descend.run.listing import runs
    from descend.text import encodable, printable

    listed = runs(folder, sort=sort)
    if not ctx.obj["quiet"]:
        for sentence in listed.damaged:
            click.echo(encodable(printable(f"left out: {sentence}"), None), err=True)
    answer_json(document(listed)) if as_json else answer("\n".join(lines(listed)))
    return 0


def document(listed: "RunList") -> dict[str, Any]:
    """Return the list as one JSON document."""
    cards = [{**vars(card), "made": card.made.isoformat(timespec="seconds")} for card in listed]
    return {
        "schema": "descend.runs/1",
        "status": "ok",
        "folder": listed.folder,
        "runs": cards,
        "damaged": listed.damaged,
    }


def lines(listed: "RunList") -> list[str]:
    """Return a line for each run, below a header."""
    from descend.run.listing import HEADER
    from descend.text import aligned, printable, shortened

    if not len(listed):
        return [f"no runs in {printable(listed.folder)}"]
    rows = [[shortened(printable(cell), CELL) for cell in card.cells()] for card in listed]
    return aligned([HEADER, *rows], right=(5,))
