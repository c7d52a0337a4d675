"""The page in a real browser: no request, no error, a theme button, curves that answer to mouse and keyboard."""

import dataclasses

import numpy as np
import pytest
from tests.report.chromium import in_browser
from tests.report.made import HOSTILE, a_report, a_variant

from descend.plots.curves import Curve
from descend.report.page_script import SCRIPT

LARGEST = 15_000  # characters of the script


def test_the_script_is_small_and_can_stand_in_xml():
    assert len(SCRIPT) < LARGEST
    assert not set("<&") & set(SCRIPT)


@pytest.fixture
def two_variants():
    """A report whose curves are known: gd halves its loss each epoch, adam is NaN from epoch 3 on."""
    epochs = np.arange(6.0)
    losses = {"gd": 0.5**epochs, "adam": np.where(epochs < 3, 2.0 - 0.1 * epochs, np.nan)}
    curves = tuple(
        Curve(name, name[0].upper(), epochs, loss, loss * 2, epochs * seconds)
        for (name, loss), seconds in zip(losses.items(), (0.25, 0.5), strict=True)
    )
    return dataclasses.replace(a_report(), curves=curves, variants=(a_variant(name="gd"),))


@in_browser
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_is_requested_and_no_error_is_said(opened, name, width):
    one = opened(a_report(name), width=width)
    assert (len(one.requests), one.errors) == (1, [])
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width


@in_browser
def test_the_theme_button_turns_the_page_dark_and_light_again(opened):
    page = opened(a_report()).page
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)

    page.get_by_role("button", name="Dark page").click()
    dark = page.evaluate(background)
    page.get_by_role("button", name="Light page").click()

    assert light == page.evaluate(background) == "rgb(255, 255, 255)"
    assert dark == "rgb(22, 25, 29)"


@in_browser
def test_a_reader_of_dark_pages_gets_one_and_can_leave_it(opened):
    page = opened(a_report(), scheme="dark").page
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 25, 29)"
    page.get_by_role("button", name="Light page").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@in_browser
def test_the_keyboard_alone_reads_the_curves(opened, two_variants):
    page = opened(two_variants).page
    page.get_by_label("scale:").select_option("linear")
    page.get_by_role("img", name="Loss of each variant").focus()
    for _ in range(20):  # of 50 from epoch 0 to epoch 5
        page.keyboard.press("ArrowRight")
    assert page.locator(".reading").inner_text() == "2 epochs: gd 0.25 (validation 0.5) · adam 1.8 (validation 3.6)"
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    assert page.locator(".reading").inner_text() == "4 epochs: gd 0.0625 (validation 0.125) · adam not finite"


@in_browser
def test_the_mouse_reads_the_same(opened, two_variants):
    page = opened(two_variants).page
    page.get_by_label("scale:").select_option("linear")
    chart = page.get_by_role("img", name="Loss of each variant")
    box = chart.bounding_box()
    chart.hover(position={"x": 58 + (box["width"] - 74) * 0.6, "y": 100})
    assert page.locator(".reading").inner_text().startswith("3 epochs: gd 0.125 (validation 0.25)")


@in_browser
def test_variants_can_be_hidden_and_gradients_counted(opened, two_variants):
    page = opened(two_variants).page
    lines = page.locator("[data-curves] polyline")
    before = lines.count()
    page.get_by_role("checkbox", name="adam").uncheck()
    assert lines.count() == before - 2
    page.get_by_role("checkbox", name="gd").uncheck()
    assert page.locator(".reading").inner_text() == "Nothing is shown."
    page.get_by_role("checkbox", name="gd").check()

    page.get_by_label("across:").select_option("gradients")
    page.get_by_label("scale:").select_option("linear")
    page.get_by_role("img", name="Loss of each variant").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert page.locator(".reading").inner_text() == "273 gradients: gd 0.5 (validation 1)"


@in_browser
def test_seconds_are_read_where_each_run_was_at_that_time(opened, two_variants):
    """gd takes a quarter of a second an epoch, adam half a second: after one second they are at epochs 4 and 2."""
    page = opened(two_variants).page
    page.get_by_label("across:").select_option("seconds")
    page.get_by_label("scale:").select_option("linear")
    page.get_by_role("img", name="Loss of each variant").focus()
    for _ in range(20):  # of 50 from 0 to 2.5 seconds
        page.keyboard.press("ArrowRight")
    said = "1 seconds: gd 0.0625 (validation 0.125) \u00b7 adam 1.8 (validation 3.6)"
    assert page.locator(".reading").inner_text() == said


@in_browser
def test_seconds_are_not_offered_where_they_are_not_known(opened):
    page = opened(a_report()).page
    assert page.get_by_label("across:").locator("option").all_inner_texts() == ["epochs", "gradients of rows"]


@in_browser
def test_nothing_is_marked_before_a_place_is_pointed_at(opened, two_variants):
    page = opened(two_variants).page
    assert page.locator('[data-curves] svg > line[stroke-opacity="0"]').count() == 1


@in_browser
def test_without_script_the_charts_are_there(opened, two_variants):
    page = opened(two_variants, script=False).page
    assert page.locator("[data-curves] svg").count() == 2
    assert page.get_by_role("button").count() == 0


@in_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of(opened, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = opened(a_report(), scheme=scheme).page
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    found = axe.Axe().run(page).response["violations"]
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found] == []
