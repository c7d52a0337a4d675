"""Each section with charts says what it shows, and a chart is never drawn over nothing."""

import dataclasses

import numpy as np
import pytest
from tests.report.made import a_report, a_variant, parsed

from descend.plots.curves import Curve
from descend.plots.scatter import Scatter
from descend.plots.weight_paths import WeightPath
from descend.report import figures, html
from descend.report.content import Mark


def captions(report):
    return [f.find("figcaption").text for f in parsed(html.render(report)).iter("figure")]


def read(section):
    return "".join(parsed(str(section)).itertext())


def test_each_figure_says_what_it_shows():
    assert captions(a_report())[2:] == [
        "Each dot is a training at one learning rate; the marker is the rate that was chosen. A cross at the top: the loss "
        "rose. Dashed: the stability limit, above which training diverges. Rates that were given up early stand higher than "
        "they would at the end.",
        "name takes the training loss from 1 to 0.3753. Solid: training rows. Dashed: validation rows.",
        "The learning rate went from 1 to 0.00432. The gradient of the first layer is 5.243e-22 at the end, that of the last "
        "layer 0.00432.",
        "name is the largest at the end, 49 in scaled units. Ring: the start. Dot: the end.",
        "name has the strongest association with the target, r = 1.00. 50 of 50 training rows. Bars: fitted values.",
    ]


@pytest.mark.parametrize("loss", [[], [2.0], [2.0, 5e12], [2.0, np.nan], [2.0, np.inf, np.nan], [np.nan] * 5])
def test_a_run_with_fewer_than_two_losses_to_draw_says_what_happened(loss):
    loss = np.array(loss)
    epochs = np.arange(float(len(loss)))
    failed = dataclasses.replace(
        a_report(), mark=Mark.FAILED, status="nonfinite", verdict="training failed: lr 50 is above the limit 0.4",
        curves=tuple(Curve(name, name[0], epochs, loss, None) for name in ("gd", "adam")),
        weight_paths=tuple(WeightPath(f"w{k}", epochs, loss) for k in range(13)),
    )  # fmt: skip
    assert read(figures.loss(failed)) == (
        "Learning curvesNo chart: fewer than two recorded losses are finite and at most ten times the first. "
        "training failed: lr 50 is above the limit 0.4"
    )
    assert read(figures.weights(failed)) == (
        "Each weight and bias against the lossNo chart: fewer than two recorded losses are finite and at most ten times the first. "
        "training failed: lr 50 is above the limit 0.4"
    )
    assert "<svg" not in str(figures.loss(failed))
    assert "<svg" not in str(figures.weights(failed))


def test_of_a_good_and_a_failed_run_the_good_one_is_drawn():
    bad = Curve("gd", "G", np.arange(2.0), np.array([2.0, np.nan]), None)
    report = dataclasses.replace(a_report(), curves=(bad, *a_report().curves), variants=(a_variant(name="name"),))
    assert captions(report)[3].startswith("name takes the training loss from 1 to 0.3753.")
    assert "gd" not in read(figures.loss(report))


def test_what_was_not_recorded_has_no_section():
    bare = dataclasses.replace(a_report(), curves=(), weight_paths=(), scatters=())
    assert (figures.loss(bare), figures.weights(bare), figures.scatters(bare)) == (None, None, None)
    nothing = np.zeros(0)
    assert figures.scatters(dataclasses.replace(bare, scatters=(Scatter("a", nothing, nothing),))) is None


def test_the_largest_weights_come_first():
    loss = np.array([2.0, 1.0])
    ends = {f"w{k}": float(k) for k in range(20)} | {"bias": -30.0}
    paths = tuple(WeightPath(name, np.array([0.0, end]), loss) for name, end in ends.items())
    section = figures.weights(dataclasses.replace(a_report(), weight_paths=paths))
    names = [row.find("th").text for row in parsed(str(section)).iter("tr")][1:]
    assert names == ["bias", *(f"w{k}" for k in range(19, -1, -1))]
    assert "bias is the largest at the end, -30 in scaled units." in read(section)
    assert "9 more weights are in trace.jsonl." in read(section)
    titles = [e.text for e in parsed(str(section)).iter("{http://www.w3.org/2000/svg}title")]
    assert titles == [f"{name} against the loss" for name in names[:12]]


def test_the_strongest_features_come_first():
    rng = np.random.default_rng(0)
    y = rng.standard_normal(50)
    features = {
        "noise": rng.standard_normal(50),
        "constant": np.ones(50),
        "opposite": -y,
        "near": y + 0.1 * rng.standard_normal(50),
    }
    report = dataclasses.replace(a_report(), scatters=tuple(Scatter(name, x, y) for name, x in features.items()))
    section = figures.scatters(report)
    assert [row.find("th").text for row in parsed(str(section)).iter("tr")][1:] == [
        "opposite",
        "near",
        "noise",
        "constant",
    ]
    assert "opposite has the strongest association with the target, r = -1.00." in read(section)


def test_classes_are_said_to_be_rows():
    x = np.array([0.0, 0.1, 1.0, 1.1])
    y = np.array([0.0, 0.0, 1.0, 1.0])
    report = dataclasses.replace(a_report(), scatters=(Scatter("x", x, y, None, ("no", "yes")),))
    text = read(figures.scatters(report))
    assert "x has the strongest association with the target, \u03b7 = 1.00. 4 of 4 training rows." in text
    assert "Dots are spread within the row of their class." in text
    assert {"no", "yes"} <= {
        e.text for e in parsed(str(figures.scatters(report))).iter("{http://www.w3.org/2000/svg}text")
    }


def test_features_that_do_not_vary_are_said_not_to():
    report = dataclasses.replace(a_report(), scatters=(Scatter("x", np.ones(3), np.arange(3.0)),))
    assert "No feature varies." in read(figures.scatters(report))
