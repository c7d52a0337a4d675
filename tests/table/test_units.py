"""Units and currencies are known once, and none is taken for a multiplier."""

import re

import pytest

from descend.table.units import CODES, CURRENCY, SCALES, UNITS


def test_multipliers_are_no_units():
    assert not UNITS & set(SCALES)
    assert len(set(CODES)) == len(CODES)


@pytest.mark.parametrize("text", ["$", "US$", "R$", "A$", "€", "£", "Rs.", "Rs", "kr", "EUR", "zł"])
def test_signs_and_codes_are_found(text):
    assert re.fullmatch(CURRENCY, text)


@pytest.mark.parametrize("text", ["XXX", "eur", "k", "kg", ""])
def test_other_words_are_none(text):
    assert not re.fullmatch(CURRENCY, text)
