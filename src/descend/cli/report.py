"""`descend report`: the report of a run, as a page or as Markdown."""

from pathlib import Path

import click

from descend.cli.flags import Flag, Sectioned


@click.command("report", cls=Sectioned, short_help="The report of a run, as a page or as Markdown.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--html", "file", cls=Flag, metavar="FILE", help="write the page there  [report.html in the run folder]")
@click.option("--markdown", cls=Flag, is_flag=True, help="a summary in Markdown on standard output, no page")
@click.option("--open", "show", cls=Flag, is_flag=True, help="open the page in the browser")
@click.option("--force", cls=Flag, is_flag=True, help="replace FILE")
@click.pass_context
def command(
    ctx: click.Context, /, runs: tuple[str, ...], file: str | None, markdown: bool, show: bool, force: bool
) -> int:
    """Write the report of each RUN, a run folder, and print where it is. The page that training left is used where there
    is one, since it holds more than the folder: the data, and the curves of all variants.

    Exit codes: 0 done, 2 usage, 5 a folder is no run, or is damaged.
    """
    from descend.cli.loading import load_run
    from descend.cli.output import answer
    from descend.errors import UsageError

    if file is not None and (len(runs) > 1 or markdown):
        what = f"{len(runs)} runs" if len(runs) > 1 else "--markdown, which writes to standard output"
        raise UsageError(f"--html names one file for {what}", fix="leave out --html", code="contradiction")
    if markdown:
        answer("\n".join(load_run(run).report(markdown=True) for run in runs).rstrip())
        return 0
    for run in runs:
        place = _page(run, file, force)
        answer(str(place))
        if show:
            click.launch(str(place))
    return 0


def _page(run: str, file: str | None, force: bool) -> Path:
    """Where the page of a run is, after it was written if need be."""
    from descend.cli.loading import load_run
    from descend.store import atomic_write, check_file, read_document

    own = Path(run) / "report.html"
    read_document(Path(run))  # raises what is wrong with a folder that is no run
    place = own if file is None else Path(file)
    if file is not None:
        check_file(file, str(own), force)
    if place != own or not own.is_file():
        atomic_write(place, own.read_bytes() if own.is_file() else load_run(run).report().encode())
    return place
