"""Numbers as text."""

import pytest
from tests.report.made import a_variant

from descend.report.numbers import metric, number, rate


@pytest.mark.parametrize(
    ("spread", "text"), [(None, "1.5"), (0.0, "1.5 \u00b1 0"), (0.01234, "1.5 \u00b1 0.012"), (110.4, "1.5 \u00b1 110"),
                         (1234.0, "1.5 \u00b1 1,200"), (float("nan"), "1.5")],
)  # fmt: skip
def test_spreads_have_two_digits(spread, text):
    assert metric(a_variant(metric=1.5, spread=spread)) == text


def test_numbers_that_are_not_finite_are_dashes():
    assert [number(v) for v in (float("nan"), float("inf"), None)] == ["–"] * 3
    assert [rate(v) for v in (float("nan"), None, 1e-4)] == ["–", "–", "0.0001"]


def test_numbers_have_about_four_digits():
    assert [number(x) for x in (0.0, 999.96, 1234.5, 2e12, float("nan"))] == ["0", "1000", "1,234", "2e+12", "–"]
