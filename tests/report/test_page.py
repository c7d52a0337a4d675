"""The page around any sections."""

import base64
import hashlib

import pytest
from tests.report.made import HOSTILE, parsed, shape

from descend.plots.element import tag
from descend.report.markup import section
from descend.report.page import page, source_line
from descend.report.page_style import STYLE


def a_page(name="name"):
    return page(name, source_line(name, name, name), [section("verdict", name, tag("p", name))])


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_change_nothing(name):
    assert shape(a_page(name)) == shape(a_page("name"))


def test_the_style_sheet_is_the_one_that_the_policy_allows():
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert f"default-src &#x27;none&#x27;; style-src &#x27;sha256-{digest}&#x27;; img-src data:" in a_page()
    assert f"<style>{STYLE}</style></head>" in a_page()


def test_the_contents_lead_to_the_sections():
    root = parsed(a_page("About <this>"))
    links = [(a.get("href"), a.text) for a in root.iter("a")]
    assert links == [("#verdict", "Skip to the verdict"), ("#verdict", "About <this>")]
    assert root.get("lang") == "en"
