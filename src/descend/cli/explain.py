"""`descend explain`: what a finding means, how it is detected, what helps."""

import textwrap
from typing import TYPE_CHECKING

import click

from descend.cli.flags import AS_JSON, Sectioned

if TYPE_CHECKING:
    from descend.diagnosis.finding import Entry

WIDTH = 100  # columns, as of the help


@click.command("explain", cls=Sectioned, short_help="One finding: meaning, how it is detected, what helps, reference.")
@click.argument("code", required=False)
@AS_JSON
def command(code: str | None, as_json: bool) -> int:
    """Explain a finding such as D202; without CODE list them all.

    Exit codes: 0 done, 2 there is no such finding.
    """
    from descend.cli.output import answer, answer_json
    from descend.diagnosis import ENTRIES, explain

    entries = list(ENTRIES.values()) if code is None else [explain(code)]
    if as_json:
        answer_json({"schema": "descend.explain/1", "status": "ok", "findings": [vars(e) for e in entries]})
    elif code is None:
        answer("\n".join(f"{e.code}  {e.title}" for e in entries))
    else:
        answer("\n".join(lines(entries[0])))
    return 0


def lines(entry: "Entry") -> list[str]:
    """Return an entry as lines of text."""
    result = [f"{entry.code} {entry.title}"]
    for name, text in entry.parts:
        result += textwrap.wrap(text, WIDTH, initial_indent=f"{name:<10}", subsequent_indent=" " * 10)
    return result
