"""`descend lr`: the loss after a budget against the learning rate, variant by variant; nothing is kept."""

from typing import TYPE_CHECKING, Any

import click

from descend.cli.flags import AS_JSON, TARGET, Flag, Sectioned, from_table
from descend.cli.study import study
from descend.options import OPTIONS

if TYPE_CHECKING:
    from descend.run.lr_sweep import LRResult, Sweep

EXCLUDED = ("optimizer", "seeds", "restarts", "patience", "tol", "metric")
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
@from_table([o.name for o in OPTIONS if o.name not in EXCLUDED])
@AS_JSON
@click.pass_context
def command(ctx: click.Context, /, data: str, target: str, variant: str, as_json: bool, **flags: Any) -> int:
    """Train DATA at some twenty rates of each variant, side by side, and report the loss after the budget, which is
    --epochs (200 steps and 20 epochs at least when not given), as a mean over three seeds where chance has a part. Large
    tables are sampled. The rate that is suggested may be none; the reason never is.

    Exit codes: 0 done, 2 usage, 3 data, 4 no rate trains.
    """
    from descend.cli.output import answer, answer_json
    from descend.run.lr_sweep import find_lr

    result = study(
        ctx, data, flags, lambda show, options: find_lr(data, target, variant=variant, on_event=show, **options)
    )
    answer_json(document(result)) if as_json else answer("\n".join(lines(result)))
    return 4 if result.lr is None and result.sweeps else 0


def document(result: "LRResult") -> dict[str, Any]:
    """Return the result as one JSON document."""
    return {
        "schema": "descend.lr/1", "status": "ok" if result.lr is not None else "none", "lr": result.lr,
        "variant": result.variant, "limit": result.limit, "band": result.band, "reason": result.reason,
        "epochs": result.epochs, "rows": result.rows, "start_loss": result.start,
        "variants": [
            {"variant": s.variant, "batch": s.batch, "lr": s.lr, "limit": s.limit, "band": s.band, "open": s.open,
             "reason": s.reason, "rates": s.rates.tolist(), "losses": s.losses.tolist()}
            for s in result.sweeps
        ],
    }  # fmt: skip


def lines(result: "LRResult") -> list[str]:
    """Return a line for each variant, the reason, and what to type next."""
    from descend.text import aligned, counted

    table = aligned([HEAD, *(_row(s) for s in result.sweeps)])
    note = ["   * the band reaches an end of the rates that were tried"] if any(s.open for s in result.sweeps) else []
    epochs = counted(result.epochs, "epoch")
    head = [f"loss after {epochs} of {result.rows:,} rows; {result.start:.4g} before the first step", ""]
    suggestion = "none" if result.lr is None else f"--optimizer {result.variant} --lr {result.lr:.3g}"
    return [
        *([*head, *table, *note, ""] if result.sweeps else []),
        f"suggestion  {suggestion}",
        f"why         {result.reason}",
    ]


def _row(s: "Sweep") -> tuple[str, ...]:
    limit = "–" if s.limit is None else f"{s.limit:.3g}"
    if s.lr is None or s.band is None:
        return s.letter, s.variant, "–", limit, "–", s.reason, ""
    low, high = s.band
    star = "*" if s.open else ""
    return (s.letter, s.variant, f"{s.lr:.3g}", limit, f"{float(s.losses.min()):.4g}", f"{low:.2g} – {high:.2g}{star}",
            f"×{high / low:.3g}{star}")  # fmt: skip
