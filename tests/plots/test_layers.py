"""Charts of what the layers of a network showed."""

import xml.etree.ElementTree as ET

import numpy as np

from descend.plots.layers import LayerSeries, panels

EPOCHS = np.array([1.0, 2.0, 3.0])


def drawn(one):
    return ET.fromstring(str(panels([one])[0]).replace(' xmlns="http://www.w3.org/2000/svg"', ""))


def test_each_layer_is_a_line_from_the_first_colour_to_the_last():
    svg = drawn(LayerSeries(title="gradient norm", epochs=EPOCHS, values=np.array([[1.0, 2, 3], [2, 3, 4], [3, 4, 5]])))
    colours = [line.get("stroke") for line in svg.iter("polyline")]
    assert (colours[0], colours[-1], len(set(colours))) == ("#2187a8", "#bd6b1f", 3)
    texts = [t.text for t in svg.iter("text")]
    assert {"first layer", "last layer", "gradient norm"} <= set(texts)
    assert svg.find("desc").text == "3 layers; at the end 3 in the first and 5 in the last."


def test_decades_are_drawn_on_a_logarithmic_axis_and_shares_from_zero_to_one():
    vanishing = drawn(
        LayerSeries(title="gradient norm", epochs=EPOCHS, values=np.array([[1e-6, 1e-7, 1e-8], [1.0, 1, 1]]))
    )
    dead = drawn(LayerSeries(title="share of dead units", epochs=EPOCHS, values=np.full((2, 3), 0.1), share=True))
    assert "gradient norm (logarithmic)" in [t.text for t in vanishing.iter("text")]
    assert {"0", "1"} <= {t.text for t in dead.iter("text")}


def test_a_figure_of_the_whole_run_has_no_legend():
    svg = drawn(LayerSeries(title="learning rate", epochs=EPOCHS, values=np.array([[0.3, 0.2, 0.1]])))
    assert len(list(svg.iter("polyline"))) == 1
    assert "first layer" not in [t.text for t in svg.iter("text")]
    assert svg.find("desc").text == "From 0.3 to 0.1."
