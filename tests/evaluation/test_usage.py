"""The records of what a model uses are plain values."""

import dataclasses

import pytest

from descend.evaluation.usage import Coefficient, Importance


def test_a_coefficient_has_no_interval_unless_it_is_known():
    one = Coefficient(feature="x", output="", value=2.0, standardised=None)
    assert (one.low, one.high) == (None, None)


def test_records_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Importance(column="x", mean=1.0, std=0.0).mean = 2.0
