"""The demonstration of vanishing and exploding gradients: its numbers, and that every cure cures."""

import sys
from pathlib import Path

import numpy as np
import pytest

from descend.outcome import Outcome

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

import deep_networks  # noqa: E402

CASES = {case.name.strip(): case for case in deep_networks.CASES}
CHANCE = 0.2


def test_small_weights_make_gradients_vanish_and_nothing_is_learned():
    shown = deep_networks.run(CASES["sigmoid, small weights"])

    assert shown.ratio < 1e-6
    assert shown.accuracy < CHANCE


@pytest.mark.parametrize("cure", ["relu with he", "batch normalisation", "residual connections"])
def test_each_cure_trains_the_same_depth(cure):
    shown = deep_networks.run(CASES[cure])

    assert 1e-2 < shown.ratio < 1e2
    assert shown.accuracy > 0.95


def test_large_weights_explode_in_a_few_steps():
    shown = deep_networks.run(CASES["elu, large weights"])

    assert shown.fit.outcomes[0] == Outcome.NONFINITE
    assert shown.fit.steps[0] < 10
    assert shown.fit.trace.layer_stats[0, 1, :, 5].max() > 0
    assert shown.accuracy < CHANCE


@pytest.mark.parametrize(("cure", "accuracy"), [("clipping at norm 1", 0.6), ("xavier", 0.95)])
def test_clipping_or_smaller_weights_hold_them(cure, accuracy):
    shown = deep_networks.run(CASES[cure])

    assert not shown.fit.outcomes[0].failed
    assert shown.accuracy > accuracy


def test_the_gradient_grows_from_layer_to_layer_on_its_way_back():
    exploding = deep_networks.run(deep_networks.replace(CASES["clipping at norm 1"], epochs=1))
    norms = exploding.fit.trace.layer_stats[0, 1, :-1, 0]

    assert np.median(norms[:-1] / norms[1:]) > 0.9
    assert norms.max() > 10


def test_the_example_prints_a_line_a_case(monkeypatch, capsys):
    monkeypatch.setattr(deep_networks, "CASES", deep_networks.CASES[4:5])

    deep_networks.main()

    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("elu, large weights")
    assert lines[1].endswith("nonfinite at step 2")
