"""The progress of training in words."""

import pytest
from tests.display.made import HALF, WITHOUT

from descend.display.progress import clock_time, four_digits, progress_fields, seconds_left


def test_numbers_and_times():
    assert [clock_time(s) for s in (0.2, 59.6, 3723, 1e9)] == ["0:00:00", "0:01:00", "1:02:03", "99:59:59"]
    assert [four_digits(x) for x in (0.5, 12345.678, 1e-9)] == ["0.5", "1.235e+04", "1e-09"]
    assert seconds_left(HALF) == pytest.approx(30.0)
    assert seconds_left(WITHOUT) is None
    assert progress_fields(WITHOUT) == ["0 %", "loss 1.5", "5 of 45 runs", "lr 0.5"]
