"""A number that is repeated and far from all others may mean missing; other repeated numbers do not."""

import numpy as np
import pandas as pd
import pytest

from descend.table.frames import from_frame
from descend.table.read import read
from descend.table.sentinels import Sentinel, suspected_sentinels
from descend.table.table import Column, Kind

NORMAL = np.random.default_rng(0).normal(20, 5, 100).round(2)


def numbers(*values):
    return Column("x", Kind.NUMBER, np.array(values, float))


@pytest.mark.parametrize(
    ("values", "expected"),
    [((*NORMAL, -200, -200, -200), [-200]), ((*(NORMAL - 20), -200, -200, -200), [-200]), ((*NORMAL, *[700] * 3), [700]), ((*NORMAL, -999, -999, -999, -999, np.nan), [-999]), ((*NORMAL, *[9999] * 5), [9999]),
     ((1, 2, 3, 4, 5, 9, 9, 9, 99, 99, 99), [99]), ((*NORMAL, *[-99.9] * 3, *[999] * 3), [-99.9, 999]),
     ((*range(600, 2000, 7), -200, -200, -200), [-200]), ((*range(28), *[999] * 40), [999])],
)  # fmt: skip
def test_far_repeated_numbers_are_suspected(values, expected):
    found = suspected_sentinels(numbers(*values))
    assert [s.value for s in found] == expected
    assert [s.cells for s in found] == [values.count(v) for v in expected]


@pytest.mark.parametrize(
    "values",
    [(*NORMAL, -200, -200), (*NORMAL, 50, 50, 50), (0, 1) * 20, (0,) * 30 + tuple(range(100, 160)), (18, 35, 60, 90, 97, 99, 99, 99),
     (-1, 0, 1, 2, 3) * 5, (np.nan,) * 5, (7,) * 9, (1, 1, 1, 1000, 1000, 1000), tuple(2.0 ** np.arange(20)),
     (0.1, 1.0, 5.0, 10.0, 42.195, 42.195, 42.195), (*range(1607, 1633), 1851, 1851, 1851)],
)  # fmt: skip
def test_others_are_not(values):
    assert suspected_sentinels(numbers(*values)) == []


def test_only_numbers_have_sentinels():
    assert suspected_sentinels(Column("c", Kind.CATEGORY, np.array(["-999"] * 9, object))) == []
    assert suspected_sentinels(Column("d", Kind.DATE, np.array([1.0, 2, 3, 99999, 99999, 99999]))) == []


def test_the_note_has_the_flag_that_helps():
    sentinel = Sentinel("x", -200.0, 20)
    assert sentinel.note == "'x': -200 is in 20 cells, far from all others; --null=-200 if it means missing"


def test_a_numeric_word_for_missing_is_compared_by_value_in_every_source(tmp_path):
    cells = ["-200" if i % 20 == 0 else "-200.0" if i % 20 == 10 else f"{v:.3f}" for i, v in enumerate(NORMAL)]
    pd.DataFrame({"x": cells, "y": NORMAL}).to_csv(tmp_path / "t.csv", index=False)
    frame = pd.read_csv(tmp_path / "t.csv")
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    note = "'x': -200 is in 10 cells, far from all others; --null=-200 if it means missing"
    for name in ("t.csv", "t.parquet", "t.jsonl"):
        assert read(tmp_path / name).notes == (note,)
        table = read(tmp_path / name, null=["-200"])
        assert (table["x"].missing, table.notes) == (10, ())
    assert from_frame(frame).notes == (note,)
