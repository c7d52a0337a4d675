"""html: a story as one page that needs nothing but itself: no script, no request, readable without its style."""

import base64
import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from descend.plots import curves, scatter, weight_paths
from descend.plots.element import Element, tag
from descend.plots.panels import MOST
from descend.report.page_style import STYLE
from descend.report.story import Story, Variant

LANGUAGE = "en"
MOST_COEFFICIENTS = 200
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
        _verdict(story), _next(story), _variants(story), _curves(story), _weights(story), _scatters(story),
        _data(story), _model(story), _reproduce(story), _glossary(),
    )  # fmt: skip
    style_hash = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    head = tag(
        "head", tag("meta", charset="utf-8"),
        Element("meta", (("http-equiv", "Content-Security-Policy"),
                         ("content", f"default-src 'none'; style-src 'sha256-{style_hash}'; img-src data:")), ()),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{story.title} · descend"),
    )  # fmt: skip
    skip = tag("a", "Skip to the verdict", href="#verdict", class_="skip")
    header = tag(
        "header", tag("p", f"descend {story.version} · {story.date} · {story.data_name}"), tag("h1", story.title)
    )
    body = tag("body", skip, header, tag("main", *(s for s in sections if s is not None)))
    page = tag("html", head, body, lang=LANGUAGE)
    # The style is ours and constant; escaping its quotes and angles would break it.
    return "<!DOCTYPE html>\n" + str(page).replace("</head>", f"<style>{STYLE}</style></head>", 1)


def _verdict(story: Story) -> Element:
    failed = story.status in ("diverged", "nonfinite")
    sign = "✖" if failed else "✔" if story.status == "converged" else "●"
    cells = [tag("div", tag("dt", label), tag("dd", value)) for label, value in story.numbers]
    return tag(
        "section", tag("h2", f"{sign} {story.status}"), tag("p", story.verdict, class_="verdict"), tag("dl", *cells, class_="numbers"),
        id="verdict", class_="failed" if failed else "ok",
    )  # fmt: skip


def _next(story: Story) -> Element:
    if not story.findings:
        return _section(
            "What to do next",
            tag("p", "Nothing to fix. A better result needs other columns, more rows, or a richer model."),
        )
    items = [
        tag("li", tag("strong", f"{n.code} {n.level}: "), n.text, *(tag("code", f) for f in n.fixes))
        for n in story.findings[:3]
    ]
    return _section("What to do next", tag("ul", *items, class_="findings"))


def _variants(story: Story) -> Element:
    rows = [
        (f"{'● ' if v.best else ''}{v.letter} {v.name}", number(v.lr), v.batch, f"{v.epochs:,}", _metric(v), v.result)
        for v in story.variants
    ]
    best = next((v.name for v in story.variants if v.best), None)
    caption = (
        f"Each variant at its best learning rate; {best} is kept."
        if best
        else "Each variant at its best learning rate."
    )
    return _section(
        "Which variant", _table(caption, ("variant", "lr", "batch", "epochs", story.metric, "result"), rows)
    )


def _metric(v: Variant) -> str:
    return number(v.metric) + (f" ± {v.spread:.2g}" if v.spread is not None else "")


def _curves(story: Story) -> Element | None:
    if not story.curves:
        return None
    best = next((v.name for v in story.variants if v.best), story.curves[0].label)
    kept = next((c for c in story.curves if c.label == best), story.curves[0])
    caption = f"{best} takes the training loss from {number(float(kept.loss[0]))} to {number(float(kept.loss[-1]))}. Dotted: held-out loss."
    keep = np.unique(np.linspace(0, len(kept.epochs) - 1, min(25, len(kept.epochs))).round().astype(int))
    rows = [
        (
            f"{int(kept.epochs[k]):,}",
            number(float(kept.loss[k])),
            "–" if kept.held_out is None else number(float(kept.held_out[k])),
        )
        for k in keep
    ]
    table = _table(f"{best}, thinned", ("epoch", "training loss", "held-out loss"), rows)
    return _section("Learning curves", _figure(curves.draw(story.curves), caption, table))


def _weights(story: Story) -> Element | None:
    if not story.weight_paths:
        return None
    more = len(story.weight_paths) - MOST
    caption = "Ring: the start. Dot: the end." + (f" {more} more weights are in trace.jsonl." if more > 0 else "")
    rows = [
        (p.name, number(float(p.values[0])), number(float(p.values[-1])))
        for p in story.weight_paths[:MOST_COEFFICIENTS]
    ]
    table = _table("In scaled units", ("weight", "first", "last"), rows)
    return _section("Each weight against the loss", _figure(weight_paths.draw(story.weight_paths), caption, table))


def _scatters(story: Story) -> Element | None:
    if not story.scatters:
        return None
    rows = len(story.scatters[0].x)
    caption = f"{scatter.shown(rows):,} of {rows:,} training rows." + (
        f" {len(story.scatters) - MOST} more columns are not drawn." if len(story.scatters) > MOST else ""
    )
    table = _table(
        "Correlation with the target", ("feature", "r"), [(s.feature, _correlation(s)) for s in story.scatters]
    )
    return _section(
        f"{story.target} against each feature", _figure(scatter.draw(story.scatters, story.target), caption, table)
    )


def _correlation(s: scatter.Scatter) -> str:
    there = np.isfinite(s.x) & np.isfinite(s.y)
    x, y = s.x[there], s.y[there]
    return number(float(np.corrcoef(x, y)[0, 1])) if len(x) > 1 and np.ptp(x) > 0 and np.ptp(y) > 0 else "–"


def _data(story: Story) -> Element:
    lines = _table("What was read, and what was done", ("step", ""), story.data)
    columns = _table("Columns", ("column", "kind", "missing", "used as"),
                     [(c.name, c.kind, f"{c.missing:,}", c.used_as) for c in story.columns])  # fmt: skip
    return _section("The data as read", lines, columns)


def _model(story: Story) -> Element:
    rows = [(name, f"{value:,.6g}") for name, value in story.coefficients[:MOST_COEFFICIENTS]]
    more = len(story.coefficients) - MOST_COEFFICIENTS
    caption = "Coefficients in the units of the file" + (f"; {more} more are in run.json" if more > 0 else "")
    return _section("The model", _table(caption, ("feature", "coefficient"), rows))


def _reproduce(story: Story) -> Element:
    parts = [part for label, text in story.reproduce for part in (tag("dt", label), tag("dd", tag("code", text)))]
    return _section("Reproduce", tag("dl", *parts, class_="reproduce"))


def _glossary() -> Element:
    parts = [part for word, meaning in GLOSSARY for part in (tag("dt", word), tag("dd", meaning))]
    return _section("How to read this page", tag("dl", *parts, class_="glossary"))


def _section(title: str, *children: Element) -> Element:
    return tag("section", tag("h2", title), *children)


def _figure(picture: Element, caption: str, table: Element) -> Element:
    details = tag("details", tag("summary", "The numbers"), table)
    return tag("figure", tag("figcaption", caption), tag("div", picture, class_="picture"), details)


def _table(caption: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Element:
    head = tag("thead", tag("tr", *(tag("th", cell, scope="col") for cell in header)))
    body = [tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows]
    return tag("div", tag("table", tag("caption", caption), head, tag("tbody", *body)), class_="table")


def number(value: float | None) -> str:
    """Return a number as people read it, an en dash for none."""
    if value is None or not np.isfinite(value):
        return "–"
    return f"{value:,.1f}" if 1e3 <= abs(value) < 1e7 else f"{value:.4g}"
