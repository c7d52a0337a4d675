"""`descend check`: what a table holds and what would hinder training; nothing is trained."""

import sys
from typing import TYPE_CHECKING, Any

import click

from descend.cli.flags import AS_JSON, READING, Flag, Sectioned, from_table
from descend.cli.study import study

if TYPE_CHECKING:
    from descend.checks.data_report import DataReport
    from descend.checks.records import Check, ColumnProfile

OPTIONS = (*READING, "drop", "features", "weight", "group", "time", "task", "loss", "missing", "max_levels", "scale", "test",
           "random_state")  # fmt: skip
HEAD = ("column", "kind", "missing", "different", "smallest", "median", "largest", "assoc.", "used as")
MOST_COLUMNS = 30  # lines of the table of columns: a screen; -v shows all
LONGEST_NAME, LONGEST_USE = 30, 40  # characters of a cell; arbitrary
LONGEST_TEXT = 600  # characters of what a check says, where names are long; arbitrary
COLORS = {"problem": "31", "tip": "33", "passed": "32"}


@click.command("check", cls=Sectioned, short_help="What a table holds, and what would hinder training.")
@click.argument("data")
@click.option(
    "-t", "--target", cls=Flag, section="data", metavar="COL", help="column to predict; none checks the table alone"
)
@from_table(OPTIONS)
@AS_JSON
@click.option("--html", "page", cls=Flag, metavar="FILE", help="also write a page without script")
@click.option("--force", cls=Flag, is_flag=True, help="overwrite FILE")
@click.pass_context
def command(
    ctx: click.Context, /, data: str, target: str | None, as_json: bool, page: str | None, force: bool, **flags: Any
) -> int:  # fmt: skip
    """Read DATA once and check it: types, missing cells, sentinels, outliers, copies, leaks, classes, correlations,
    conditioning before and after scaling, and what training would do. Nothing is trained.

    Each check ends as problem, tip, passed, skipped or not applicable, with its reason. Problems do not change the exit code.

    Exit codes: 0 done, 2 usage, 3 no table can be read.
    """
    from descend.checks.job import check
    from descend.cli.output import answer, answer_json, atomic_text_file
    from descend.display import colored
    from descend.store import check_file

    if page is not None:
        check_file(page, data, force)
    report = study(ctx, data, flags, lambda show, options: check(data, target, on_event=show, **options))
    if page is not None:
        with atomic_text_file(page) as file:
            file.write(report.html())
    color = not ctx.obj["no_color"] and colored(sys.stdout)
    if as_json:
        answer_json(report.document())
    else:
        answer("\n".join(lines(report, page, color=color, verbose=ctx.obj["verbose"])), color=color)
    return 0


def lines(report: "DataReport", page: str | None = None, *, color: bool = False, verbose: bool = False) -> list[str]:
    """Return the columns, the checks with problems first, and where the page is."""
    from descend.text import aligned, printable, shortened

    shown = report.columns if verbose else report.columns[:MOST_COLUMNS]
    hidden = len(report.columns) - len(shown)
    width = max(len(c.name) for c in report.checks)
    return [
        printable(shortened(report.title, LONGEST_TEXT)), "", *aligned([HEAD, *map(_cells, shown)], right=range(2, 8)),
        *([f" … {hidden:,} more columns; -v shows them, --json has them"] if hidden else []), *_sampled(report), "",
        *(line for c in report.by_urgency for line in _check_lines(c, width, color)), "", report.verdict,
        *([f"page     {printable(page)}"] if page is not None else []),
    ]  # fmt: skip


def _cells(c: "ColumnProfile") -> tuple[str, ...]:
    from descend.checks.records import association_text, range_text
    from descend.text import printable, shortened

    name, use = (shortened(printable(text), most) for text, most in ((c.name, LONGEST_NAME), (c.used_as, LONGEST_USE)))
    ends = [range_text(c, which) for which in (0, 2, -1)]
    return (name, c.kind, f"{c.missing:,}", f"{c.distinct:,}", *ends, association_text(c), use)


def _sampled(report: "DataReport") -> list[str]:
    if report.sampled == report.rows:
        return []
    return [f" medians, different numbers and associations are of {report.sampled:,} rows, drawn at random"]


def _check_lines(check: "Check", width: int, color: bool) -> list[str]:
    from descend.display import paint
    from descend.text import printable, shortened

    mark = paint(check.status.mark, COLORS.get(check.status.value, "2"), color)
    said = "" if check.status.value in ("problem", "tip", "passed") else f"{check.status.value}: "
    text = [f"{mark} {check.name:<{width}}  {said}{printable(shortened(check.text, LONGEST_TEXT))}"]
    fixes = [printable(shortened(fix, LONGEST_TEXT)) for fix in check.fix]
    text += [f"{' ' * (width + 4)}fix   {'   or   '.join(fixes)}"] if fixes else []
    return text + ([f"{' ' * (width + 4)}more  descend explain {check.code}"] if check.code else [])
