"""html: a story as one page that needs nothing but itself: no script, no request, readable without its style."""

import base64
import hashlib

from descend.plots.element import Element, tag
from descend.plots.lines import mark
from descend.plots.style import pen
from descend.plots.svg import shortened
from descend.report import figures
from descend.report.content import Note, Story, Variant
from descend.report.markup import LONGEST, Cell, code, section, table, terms
from descend.report.numbers import metric, rate
from descend.report.page_style import STYLE

LANGUAGE = "en"
MOST_FINDINGS, MOST_COEFFICIENTS = 3, 200
GLOSSARY = (
    ("loss", "what training makes small; here for scaled data, penalty included."),
    ("held out", "rows that training never saw; they measure how well the model does on new data."),
    ("gap to the optimum", "how much of what can be gained over the best constant prediction is still missing."),
    ("lr", "the learning rate: how far a step goes."),
    ("batch", "rows a step: full takes all of them."),
    ("epoch", "one pass over the training rows."),
)


def render(story: Story) -> str:
    """Return the page. Everything of the user's is escaped by `Element`."""
    sections = (
        _verdict(story), _next(story), _variants(story), figures.loss(story), figures.weights(story),
        figures.scatters(story), _data(story), _model(story), _reproduce(story),
        section("How to read this page", terms(GLOSSARY, "glossary")),
    )  # fmt: skip
    title = shortened(story.title, LONGEST)
    skip = tag("a", "Skip to the verdict", href="#verdict", class_="skip")
    about = tag("p", f"descend {story.version} · {story.date} · {shortened(story.data_name, LONGEST)}")
    body = tag("body", skip, tag("header", about, tag("h1", title)), tag("main", *(s for s in sections if s)))
    page = tag("html", _head(title), body, lang=LANGUAGE)
    # The style is ours and constant; escaping its quotes and angles would break it.
    return "<!DOCTYPE html>\n" + str(page).replace("</head>", f"<style>{STYLE}</style></head>", 1) + "\n"


def _head(title: str) -> Element:
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:"
    return tag(
        "head", tag("meta", charset="utf-8"), tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"), tag("title", f"{title} · descend"),
    )  # fmt: skip


def _verdict(story: Story) -> Element:
    failed = story.status in ("diverged", "nonfinite")
    sign = "✖" if failed else "✔" if story.status == "converged" else "●"
    return tag(
        "section", tag("h2", f"{sign} {story.status}"), tag("p", story.verdict, class_="verdict"),
        terms(story.numbers, "numbers"), id="verdict", class_="failed" if failed else "ok",
    )  # fmt: skip


def _next(story: Story) -> Element:
    if not story.findings:
        settled = story.status in ("converged", "stopped")
        said = "Nothing to fix. A better result needs other columns, more rows, or a richer model."
        return section("What to do next", tag("p", said if settled else "Nothing was found beyond the verdict above."))
    more = len(story.findings) - MOST_FINDINGS
    rest = [tag("p", f"{more:,} more in run.json.")] if more > 0 else []
    items = tag("ul", *map(_finding, story.findings[:MOST_FINDINGS]), class_="findings")
    return section("What to do next", items, *rest)


def _finding(note: Note) -> Element:
    proof = [tag("p", line) for line in note.proof]
    said = [tag("p", tag("strong", f"{label}: "), text) for label, text in note.meaning]
    more = [tag("details", tag("summary", f"What {note.code} means"), *said)] if said else []
    return tag(
        "li", tag("p", tag("strong", f"{note.code} {note.level}: "), note.text), *map(code, note.fixes), *proof, *more
    )


def _variants(story: Story) -> Element:
    best = next((f"; {shortened(v.name, LONGEST)} is kept" for v in story.variants if v.best), "")
    header = ("variant", "lr", "batch", "epochs", shortened(story.metric, LONGEST), "result")
    rows = [(_name(v), rate(v.lr), v.batch, f"{v.epochs:,}", metric(v), _result(v)) for v in story.variants]
    said = f"Each variant at its best learning rate{best}."
    return section("Which variant", table(said, header, rows, numeric=(1, 2, 3, 4)))


def _name(v: Variant) -> Cell:
    swatch = tag("svg", mark(pen(v.name), 7, 7), viewBox="0 0 14 14", width=14, height=14, aria_hidden="true")
    return swatch, f" {v.letter} {v.name}"


def _result(v: Variant) -> Cell:
    return (tag("strong", shortened(v.result, LONGEST)),) if v.best else v.result


def _data(story: Story) -> Element:
    lines = table("What was read, and what was done", ("step", "what"), story.data)
    rows = [(c.name, c.kind, f"{c.missing:,}", c.used_as) for c in story.columns]
    return section("The data as read", lines, table("Columns", ("column", "kind", "missing", "used as"), rows, (2,)))


def _model(story: Story) -> Element:
    rows = [(name, f"{value:,.6g}") for name, value in story.coefficients[:MOST_COEFFICIENTS]]
    more = len(story.coefficients) - MOST_COEFFICIENTS
    said = "Coefficients in the units of the file" + (f"; {more:,} more are in run.json" if more > 0 else "")
    return section("The model", table(said, ("feature", "coefficient"), rows, (1,)))


def _reproduce(story: Story) -> Element:
    return section("Reproduce", terms(((label, code(words)) for label, words in story.reproduce), "reproduce"))
