"""Every variant is legible, and differs from the others by more than colour."""

import re

import numpy as np
import pytest

from descend.plan import VARIANTS
from descend.plots import scatter
from descend.plots.style import ACCENT, DARK, LIGHT, LINE_STYLES, NEUTRAL, OTHER, contrast, line_style


@pytest.mark.parametrize("colour", [*(p.colour for p in LINE_STYLES.values()), OTHER.colour, NEUTRAL, ACCENT])
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
    assert len({(p.marker, p.hollow) for p in LINE_STYLES.values()}) == len(LINE_STYLES)
    assert len({p.letter for p in LINE_STYLES.values()}) == len(LINE_STYLES)
    assert len({(p.colour, p.dash) for p in LINE_STYLES.values()}) == len(LINE_STYLES)
    assert line_style("mine") is OTHER


def test_the_letters_are_those_of_the_plan_and_every_variant_has_a_pen():
    assert {name: p.letter for name, p in LINE_STYLES.items()} == {name: v.letter for name, v in VARIANTS.items()}


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


def test_the_check_of_marks_can_fail():
    assert reach("M0 0h3v4l1 9") == 13
