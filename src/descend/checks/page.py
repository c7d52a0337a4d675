"""page: a data report as one self-contained page, in the style of a run's report."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from descend.checks.records import MOST_LEVELS, Check, ColumnProfile, Contents, Status, association_text, range_text
from descend.plots import distribution
from descend.plots.distribution import Distribution
from descend.plots.element import Element, tag
from descend.plots.panels import MOST_PANELS
from descend.report.markup import LONGEST_CELL, code, figure, section, table, terms
from descend.report.numbers import DASH, number
from descend.report.page import page, source_line
from descend.text import counted, shortened
from descend.version import VERSION

MOST_COLUMNS = 200  # rows of a table, about 30 kB; --json has them all
LONGEST_NAME = 80  # characters of a cell of the wide table; arbitrary: four lines
WORDS = (
    ("problem", "it spoils the model or its score."),
    ("tip", "something may be better done otherwise."),
    ("skipped", "the check could not be made, or costs too much on this table; its line says why."),
    ("not applicable", "the table or the target has nothing that the check is about."),
    ("association", "how a column goes with the target: Pearson's r of two numbers; from 0 to 1 the correlation ratio of "
     "numbers and of levels or classes, and Cramér's V of levels and classes."),
    ("condition number", "how many times longer the slowest direction of training takes than the fastest."),
)  # fmt: skip


def render(report: Contents) -> str:
    """Return the page; all text is escaped by `Element`."""
    optional = (
        _verdict(report), _next(report), _checks(report), _columns(report), _distributions(report), _pairs(report),
        _notes(report), section("glossary", "How to read this page", terms(WORDS, "glossary")),
    )  # fmt: skip
    sections = [one for one in optional if one is not None]
    return page(report.title, source_line(VERSION, date.today().isoformat(), report.name), sections)


def _verdict(report: Contents) -> Element:
    words = "Training would refuse this table" if _refused(report) else "What was checked before training"
    numbers = [(status, f"{count}") for status, count in report.counts.items() if count]
    class_ = "failed" if report.problems else "ok"
    title = f"{'✖' if report.problems else '✔'} {report.verdict}"
    return section("verdict", title, tag("p", words, class_="verdict"), terms(numbers, "numbers"), class_=class_)


def _refused(report: Contents) -> bool:
    return any(c.name == "training" and c.status is Status.PROBLEM for c in report.checks)


def _next(report: Contents) -> Element:
    found = (*report.problems, *report.tips)
    if not found:
        return section("next", "What to do next", tag("p", "No problems found, and no tips."))
    return section("next", "What to do next", tag("ul", *map(_item, found), class_="findings"))


def _item(check: Check) -> Element:
    more = [tag("p", f"descend explain {check.code} says more.")] if check.code else []
    head = tag(
        "p", tag("strong", f"{check.status.mark} {check.name}, {check.status.value}: "), shortened(check.text, 1000)
    )
    return tag("li", head, *(code(shortened(fix, LONGEST_CELL)) for fix in check.fix), *more)


def _checks(report: Contents) -> Element:
    rows = [(c.name, f"{c.status.mark} {c.status.value}", c.text) for c in report.by_urgency]
    return section(
        "checks", "All checks", table("Problems first", ("check", "status", "what was found, or why not"), rows)
    )


def _columns(report: Contents) -> Element:
    header = (
        "column",
        "kind",
        "missing",
        "different",
        "smallest",
        "median",
        "largest",
        "mean",
        "spread",
        "association",
        "used as",
    )
    rows = [_column(c) for c in report.columns[:MOST_COLUMNS]]
    hidden = len(report.columns) - len(rows)
    caption = f"{counted(len(report.columns), 'column')}, as read" + (
        f"; {hidden:,} more are in --json" if hidden > 0 else ""
    )
    return section("columns", "Columns", table(caption, header, rows, range(2, 10)))


def _column(c: ColumnProfile) -> tuple[str, ...]:
    ends = [range_text(c, which) for which in (0, 2, -1)]
    means = [number(c.mean), number(c.spread), association_text(c)]
    name, use = (shortened(text, LONGEST_NAME) for text in (c.name, c.used_as))
    return (name, c.kind, f"{c.missing:,}", f"{c.distinct:,}", *ends, *means, use)


def _distributions(report: Contents) -> Element | None:
    """Histograms and bars: the target first, then the columns that go with it most, then in the order of the file."""
    order = sorted(report.columns, key=lambda c: (c.name != report.target, -abs(c.association or 0.0)))
    drawn = [c for c in order if c.levels or sum(c.counts) > 0]
    if not drawn:
        return section("distributions", "Distributions", tag("p", "No chart: no column has a value."))
    shown = [_distribution(c) for c in drawn[:MOST_PANELS]]
    caption = f"How often each value occurs, of a category the {MOST_LEVELS} most frequent"
    if report.sampled < report.rows:
        caption += f"; numbers and dates in {report.sampled:,} of {report.rows:,} rows, drawn at random"
    caption += "."
    if len(drawn) > MOST_PANELS:
        caption += f" {len(drawn) - MOST_PANELS:,} more columns are not drawn."
    cells = [(c.name, *_frequent(c)) for c in drawn[:MOST_COLUMNS]]
    numbers = table("Quarters of numbers, and the most frequent level", ("column", "lower quarter", "upper quarter", "most frequent"),
                    cells, numeric=(1, 2))  # fmt: skip
    return section("distributions", "Distributions", figure(caption, numbers, _grid(distribution.panels(shown))))


def _frequent(c: ColumnProfile) -> tuple[str, str, str]:
    level = f"{c.levels[0][0]} ({c.levels[0][1]:,})" if c.levels else DASH
    return range_text(c, 1), range_text(c, 3), level


def _distribution(c: ColumnProfile) -> Distribution:
    if c.levels:
        names, counts = zip(*c.levels, strict=True)
        return Distribution(name=c.name, counts=np.array(counts), levels=names)
    low, high = c.quantiles[0], c.quantiles[-1]
    if c.kind == "date":
        return Distribution(
            name=f"{c.name}, in years",
            counts=np.array(c.counts),
            low=1970 + low / 365.2425,
            high=1970 + high / 365.2425,
        )
    return Distribution(name=c.name, counts=np.array(c.counts), low=low, high=high)


def _pairs(report: Contents) -> Element | None:
    if not report.correlated:
        return None
    rows = [(p.first, p.second, p.measure, f"{p.r:.3f}") for p in report.correlated]
    caption = "The strongest of each two columns; each level of a category is a feature"
    return section(
        "correlations",
        "Correlations",
        table(caption, ("feature", "other feature", "measure", "value"), rows, numeric=(3,)),
    )


def _notes(report: Contents) -> Element | None:
    if not report.notes:
        return None
    return section(
        "data", "The data as training reads them", table("What was read and done", ("step", "result"), report.notes)
    )


def _grid(charts: Sequence[Element]) -> Element:
    return tag("div", *charts, class_="panels")
