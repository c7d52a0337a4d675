"""`descend eval`: how good a run is on labelled data, with gates."""

from collections.abc import Mapping
from typing import Any

import click

from descend.cli.flags import READING, Flag, Sectioned, from_table
from descend.cli.gate import METRICS, describe, judge_evaluation, read_gate


@click.command("eval", cls=Sectioned, short_help="How good a run is on labelled data, with gates.")
@click.argument("run")
@click.argument("data")
@from_table(READING)
@click.option("--metric", cls=Flag, section="validation", metavar="NAME", help="only this one: " + ", ".join(METRICS))
@click.option("--no-rows", cls=Flag, section="validation", is_flag=True, help="show no single rows of the data")
@click.option("--json", "as_json", cls=Flag, is_flag=True, help="one JSON document on standard output")
@click.option(
    "--fail-if", cls=Flag, section="gate", metavar="EXPR", multiple=True,
    help="exit 1 when this holds, such as 'rmse>70000'; may be repeated",
)  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context,
    /,
    run: str,
    data: str,
    metric: str | None,
    no_rows: bool,
    as_json: bool,
    fail_if: tuple[str, ...],
    **reading: Any,
) -> int:
    """Evaluate RUN, a run folder, on DATA, a table that holds the target; rows without it are left out.

    Every figure has its 95 % interval; docs/evaluation.md says how.

    Exit codes: 0 done, 1 a --fail-if gate tripped, 2 usage, 3 data, 5 the data do not fit the model.
    """
    from descend.cli.figures import detail_lines, metric_lines
    from descend.cli.loading import load_run, load_table
    from descend.cli.output import answer, answer_json
    from descend.cli.predict import say_differences
    from descend.text import encodable

    gates = [read_gate(text) for text in fail_if]
    loaded = load_run(run)
    table = load_table(data, loaded, reading)
    found, prediction = loaded.evaluation(table)
    if not ctx.obj["quiet"]:
        say_differences(prediction)
    metrics = _only(metric, found)
    details = found.document(rows=not no_rows) if metric is None else {}
    judged = [judge_evaluation(gate, found) for gate in gates]
    for one in judged:
        if not ctx.obj["quiet"] or one.tripped:
            click.echo(encodable(f"gate     {describe(one)}", None), err=True)
    if as_json:
        answer_json({
            "schema": "descend.eval/1", "status": "ok", "run": run, "data": data, "rows": table.rows,
            "metrics": {name: found[name] for name in metrics}, "intervals": {name: found.intervals[name] for name in metrics},
            **details, "gates": [vars(one) for one in judged],
        })  # fmt: skip
    else:
        more = detail_lines(found, rows=not no_rows) if metric is None else []
        answer("\n".join([*metric_lines(found, metrics), *more]))
    return int(any(one.tripped for one in judged))


def _only(metric: str | None, found: Mapping[str, float]) -> list[str]:
    """The names of all metrics, or the one that was asked for."""
    from descend.errors import UsageError, nearest

    if metric is None:
        return list(found)
    if metric not in found:
        close = nearest(metric, found) or list(found)
        raise UsageError(
            f"--metric is {metric!r}, this model has {', '.join(found)}", fix=f"try {close[0]}", code="bad-metric"
        )
    return [metric]
