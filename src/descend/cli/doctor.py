"""`descend doctor`: the findings about runs of the past, with the proof of their cures."""

import sys
from typing import TYPE_CHECKING, Any

import click

from descend.cli.flags import AS_JSON, Flag, Sectioned
from descend.errors import UsageError
from descend.options import BY_NAME

if TYPE_CHECKING:
    from descend.run.doctor import Examined


@click.command("doctor", cls=Sectioned, short_help="What is wrong with a run, and a proof that the cure helps.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...|DATA")
@click.option(
    "-t",
    "--target",
    cls=Flag,
    section="data",
    metavar="COL",
    help="column to predict: DATA is trained on first, and no run",
)
@click.option("--data", cls=Flag, section="data", metavar="FILE", help="the data, where they have moved since the run")
@click.option(
    "--time", "seconds", cls=Flag, section="budget", metavar="TIME", help="most time for all trainings  [30s]"
)
@click.option(
    "--apply",
    "place",
    cls=Flag,
    metavar="FILE",
    help="write the command that carries the best cure; - is standard output",
)
@AS_JSON
@click.pass_context
def command(
    ctx: click.Context, /, runs: tuple[str, ...], target: str | None, data: str | None, seconds: str | None, place: str | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Name what is wrong with each RUN, a folder that `descend train` left, also of a training that failed; or train on DATA and
    name it. Each cure is tried in a short training on the same data, and what does not help is not proposed.

    Exit codes: 0 done, 2 usage, 3 data, 5 a folder is no run, or is damaged.
    """
    from descend.cli.output import answer, answer_json
    from descend.display import Display, colored
    from descend.store import check_file

    _check(runs, target, data, place, as_json)
    if place not in (None, "-"):
        check_file(place, runs[0], force=False)
    color = False if ctx.obj["no_color"] else None
    with Display(sys.stderr, quiet=ctx.obj["quiet"], color=color) as show:
        found = [_examined(one, target, data, seconds, show) for one in runs]
    if place is not None:
        _apply(found[0], place)
    if as_json:
        answer_json({"schema": "descend.doctor/1", "status": "ok", "runs": [document(one) for one in found]})
        return 0
    if place == "-":
        return 0
    paint = not ctx.obj["no_color"] and colored(sys.stdout)
    answer("\n\n".join("\n".join(lines(one, paint, ctx.obj["verbose"])) for one in found), color=paint)
    return 0


def _check(runs: tuple[str, ...], target: str | None, data: str | None, place: str | None, as_json: bool) -> None:
    """Raise UsageError for what contradicts itself."""
    if len(runs) > 1 and (target is not None or place is not None):
        flag = "--target" if target is not None else "--apply"
        raise UsageError(f"{flag} is for one run, {len(runs)} were given", fix="name one", code="contradiction")
    if target is not None and data is not None:
        raise UsageError(
            "--data and --target both name data", fix="leave out --data: DATA is the argument", code="contradiction"
        )
    if as_json and place == "-":
        raise UsageError(
            "--json and --apply - both claim standard output", fix="give --apply a file", code="contradiction"
        )


def _examined(one: str, target: str | None, data: str | None, seconds: str | None, show: Any) -> "Examined":
    from descend.run.doctor import SECONDS, doctor, examine

    budget = SECONDS if seconds is None else BY_NAME["time_budget"].read("time_budget", seconds) or SECONDS
    return doctor(one, data, show, seconds=budget) if target is None else examine(one, target, show, seconds=budget)


def _apply(one: "Examined", place: str) -> None:
    """Write the command with the best cure where the user wants it; say so where there is none."""
    from descend.cli.output import answer, atomic_text_file

    if not one.command:
        click.echo("note: no cure that was tried helps, so that there is nothing to apply", err=True)
    elif place == "-":
        answer(one.command)
    else:
        with atomic_text_file(place) as file:
            file.write(one.command + "\n")


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
    if one.command:
        said.append(f"next     {printable(one.command)}")
    return said
