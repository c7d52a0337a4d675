"""`descend demo`: the tutorial's example with its silent fault, the same problem solved, and the two pictures."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from descend.cli.flags import Flag, Sectioned

if TYPE_CHECKING:
    from descend.demo_data import Example, Line

WIDTH = 100
PICTURES = ("target-against-features.svg", "weights-against-loss.svg")


@dataclass(frozen=True)
class Solved:
    """What descend makes of the example.

    Args:
        lr, epochs, loss: of the run that is kept.
        weight: one a feature; `bias` beside it.
        verdict: one sentence.
        slow_lr: the smallest rate that was tried; its run is drawn, since it takes small steps.
        path: weights and bias (points, 3) along that run, and `path_loss` (points,) there.
    """

    lr: float
    epochs: int
    loss: float
    weight: tuple[float, ...]
    bias: float
    verdict: str
    slow_lr: float
    path: Any
    path_loss: Any


@click.command("demo", cls=Sectioned, short_help="The tutorial's example, its fault, and the same problem solved.")
@click.option("--out", cls=Flag, metavar="DIR", help="write the two pictures as SVG files, too")
@click.option("--force", cls=Flag, is_flag=True, help="replace pictures that --out holds")
@click.option("--json", "as_json", cls=Flag, is_flag=True, help="one JSON document on standard output")
@click.pass_context
def command(ctx: click.Context, /, out: str | None, force: bool, as_json: bool) -> int:
    """Train 1000 rows of y = 1.3 x1 - x2 - 3.5 twice: as a much-copied tutorial does, with a fault that nobody sees,
    and as descend does. The fault is finding D608: two shapes that broadcast."""
    from descend.cli.output import answer, answer_json
    from descend.demo_data import example, faulty_run
    from descend.display import colored

    places = _places(out, force)
    color, told = not ctx.obj["no_color"] and colored(sys.stdout), example()
    lines = faulty_run(told)
    if not as_json:
        answer("\n".join(faulty_lines(told, lines, color)), color=color)
    solved = solve(told)
    drawn = _draw(told, solved, places)
    if as_json:
        answer_json(document(told, lines, solved, drawn))
    else:
        answer(
            "\n".join([*solved_lines(solved, color), "", *pictures(told, solved, *_screen()), *_saved(drawn)]),
            color=color,
        )
    return 0


def solve(told: "Example") -> Solved:
    """Train the example, without scaling, so that the weights along the run are those of the file."""
    from descend.run.job import train

    run = train(
        told.X.astype("float64"),
        told.y,
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
        settings[best].lr, int(fit.epochs[best]), float(fit.loss[best]), (w1, w2), b, run.verdict.text,
        settings[slow].lr, fit.trace.weights[slow], fit.trace.loss[slow],
    )  # fmt: skip


def finding(told: "Example") -> tuple[str, str, str]:
    """Return code, sentence and cure of the tutorial's fault, from the check that refuses it."""
    from descend.errors import UsageError
    from descend.problem.shapes import check_shapes

    rows = len(told.y)
    try:
        check_shapes((rows, 1), (rows,))
    except UsageError as error:
        return error.code, error.what, error.fix
    raise AssertionError("a column and a row must not pass")


def faulty_lines(told: "Example", lines: "tuple[Line, ...]", color: bool = False) -> list[str]:
    """Return the tutorial's table, as it prints it, and what is wrong with it."""
    from descend.cli.answer import RED
    from descend.display import paint

    code, what, fix = finding(told)
    stall = float(told.y.astype("float64").var())
    return [
        paint("the example", "1", color) + f"  {len(told.y):,} rows of y = 1.3 x1 - x2 - 3.5, without noise", "",
        paint("as the tutorial trains it", "1", color) + "  gradient descent, lr 0.001, 1000 epochs", "",
        "   epoch         w1         w2          b      loss",
        *(_row(line) for line in lines), "",
        *_wrapped(f"{paint(f'✖ {code}', RED, color)} {what}"),
        *_wrapped(
            "  Every prediction is compared with every target, so the best that remains is to predict the mean: the "
            f"weights sink to 0 and the loss stalls at the variance of the target, {stall:.4f}."
        ),
        f"  fix      {fix}", "",
    ]  # fmt: skip


