"""The page around any sections."""

import base64
import hashlib

import pytest
from tests.report.made import HOSTILE, parsed, shape

from descend.plots.element import tag
from descend.report.markup import section
from descend.report.page import page, source_line
from descend.report.page_script import SCRIPT
from descend.report.page_style import STYLE


def a_page(name="name"):
    return page(name, source_line(name, name, name), [section("verdict", name, tag("p", name))])


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_change_nothing(name):
    assert shape(a_page(name)) == shape(a_page("name"))


def test_style_sheet_and_script_are_the_ones_that_the_policy_allows():
    style, script = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (STYLE, SCRIPT))
    policy = f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:"
    assert policy.replace("'", "&#x27;") in a_page()
    assert f"<style>{STYLE}</style></head>" in a_page()
    assert f"<script>{SCRIPT}</script></body>" in a_page()


def test_the_contents_lead_to_the_sections():
    root = parsed(a_page("About <this>"))
    links = [(a.get("href"), a.text) for a in root.iter("a")]
    assert links == [("#verdict", "Skip to the verdict"), ("#verdict", "About <this>")]
    assert root.get("lang") == "en"
