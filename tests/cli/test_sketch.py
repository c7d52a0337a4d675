"""Plots in characters."""

from descend.cli.sketch import side_by_side, sketch, ticks


def test_a_line_in_ascii():
    lines = sketch([(0, 0), (1, 1), (2, 2), (3, 3)], "y", "x", width=4, height=2, ascii_only=True)

    assert lines == ["y", "3 |  .'", "0 |.'  ", "   0x 3"]


def test_a_line_in_braille():
    lines = sketch([(0, 0), (1, 1), (2, 2), (3, 3)], "y", "x", width=2, height=1)

    assert lines == ["y", "3 │⡠⠊", "0", "   0 x 3"]


def test_a_single_point_and_a_constant_have_a_place():
    assert sketch([(5, 5)], "y", "x", width=3, height=3, ascii_only=True)[2] == "  | ' "


def test_plots_stand_side_by_side():
    assert side_by_side(["a", "bb"], ["c"], gap=2) == ["a   c", "bb"]


def test_ticks_are_short():
    assert [ticks(0.0, 1.0), ticks(-1.2345, 12345.0), ticks(1e-12, 15.0), ticks(5.0, 5.0), ticks(-3.5, -3.4)] == [
        ("0", "1"), ("0", "1.23e+04"), ("0", "15"), ("5", "5"), ("−3.5", "−3.4"),
    ]  # fmt: skip
