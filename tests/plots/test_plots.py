"""Pictures: well-formed, inert, legible, and true to the numbers."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from descend.plots import curves, scatter, weight_paths
from descend.plots.axes import Axis, decimate, label
from descend.plots.curves import Curve, _apart
from descend.plots.element import tag
from descend.plots.scatter import Scatter
from descend.plots.style import DARK, LIGHT, OTHER, PENS, contrast, pen
from descend.plots.weight_paths import WeightPath

HOSTILE = [
    "<script>alert(1)</script>",
    "\"'&<>",
    "a\nb",
    "\u202eevil",
    "]]>",
    "--",
    "x" * 10_000,
    "\x00\x08\x1b[31m",
    "</svg>",
]


def parsed(element):
    return ET.fromstring(str(element))


def names(root):
    return [e.tag.split("}")[-1] for e in root.iter()]


@pytest.mark.parametrize("name", [*PENS, "unknown"])
def test_every_pen_is_legible_on_light_and_dark(name):
    assert contrast(pen(name).colour, LIGHT) >= 3
    assert contrast(pen(name).colour, DARK) >= 3


def test_contrast_is_wcags():
    assert contrast("#000000", "#ffffff") == 21
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_no_two_variants_share_pen_and_letter():
    assert len({(p.colour, p.dash) for p in PENS.values()}) == len(PENS)
    assert len({p.letter for p in PENS.values()}) == len(PENS)
    assert pen("mine") is OTHER


def test_ticks_are_round_numbers():
    assert Axis(0, 10, 0, 100).ticks() == [0, 2, 4, 6, 8, 10]
    assert Axis(-0.31, 0.42, 0, 100).ticks() == [-0.2, 0, 0.2, 0.4]
    assert Axis(0.9, 1100, 0, 100, log=True).ticks() == [1, 10, 100, 1000]
    assert [label(v) for v in (0, 2007, 12_000, 1e-6, 0.05, 2.5e7)] == ["0", "2007", "12,000", "1e-6", "0.05", "2.5e7"]


def test_pixels_are_where_the_values_are():
    axis = Axis(1, 100, 0, 200, log=True)
    np.testing.assert_allclose(axis(np.array([1, 10, 100])), [0, 100, 200])


def test_thinning_keeps_extremes_and_ends():
    xs, ys = np.arange(1e5), np.sin(np.arange(1e5) / 500)
    ys[31_234], ys[77_777] = 9.0, -9.0
    kept_x, kept_y = decimate(xs, ys)
    assert len(kept_x) <= 2002
    assert {9.0, -9.0} <= set(kept_y)
    assert (kept_x[0], kept_x[-1]) == (0, 99_999)


def test_end_labels_are_moved_apart_and_stay_inside():
    spots = _apart([300.0, 301.0, 302.0, 335.0], 336.0)
    assert np.diff(spots).min() >= 14 - 1e-9
    assert max(spots) <= 336


def a_curve(name="adam", loss=None):
    loss = np.geomspace(10, 0.1, 50) if loss is None else loss
    return Curve(name, "D", np.arange(len(loss)), loss, loss * 1.1)


def test_curves_are_one_line_each_with_a_name_at_the_end():
    root = parsed(curves.draw([a_curve("adam"), a_curve("gd", np.linspace(9, 3, 50))]))
    assert names(root).count("polyline") == 4
    assert [t.text for t in root.iter("{http://www.w3.org/2000/svg}text") if t.text and t.text.startswith("D ")] == [
        "D gd",
        "D adam",
    ]


@pytest.mark.parametrize(
    "loss", [np.array([1.0, np.nan, 2.0]), np.array([1.0, 5.0, np.inf]), np.array([np.nan]), np.zeros(4)]
)
def test_losses_that_are_not_numbers_are_cut(loss):
    text = str(curves.draw([a_curve(loss=loss)]))
    assert "nan" not in text
    assert "inf" not in text
    ET.fromstring(text)


def test_a_diverged_run_does_not_squash_the_others():
    calm = a_curve("adam", np.linspace(1, 0.5, 30))
    wild = a_curve("gd", np.geomspace(1, 1e30, 30))
    ends = list(parsed(curves.draw([calm, wild])).iter("{http://www.w3.org/2000/svg}polyline"))
    first = [float(pair.split(",")[1]) for pair in ends[1].get("points").split()]
    assert max(first) - min(first) > 20
    assert "path" in names(parsed(curves.draw([calm, wild])))  # the cross of the run that left


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_create_nothing(name):
    calm, evil = "calm", name
    for draw in (
        lambda n: curves.draw([a_curve(n)]),
        lambda n: weight_paths.draw([WeightPath(n, np.arange(3.0), np.arange(3.0))]),
        lambda n: scatter.draw([Scatter(n, np.arange(3.0), np.arange(3.0))], n),
    ):
        assert names(parsed(draw(evil))) == names(parsed(draw(calm)))
        assert "style=" not in str(draw(evil))


def test_of_many_panels_twelve_are_drawn_and_of_many_rows_a_thousand():
    paths = [WeightPath(f"w{k}", np.arange(5.0), np.arange(5.0, 0, -1)) for k in range(20)]
    assert str(weight_paths.draw(paths)).count("<polyline") == 12
    many = Scatter("x", np.random.default_rng(0).standard_normal(5000), np.zeros(5000))
    assert str(scatter.draw([many], "y")).count("h0") == 1000


def test_text_and_attributes_are_escaped_alike():
    assert str(tag("a", "<b>", href='"x"')) == '<a href="&quot;x&quot;">&lt;b&gt;</a>'
