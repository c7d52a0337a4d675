"""`descend lr`: the loss after a budget against the learning rate, variant by variant; nothing is kept."""

import sys
from typing import Any

import click

from descend.cli.flags import AS_JSON, TARGET, Flag, Sectioned, from_table
from descend.options import BY_NAME, OPTIONS

NOT_HERE = ("optimizer", "seeds", "restarts", "patience", "tol", "metric")
HEAD = ("", "variant", "lr", "stable below", "loss", "usable lr band", "")


@click.command("lr", cls=Sectioned, short_help="Loss against learning rate, limit, usable band, suggestion.")
@click.argument("data")
@TARGET
@click.option(
    "--variant",
    cls=Flag,
    section="optimizer",
    metavar="NAME",
    default="auto",
    help="auto for all eight, or names with commas between  [auto]",
)
@from_table([o.name for o in OPTIONS if o.name not in NOT_HERE])
@AS_JSON
@click.pass_context
def command(ctx: click.Context, /, data: str, target: str, variant: str, as_json: bool, **flags: Any) -> int:  # fmt: skip
    """Train DATA at 33 rates of each variant, side by side, and report the loss after the budget, which is --epochs (20
    when not given). Large tables are sampled. The rate that is suggested may be none; the reason never is.

    Exit codes: 0 done, 2 usage, 3 data, 4 no rate trains.
    """
    from descend.cli.config import gather
    from descend.cli.loading import check_input
    from descend.cli.output import answer, answer_json
    from descend.display import Display
    from descend.run.lr_sweep import find_lr

    given = gather(flags, None)
    check_input(data)
    with Display(sys.stderr, quiet=ctx.obj["quiet"], color=False if ctx.obj["no_color"] else None) as show:
        options = {name: one.value for name, one in given.items() if name in BY_NAME}
        found = find_lr(data, target, variant=variant, on_event=show, **options)
    answer_json(document(found)) if as_json else answer("\n".join(lines(found)))
    return 4 if found.lr is None and found.sweeps else 0


def document(found: Any) -> dict[str, Any]:
    """Return the result as one JSON document."""
    return {
        "schema": "descend.lr/1", "status": "ok" if found.lr is not None else "none", "lr": found.lr,
        "variant": found.variant, "limit": found.limit, "band": found.band, "reason": found.reason,
        "epochs": found.epochs, "rows": found.rows, "start_loss": found.start,
        "variants": [
            {"variant": s.variant, "batch": s.batch, "lr": s.lr, "limit": s.limit, "band": s.band, "open": s.open,
             "reason": s.reason, "rates": s.rates.tolist(), "losses": s.losses.tolist()}
            for s in found.sweeps
        ],
    }  # fmt: skip


def lines(found: Any) -> list[str]:
    """Return a line a variant, the reason, and what to type next."""
    from descend.text import aligned

    rows = [HEAD, *(_row(s) for s in found.sweeps)]
    table = aligned(rows)
    opened = ["   * the band reaches an end of the rates that were tried"] if any(s.open for s in found.sweeps) else []
    head = [f"loss after {found.epochs} epochs of {found.rows:,} rows; {found.start:.4g} before the first step", ""]
    said = "none" if found.lr is None else f"--optimizer {found.variant} --lr {found.lr:.3g}"
    return [
        *([*head, *table, *opened, ""] if found.sweeps else []),
        f"suggestion  {said}",
        f"why         {found.reason}",
    ]


def _row(s: Any) -> tuple[str, ...]:
    limit = "–" if s.limit is None else f"{s.limit:.3g}"
    if s.lr is None:
        return s.letter, s.variant, "–", limit, "–", s.reason, ""
    low, high = s.band
    star = "*" if s.open else ""
    return (s.letter, s.variant, f"{s.lr:.3g}", limit, f"{float(s.losses.min()):.4g}", f"{low:.2g} – {high:.2g}{star}",
            f"×{high / low:.3g}{star}")  # fmt: skip
