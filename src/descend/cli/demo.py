"""`descend demo`: the tutorial's example with its silent fault, the same problem solved, and the two charts."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from descend.cli.flags import Flag, Sectioned

if TYPE_CHECKING:
    from descend.arrays import Array
    from descend.demo_data import Example, Line

WIDTH = 100  # columns where the terminal does not say
NARROWEST, WIDEST = 48, 120  # columns of the charts: three side by side
PICTURES = ("target-against-features.svg", "weights-against-loss.svg")


@dataclass(frozen=True, eq=False, kw_only=True)
class Solved:
    """descend's solution of the example.

    Args:
        lr, epochs, loss: of the best run.
        weight, bias: its model; one weight for each feature.
        verdict: one sentence.
        slow_lr: the smallest learning rate that was tried; its run is drawn, since it takes small steps.
        path, path_loss: weights and bias (points, 3), and the loss (points,), along that run.
    """

    lr: float
    epochs: int
    loss: float
    weight: tuple[float, ...]
    bias: float
    verdict: str
    slow_lr: float
    path: "Array"
    path_loss: "Array"


@click.command("demo", cls=Sectioned, short_help="The tutorial's example, its fault, and the same problem solved.")
@click.option("--out", cls=Flag, metavar="DIR", help="also write the two charts as SVG files")
@click.option("--force", cls=Flag, is_flag=True, help="replace charts that --out already has")
@click.option("--json", "as_json", cls=Flag, is_flag=True, help="one JSON document on standard output")
@click.pass_context
def command(ctx: click.Context, /, out: str | None, force: bool, as_json: bool) -> int:
    """Train 1000 rows of y = 1.3 x1 - x2 - 3.5 twice: as a much-copied tutorial does, with a fault that nobody sees,
    and as descend does. The fault is finding D608: two shapes that broadcast."""
    from descend import demo_data
    from descend.cli.output import answer, answer_json
    from descend.display import colored

    places = _places(out, force)
    color, example = not ctx.obj["no_color"] and colored(sys.stdout), demo_data.example()
    lines = demo_data.faulty_run(example)
    if not as_json:
        answer("\n".join(faulty_lines(example, lines, color)), color=color)
    solved = solve(example)
    files = _draw(example, solved, places)
    if as_json:
        answer_json(document(example, lines, solved, files))
    else:
        answer(
            "\n".join([*solved_lines(solved, color), "", *pictures(example, solved, *_screen()), *_saved(files)]),
            color=color,
        )
    return 0


def solve(example: "Example") -> Solved:
    """Train the example, without scaling, so that the weights along the run are those of the file."""
    from descend.run.job import train

    run = train(
        example.X.astype("float64"),
        example.y,
        optimizer="gd",
        scale=False,
        validation="none",
        l2=0.0,
        tol=0.0,
        progress=False,
    )
    assert run.search_result is not None
    fit, (w1, w2, b) = run.search_result.fit, (value for _, _, value in run.model.coefficients())
    best, settings = run.search_result.best, fit.plan.settings
    slow = min(range(len(settings)), key=lambda r: settings[r].lr)
    return Solved(
        lr=settings[best].lr, epochs=int(fit.epochs[best]), loss=float(fit.loss[best]), weight=(w1, w2), bias=b,
        verdict=run.verdict.text, slow_lr=settings[slow].lr, path=fit.trace.weights[slow],
        path_loss=fit.trace.loss[slow],
    )  # fmt: skip


def finding(example: "Example") -> tuple[str, str, str]:
    """Return code, sentence and fix of the tutorial's fault, from the check that finds it."""
    from descend.errors import UsageError
    from descend.problem.shapes import check_shapes

    rows = len(example.y)
    try:
        check_shapes((rows, 1), (rows,))
    except UsageError as error:
        return error.code, error.what, error.fix
    raise AssertionError("a column and a row must not pass")


def faulty_lines(example: "Example", lines: "tuple[Line, ...]", color: bool = False) -> list[str]:
    """Return the table that the tutorial prints, and what is wrong with it."""
    from descend.cli.answer import RED
    from descend.display import paint

    code, what, fix = finding(example)
    stall = float(example.y.astype("float64").var())
    return [
        paint("the example", "1", color) + f"  {len(example.y):,} rows of y = 1.3 x1 - x2 - 3.5, without noise", "",
        paint("as the tutorial trains it", "1", color) + "  gradient descent, lr 0.001, 1000 epochs", "",
        "   epoch         w1         w2          b      loss",
        *(_row(line) for line in lines), "",
        *_wrapped(f"{paint(f'✖ {code}', RED, color)} {what}"),
        *_wrapped(
            "  Every prediction is compared with every target, so predicting the mean is the optimum: the "
            f"weights shrink to 0 and the loss stalls at the variance of the target, {stall:.4f}."
        ),
        f"  fix      {fix}", "",
    ]  # fmt: skip


