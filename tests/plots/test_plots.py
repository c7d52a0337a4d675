"""Pictures: well-formed, inert, legible, and true to the numbers."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from descend.plan import VARIANTS
from descend.plots import curves, scatter, weight_paths
from descend.plots.curves import Curve, _apart
from descend.plots.element import tag
from descend.plots.lines import mark
from descend.plots.scatter import Scatter
from descend.plots.style import ACCENT, DARK, LIGHT, OTHER, PENS, PLAIN, SHAPES, contrast, pen
from descend.plots.weight_paths import WeightPath

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<script>alert(1)</script>", "\"'&<>", "a\nb", "\u202eevil", "]]>", "--", "x" * 10_000, "\x00\x08\x1b[31m", "</svg>",
    "\ud800\uffff",
]  # fmt: skip


def parsed(element):
    return ET.fromstring(str(element))


def names(root):
    return [(e.tag, sorted(e.attrib)) for e in root.iter()]


def texts(root):
    return [e.text for e in root.iter(SVG + "text")]


def points(element):
    return [[tuple(map(float, p.split(","))) for p in e.get("points").split()] for e in element.iter(SVG + "polyline")]


@pytest.mark.parametrize("colour", [*(p.colour for p in PENS.values()), OTHER.colour, PLAIN, ACCENT])
def test_every_colour_is_legible_on_light_and_dark(colour):
    assert contrast(colour, LIGHT) >= 3
    assert contrast(colour, DARK) >= 3


@pytest.mark.parametrize("colour", [scatter.TARGET, scatter.FITTED])
@pytest.mark.parametrize("ground", [LIGHT, DARK])
def test_dots_that_let_the_ground_shine_through_are_still_legible(colour, ground):
    over, under = (np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) for c in (colour, ground))
    seen = (scatter.OPACITY * over + (1 - scatter.OPACITY) * under).round().astype(int)
    assert contrast("#" + "".join(f"{v:02x}" for v in seen), ground) >= 3


def test_contrast_is_wcags():
    assert contrast("#000000", "#ffffff") == 21
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#f0e442", LIGHT) < 3  # Okabe and Ito's yellow, which the check must turn down


def test_no_two_variants_share_mark_or_letter_or_colour_and_dash():
    assert len({(p.shape, p.hollow) for p in PENS.values()}) == len(PENS)
    assert len({p.letter for p in PENS.values()}) == len(PENS)
    assert len({(p.colour, p.dash) for p in PENS.values()}) == len(PENS)
    assert pen("mine") is OTHER


def test_the_letters_are_those_of_the_plan_and_every_variant_has_a_pen():
    assert {name: p.letter for name, p in PENS.items()} == {name: v.letter for name, v in VARIANTS.items()}


def reach(path):
    """The farthest coordinate that a path of relative lines, arcs and one start gets to."""
    x = y = far = 0.0
    for letter, given in re.findall(r"([MhvlazZ])([^MhvlazZ]*)", path):
        v = [float(n) for n in re.findall(r"-?[0-9.]+", given)]
        steps = {
            "M": [v],
            "h": [[n, 0] for n in v],
            "v": [[0, n] for n in v],
            "a": [v[k + 5 : k + 7] for k in range(0, len(v), 7)],
        }
        for dx, dy in steps.get(letter, [v[k : k + 2] for k in range(0, len(v), 2)]):
            x, y = x + dx, y + dy
            far = max(far, abs(x), abs(y))
    return far


@pytest.mark.parametrize("shape", SHAPES)
def test_every_mark_stays_within_its_place(shape):
    assert 3 <= reach(SHAPES[shape]) <= 6.3  # a swatch has 7 pixels to each side, and the line is 1.4 wide
    drawn = parsed(mark(next(p for p in PENS.values() if p.shape == shape), 7, 7))
    assert drawn.get("transform") == "translate(7.0 7.0)"


def test_the_check_of_marks_can_fail():
    assert reach("M0 0h3v4l1 9") == 13


def test_end_labels_are_moved_apart_and_stay_inside():
    assert _apart([300.0, 301.0, 302.0, 335.0], 336.0) == [291.0, 306.0, 321.0, 336.0]
    assert _apart([10.0, 100.0], 336.0) == [10.0, 100.0]


@pytest.mark.parametrize("room", [curves.WIDE, curves.NARROW])
@pytest.mark.parametrize("count", [1, 8, 13, 40])
def test_names_of_any_number_of_lines_stay_in_the_picture_one_below_the_other(room, count):
    pens = [*PENS, *(f"own{k}" for k in range(40))][:count]
    ends = [np.linspace(2, 1 + k % 3 * 1e-3, 20) for k in range(count)]
    root = parsed(curves.draw([a_curve(name, loss) for name, loss in zip(pens, ends, strict=True)], room))
    named = [e for e in root.iter(SVG + "text") if float(e.get("x")) > room.width - room.right]
    heights = [float(e.get("y")) for e in named]
    assert len(heights) == count
    assert heights == sorted(heights)
    assert room.width - room.right < min(float(e.get("x")) for e in named)
    assert max(float(e.get("x")) + 7.2 * len(e.text) for e in named) <= room.width
    assert min(heights) >= curves.TOP
    assert max(heights) <= room.height - curves.BOTTOM + 5
    least = 14.9 if count <= 13 else 4
    assert all(b - a > least for a, b in zip(heights, heights[1:], strict=False))


def a_curve(name="adam", loss=None, held=True):
    loss = np.geomspace(10, 0.1, 50) if loss is None else loss
    return Curve(name, "D", np.arange(len(loss)), loss, loss * 1.1 if held else None)


def test_training_is_solid_held_out_dashed_and_each_line_has_its_mark_and_name():
    root = parsed(curves.draw([a_curve("adam"), a_curve("gd", np.linspace(9, 3, 50))]))
    lines = list(root.iter(SVG + "polyline"))
    assert [line.get("stroke-dasharray") for line in lines] == ["4 3", "5 3", None, None]
    assert texts(root)[-2:] == ["D gd", "D adam"]
    assert {e.get("d") for e in root.iter(SVG + "path")} == {SHAPES["star"], SHAPES["circle"]}


def test_lines_are_where_the_numbers_are():
    loss = np.array([1.0, 3.0, 2.0])
    root = parsed(curves.draw([a_curve(loss=loss, held=False)]))
    (line,) = points(root)
    room = curves.WIDE
    width, height = room.width - room.left - room.right, room.height - curves.BOTTOM - curves.TOP
    expected = [room.left + width * (0.04 + share) / 1.08 for share in (0, 0.5, 1)]
    assert [x for x, _ in line] == pytest.approx(expected, abs=0.051)
    assert [y for _, y in line] == pytest.approx([curves.TOP + height * (3.08 - v) / 2.16 for v in loss], abs=0.051)


def test_losses_below_those_of_training_stay_inside():
    c = Curve("adam", "D", np.arange(50), np.linspace(3, 2, 50), np.linspace(2, 1, 50))
    assert max(y for line in points(parsed(curves.draw([c]))) for _, y in line) <= curves.WIDE.height - curves.BOTTOM


def test_the_axis_of_losses_over_decades_says_that_it_is_logarithmic():
    assert "loss (logarithmic)" in texts(parsed(curves.draw([a_curve()])))
    assert "loss" in texts(parsed(curves.draw([a_curve(loss=np.linspace(2, 1, 9))])))


@pytest.mark.parametrize(
    "loss",
    [np.array([1.0, np.nan, 2.0]), np.array([1.0, 5.0, np.inf]), np.array([np.nan]), np.zeros(4), np.array([1e308, 1e300]),
     np.array([1.0, -np.inf]), np.array([1.0, 1e308])],
)  # fmt: skip
def test_losses_that_are_not_numbers_are_cut(loss):
    for root in (
        parsed(curves.draw([a_curve(loss=loss, held=False)])),
        parsed(weight_paths.draw([WeightPath("w", loss, loss)])),
    ):
        given = [v for e in root.iter() for v in e.attrib.values()]
        assert not any(word in value for value in given for word in ("nan", "inf"))


def test_a_run_that_leaves_the_picture_gets_a_cross_and_squashes_no_other():
    calm, wild = (
        a_curve("adam", np.linspace(1, 0.5, 30), held=False),
        a_curve("gd", np.geomspace(1, 1e30, 30), held=False),
    )
    root = parsed(curves.draw([calm, wild]))
    first, second = points(root)
    assert max(y for _, y in first) - min(y for _, y in first) > 20
    assert second[-1][1] == curves.TOP
    assert sum("l8 8m0 -8l-8 8" in e.get("d") for e in root.iter(SVG + "path")) == 1


def test_a_loss_of_zero_is_no_failure():
    root = parsed(curves.draw([a_curve(loss=np.array([1.0, 0.01, 0.0]), held=False)]))
    assert not any("l8 8m0" in e.get("d") for e in root.iter(SVG + "path"))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_create_nothing(name):
    for draw in (
        lambda n: curves.draw([a_curve(n)]),
        lambda n: weight_paths.draw([WeightPath(n, np.arange(3.0), np.arange(3.0))]),
        lambda n: scatter.draw([Scatter(n, np.arange(3.0), np.arange(3.0))], n),
    ):
        assert names(parsed(draw(name))) == names(parsed(draw("calm")))
        assert "style=" not in str(draw(name))
        assert len(str(draw(name))) < 6000


def test_pictures_say_what_they_show():
    root = parsed(weight_paths.draw([WeightPath("w", np.array([0.0, 2.0]), np.array([1.0, 0.5]))]))
    assert root.get("role") == "img"
    assert root.find(SVG + "title").text == "Each weight against the loss along the run"
    assert root.find(SVG + "desc").text == "w goes from 0 to 2 while the loss goes from 1 to 0.5."
    assert parsed(curves.draw([a_curve()])).find(SVG + "desc").text == "adam: 10 to 0.1 in 49 epochs."
    described = parsed(scatter.draw([Scatter("x", np.arange(3.0), np.arange(3.0))], "y")).find(SVG + "desc").text
    assert described == "x: correlation 1.00."


def test_of_many_weights_the_first_eleven_and_the_last_are_drawn():
    paths = [WeightPath(f"w{k}", np.arange(5.0), np.arange(5.0, 0, -1)) for k in range(20)]
    root = parsed(weight_paths.draw(paths))
    assert [t for t in texts(root) if t.startswith("w")] == [*(f"w{k}" for k in range(11)), "w19"]
    assert len(weight_paths.panels(paths)) == 12


def test_of_many_rows_a_thousand_are_drawn_and_fitted_values_beside_them():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(5000)
    assert str(scatter.draw([Scatter("x", x, x)], "y")).count("h0") == 1000
    drawn = str(scatter.draw([Scatter("x", x, x, x / 2)], "y"))
    assert (drawn.count("h0"), drawn.count("h5")) == (1000, 1000)


def test_missing_values_and_empty_pictures_are_drawn():
    x = np.array([1.0, np.nan, 3.0])
    assert str(scatter.draw([Scatter("x", x, x[::-1])], "y")).count("h0") == 2
    for empty in (curves.draw([]), weight_paths.draw([]), scatter.draw([], "y")):
        parsed(empty)
    parsed(weight_paths.draw([WeightPath("w", np.zeros(0), np.zeros(0))]))


def test_correlation_is_numpys_and_none_where_nothing_varies():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((2, 50))
    assert scatter.correlation(Scatter("x", x, y)) == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-12)
    assert scatter.correlation(Scatter("x", x * 1e300, y)) == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-12)
    assert scatter.correlation(Scatter("x", np.ones(50), y)) is None


def test_text_and_attributes_are_escaped_alike():
    assert str(tag("a", "<b>", href='"x"')) == '<a href="&quot;x&quot;">&lt;b&gt;</a>'
    assert str(tag("a", "\u202ea\u2067\x00")) == "<a>\ufffda\ufffd\ufffd</a>"
