"""The page: complete, inert whatever the names, small, and readable without style."""

import base64
import dataclasses
import hashlib
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest

import descend as ds
from descend.plots.style import DARK, LIGHT, contrast
from descend.report import html, markdown
from descend.report.content import ColumnRow, Curve, Note, Scatter, Story, Variant, WeightPath
from descend.report.numbers import metric
from descend.report.page_style import STYLE
from descend.run.report_data import tell

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "' onload='alert(1)",
    "</title></style><svg onload=alert(1)>",
    "</td></tr></table><iframe src=//example.org>",
    "</svg><foreignObject>",
    "<!-- ",
    "--><!--",
    "]]>",
    "<![CDATA[",
    "<?xml version='1.0'?>",
    "&lt;b&gt;&amp;&#60;",
    "a\nb\r\n\tc",
    "\u202egnp.exe",
    "\u2066\u2067\u2068",
    "\x00\x1b[31m\x7f\ufffe",
    "javascript:alert(1)",
    "</head>",
    "x" * 10_000,
]


def story(name="name", points=50):
    x = np.arange(float(points))
    return Story(
        title=name, data_name=name, date=name, version=name, status="converged", verdict=name, numbers=((name, name),) * 4,
        findings=(Note(name, name, name, (name,)),), variants=(Variant(name, "D", 0.1, name, 3, 1.5, 0.1, name, True),), metric=name,
        curves=(Curve(name, name[:1], x, np.exp(-x / points), np.exp(-x / points)),),
        weight_paths=(WeightPath(name, x, np.exp(-x / points)),), scatters=(Scatter(name, x, x * 2, x * 1.9),), target=name,
        data=((name, name),), columns=(ColumnRow(name, name, 3, name),), coefficients=((name, 1.5),), reproduce=((name, name),),
    )  # fmt: skip


def parsed(page):
    return ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


def shape(page):
    """Elements and attributes as XML sees them, and as the more forgiving HTML does."""
    seen = Seen()
    seen.feed(page)
    return [(e.tag, sorted(e.attrib)) for e in parsed(page).iter()], seen.parts


class Seen(HTMLParser):
    """What an HTML parser meets, text left out."""

    def __init__(self):
        super().__init__()
        self.parts = []

    def handle_starttag(self, tag, attrs):
        self.parts.append((tag, [name for name, _ in attrs]))

    def handle_endtag(self, tag):
        self.parts.append(tag)

    def handle_comment(self, data):
        self.parts.append("comment")

    handle_decl = handle_pi = unknown_decl = handle_comment


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_in_every_place_change_no_element_and_no_attribute(name):
    assert shape(html.render(story(name))) == shape(html.render(story("name")))


def test_the_check_of_hostile_names_can_fail():
    page = html.render(story("name")).replace("name</h1>", "<b>name</b></h1>", 1)
    assert shape(page) != shape(html.render(story("name")))


def test_nothing_is_requested_and_nothing_runs():
    page = html.render(story())
    tags = {e.tag.split("}")[-1] for e in parsed(page).iter()}
    assert not tags & {"script", "link", "iframe", "img", "object", "form"}
    assert not re.search(r"\bon\w+=|url\(|https?://(?!www\.w3\.org/2000/svg)", page)
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert f"default-src &#x27;none&#x27;; style-src &#x27;sha256-{digest}&#x27;" in page


@pytest.mark.parametrize("name", HOSTILE)
def test_no_element_is_a_script_and_none_has_a_style_or_a_handler(name):
    for e in parsed(html.render(story(name))).iter():
        assert e.tag.split("}")[-1] != "script"
        assert not [a for a in e.attrib if a == "style" or a.startswith("on")]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1e308])
