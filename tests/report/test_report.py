"""The page: complete, inert whatever the names, small, and readable without style."""

import base64
import dataclasses
import hashlib
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import descend as ds
from descend.report import html, markdown
from descend.report.page_style import STYLE
from descend.report.story import ColumnRow, Curve, Note, Scatter, Story, Variant, WeightPath
from descend.telling import tell

HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "a\nb",
    "\u202e",
    "]]>",
    "--><!--",
    "\x00\x1b",
    "x" * 10_000,
]


def story(name="name", points=50):
    x = np.arange(float(points))
    return Story(
        title=name, data_name=name, date=name, version=name, status="converged", verdict=name, numbers=((name, name),) * 4,
        findings=(Note(name, name, name, (name,)),), variants=(Variant(name, "D", 0.1, name, 3, 1.5, 0.1, name, True),), metric=name,
        curves=(Curve(name, name[:1], x, np.exp(-x / points), np.exp(-x / points)),),
        weight_paths=(WeightPath(name, x, np.exp(-x / points)),), scatters=(Scatter(name, x, x * 2),), target=name,
        data=((name, name),), columns=(ColumnRow(name, name, 3, name),), coefficients=((name, 1.5),), reproduce=((name, name),),
    )  # fmt: skip


def parsed(page):
    return ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


def shape(page):
    return [(e.tag, sorted(e.attrib)) for e in parsed(page).iter()]


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


def test_the_page_has_its_parts_in_order():
    heads = [e.text for e in parsed(html.render(story())).iter("h2")]
    assert heads == [
        "✔ converged", "What to do next", "Which variant", "Learning curves", "Each weight against the loss",
        "name against each feature", "The data as read", "The model", "Reproduce", "How to read this page",
    ]  # fmt: skip
    root = parsed(html.render(story()))
    assert root.get("lang") == "en"
    assert [root.find(f".//{t}") is not None for t in ("main", "header", "title")] == [True] * 3
    assert all(
        figure.find("figcaption") is not None and figure.find("details") is not None for figure in root.iter("figure")
    )


def test_a_story_of_very_long_curves_stays_small():
    assert len(html.render(story(points=100_000)).encode()) < 500_000


def test_what_is_not_there_is_left_out():
    bare = dataclasses.replace(story(), findings=(), curves=(), weight_paths=(), scatters=())
    page = html.render(bare)
    assert "Nothing to fix" in page
    assert "Learning curves" not in page


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