def _row(line: "Line") -> str:
    epoch = "before" if line.epoch == 0 else str(line.epoch)
    return f"{epoch:>8} {line.weight[0]:>10.6f} {line.weight[1]:>10.6f} {line.bias:>10.6f} {line.loss:>9.4f}"


def solved_lines(solved: Solved, color: bool = False) -> list[str]:
    """Return the solution and the settings that found it."""
    from descend.cli.answer import GREEN
    from descend.display import paint

    weights = ", ".join(f"{w:.6g}" if abs(w - round(w)) > 1e-5 else f"{w:.1f}" for w in solved.weight)
    return [
        paint("as descend trains it", "1", color)
        + f"  gradient descent, lr {solved.lr:.3g} from the curvature, {solved.epochs} epochs",
        "",
        f"  w = [{weights}]   b = {solved.bias:.6g}   loss {solved.loss:.1e}",
        *_wrapped(f"{paint('✔', GREEN, color)} {solved.verdict}"),
    ]


def pictures(example: "Example", solved: Solved, width: int = WIDTH, ascii_only: bool = False) -> list[str]:
    """Return the two charts in characters: target against features; weights and bias against the loss."""
    from descend.cli.sketch import side_by_side, sketch

    panel_width, y = (width - 27) // 3, example.y.tolist()
    above = [
        sketch(list(zip(x, y, strict=True)), "y", f"x{j + 1}", width=panel_width, ascii_only=ascii_only)
        for j, x in enumerate(example.X.T.tolist())
    ]
    paths, loss = _dense(solved.path), _dense(solved.path_loss).tolist()
    below = [
        sketch(
            list(zip(paths[:, j].tolist(), loss, strict=True)), "loss", name, width=panel_width, ascii_only=ascii_only
        )
        for j, name in enumerate(("w1", "w2", "b"))
    ]
    return [
        "X vs Y", "", *side_by_side(*above), "",
        f"weight and bias against the loss, from 0 in small steps (lr {solved.slow_lr:.2g})", "", *side_by_side(*below),
    ]  # fmt: skip


def _dense(values: "Array", between: int = 40) -> "Array":
    """Points on the straight lines between recorded points, so that a path is drawn as a line."""
    import numpy as np

    at = np.linspace(0, len(values) - 1, between * (len(values) - 1) + 1)
    columns = values.reshape(len(values), -1).T
    dense = np.stack([np.interp(at, np.arange(len(values)), column) for column in columns], axis=1)
    return dense if values.ndim == 2 else dense[:, 0]


def document(example: "Example", lines: "tuple[Line, ...]", solved: Solved, files: list[str]) -> dict[str, Any]:
    """Return the result as one JSON document."""
    code, what, fix = finding(example)
    return {
        "schema": "descend.demo/1", "status": "ok",
        "tutorial": [{"epoch": n.epoch, "weight": n.weight.tolist(), "bias": n.bias, "loss": n.loss} for n in lines],
        "finding": {"code": code, "text": what, "fix": fix},
        "solved": {"weight": solved.weight, "bias": solved.bias, "loss": solved.loss, "lr": solved.lr,
                   "epochs": solved.epochs, "verdict": solved.verdict},
        "pictures": files,
    }  # fmt: skip


def _places(out: str | None, force: bool) -> list[Path]:
    """The files to write, checked before anything is computed."""
    from descend.cli.output import check_folder_for

    return [] if out is None else check_folder_for(Path(out), PICTURES, force)


def _draw(example: "Example", solved: Solved, places: list[Path]) -> list[str]:
    if not places:
        return []
    from descend.plots import scatter, weight_paths
    from descend.store import atomic_write

    scatters = [scatter.Scatter(f"x{j + 1}", example.X[:, j], example.y) for j in range(2)]
    paths = [weight_paths.WeightPath(n, solved.path[:, j], solved.path_loss) for j, n in enumerate(("w1", "w2", "b"))]
    places[0].parent.mkdir(parents=True, exist_ok=True)
    for place, picture in zip(places, (scatter.draw(scatters, "y"), weight_paths.draw(paths)), strict=True):
        atomic_write(place, str(picture).encode())
    return [str(place) for place in places]


def _saved(files: list[str]) -> list[str]:
    return ["", *(f"{'saved' if k == 0 else '':<9}{name}" for k, name in enumerate(files))] if files else []


def _screen() -> tuple[int, bool]:
    """Columns of the terminal, and whether it has ASCII only."""
    try:
        "⣿".encode(sys.stdout.encoding or "utf-8")
        ascii_only = False
    except (UnicodeEncodeError, AttributeError):
        ascii_only = True
    return max(NARROWEST, min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDEST)), ascii_only


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns), subsequent_indent="  ")