def _row(line: "Line") -> str:
    epoch = "before" if line.epoch == 0 else str(line.epoch)
    return f"{epoch:>8} {line.weight[0]:>10.6f} {line.weight[1]:>10.6f} {line.bias:>10.6f} {line.loss:>9.4f}"


def solved_lines(solved: Solved, color: bool = False) -> list[str]:
    """Return the solution, and how it was come by."""
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


def pictures(told: "Example", solved: Solved, width: int = WIDTH, ascii_only: bool = False) -> list[str]:
    """Return the two pictures in characters: target against features; weights and bias against the loss."""
    from descend.cli.sketch import beside, sketch

    room, y = (width - 27) // 3, told.y.tolist()
    above = [
        sketch(list(zip(x, y, strict=True)), "y", f"x{j + 1}", width=room, ascii_only=ascii_only)
        for j, x in enumerate(told.X.T.tolist())
    ]
    paths, loss = _dense(solved.path), _dense(solved.path_loss).tolist()
    below = [
        sketch(list(zip(paths[:, j].tolist(), loss, strict=True)), "loss", name, width=room, ascii_only=ascii_only)
        for j, name in enumerate(("w1", "w2", "b"))
    ]
    return [
        "X vs Y", "", *beside(*above), "",
        f"weight and bias against the loss, from 0 in small steps (lr {solved.slow_lr:.2g})", "", *beside(*below),
    ]  # fmt: skip


def _dense(values: Any, between: int = 40) -> Any:
    """Points along straight lines from each record point to the next, so that a path is a line."""
    import numpy as np

    at = np.linspace(0, len(values) - 1, between * (len(values) - 1) + 1)
    columns = values.reshape(len(values), -1).T
    dense = np.stack([np.interp(at, np.arange(len(values)), column) for column in columns], axis=1)
    return dense if values.ndim == 2 else dense[:, 0]


def document(told: "Example", lines: "tuple[Line, ...]", solved: Solved, drawn: list[str]) -> dict[str, Any]:
    """Return the answer as JSON knows it."""
    code, what, fix = finding(told)
    return {
        "schema": "descend.demo/1", "status": "ok",
        "tutorial": [{"epoch": n.epoch, "weight": n.weight.tolist(), "bias": n.bias, "loss": n.loss} for n in lines],
        "finding": {"code": code, "text": what, "fix": fix},
        "solved": {"weight": solved.weight, "bias": solved.bias, "loss": solved.loss, "lr": solved.lr,
                   "epochs": solved.epochs, "verdict": solved.verdict},
        "pictures": drawn,
    }  # fmt: skip


def _places(out: str | None, force: bool) -> list[Path]:
    """Where the pictures go, checked before anything is computed."""
    from descend.cli.output import check_folder_for

    return [] if out is None else check_folder_for(Path(out), PICTURES, force)


def _draw(told: "Example", solved: Solved, places: list[Path]) -> list[str]:
    if not places:
        return []
    from descend.plots import scatter, weight_paths
    from descend.store import atomic_write

    scatters = [scatter.Scatter(f"x{j + 1}", told.X[:, j], told.y) for j in range(2)]
    paths = [weight_paths.WeightPath(n, solved.path[:, j], solved.path_loss) for j, n in enumerate(("w1", "w2", "b"))]
    places[0].parent.mkdir(parents=True, exist_ok=True)
    for place, picture in zip(places, (scatter.draw(scatters, "y"), weight_paths.draw(paths)), strict=True):
        atomic_write(place, str(picture).encode())
    return [str(place) for place in places]


def _saved(drawn: list[str]) -> list[str]:
    return ["", *(f"{'saved' if k == 0 else '':<9}{name}" for k, name in enumerate(drawn))] if drawn else []


def _screen() -> tuple[int, bool]:
    """Columns of the screen, and whether it has ASCII only."""
    try:
        "⣿".encode(sys.stdout.encoding or "utf-8")
        plain = False
    except (UnicodeEncodeError, AttributeError):
        plain = True
    return max(48, min(shutil.get_terminal_size((WIDTH, 24)).columns, 120)), plain


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns), subsequent_indent="  ")
