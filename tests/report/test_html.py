"""The page: complete, inert whatever the names, small, and readable without style."""

import dataclasses
import re

import numpy as np
import pytest
from tests.report.made import HOSTILE, a_report, a_variant, parsed, shape

from descend.evaluation.usage import Coefficient
from descend.plots.curves import Curve
from descend.plots.scatter import Scatter
from descend.plots.weight_paths import WeightPath
from descend.report import html
from descend.report.content import ColumnRow, FindingRow, Mark
from descend.report.page_script import SCRIPT


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_in_every_place_change_no_element_and_no_attribute(name):
    assert shape(html.render(a_report(name))) == shape(html.render(a_report("name")))


def test_the_check_of_hostile_names_can_fail():
    page = html.render(a_report("name")).replace("name</h1>", "<b>name</b></h1>", 1)
    assert shape(page) != shape(html.render(a_report("name")))


def test_nothing_is_requested_and_nothing_runs_but_the_script_of_the_page():
    page = html.render(a_report())
    tags = {e.tag.split("}")[-1] for e in parsed(page).iter()}
    assert not tags & {"link", "iframe", "img", "object", "form"}
    assert not re.search(r"\bon\w+=|url\(|https?://(?!www\.w3\.org/2000/svg)", page)
    assert page.count("<script") == page.count(f"<script>{SCRIPT}</script>") == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_the_one_script_is_the_constant_and_no_element_has_a_style_or_a_handler(name):
    elements = list(parsed(html.render(a_report(name))).iter())
    assert [e.text for e in elements if e.tag.split("}")[-1] == "script"] == [SCRIPT]
    for e in elements:
        assert not [a for a in e.attrib if a == "style" or a.startswith("on")]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1e308])
@pytest.mark.parametrize("at", [0, 3, -1, slice(None)])
def test_losses_and_weights_that_are_no_numbers_leave_a_page(wrong, at):
    loss, x = np.geomspace(2, 1, 8), np.arange(8.0)
    loss[at] = wrong
    wild = dataclasses.replace(
        a_report(), curves=(Curve("gd", "G", x, loss, loss), *a_report().curves),
        weight_paths=(WeightPath("w", loss, loss),), scatters=(Scatter("x", loss, x, loss),),
    )  # fmt: skip
    root = parsed(html.render(wild))
    drawn = [e.get(a, "") for e in root.iter() for a in ("points", "d", "x", "y", "cx", "cy", "transform")]
    assert not any(word in value for value in drawn for word in ("nan", "inf"))


def test_the_page_has_its_parts_in_order():
    heads = [e.text for e in parsed(html.render(a_report())).iter("h2")]
    assert heads == [
        "✔ converged", "What to do next", "How good is it", "What it uses", "Which variant", "Which learning rate", "Learning curves",
        "Inside the training", "Each weight and bias against the loss",
        "name against each feature", "The data as read", "The model", "Reproduce", "How to read this page",
    ]  # fmt: skip
    root = parsed(html.render(a_report()))
    assert root.get("lang") == "en"
    assert [root.find(f".//{t}") is not None for t in ("main", "header", "title")] == [True] * 3
    assert all(
        figure.find("figcaption") is not None and figure.find("details") is not None for figure in root.iter("figure")
    )


def test_a_full_report_of_very_long_runs_stays_below_half_a_megabyte():
    rng = np.random.default_rng(0)
    epochs, x = np.arange(100_000), rng.standard_normal(100_000)
    loss = np.exp(-epochs / 2e4) + 0.1 * rng.random(100_000)
    page = html.render(
        dataclasses.replace(
            a_report(), curves=tuple(Curve(f"v{k}", "V", epochs, loss * (k + 1), loss * (k + 2)) for k in range(8)),
            weight_paths=tuple(WeightPath(f"w{k}", x, loss) for k in range(40)),
            scatters=tuple(Scatter(f"x{k}", x, loss) for k in range(40)),
        )
    )  # fmt: skip
    assert len(page.encode()) < 500_000
    assert "28 more weights are in trace.jsonl" in page
    assert "1,000 of 100,000 training rows, evenly spaced. 28 more columns are not drawn" in page


def test_the_table_of_variants_holds_failed_ones_too():
    failed = a_variant(
        name="gd", letter="G", lr=0.5, epochs=14, metric=None, spread=None, result="diverged at step 14", best=False
    )
    rows = parsed(
        html.render(
            dataclasses.replace(a_report(), measured=False, importances=(), variants=(*a_report().variants, failed))
        )
    ).iter("tr")
    read = [["".join(cell.itertext()).strip() for cell in row] for row in rows][:3]
    assert read == [
        ["variant", "lr", "batch", "epochs", "name", "result"],
        ["D name", "0.1", "name", "3", "1.5 \u00b1\xa00.1", "name"],
        ["G gd", "0.5", "full", "14", "\u2013", "diverged at step 14"],
    ]


def test_the_first_three_findings_are_shown_and_the_others_counted():
    page = html.render(
        dataclasses.replace(
            a_report(), findings=tuple(FindingRow(code=f"D10{k}", level="note", text="t", fixes=()) for k in range(5))
        )
    )
    assert [f"D10{k}" in page for k in range(5)] == [True, True, True, False, False]
    assert "2 more in run.json" in page


