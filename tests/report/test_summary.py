"""A summary is short, complete and harmless, as text and as HTML."""

import xml.etree.ElementTree as ET

import pytest
from tests.report.made import HOSTILE

from descend.report.summary import Summary, html, text

SMALL = Summary(
    title="Run: y from a.csv", verdict="\u2714 converged", header=("", "variant", "lr"),
    rows=(("G", "gd", "0.1"), ("D", "adam", "0.05")), right=(2,), facts=(("test rmse", "1.5"), ("time", "2 s")),
    findings=("D201 note: slow",), more=".predict(data)",
)  # fmt: skip


def test_the_text_has_everything_in_order():
    assert (
        text(SMALL)
        == """\
Run: y from a.csv
\u2714 converged

    variant    lr
 G  gd        0.1
 D  adam     0.05

test rmse 1.5 \u00b7 time 2 s
D201 note: slow
.predict(data)"""
    )


@pytest.mark.parametrize("count", [1, 22, 23, 24, 500])
def test_thirty_lines_are_the_most_and_hidden_rows_are_counted(count):
    rows = tuple((str(k), f"v{k}", "1") for k in range(count))
    lines = text(Summary(title="t", verdict="v", header=("", "variant", "lr"), rows=rows, facts=(("a", "b"),))).split(
        "\n"
    )
    assert len(lines) <= 30
    shown = [line for line in lines if line.strip().startswith(tuple("0123456789"))]
    hidden = [line for line in lines if line.startswith(" \u2026")]
    assert hidden == ([f" \u2026 {count - len(shown)} more"] if len(shown) < count else [])
    assert len(shown) == count or len(lines) == 30


def test_only_three_findings_are_shown_and_the_others_counted():
    summary = Summary(title="t", verdict="v", findings=tuple(f"D10{k}" for k in range(5)))
    assert text(summary) == "t\nv\n\nD100\nD101\nD102\n2 more in .findings"
    assert [e.text for e in ET.fromstring(html(summary)).iter("li")] == ["D100", "D101", "D102", "2 more in .findings"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_change_neither_the_lines_nor_the_elements(name):
    def made(word):
        return Summary(
            title=word,
            verdict=word,
            header=("", word),
            rows=((word, word),),
            facts=((word, word),),
            findings=(word,),
            more=word,
        )

    lines, plain = text(made(name)).split("\n"), text(made("plain")).split("\n")
    assert len(lines) == len(plain)
    assert all(line.isprintable() and len(line) <= 200 for line in lines)
    shape = [(e.tag, sorted(e.attrib)) for e in ET.fromstring(html(made(name))).iter()]
    assert shape == [(e.tag, sorted(e.attrib)) for e in ET.fromstring(html(made("plain"))).iter()]


def test_the_html_is_static_and_has_a_table_with_headings():
    root = ET.fromstring(html(SMALL))
    assert [[cell.text for cell in row] for row in root.iter("tr")] == [
        [None, "variant", "lr"], ["G", "gd", "0.1"], ["D", "adam", "0.05"],
    ]  # fmt: skip
    assert {e.tag for e in root.iter()} <= {
        "div",
        "p",
        "strong",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "ul",
        "li",
        "code",
    }
    assert "style=" not in html(SMALL)


def test_parts_that_are_missing_are_left_out():
    assert text(Summary(title="t", verdict="v")) == "t\nv"
    assert html(Summary(title="t", verdict="v")) == '<div class="descend"><p><strong>t</strong></p><p>v</p></div>'
