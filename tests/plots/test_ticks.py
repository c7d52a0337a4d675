"""Ticks are round, and their labels exact."""

from descend.plots.ticks import linear_ticks, log_ticks, number_label


def test_linear_ticks_are_round_numbers():
    assert linear_ticks(0, 10, 5) == [0, 2, 4, 6, 8, 10]
    assert linear_ticks(-0.31, 0.42, 5) == [-0.2, 0, 0.2, 0.4]
    assert linear_ticks(13.1, 21.5, 4) == [15, 17.5, 20]
    assert linear_ticks(2007, 2009, 4) == [2007, 2007.5, 2008, 2008.5, 2009]
    assert linear_ticks(0, 6e-15, 4) == [0, 2e-15, 4e-15, 6e-15]
    assert linear_ticks(2.7e12, 6.3e12, 4) == [3e12, 4e12, 5e12, 6e12]


def test_log_ticks_are_as_many_marks_a_decade_as_fit():
    assert log_ticks(0.15, 4, 5) == [0.2, 0.3, 0.5, 1, 2, 3]
    assert log_ticks(0.15, 12, 5) == [0.2, 0.5, 1, 2, 5, 10]
    assert log_ticks(0.6, 9, 5) == [1, 2, 3, 5]
    assert log_ticks(0.3, 90, 5) == [0.3, 1, 3, 10, 30]
    assert log_ticks(0.9, 1100, 5) == [1, 10, 100, 1000]
    assert log_ticks(1e-12, 1, 5) == [1e-12, 1e-9, 1e-6, 1e-3, 1]
    assert log_ticks(1.1, 1.4, 4) == [1.1, 1.2, 1.3, 1.4]


def test_labels_are_the_shortest_text_that_is_exact():
    values = (0, 2007, 12_000, 1e-6, 0.05, 2.5e7, -0.025, 1_234_500, 4e-15, 12_345.25)
    texts = ["0", "2007", "12,000", "1e-6", "0.05", "2.5e7", "-0.025", "1.2345e6", "4e-15", "12,345.25"]
    assert [number_label(v) for v in values] == texts
