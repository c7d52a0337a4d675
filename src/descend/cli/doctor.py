"""`descend doctor`: the findings about runs of the past, with the proof of their cures."""

import sys
from typing import TYPE_CHECKING, Any

import click

from descend.cli.flags import AS_JSON, Flag, Sectioned

if TYPE_CHECKING:
    from descend.run.doctor import Examined


@click.command("doctor", cls=Sectioned, short_help="What is wrong with a run, and a proof that the cure helps.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--data", cls=Flag, section="data", metavar="FILE", help="the data, where they have moved since the run")
@AS_JSON
@click.pass_context
def command(ctx: click.Context, /, runs: tuple[str, ...], data: str | None, as_json: bool) -> int:
    """Name what is wrong with each RUN, a folder that `descend train` left, also of a training that failed. Each cure is
    tried in a short training on the same data, and what does not help is not proposed.

    Exit codes: 0 done, 2 usage, 3 data, 5 a folder is no run, or is damaged.
    """
    from descend.cli.output import answer, answer_json
    from descend.display import Display, colored
    from descend.run.doctor import doctor

    color = False if ctx.obj["no_color"] else None
    with Display(sys.stderr, quiet=ctx.obj["quiet"], color=color) as show:
        found = [doctor(folder, data, show) for folder in runs]
    if as_json:
        answer_json({"schema": "descend.doctor/1", "status": "ok", "runs": [document(one) for one in found]})
        return 0
    paint = not ctx.obj["no_color"] and colored(sys.stdout)
    answer("\n\n".join("\n".join(lines(one, paint, ctx.obj["verbose"])) for one in found), color=paint)
    return 0


def document(one: "Examined") -> dict[str, Any]:
    """Return what the doctor says of a run as plain values."""
    from dataclasses import asdict

    from descend.store.plain import plain

    found: dict[str, Any] = plain(asdict(one))
    return found


def lines(one: "Examined", color: bool, verbose: bool) -> list[str]:
    """Return what the doctor says of a run as people read it."""
    from descend.cli.answer import findings_lines
    from descend.text import printable

    said = [f"{printable(one.folder)} · {one.status}: {printable(one.text)}"]
    said += findings_lines(one.findings, color, verbose)
    if not one.findings:
        said.append("nothing to mend")
    if one.reason:
        said.append(f"not tried: {printable(one.reason)}")
    return said