@pytest.mark.parametrize("at", [0, 3, -1, slice(None)])
def test_losses_and_weights_that_are_no_numbers_leave_a_page(wrong, at):
    loss, x = np.geomspace(2, 1, 8), np.arange(8.0)
    loss[at] = wrong
    wild = dataclasses.replace(
        story(), curves=(Curve("gd", "G", x, loss, loss), *story().curves),
        weight_paths=(WeightPath("w", loss, loss),), scatters=(Scatter("x", loss, x, loss),),
    )  # fmt: skip
    root = parsed(html.render(wild))
    drawn = [e.get(a, "") for e in root.iter() for a in ("points", "d", "x", "y", "cx", "cy", "transform")]
    assert not any(word in value for value in drawn for word in ("nan", "inf"))


def test_the_page_has_its_parts_in_order():
    heads = [e.text for e in parsed(html.render(story())).iter("h2")]
    assert heads == [
        "✔ converged", "What to do next", "Which variant", "Learning curves", "Each weight and bias against the loss",
        "name against each feature", "The data as read", "The model", "Reproduce", "How to read this page",
    ]  # fmt: skip
    root = parsed(html.render(story()))
    assert root.get("lang") == "en"
    assert [root.find(f".//{t}") is not None for t in ("main", "header", "title")] == [True] * 3
    assert all(
        figure.find("figcaption") is not None and figure.find("details") is not None for figure in root.iter("figure")
    )


def test_a_full_story_of_very_long_runs_stays_below_half_a_megabyte():
    rng = np.random.default_rng(0)
    epochs, x = np.arange(100_000), rng.standard_normal(100_000)
    loss = np.exp(-epochs / 2e4) + 0.1 * rng.random(100_000)
    page = html.render(
        dataclasses.replace(
            story(), curves=tuple(Curve(f"v{k}", "V", epochs, loss * (k + 1), loss * (k + 2)) for k in range(8)),
            weight_paths=tuple(WeightPath(f"w{k}", x, loss) for k in range(40)),
            scatters=tuple(Scatter(f"x{k}", x, loss) for k in range(40)),
        )
    )  # fmt: skip
    assert len(page.encode()) < 500_000
    assert "28 more weights are in trace.jsonl" in page
    assert "1,000 of 100,000 training rows, evenly picked. 28 more columns are not drawn" in page


def test_each_figure_says_what_it_shows():
    figures = list(parsed(html.render(story())).iter("figure"))
    assert [f.find("figcaption").text for f in figures] == [
        "name takes the training loss from 1 to 0.3753. Solid: training. Dashed: held out.",
        "name ends farthest from zero, at 49 in scaled units. Ring: the start. Dot: the end.",
        "name goes along with the target most, r = 1.00. 50 of 50 training rows. Bars: fitted values.",
    ]


def test_the_table_of_variants_holds_failed_ones_too():
    failed = Variant("gd", "G", 0.5, "full", 14, None, None, "diverged at step 14", False)
    rows = parsed(html.render(dataclasses.replace(story(), variants=(*story().variants, failed)))).iter("tr")
    read = [["".join(cell.itertext()).strip() for cell in row] for row in rows][:3]
    assert read == [
        ["variant", "lr", "batch", "epochs", "name", "result"],
        ["D name", "0.1", "name", "3", "1.5 \u00b1 0.1", "name"],
        ["G gd", "0.5", "full", "14", "\u2013", "diverged at step 14"],
    ]


@pytest.mark.parametrize(
    ("spread", "text"), [(None, "1.5"), (0.0, "1.5 \u00b1 0"), (0.01234, "1.5 \u00b1 0.012"), (110.4, "1.5 \u00b1 110"),
                         (1234.0, "1.5 \u00b1 1,200"), (float("nan"), "1.5")],
)  # fmt: skip
def test_spreads_have_two_digits(spread, text):
    assert metric(dataclasses.replace(story().variants[0], spread=spread)) == text


def test_only_the_three_first_findings_are_told_and_the_others_counted():
    page = html.render(dataclasses.replace(story(), findings=tuple(Note(f"D10{k}", "note", "t", ()) for k in range(5))))
    assert [f"D10{k}" in page for k in range(5)] == [True, True, True, False, False]
    assert "2 more in run.json" in page


