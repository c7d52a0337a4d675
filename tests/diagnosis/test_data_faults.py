"""Faults of data alone, at their borders; `test_tables` has each of them in a run."""

import numpy as np
import pytest

from descend.diagnosis import data_faults
from descend.metrics import auc


@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("strength", [0.0, 0.9, 0.999, 0.99999999, 1.0])
def test_of_many_rows_a_part_tells_no_column_wrongly_off(classes, strength):
    """Where a part of the rows is enough to say no, all rows would have said so too."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=50_000)
    x = strength * y + np.sqrt(1 - strength**2) * rng.normal(size=50_000)
    target = (y > 0).astype(float) if classes else y
    found = (data_faults.orderings if classes else data_faults.correlations)(x[:, None], target)[0]
    exact = abs(2 * auc(target.astype(int), x) - 1) if classes else abs(np.corrcoef(x, target)[0, 1])

    assert (found > data_faults.LEAK) == (exact > data_faults.LEAK)
    assert found == 0.0 or found == pytest.approx(exact)
