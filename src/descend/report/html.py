"""html: a report as one self-contained page: no request, readable without its style sheet and without its script."""

from descend.evaluation.usage import Coefficient
from descend.plots.element import Element, tag
from descend.plots.lines import marker
from descend.plots.style import line_style
from descend.report import figures
from descend.report.content import FindingRow, Mark, ReportData, VariantRow
from descend.report.evaluation_tables import metric_name
from descend.report.markup import LONGEST, Cell, code, download, section, table, terms, unbroken
from descend.report.numbers import DASH, metric, rate, span
from descend.report.page import page, source_line
from descend.report.quality import quality
from descend.report.summary import MOST_FINDINGS
from descend.report.usage import usage
from descend.text import shortened

MOST_LETTERS = 24  # of a variant's name, which stays on one line; the longest of the own ones has 9
MOST_COEFFICIENTS = 200  # rows, about 20 kB
NO_FINDINGS = {
    Mark.OK: "No problems found. A better result needs other columns, more rows, or a larger model.",
    Mark.NEUTRAL: "No problems found.",
    Mark.FAILED: "No check explains this failure.",
}
GLOSSARY = (
    ("loss", "what training minimises; here on scaled data, including the penalty."),
    ("training rows", "rows that the weights are fitted to."),
    ("validation rows", "training rows that are set aside to decide when to stop and which weights to keep."),
    ("test rows", "rows that decide nothing; they measure how well the model predicts new data."),
    (
        "gap to the optimum",
        "excess training loss over the exact optimum, in per cent of what the optimum gains over a constant.",
    ),
    ("lr", "the learning rate: the factor of each step."),
    ("batch", "rows in each step; full means all of them."),
    ("epoch", "one pass over the training rows."),
)


def render(report: ReportData) -> str:
    """Return the page; all text is escaped by `Element`."""
    optional = (
        _verdict(report), _next(report), quality(report), usage(report), _variants(report), figures.learning_rates(report),
        figures.loss(report), figures.training(report), figures.weights(report),
        figures.scatters(report), _data(report), _model(report), _reproduce(report),
        section("glossary", "How to read this page", terms(GLOSSARY, "glossary")),
    )  # fmt: skip
    sections = [section for section in optional if section is not None]
    return page(report.title, source_line(report.version, report.date, report.data_name), sections)


def _verdict(report: ReportData) -> Element:
    return section(
        "verdict", f"{report.mark.value} {report.status}", tag("p", report.verdict, class_="verdict"),
        terms(report.numbers, "numbers"), class_=report.mark.name.lower(),
    )  # fmt: skip


def _next(report: ReportData) -> Element:
    if not report.findings:
        return section("next", "What to do next", tag("p", NO_FINDINGS[report.mark]))
    hidden = len(report.findings) - MOST_FINDINGS
    rest = [tag("p", f"{hidden:,} more in run.json.")] if hidden > 0 else []
    items = tag("ul", *map(_finding, report.findings[:MOST_FINDINGS]), class_="findings")
    return section("next", "What to do next", items, *rest)


def _finding(row: FindingRow) -> Element:
    proof = [tag("p", line) for line in row.proof]
    meaning = [tag("p", tag("strong", f"{label}: "), text) for label, text in row.meaning]
    below = tag("ul", *(tag("li", line) for line in row.consequences))
    follows = [tag("p", "What follows from it:"), below] if row.consequences else []
    more = [tag("details", tag("summary", f"What {row.code} means"), *meaning)] if meaning else []
    return tag(
        "li",
        tag("p", tag("strong", f"{row.code} {row.level}: "), row.text),
        *map(code, row.fixes),
        *proof,
        *follows,
        *more,
    )


def _variants(report: ReportData) -> Element:
    best = next((f"; {shortened(v.name, LONGEST)} is the model of this run" for v in report.variants if v.best), "")
    header = ("variant", "lr", "batch", "epochs", shortened(metric_name(report.metric), LONGEST), "result")
    rows = [
        (_name(v), rate(v.lr), v.batch, f"{v.epochs:,}", metric(v).replace("± ", "±\xa0"), _result(v))
        for v in report.variants
    ]
    caption = f"Each variant at its best learning rate{best}."
    return section("variants", "Which variant", table(caption, header, rows, numeric=(1, 2, 3, 4)))


def _name(v: VariantRow) -> Cell:
    swatch = tag("svg", marker(line_style(v.name), 7, 7), viewBox="0 0 14 14", width=14, height=14, aria_hidden="true")
    return (tag("span", swatch, f" {v.letter} {shortened(v.name, MOST_LETTERS)}", class_="whole"),)


def _result(v: VariantRow) -> Cell:
    return (tag("strong", shortened(v.result, LONGEST)),) if v.best else v.result


def _data(report: ReportData) -> Element:
    lines = table("What was read and done", ("step", "result"), report.data)
    rows = [(c.name, c.kind, f"{c.missing:,}", c.used_as) for c in report.columns]
    columns = [table("Columns", ("column", "kind", "missing", "used as"), rows, (2,))] if rows else []
    return section("data", "The data as read", lines, *columns)


def _model(report: ReportData) -> Element:
    about = tag("p", report.model)
    if not report.coefficients:
        return section("model", "The model", about)
    hidden = len(report.coefficients) - MOST_COEFFICIENTS
    caption = "Coefficients, the largest standardised one first"
    caption += f"; {hidden:,} more are in model.safetensors" if hidden > 0 else ""
    classes = any(row.output for row in report.coefficients)
    intervals = any(row.low is not None for row in report.coefficients)
    header = (
        "feature", *(("class",) if classes else ()), "in the file's units", *(("95 % interval",) if intervals else ()),
        "standardised",
    )  # fmt: skip
    rows = [_coefficient(row, classes, intervals) for row in report.coefficients[:MOST_COEFFICIENTS]]
    numeric = range(1 + classes, len(header))
    return section("model", "The model", about, table(caption, header, rows, numeric))


def _coefficient(row: Coefficient, classes: bool, intervals: bool) -> tuple[str, ...]:
    standardised = DASH if row.standardised is None else f"{row.standardised:,.4g}"
    ends = DASH if row.low is None or row.high is None else unbroken(span(row.low, row.high))
    return (
        row.feature, *((row.output,) if classes else ()), f"{row.value:,.6g}", *((ends,) if intervals else ()), standardised
    )  # fmt: skip


def _reproduce(report: ReportData) -> Element:
    return section(
        "reproduce", "Reproduce", terms(((label, code(text)) for label, text in report.reproduce), "reproduce"),
        download("history.csv: the loss, the learning rate and more at each recorded epoch", "history.csv", report.history),
    )  # fmt: skip