def test_long_texts_are_whole_and_long_names_are_not():
    told = dataclasses.replace(
        story(), data=(("read", "y" * 300),), reproduce=(("command", "z" * 2000),), title="x" * 1000,
        columns=(ColumnRow("x" * 1000, "number", 0, "used"),), coefficients=(("x" * 1000, 1.0),), target="x" * 1000,
    )  # fmt: skip
    page = html.render(told)
    assert "y" * 300 in page
    assert "z" * 2000 in page
    assert "x" * 399 + "\u2026" in page
    assert "x" * 400 not in page


def test_the_pages_colours_are_legible_on_its_grounds_which_are_those_of_the_pictures():
    light, dark = (dict(re.findall(r"--(\w+):(#\w{6})", part)) for part in STYLE.split("@media", 2)[:2])
    assert (light["page"], dark["page"]) == (LIGHT, DARK)
    for theme in (light, dark):
        for ground in ("page", "panel"):
            assert all(contrast(theme[ink], theme[ground]) >= 4.5 for ink in ("ink", "soft", "accent", "bad"))


def test_what_is_not_there_is_left_out():
    bare = dataclasses.replace(story(), findings=(), curves=(), weight_paths=(), scatters=(), numbers=(), variants=())
    page = html.render(bare)
    assert "Nothing to fix" in page
    assert "Learning curves" not in page
    assert "Nothing was found beyond the verdict above." in html.render(dataclasses.replace(bare, status="diverged"))
    nothing = np.zeros(0)
    empty = dataclasses.replace(
        bare, curves=(Curve("a", "A", nothing, nothing, None),), scatters=(Scatter("a", nothing, nothing),)
    )
    assert html.render(empty) == page


def test_a_run_that_failed_is_told():
    grown = np.geomspace(1, 1e300, 20)
    wild = dataclasses.replace(
        story(), status="diverged", curves=(Curve("gd", "G", np.arange(20), grown, None),),
        weight_paths=(WeightPath("w", np.r_[grown[:-1], np.nan], np.r_[grown[:-1], np.nan]),),
    )  # fmt: skip
    page = html.render(wild)
    assert "\u2716 diverged" in page
    assert "A cross: the run left the picture." in page
    assert (
        "Some weights left the finite range. Ring: the start. Dot: the end. Cross: where the run left the picture."
        in page
    )


def test_the_summary_is_short_and_whole():
    told = dataclasses.replace(story(), findings=(Note("D101", "error", "lr is too high", ("--lr auto", "--scale")),))
    assert markdown.render(told) == (
        "## name\n\n**converged** \u00b7 name\n\n"
        "| name | name | name | name |\n|---|---|---|---|\n| name | name | name | name |\n\n"
        "| variant | lr | batch | epochs | name | result |\n|---|---|---|---|---|---|\n"
        "| name | 0.1 | name | 3 | 1.5 \u00b1 0.1 | name |\n\n"
        "- **D101** lr is too high --lr auto or --scale\n"
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_leave_the_summary_its_shape(name):
    page = markdown.render(story(name))
    assert "<" not in page
    assert len(page.splitlines()) == len(markdown.render(story("name")).splitlines())
    assert not set(page) & set("\u202e\u2066\u2067\u2068\x00")


def test_markdown_escapes_tables_and_html():
    page = markdown.render(story("a|b <i> *c*\nd"))
    assert "<i>" not in page
    assert all(line.count("|") - line.count("\\|") in (0, 5, 7) for line in page.splitlines())


def test_a_real_run_is_told(penguins):
    run = ds.train(penguins, "body_mass_g", optimizer="gd,adam", progress=False)
    told = tell(run)
    assert [v.name for v in told.variants] == ["gd", "adam"]
    assert {s.feature for s in told.scatters} == {"bill_length_mm", "bill_depth_mm", "flipper_length_mm", "year"}
    assert dict(told.coefficients)["flipper_length_mm"] > 0
    assert "learn" not in told.verdict or told.status
    assert shape(run.report())
    assert "descend train penguins.csv --target body_mass_g --optimizer gd,adam" in run.report()
    assert "| variant |" in run.report(markdown=True)
