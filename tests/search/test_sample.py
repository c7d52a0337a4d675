"""Which problems are searched on a sample."""

import numpy as np
import pytest
from tests.search.made import ROWS, X, problem, unlimited

from descend.losses import loss
from descend.problem import Problem
from descend.search import sample as module
from descend.search.sample import sample_of
from descend.table.data import Data

pytestmark = pytest.mark.usefixtures("small_samples")


def test_a_sample_is_drawn_once_without_replacement():
    given = problem()
    one, again = (sample_of(given, unlimited(random_state=3)).data.X for _ in range(2))
    other = sample_of(given, unlimited(random_state=4)).data.X
    assert one.shape == (1000, 4)
    assert np.array_equal(one, again)
    assert len(np.unique(one[:, 0])) == 1000
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("given", [{"schedule": "cosine"}, {"schedule": "auto"}, {"warmup": 5}])
def test_where_settings_depend_on_the_number_of_rows_all_are_read(given):
    assert sample_of(problem(), unlimited(**given)) is None


def test_small_tables_and_samples_without_a_class_are_read_whole(monkeypatch):
    assert sample_of(Problem(problem().data.take(np.arange(3999)), loss("squared")), unlimited()) is None
    rare = np.zeros(ROWS)
    rare[0] = 1
    assert sample_of(Problem(Data(X, rare), loss("logistic")), unlimited()) is None
    monkeypatch.setattr(module, "SAMPLED_CELLS", 1 << 40)
    assert sample_of(problem(), unlimited()) is None