def test_long_texts_are_whole_and_long_names_are_not():
    report = dataclasses.replace(
        a_report(), data=(("read", "y" * 300),), reproduce=(("command", "z" * 2000),), title="x" * 1000,
        columns=(ColumnRow("x" * 1000, "number", 0, "used"),), coefficients=(Coefficient(feature="x" * 1000, output="", value=1.0, standardised=1.0),), target="x" * 1000,
    )  # fmt: skip
    page = html.render(report)
    assert "y" * 300 in page
    assert "z" * 2000 in page
    assert "x" * 200 + "\u2026" + "x" * 199 in page
    assert "x" * 201 not in page


def test_what_is_not_there_is_left_out():
    bare = dataclasses.replace(
        a_report(),
        measured=False,
        importances=(),
        rates=(),
        schedule=None,
        layers=(),
        findings=(),
        curves=(),
        weight_paths=(),
        scatters=(),
        columns=(),
    )
    page = html.render(bare)
    heads = [e.text for e in parsed(page).iter("h2")]
    assert heads == [
        "\u2714 converged", "What to do next", "Which variant", "The data as read", "The model", "Reproduce",
        "How to read this page",
    ]  # fmt: skip
    assert [e.text for e in parsed(page).iter("caption")] == [
        "Each variant at its best learning rate; name is the model of this run.", "What was read and done",
        "Coefficients, the largest standardised one first",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mark", "sentence"),
    [
        (Mark.OK, "No problems found. A better result needs other columns, more rows, or a larger model."),
        (Mark.NEUTRAL, "No problems found."),
        (Mark.FAILED, "No check explains this failure."),
    ],
)
def test_without_findings_the_mark_decides_what_is_said(mark, sentence):
    root = parsed(html.render(dataclasses.replace(a_report(), findings=(), mark=mark)))
    verdict, following = list(root.iter("section"))[:2]
    assert verdict.find("h2").text == f"{mark.value} converged"
    assert verdict.get("class") == mark.name.lower()
    assert following.find("p").text == sentence


def test_coefficients_have_a_column_of_classes_only_where_there_are_several():
    def head(rows):
        tables = parsed(html.render(dataclasses.replace(a_report(), coefficients=rows))).iter("table")
        last = list(tables)[-1]
        return [["".join(cell.itertext()) for cell in row] for row in last.iter("tr")]

    assert head((Coefficient(feature="x", output="", value=2.0, standardised=0.5), Coefficient(feature="intercept", output="", value=1234567.0, standardised=None))) == [
        ["feature", "in the file's units", "standardised"], ["x", "2", "0.5"], ["intercept", "1.23457e+06", "\u2013"],
    ]  # fmt: skip
    assert head((Coefficient(feature="x", output="Adelie", value=2.0, standardised=0.5),)) == [
        ["feature", "class", "in the file's units", "standardised"], ["x", "Adelie", "2", "0.5"],
    ]  # fmt: skip


def test_intervals_of_coefficients_have_a_column_where_they_are_known():
    known = Coefficient(feature="x", output="", value=2.0, standardised=0.5, low=1.5, high=2.5)
    unknown = Coefficient(feature="intercept", output="", value=7.0, standardised=None)
    tables = parsed(html.render(dataclasses.replace(a_report(), coefficients=(known, unknown)))).iter("table")
    rows = [["".join(cell.itertext()) for cell in row] for row in list(tables)[-1].iter("tr")]
    assert rows == [
        ["feature", "in the file's units", "95 % interval", "standardised"], ["x", "2", "1.5\xa0to\xa02.5", "0.5"],
        ["intercept", "7", "\u2013", "\u2013"],
    ]  # fmt: skip


def test_of_many_coefficients_two_hundred_are_shown_and_the_others_counted():
    many = tuple(Coefficient(feature=f"x{k}", output="", value=1.0, standardised=1.0) for k in range(10_000))
    page = html.render(dataclasses.replace(a_report(), coefficients=many))
    assert ">x199<" in page
    assert ">x200<" not in page
    assert "9,800 more are in model.safetensors" in page


def test_a_run_that_diverged_has_crosses():
    growing = np.geomspace(1, 1e6, 20)
    diverged = dataclasses.replace(
        a_report(), mark=Mark.FAILED, status="diverged", curves=(Curve("gd", "G", np.arange(20), growing, None),),
        weight_paths=(WeightPath("w", np.r_[growing[:-1], np.nan], np.r_[growing[:-1], np.nan]),),
    )  # fmt: skip
    page = html.render(diverged)
    assert "\u2716 diverged" in page
    assert "Cross: the loss diverged." in page
    assert "Some weights became NaN or inf. Ring: the start. Dot: the end. Cross: where the loss diverged." in page


def test_every_link_of_the_contents_has_its_section():
    root = parsed(html.render(a_report()))
    links = [link.get("href") for link in root.find(".//nav")]
    assert links == [f"#{section.get('id')}" for section in root.iter("section")]
    assert len(set(links)) == len(links) == 14
