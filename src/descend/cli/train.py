"""`descend train`: read, check, choose, train, save a run folder."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from descend.cli.flags import Flag, Sectioned, from_table
from descend.cli.gate import Gate, GateResult, describe, judge_run, read_gate
from descend.errors import OutputError, UsageError
from descend.options import BY_NAME

if TYPE_CHECKING:
    from descend.run.record import Run
    from descend.run.saving import Saved


class Enough(Exception):
    """Ends a dry run where training would begin."""


@click.command("train", cls=Sectioned, short_help="Read, check, choose, train, save a run folder.")
@click.argument("data", required=False)
@click.option("-t", "--target", cls=Flag, section="data", metavar="COL", help="column to predict  (required)")
@from_table()
@click.option(
    "--run-dir", cls=Flag, metavar="DIR", envvar="DESCEND_RUN_DIR", help="folder of the run  [runs/<name>-<n>]"
)
@click.option(
    "--resume", cls=Flag, is_flag=True, help="go on from the checkpoint of the same training, which was killed"
)
@click.option("--force", cls=Flag, is_flag=True, help="replace what the run folder holds")
@click.option("--no-report", cls=Flag, is_flag=True, help="leave out report.html")
@click.option("--json", "as_json", cls=Flag, is_flag=True, help="one JSON document on standard output, nothing else")
@click.option("--events", cls=Flag, metavar="FILE", help="notes and progress as JSON lines, live; - is standard output")
@click.option("--config", cls=Flag, metavar="FILE", help="settings from a TOML file, such as lr = 0.1; flags win")
@click.option("--print-config", cls=Flag, is_flag=True, help="show each setting and where it came from, and stop")
@click.option(
    "--rank-timeout", cls=Flag, metavar="SECONDS", type=click.FloatRange(min=0.1), default=60.0,
    help="seconds that a process started by torchrun waits for another  [60]",
)  # fmt: skip
@click.option("--dry-run", cls=Flag, is_flag=True, help="read and check, but train and write nothing")
@click.option(
    "--fail-if", cls=Flag, section="gate", metavar="EXPR", multiple=True,
    help="exit 1 when this holds, such as 'rmse>70000', 'train.r2<0.5' or 'finding>=warning'; may be repeated",
)  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context, /, data: str | None, as_json: bool, events: str | None, config: str | None, print_config: bool,
    dry_run: bool, fail_if: tuple[str, ...], force: bool, no_report: bool, rank_timeout: float, resume: bool,
    **flags: Any,
) -> int:  # fmt: skip
    """Train a model of a table: DATA is a CSV, Parquet, JSON lines or Arrow file, or - for standard input.

    What is typed wins; auto fills the blanks and says why. The answer goes to standard output, notes and progress to
    standard error.

    Exit codes: 0 done, 1 a --fail-if gate tripped, 2 usage, or the run had to be saved elsewhere, 3 data, 4 diverged,
    or --resume met other data or options, 7 another process of a torchrun was lost, 130 interrupted (the best model so far
    is saved).
    """
    from descend.cli import ranks
    from descend.cli.config import gather
    from descend.cli.loading import check_input

    given = gather(flags, config)
    follows = ranks.rank() > 0
    if follows and (print_config or dry_run):
        return 0
    if print_config:
        return _print_config(given, as_json)
    gates = [read_gate(text) for text in fail_if]
    source, target, options = _job(data, given, gates)
    if as_json and events == "-":
        raise UsageError(
            "--json and --events - both claim standard output", fix="give --events a file", code="contradiction"
        )
    if follows:
        return ranks.follow(source, target, options, rank_timeout)
    check_input(source)
    folder, chosen = _folder(source, given, force)
    with ranks.connected(None if dry_run else rank_timeout) as known:
        call = {"begun": ctx.meta["descend.begun"], "resume": resume, **known, **options}
        run = _train(ctx.obj, source, target, call, folder, events, force, dry_run)
    if run is None:
        return _dry(source, target, folder, as_json)
    saved = _save(run, folder, chosen, source, force, not no_report, _typed(ctx))
    artifacts = saved.artifacts
    if not no_report and "report" not in artifacts:
        click.echo("note: report.html could not be made and is left out; the model and run.json are saved", err=True)
    judged = [judge_run(gate, run.metrics, [f.level for f in run.findings]) for gate in gates]
    _answer(ctx.obj, run, artifacts, judged, as_json, events == "-", _typed(ctx))
    return _exit(run, judged, saved)


def _job(data: str | None, given: Mapping[str, Any], gates: list[Gate]) -> tuple[str, str, dict[str, Any]]:
    """What to train, checked as far as it can be without reading the data."""
    from descend.options import read_options

    if data is None:
        raise UsageError(
            "descend train needs DATA, a file or - for standard input",
            fix="try descend train DATA --target COL", code="missing-argument",
        )  # fmt: skip
    if "target" not in given:
        raise UsageError(
            "descend train needs --target, the column to predict", fix="add --target COL", code="missing-argument"
        )
    options = {name: one.value for name, one in given.items() if name in BY_NAME}
    values = read_options(options)
    for gate in gates:
        if gate.part != "train" and gate.name != "finding" and values.test == 0.0:
            judge_run(gate, {}, [])
    return data, given["target"].value, options


def _folder(source: str, given: Mapping[str, Any], force: bool) -> tuple[Path, bool]:
    """The run folder, checked before training, and whether it was chosen by the user."""
    from descend import store

    typed = "run_dir" in given
    folder = Path(given["run_dir"].value) if typed else _next(source)
    store.check_folder(folder, force=force)
    return folder, typed


def _next(source: str) -> Path:
    from descend import store

    return store.next_run_folder(Path("runs"), "stdin" if source == "-" else Path(source).stem)


def _train(
    common: Mapping[str, bool], source: str, target: str, call: dict[str, Any], folder: Path, events: str | None,
    force: bool, dry: bool,
) -> Any:  # fmt: skip
    from descend.cli.events import recorder
    from descend.display import Display
    from descend.run import job as library
    from descend.training.checkpoint import SUFFIX

    display = Display(sys.stderr, quiet=common["quiet"], color=False if common["no_color"] else None)
    try:
        with recorder(events, force) as record, display as show:

            def on_event(heard: Any) -> None:
                show(heard)
                record(heard)
                if dry and getattr(heard, "topic", "") == "curve":
                    raise Enough

            return library.train(source, target, on_event=on_event, checkpoint=f"{folder}{SUFFIX}", **call)
    except Enough:
        return None


def _save(run: "Run", folder: Path, chosen: bool, source: str, force: bool, report: bool, typed: list[str]) -> "Saved":
    """Save the run; a numbered folder that another process has taken meanwhile gives way to the next."""
    from descend.run.saving import Saved, save_somewhere

    for _ in range(0 if chosen else 20):
        try:
            return Saved(run.save(folder, force=force, report=report, command=typed))
        except OutputError as error:
            if error.code != "folder-exists":
                break
            folder = _next(source)
    return save_somewhere(run, folder, force=force, report=report, command=typed)


def _answer(
    common: Mapping[str, bool], run: "Run", artifacts: dict[str, str], judged: list[GateResult], as_json: bool,
    to_stderr: bool, typed: list[str],
) -> None:  # fmt: skip
    from descend.cli.answer import report_lines
    from descend.cli.output import answer, answer_json
    from descend.display import colored
    from descend.text import encodable

    for one in judged:
        if not common["quiet"] or one.tripped:
            click.echo(encodable(f"gate     {describe(one)}", sys.stderr), err=True)
    if as_json:
        document = run.document(typed, artifacts)
        return answer_json({**document, "gates": [vars(one) for one in judged]} if judged else document)
    stream = sys.stderr if to_stderr else sys.stdout
    color = not common["no_color"] and colored(stream)
    text = "\n".join(report_lines(run, artifacts, color=color, width=_width(stream), verbose=common["verbose"]))
    return click.echo(encodable(text, stream), file=stream, color=color) if to_stderr else answer(text, color=color)


def _width(stream: Any) -> int | None:
    """Columns of the terminal; None where lines may be as long as they are."""
    if stream is None or not stream.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns


def _exit(run: "Run", judged: list[GateResult], saved: "Saved") -> int:
    from descend.text import printable

    folder = Path(saved.artifacts["run"]).parent
    if saved.problem:
        click.echo(printable(f"error: {saved.problem}"), err=True)
    if run.failed:
        code = run.findings[0].code if run.findings else run.verdict.status
        line = f"error: training failed, there is no usable model ({code}); the record is in {folder}"
        click.echo(printable(line), err=True)
        return 4
    if run.interrupted:
        click.echo(printable(f"interrupted: the best model so far is saved in {folder}"), err=True)
        return 130
    if saved.problem:
        return OutputError.exit_code
    return int(any(one.tripped for one in judged))


def _dry(source: str, target: str, folder: Path, as_json: bool) -> int:
    from descend.cli.output import answer, answer_json

    if as_json:
        answer_json(
            {"schema": "descend.plan/1", "status": "ok", "data": source, "target": target, "run_dir": str(folder)}
        )
    else:
        answer(f"dry run: nothing was trained; the run would be saved in {folder}")
    return 0


def _print_config(given: Mapping[str, Any], as_json: bool) -> int:
    from descend.cli.config import describe, key, toml
    from descend.cli.output import answer, answer_json

    settings = describe(given)
    if as_json:
        values = {key(name): {"value": one.value, "source": one.source} for name, one in settings.items()}
        answer_json({"schema": "descend.config/1", "status": "ok", "config": values})
        return 0
    said = {key(name): (toml(one.value), one.source) for name, one in settings.items()}
    lines = {k: f"{k} = {value}" if value is not None else f"# {k} =" for k, (value, _) in said.items()}
    width = max(map(len, lines.values()))
    answer("\n".join(f"{lines[k]:<{width}}  # {said[k][1]}" for k in said))
    return 0


def _typed(ctx: click.Context) -> list[str]:
    """The command line after `descend`, for the record."""
    return list(ctx.meta["descend.arguments"])
