"""`descend compare`: the variants side by side, each at its own best rate, over seeds."""

from typing import TYPE_CHECKING, Any

import click

from descend.cli.flags import AS_JSON, TARGET, Flag, Sectioned, from_table
from descend.cli.study import study
from descend.options import OPTIONS

if TYPE_CHECKING:
    from descend.run.comparison import Comparison, Row

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
def command(ctx: click.Context, /, data: str, target: str, variants: str, as_json: bool, **flags: Any) -> int:
    """Train DATA by each variant at the best of several rates, and with the same other seeds; say which differ beyond
    chance. Two tie when their losses, paired row by row and seed by seed, differ by no more than chance, when both reached
    the exact optimum, or when their scores differ by less than a thousandth.

    Exit codes: 0 done, 2 usage, 3 data, 4 no variant trained, 130 interrupted.
    """
    from descend.cli.output import answer, answer_json
    from descend.run.comparison import compare

    comparison = study(
        ctx, data, flags, lambda show, options: compare(data, target, variants=variants, on_event=show, **options)
    )
    answer_json(document(comparison)) if as_json else answer("\n".join(lines(comparison)))
    return 130 if comparison.run.interrupted else 4 if all(row.failed for row in comparison.rows) else 0


def document(comparison: "Comparison") -> dict[str, Any]:
    """Return the comparison as one JSON document."""
    run = comparison.run
    return {
        "schema": "descend.compare/1", "status": "ok" if not run.failed else "failed", "verdict": comparison.verdict,
        "metric": comparison.metric, "part": comparison.where,
        "baseline": run.metrics["baseline"].get(comparison.metric),
        "optimum": run.metrics.get("optimum", {}).get(comparison.metric),
        "variants": [vars(row) for row in comparison.rows], "data": run.data, "seconds": run.seconds,
        "config": run.document()["config"],
    }  # fmt: skip


def lines(comparison: "Comparison") -> list[str]:
    """Return a line for each variant, and the verdict."""
    from descend.cli.answer import METRICS
    from descend.text import aligned

    head = [*HEAD[:7], f"{comparison.where} {METRICS[comparison.metric]}", *HEAD[8:]]
    table = aligned([head, *(_row(row) for row in comparison.rows)], right=(4, 5, 6, 7, 8))
    notes = [f"{n.text}" for n in comparison.run.notes if n.topic == "budget"]
    return [*table, "", comparison.verdict, *notes]


def _row(row: "Row") -> list[str]:
    from descend.report.numbers import number

    spread = f" ± {row.spread:.2g}" if row.spread else ""
    gap = "–" if row.gap is None else f"{100 * row.gap:.2g} %"
    return [row.letter, row.variant, f"{row.lr:.3g}", row.batch, f"{row.epochs:,}", f"{row.gradients:,}",
            "–" if row.seconds is None else f"{row.seconds:.2g}",
            number(row.score) + spread, gap, row.result]  # fmt: skip
