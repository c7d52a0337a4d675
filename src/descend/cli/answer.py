"""Answer: the outcome of a training, as people read it on a terminal or in a pipe."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from descend.display import paint
from descend.report.evaluation_tables import METRICS as METRICS
from descend.report.numbers import number, span
from descend.text import counted, printable, shortened

if TYPE_CHECKING:
    from descend.run.record import Run

GREEN, RED, YELLOW, BOLD, DIM = "32", "31", "33", "1", "2"
Row = list[str]
MOST_COLUMNS, COLUMN = 3, 30  # columns of the line of what is used, and characters of each (arbitrary)


def report_lines(
    run: "Run", artifacts: dict[str, str], *, color: bool = False, width: int | None = None, verbose: bool = False
) -> list[str]:
    """Return the table of trials, the verdict, the findings, what was saved and what to do next."""
    lines = ["", *trial_lines(run, color=color, width=width, verbose=verbose), ""]
    lines += [] if run.failed else [summary(run)]
    lines += [verdict(run, color)] if not run.failed else []
    lines += findings_lines(run.findings, color, verbose)
    return [
        *lines,
        "",
        *([] if run.failed else [*usage(run), *beside(run)]),
        *(_details(run) if verbose else []),
        *saved_lines(artifacts),
        *next_lines(run, artifacts),
    ]


def trial_lines(run: "Run", *, color: bool = False, width: int | None = None, verbose: bool = False) -> list[str]:
    """Return one line for each variant, best first; every trial when verbose. Narrow screens lose columns, not the result."""
    from descend.run.trials import order

    part = run.scored_part
    head = ["", "variant", "lr", "batch", "epochs", f"{part} {METRICS[run.metric]}", "result"]
    trials = sorted(order(run.tried if verbose else run.trials, run.metric), key=lambda t: not t.best)
    rows = [
        [
            t.letter,
            printable(t.variant),
            f"{t.lr:.3g}",
            t.batch,
            f"{t.epochs:,}",
            number(t.shown) + (f" ± {t.spread:.2g}" if t.spread else ""),
            t.result,
        ]
        for t in trials
    ]
    keep = _fitting([head, *rows], width)
    widths = {c: max(len(row[c]) for row in [head, *rows]) for c in keep}
    styles = [BOLD, *(GREEN if t.best else RED if t.score is None else "" for t in trials)]
    return [
        paint(_line(row, widths), style, color and bool(style))
        for row, style in zip([head, *rows], styles, strict=True)
    ]


def _fitting(rows: list[Row], width: int | None) -> list[int]:
    """The columns that fit: batch, epochs and lr go first."""
    keep = list(range(len(rows[0])))
    for drop in (3, 4, 2, 0):
        total = sum(max(len(row[c]) for row in rows) + 2 for c in keep)
        if width is not None and total > width:
            keep.remove(drop)
    return keep


def _line(row: Row, widths: dict[int, int]) -> str:
    cells = [row[c].rjust(w) if c in (3, 4, 5) else row[c].ljust(w) for c, w in widths.items()]
    return (" " + "  ".join(cells)).rstrip()


def summary(run: "Run") -> str:
    """Return the line of numbers: what was kept, its metrics, and what they are compared with."""
    part = run.scored_part
    own = run.metrics[part]
    interval = run.intervals.get(part, {}).get(run.metric)
    said = [
        f"{part} {METRICS[run.metric]} {number(own.get(run.metric))}" + (f" ({span(*interval)})" if interval else "")
    ]
    second = next((m for m in ("r2", "logloss") if m in own and m != run.metric), None)
    said += [f"{METRICS[second]} {number(own[second])}"] if second else []
    for name, words in (("baseline", "baseline"), ("optimum", "exact optimum")):
        if name in run.metrics:
            said.append(f"{words} {number(run.metrics[name].get(run.metric))}")
    if run.metric in run.metrics.get("cv", {}):
        value, spread = (run.metrics[k][run.metric] for k in ("cv", "cv_std"))
        said.append(f"{run.options.cv}-fold {METRICS[run.metric]} {number(value)} ± {spread:.2g}")
    return " · ".join([printable(str(run.chosen["optimizer"])), *said])


def usage(run: "Run") -> list[str]:
    """Return the line of the columns that the model uses most, by how much worse it is without each; none where unknown."""
    used = [one for one in run.importances[:MOST_COLUMNS] if one.mean > 0]
    if not used:
        return []
    columns = (f"{shortened(printable(one.column), COLUMN)} {number(one.mean)}" for one in used)
    return [f"uses     {' · '.join(columns)}   (how much worse the {METRICS[run.metric]} is with each permuted)"]


def beside(run: "Run") -> list[str]:
    """Return the line of references, with how the run compares; none where the line of numbers has all of them."""
    from descend.evaluation.reference import ReferenceModel

    if run.model.network is None and all(r.model is not ReferenceModel.TREES for r in run.references):
        return []
    said = (f"{r.model} {number(r.value)} ({r.verdict.verdict})" for r in run.references)
    return [f"beside   {' · '.join(said)}   (in brackets: this run)"]


def _details(run: "Run") -> list[str]:
    """Every figure of the test rows, and an empty line; none of a run that failed, or has no such rows."""
    from descend.cli.figures import detail_lines, metric_lines

    if run.failed or run.held_out is None:
        return []
    return ["", *metric_lines(run.held_out, run.held_out), *detail_lines(run.held_out, rows=run.options.rows), ""]


def verdict(run: "Run", color: bool) -> str:
    """Return the verdict with its mark; the word is in the sentence, never in the colour alone."""
    good = run.verdict.status in ("converged", "stopped", "separable")
    return f"{paint('✔' if good else '!', GREEN if good else YELLOW, color)} {printable(run.verdict.text)}"


def findings_lines(findings: tuple[Any, ...], color: bool = False, verbose: bool = False) -> list[str]:
    """Return the most useful findings, each with what follows from it, and the number of the others; all when verbose."""
    from descend.diagnosis.order import grouped
    from descend.report.summary import MOST_FINDINGS

    groups = grouped(findings)
    shown = groups if verbose else groups[:MOST_FINDINGS]
    lines: list[str] = []
    for finding, consequences in shown:
        lines += finding_lines(finding, color, verbose)
        for other in consequences:
            lines += (
                finding_lines(other, color, verbose)
                if verbose
                else [f"  hence    {other.code} {printable(other.text)}"]
            )
    hidden = len(groups) - len(shown)
    return [*lines, f"  {counted(hidden, 'finding')} more, of less use: descend -v"] if hidden else lines


def finding_lines(finding: Any, color: bool = False, verbose: bool = False) -> list[str]:
    """Return a finding: code and sentence, the fixes, and its evidence when verbose."""
    mark, style = {"error": ("✖", RED), "warning": ("!", YELLOW)}.get(finding.level, ("·", DIM))
    lines = [f"{paint(f'{mark} {finding.code}', style, color)} {printable(finding.text)}"]
    lines += [f"  fix      {'   or   '.join(map(printable, finding.fix))}"] if finding.fix else []
    lines += [f"  tried    {printable(proof.describe(number))}" for proof in finding.proof]
    lines += [f"  more     descend explain {finding.code}"] if finding.level != "note" else []
    if verbose:
        lines += [f"  {name:<8} {printable(_plain(value))}" for name, value in finding.evidence.items()]
    return lines


def _plain(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def saved_lines(artifacts: dict[str, str]) -> list[str]:
    """Return where the run was saved, and its files."""
    paths = [Path(p) for p in artifacts.values()]
    names = "  ".join(f"{p.name}{_size(p)}" for p in paths)
    return [f"saved    {printable(str(paths[0].parent))}{os.sep}   {names}"]


def _size(path: Path) -> str:
    return f" ({max(1, round(path.stat().st_size / 1000)):,} kB)" if path.suffix == ".html" and path.exists() else ""


def next_lines(run: "Run", artifacts: dict[str, str]) -> list[str]:
    """Return what to type next."""
    folder = shlex.quote(str(Path(artifacts["run"]).parent))
    lines = [] if run.failed else [f"descend predict {folder} new.csv > out.csv"]
    lines += [f"open {shlex.quote(artifacts['report'])}"] if "report" in artifacts else []
    return [("next     " if k == 0 else " " * 9) + printable(line) for k, line in enumerate(lines)]
