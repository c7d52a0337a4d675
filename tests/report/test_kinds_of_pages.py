"""The page of each kind of run in a real browser: nothing overlaps, nothing is cut, nothing is requested, axe has no complaint."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.report.chromium import in_browser

import descend as ds

KINDS = ("regression", "classes", "rare", "network", "failed", "wide", "check")
QUICK = {"seeds": 1, "max_epochs": 40, "progress": False}

# Faults of the layout that a script can see: [what, where, ...] each.
AUDIT = """() => {
  const faults = [];
  const within = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
  const crosses = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  const shown = e => e.getClientRects().length > 0;
  document.querySelectorAll("figure svg[role=img]").forEach(svg => {
    if (!shown(svg)) return;
    const name = svg.querySelector("title")?.textContent || svg.getAttribute("aria-label");
    const say = (what, ...parts) => faults.push([what, name, ...parts]);
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].map(e => [e.textContent, e.getBoundingClientRect()]);
    const marks = svg.querySelectorAll("polyline, path, circle, rect");
    if (!texts.length || !marks.length) say("an empty chart");
    texts.forEach(([text, box], k) => {
      if (!within(box, frame)) say("text is cut", text);
      if (9 > box.height) say("text is too small", text, box.height);
      texts.slice(k + 1).forEach(([other, b]) => { if (crosses(box, b)) say("texts overlap", text, other); });
    });
    svg.querySelectorAll("polyline").forEach(line => {
      const clip = line.closest("svg").getBoundingClientRect(), to = line.getScreenCTM(), length = line.getTotalLength();
      for (let at = 0; length >= at; at += 2) {
        const p = line.getPointAtLength(at).matrixTransform(to);
        const inside = p.x > clip.left && clip.right > p.x && p.y > clip.top && clip.bottom > p.y;
        const hit = texts.find(([, b]) => inside && p.x > b.left && b.right > p.x && p.y > b.top + 2 && b.bottom - 2 > p.y);
        if (hit) { say("a line crosses text", hit[0]); return; }
      }
    });
  });
  const page = document.documentElement;
  if (page.scrollWidth > innerWidth) faults.push(["the page is wider than the window", page.scrollWidth]);
  document.querySelectorAll("main *, header *").forEach(e => {
    if (!shown(e) || e.closest(".table, .skip, svg") || getComputedStyle(e).display === "inline") return;
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (own && e.scrollWidth > e.clientWidth + 1) faults.push(["text is wider than its box", e.tagName, e.textContent.slice(0, 40)]);
  });
  return faults;
}"""


@pytest.fixture(scope="module")
def pages():
    """The page of each kind, from short trainings of real and of made tables."""
    penguins = Path(__file__).parents[2] / "examples" / "data" / "penguins.csv"
    rng = np.random.default_rng(0)
    rare = pd.DataFrame(rng.normal(size=(600, 3)), columns=list("abc"))
    rare["fraud"] = np.where(rare["a"] + rng.normal(size=600) > 2.6, "yes", "no")
    wide = pd.DataFrame(
        rng.normal(size=(120, 60)), columns=[f"measurement_of_the_device_number_{k:03d}" for k in range(60)]
    )
    wide["y"] = wide.iloc[:, :3].sum(axis=1) + rng.normal(size=120)
    runs = {
        "regression": (penguins, "body_mass_g", {}),
        "classes": (penguins, "species", {"optimizer": "gd,nesterov,adam", "trees": True}),
        "rare": (rare, "fraud", {"optimizer": "gd,adam", "class_weight": "balanced", "threshold": "auto"}),
        "network": (penguins, "sex", {"hidden_layer_sizes": (8, 8), "optimizer": "adam", "lr": 0.01, "schedule": "cosine"}),
        "failed": (penguins, "body_mass_g", {"optimizer": "gd", "lr": 50}),
        "wide": (wide, "y", {"optimizer": "nesterov", "l1": 0.02}),
    }  # fmt: skip
    made = {name: ds.train(data, target, **QUICK, **own).report() for name, (data, target, own) in runs.items()}
    return made | {"check": ds.check(penguins, "body_mass_g").html()}


@in_browser
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_overlaps_is_cut_or_empty_and_nothing_is_requested(opened, pages, kind, width):
    one = opened(pages[kind], width=width)
    one.page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    assert one.page.evaluate(AUDIT) == []
    assert (len(one.requests), one.errors) == (1, [])


@in_browser
@pytest.mark.parametrize("kind", ["regression", "network"])
def test_without_script_every_chart_is_there(opened, pages, kind):
    one = opened(pages[kind], script=False)
    assert one.page.locator("figure svg[role=img]").count() == pages[kind].count('role="img"') > 10
    assert one.errors == []


@in_browser
@pytest.mark.parametrize("kind", ["rare", "network", "failed", "check"])  # the others have no elements beside these
def test_axe_has_no_complaint(opened, pages, kind):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = opened(pages[kind]).page
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    found = axe.Axe().run(page).response["violations"]
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found] == []


@in_browser
def test_the_printed_curves_have_names_and_no_controls(opened, pages):
    page = opened(pages["regression"], scheme="dark").page
    page.emulate_media(media="print")
    assert page.evaluate(AUDIT) == []
    assert not page.get_by_label("across:").is_visible()
    texts = page.locator("[data-curves] svg:visible text").all_text_contents()
    assert {"nesterov", "adam", "sgd"} <= {text.split(" ")[-1] for text in texts}
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@in_browser
def test_three_charts_fill_the_width_of_a_page(opened, pages):
    boxes = (
        opened(pages["regression"])
        .page.locator("#quality .panels svg")
        .evaluate_all("all => all.map(e => e.getBoundingClientRect()).map(b => [b.left, b.right])")
    )
    assert len(boxes) == 3
    assert boxes[-1][1] - boxes[0][0] > 1100


@in_browser
def test_the_keyboard_alone_reaches_everything(opened, pages):
    page = opened(pages["regression"]).page
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.ariaLabel || document.activeElement.textContent.trim()"))
    chart = "Loss of each variant; the arrow keys move along it"
    download = "history.csv: the loss, the learning rate and more at each recorded epoch"
    assert {"Dark page", "How good is it", "The numbers", chart, download} <= seen


PLANTED = {
    "an empty chart": "<svg role='img' width='90' height='40'><title>t</title></svg>",
    "text is cut": "<svg role='img' width='90' height='40'><circle r='3'/><text x='80' y='20'>a long name</text></svg>",
    "texts overlap": "<svg role='img' width='90' height='40'><circle r='3'/><text x='5' y='20'>one</text>"
    "<text x='9' y='22'>two</text></svg>",
    "a line crosses text": "<svg role='img' width='90' height='40'><polyline points='0,15 90,15' fill='none'/>"
    "<text x='5' y='20'>one</text></svg>",
    "text is too small": "<svg role='img' width='90' height='40'><circle r='3'/><text x='5' y='20' font-size='6'>one</text></svg>",
    "the page is wider than the window": "<div style='width:2000px;height:3px'></div>",
    "text is wider than its box": "<p style='width:40px;white-space:nowrap;overflow:hidden'>a sentence that is cut</p>",
}  # fmt: skip


@in_browser
@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_seen(opened, fault):
    page = f"<!DOCTYPE html><html lang='en'><body><main><figure>{PLANTED[fault]}</figure></main></body></html>"
    assert fault in {found[0] for found in opened(page).page.evaluate(AUDIT)}
