"""The section of the page that says what the model uses."""

import dataclasses

from tests.report.made import a_report

from descend.evaluation.usage import Importance
from descend.report.usage import MOST_ROWS, usage


def text_of(element):
    return "".join(child if isinstance(child, str) else text_of(child) for child in element.children)


def test_the_table_has_each_column_and_how_much_worse_it_gets():
    text = text_of(usage(a_report()))
    assert "How much worse the name is when the cells of a column are permuted" in text
    assert "name20.1" in text


def test_a_figure_has_a_chart_for_each_of_the_strongest_columns_and_their_numbers():
    section = str(usage(a_report()))
    assert section.count("<svg") == 2
    assert section.count("<caption>Mean prediction against name</caption>") == 2


def test_columns_that_do_not_fit_are_counted():
    many = tuple(Importance(column=f"c{k}", mean=1.0, std=0.0) for k in range(MOST_ROWS + 7))
    section = str(usage(dataclasses.replace(a_report(), importances=many, dependences=())))
    assert "; 7 columns more are in run.json" in section
    assert section.count("<svg") == 0
    assert ">c14<" in section
    assert ">c15<" not in section


def test_there_is_no_section_where_nothing_is_known():
    assert usage(dataclasses.replace(a_report(), importances=())) is None
