"""Flags stand for options, in both directions."""

import shlex

import pytest

from descend.options import flags_of_options, options_of_flags, read_options

GIVEN = {
    "names": {"drop": ("a", "b c"), "features": ("x",)},
    "switches": {"scale": False, "batch_norm": True, "hidden_layer_sizes": (8, 4)},
    "numbers": {"lr": 0.1, "betas": (0.8, 0.9), "batch_size": 32, "time_budget": 2.5},
    "rows": {"test": 0.0, "validation": 0.3},
    "nothing": {},
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_options_come_back_from_their_flags(given):
    options = read_options(given)
    line = shlex.join(flags_of_options(options))

    if "drop" in given:  # a flag that may be repeated keeps its last value here; the command line collects them
        assert flags_of_options(options) == ["--drop", "a", "--drop", "b c", "--features", "x"]
    else:
        assert read_options(options_of_flags(line)) == options


@pytest.mark.parametrize("line", ["more rows", "--lr", "--no-such-flag 3", "lr 0.1"])
def test_what_is_no_line_of_flags_stands_for_no_option(line):
    assert options_of_flags(line) == {}
