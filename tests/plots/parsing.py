"""Read charts back from their SVG; hostile names, and a curve."""

import xml.etree.ElementTree as ET

import numpy as np

from descend.plots.curves import Curve

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


def a_curve(name="adam", loss=None, held=True):
    loss = np.geomspace(10, 0.1, 50) if loss is None else loss
    return Curve(name, "D", np.arange(len(loss)), loss, loss * 1.1 if held else None)


# Losses with NaN, inf, nothing but zeros, and values near the end of float64.
WRONG_LOSSES = [
    np.array([1.0, np.nan, 2.0]), np.array([1.0, 5.0, np.inf]), np.array([np.nan]), np.zeros(4), np.array([1e308, 1e300]),
    np.array([1.0, -np.inf]), np.array([1.0, 1e308]),
]  # fmt: skip


def attributes(root):
    return [value for e in root.iter() for value in e.attrib.values()]


def creates_nothing(draw, name):
    """Assert that a hostile name is only text: the same elements and attributes as with a plain name."""
    assert names(parsed(draw(name))) == names(parsed(draw("plain")))
    assert "style=" not in str(draw(name))
    assert len(str(draw(name))) < 6000
