"""The loss on a plane, with a path in it."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from descend.plots.contours import BANDS, HEIGHT, STROKE, Plane, band_edges, colour, draw


def plane(**changes):
    x, y = np.linspace(-1, 1, 9), np.linspace(-2, 2, 11)
    losses = 0.01 + x[None] ** 2 + y[:, None] ** 2
    path = np.array([[0.8, 1.5], [0.2, 0.4], [0.0, 0.0]])
    values = {"x": x, "y": y, "losses": losses, "path": path, "path_losses": np.array([2.9, 0.2, 0.01]), "sketch": False,
              "caption": "A plane."}  # fmt: skip
    return Plane(**{**values, **changes})


def drawn(one):
    return ET.fromstring(str(draw(one)).replace(' xmlns="http://www.w3.org/2000/svg"', ""))


def fill_at(svg, across, up):
    """The colour of the cell at shares of the width and height of the axes."""
    cells = [
        {k: float(r.get(k)) for k in ("x", "y", "width", "height")} | {"fill": r.get("fill")} for r in svg.iter("rect")
    ]
    left, right, top, bottom = 62.0, 464.0, 34.0, HEIGHT - 46.0
    at = left + across * (right - left), bottom - up * (bottom - top)
    return next(
        c["fill"] for c in cells if c["x"] <= at[0] < c["x"] + c["width"] and c["y"] <= at[1] < c["y"] + c["height"]
    )


def test_low_losses_are_dark_and_high_ones_light():
    svg = drawn(plane())
    assert fill_at(svg, 0.5, 0.5) in {colour(k, False) for k in range(4)}
    assert fill_at(svg, 0.02, 0.97) == colour(BANDS - 1, False)


def test_the_picture_has_the_orientation_of_its_axes():
    one = plane()
    svg = drawn(plane(losses=np.broadcast_to(one.y[:, None] + 30.0, one.losses.shape)))
    assert fill_at(svg, 0.3, 0.02) == colour(0, False)
    assert fill_at(svg, 0.3, 0.9) > fill_at(svg, 0.3, 0.1)  # larger y, a higher loss, lighter


def test_the_path_begins_at_a_ring_and_ends_at_a_dot():
    svg = drawn(plane())
    ring, dot = list(svg.iter("circle"))
    assert (ring.get("fill"), dot.get("fill")) == ("none", STROKE)
    assert float(ring.get("cx")) > float(dot.get("cx"))
    assert float(ring.get("cy")) < float(dot.get("cy"))
    assert len(list(svg.iter("polyline"))) == 1


def test_a_sketch_is_grey_and_says_so():
    svg = drawn(plane(sketch=True))
    assert all(len({r.get("fill")[k : k + 2] for k in (1, 3, 5)}) == 1 for r in svg.iter("rect"))
    assert "a sketch" in [t.text for t in svg.iter("text")]
    assert "a sketch" not in [t.text for t in drawn(plane()).iter("text")]


def test_bands_have_equal_ratios_where_losses_span_much_and_stop_above_the_path():
    edges = band_edges(plane(losses=np.array([[0.01, 1e6], [0.1, 1.0]])))
    np.testing.assert_allclose(edges[[0, -1]], [0.01, 8.7])
    np.testing.assert_allclose(edges[1:] / edges[:-1], edges[1] / edges[0])
    even = band_edges(plane(losses=np.array([[1.0, 2.0], [1.5, 2.0]])))
    np.testing.assert_allclose(np.diff(even), 1 / BANDS)


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_what_is_not_finite_has_the_highest_colour(bad):
    one = plane()
    losses = one.losses.copy()
    losses[:, 0] = bad
    assert fill_at(drawn(plane(losses=losses)), 0.01, 0.5) == colour(BANDS - 1, False)
    drawn(plane(losses=np.full_like(losses, bad)))


def test_the_description_says_what_is_seen():
    assert drawn(plane()).find("desc").text == "A plane. The loss goes from 2.9 to 0.01 along the path."
