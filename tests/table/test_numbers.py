"""Text that is a number is read as the number that a person reads."""

import numpy as np
import pytest

from descend.table.categorical import Categorical
from descend.table.numbers import read_amounts, read_as_numbers, read_numbers
from descend.table.reading import Conventions
from descend.table.texts import Engine, Texts


@pytest.fixture
def texts():
    """Returns a function that makes Texts of cells."""
    with Engine() as engine:
        yield lambda *cells: Texts(engine, Categorical.of(cells))


@pytest.mark.parametrize(
    ("cells", "european", "values", "pattern"),
    [(("1", "-2.5", "+3e2", ".5", "7."), False, [1, -2.5, 300, 0.5, 7], "#.#"),
     (("1,234", "5"), False, [1234, 5], "#.#"), (("1,234", "5"), True, [1.234, 5], "#,#"),
     (("1,234.5", "5"), True, [1234.5, 5], "#.#"), (("1.234,5", "5"), False, [1234.5, 5], "#,#"),
     (("1,5", "2,25"), False, [1.5, 2.25], "#,#"), (("1.234.567", "1.000"), True, [1234567, 1000], "#,#"),
     (("12,34", "1,234"), False, [12.34, 1.234], "#,#"), (("1,234,567", "2"), True, [1234567, 2], "#.#")],
)  # fmt: skip
def test_plain_numbers(texts, cells, european, values, pattern):
    numbers = read_numbers(texts(*cells), Conventions(european=european))
    assert (numbers.values.tolist(), numbers.pattern) == (values, pattern)


@pytest.mark.parametrize(
    "cells", [("1", "x"), ("1_000",), ("+-1",), ("1.2.3",), ("1,23,456",), ("0x1f",), ("\u0661",), ("1d",)]
)
def test_what_is_no_plain_number(texts, cells):
    assert read_numbers(texts(*cells), Conventions()) is None


@pytest.mark.parametrize(
    ("cells", "values", "pattern"),
    [(("$1,200.50", "($3)", "-$4", "$-5"), [1200.5, -3, -4, -5], "#.# $"), (("€ 1.234,50", "€ 2,00"), [1234.5, 2], "#,# €"),
     (("12 %", "7%"), [12, 7], "#.# %"), (("1 234 567", "1\u202f000", "2\u00a0000.5"), [1234567, 1000, 2000.5], "#.#"),
     (("1'234", "2’000"), [1234, 2000], "#.#"), (("−5", "3"), [-5, 3], "#.#"), (("1.2M", "3k", "4"), [1.2e6, 3e3, 4], "#.#"),
     (("$1.5M", "$2bn"), [1.5e6, 2e9], "#.# $"), (("Rs. 500", "Rs. 1,000"), [500, 1000], "#.# Rs"),
     (("169 m²", "70 m²"), [169, 70], "#.# m²"), (("5 days", "1 day"), [5, 1], "#.# day"), (("0 kg", "0", "5 kg"), [0, 0, 5], "#.# kg"),
     (("5:30", "12:00:36"), [5.5, 12.01], "#.# h:m"), (("12.5-", "3"), [-12.5, 3], "#.#"), (("$70/mo", "$1,250/mo"), [70, 1250], "#.# $/mo"), (("36 months", "60 months"), [36, 60], "#.# month")],
)  # fmt: skip
def test_amounts(texts, cells, values, pattern):
    numbers = read_amounts(texts(*cells), Conventions())
    np.testing.assert_allclose(numbers.values, values, rtol=1e-15)
    assert numbers.pattern == pattern


@pytest.mark.parametrize(
    "cells",
    [("5 kg", "6 lb"), ("$5", "€6"), ("5%", "6"), ("12A", "13A"), ("1st", "2nd"), ("3/4", "1/2"), ("2-3", "4-5"), ("5 A 6",), ("A12",),
     ("2011-02-03",), ("1 apple", "2 pears", "3 plums"), ("(5", "6"), ("10.0.0.1",), ("1 23 456",), ("Q1", "Q2"), ("5'11\"",)],
)  # fmt: skip
def test_what_is_no_amount(texts, cells):
    assert read_amounts(texts(*cells), Conventions()) is None


@pytest.mark.parametrize(
    ("pattern", "cell", "value"),
    [("#.#", "1,234", 1234), ("#,#", "1,234", 1.234), ("#,#", "1.234", 1234), ("#.# kg", "5 kg", 5), ("#.# kg", "5", 5),
     ("#.# kg", "5 lb", None), ("#.#", "5 kg", None), ("#.# $", "($5)", -5), ("#.# h:m", "5:30", 5.5), ("#.#", "x", None),
     ("#.#", "007", 7), ("#.#", "(7)", -7), ("#.# day", "2 days", 2)],
)  # fmt: skip
def test_cells_by_a_pattern(texts, pattern, cell, value):
    assert read_as_numbers(texts(cell), pattern).tolist() == pytest.approx(
        [np.nan if value is None else value], nan_ok=True
    )


def test_a_declared_decimal_sign_decides(texts):
    assert read_numbers(texts("1,234"), Conventions(decimal=",")).values.tolist() == [1.234]
    assert read_amounts(texts("1,234 kg"), Conventions(decimal=",")).values.tolist() == [1.234]
    assert read_amounts(texts("1,5 kg"), Conventions(decimal=".")) is None
    assert "--decimal , reads" in read_amounts(texts("1,234 kg"), Conventions()).note
