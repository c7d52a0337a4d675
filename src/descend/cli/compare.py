"""`descend compare`: the variants side by side, each at its own best rate, over seeds."""

import sys
from typing import Any

import click

from descend.cli.flags import AS_JSON, TARGET, Flag, Sectioned, from_table
from descend.options import BY_NAME, OPTIONS

HEAD = ("", "variant", "lr", "batch", "epochs", "gradients", "seconds", "score", "gap", "result")


@click.command("compare", cls=Sectioned, short_help="Variants side by side, each at its own best rate.")
@click.argument("data")
@TARGET
@click.option(
    "--variants",
    cls=Flag,
    section="optimizer",
    metavar="LIST",
    default="all",
    help="all for the eight, or names with commas between  [all]",
)
@from_table([o.name for o in OPTIONS if o.name != "optimizer"])
@AS_JSON
@click.pass_context
def command(ctx: click.Context, /, data: str, target: str, variants: str, as_json: bool, **flags: Any) -> int:  # fmt: skip
    """Train DATA by each variant at the best of several rates, and again from other seeds; say which differ beyond
    chance. Two tie when they are within two standard errors of their difference, or a thousandth of the score.

    Exit codes: 0 done, 2 usage, 3 data, 4 no variant trained, 130 interrupted.
    """
    from descend.cli.config import gather
    from descend.cli.loading import check_input
    from descend.cli.output import answer, answer_json
    from descend.display import Display
    from descend.run.comparison import compare

    given = gather(flags, None)
    check_input(data)
    with Display(sys.stderr, quiet=ctx.obj["quiet"], color=False if ctx.obj["no_color"] else None) as show:
        options = {name: one.value for name, one in given.items() if name in BY_NAME}
        found = compare(data, target, variants=variants, on_event=show, **options)
    answer_json(document(found)) if as_json else answer("\n".join(lines(found)))
    return 130 if found.run.interrupted else 4 if all(row.failed for row in found.rows) else 0


def document(found: Any) -> dict[str, Any]:
    """Return the comparison as one JSON document."""
    run = found.run
    return {
        "schema": "descend.compare/1", "status": "ok" if not run.failed else "failed", "verdict": found.verdict,
        "metric": found.metric, "part": found.where, "baseline": run.metrics["baseline"].get(found.metric),
        "optimum": run.metrics.get("optimum", {}).get(found.metric), "variants": [vars(row) for row in found.rows],
        "data": run.data, "seconds": run.seconds, "config": run.document()["config"],
    }  # fmt: skip


def lines(found: Any) -> list[str]:
    """Return a line a variant, and the verdict."""
    from descend.cli.answer import METRICS
    from descend.text import aligned

    head = [*HEAD[:7], f"{found.where} {METRICS[found.metric]}", *HEAD[8:]]
    rows = [head, *(_row(row) for row in found.rows)]
    table = aligned(rows, right=(4, 5, 6, 7, 8))
    return [*table, "", found.verdict]


def _row(row: Any) -> list[str]:
    from descend.report.numbers import number

    spread = f" ± {row.spread:.2g}" if row.spread else ""
    gap = "–" if row.gap is None else f"{100 * row.gap:.2g} %"
    return [row.letter, row.variant, f"{row.lr:.3g}", row.batch, f"{row.epochs:,}", f"{row.gradients:,}",
            "–" if row.seconds is None else f"{row.seconds:.2g}",
            number(row.score) + spread, gap, row.result]  # fmt: skip
