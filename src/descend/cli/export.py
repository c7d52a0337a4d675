"""`descend export`: the model of a run for another runtime, or the run for a tracker of experiments."""

from pathlib import Path

import click

from descend.cli.flags import Flag, Sectioned


@click.command(
    "export",
    cls=Sectioned,
    short_help="A run as ONNX, torch, scikit-learn, JSON, SQL, or to trackers.",
)
@click.argument("run")
@click.option(
    "--to", cls=Flag, metavar="FORMAT", required=True, help="onnx, torch, sklearn, json or sql; mlflow or tensorboard"
)
@click.option(
    "-o",
    "--output",
    cls=Flag,
    metavar="FILE",
    help="write the file there  [model.SUFFIX in the run folder]; "
    "tensorboard: a folder  [tensorboard in it]; mlflow: a tracking URI or a folder  [as MLflow is told]",
)
@click.option("--table", cls=Flag, metavar="NAME", help="sql: the table that is read  [data]")
@click.option(
    "--id", "ids", cls=Flag, metavar="COL", multiple=True, help="sql: carry this column along; may be repeated"
)
@click.option("--force", cls=Flag, is_flag=True, help="replace FILE")
@click.pass_context
def command(
    ctx: click.Context, /, run: str, to: str, output: str | None, table: str | None, ids: tuple[str, ...], force: bool
) -> int:
    """Write the model of RUN, a run folder, in a format that predicts without descend, and print where it is.

    mlflow and tensorboard take the run itself: what was chosen, every metric, and the losses epoch by epoch.

    docs/export.md says what each format reads, and what it returns.

    Exit codes: 0 done, 2 usage, 5 the folder is no run, or is damaged.
    """
    from descend.cli.loading import load_run
    from descend.cli.output import answer
    from descend.export.formats import SUFFIXES, TRACKERS, check_format

    check_format(to, {**({} if table is None else {"table": table}), **({"ids": ids} if ids else {})})
    if to in TRACKERS:
        from descend.run.document import tracked
        from descend.run.tracking import write_tracked

        where = str(Path(run) / to) if output is None and to == "tensorboard" else output
        answer(write_tracked(tracked(run), to, where, force=force))
        return 0
    place = Path(output) if output is not None else Path(run) / f"model{SUFFIXES.get(to, '')}"
    load_run(run).export(place, to, table=table, ids=ids, force=force)
    answer(str(place))
    return 0
