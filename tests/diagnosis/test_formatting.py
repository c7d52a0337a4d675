"""Shares and ratios as findings show them."""

import pytest

from descend.diagnosis.formatting import factor, percent


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0 %"), (-1e-12, "0 %"), (1.234e-4, "0.012 %"), (0.05, "5 %"), (3.0, "300 %")]
)
def test_shares_in_words(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("ratio", "text"), [(0.5, "0.5"), (1.2345, "1.23"), (999.4, "999"), (12_345.6, "12,346"), (2e7, "2.0e+07")]
)
def test_ratios_have_the_digits_that_matter(ratio, text):
    assert factor(ratio) == text
