"""Sections, tables and lists of the page."""

import base64

from tests.report.made import parsed

from descend.plots.element import tag
from descend.report.markup import code, contents, figure, section, table, terms


def test_a_table_has_a_caption_headings_and_numbers_at_the_right():
    root = parsed(str(table("What", ("name", "value"), [("a", "1"), (("b", tag("i", "!")), "2")], numeric=(1,))))
    assert root.attrib == {"class": "table", "tabindex": "0", "role": "group", "aria-label": "What"}
    assert root.find(".//caption").text == "What"
    assert [(e.text, e.get("scope"), e.get("class")) for e in root.find(".//thead").iter("th")] == [
        ("name", "col", None), ("value", "col", "n"),
    ]  # fmt: skip
    assert ["".join(row.itertext()) for row in root.find(".//tbody")] == ["a1", "b!2"]
    assert [e.get("scope") for e in root.find(".//tbody").iter("th")] == ["row", "row"]


def test_a_figure_has_its_caption_first_and_its_numbers_last():
    root = parsed(str(figure("what it shows", tag("table"), tag("svg"))))
    assert [e.tag for e in root] == ["figcaption", "svg", "details"]
    assert [e.tag for e in root.find("details")] == ["summary", "table", "p"]


def test_the_numbers_of_a_figure_can_be_saved_as_they_are_shown():
    first = table("One", ("name", "value"), [("a, b", "1"), (tag("i", 'say "no"'), "2")])
    second = table("Two", ("x",), [("3",)])
    root = parsed(str(figure("both", tag("div", first, second))))
    link = root.find(".//a")
    kind, _, data = link.get("href").partition(",")
    assert (kind, link.get("download")) == ("data:text/csv;charset=utf-8;base64", "numbers.csv")
    assert base64.b64decode(data).decode() == 'name,value\n"a, b",1\n"say ""no""",2\n\nx\n3\n'


def test_long_headings_and_cells_are_shortened_and_text_to_copy_is_not():
    long = "x" * 1000
    assert len(parsed(str(section("key", long))).find("h2").text) == 120
    assert len(parsed(str(table("c", ("h",), [(long,)]))).find(".//tbody").find(".//th").text) == 400
    assert [len(e.text) for e in parsed(str(terms([(long, long)], "list"))).iter() if e.text] == [120, 1000]
    assert parsed(str(code(long))).find("code").text == long


def test_the_contents_link_to_each_section_by_its_heading():
    parts = [section("one", "First", tag("p", "text")), section("two", "<b>", class_="failed")]
    root = parsed(str(contents(parts)))
    assert root.get("aria-label") == "Contents"
    assert [(link.get("href"), link.text) for link in root] == [("#one", "First"), ("#two", "<b>")]
    assert parsed(str(parts[1])).attrib == {"id": "two", "class": "failed"}
