"""Shared by the tests of the search: what is a large table, and how large a sample is."""

import pytest

from descend.search import sample


@pytest.fixture
def small_samples(monkeypatch):
    """Tables of 4,000 rows are large, and samples have 1,000 or more."""
    for name, value in (("SAMPLED_CELLS", 1), ("FEWEST_ROWS", 1000), ("ROWS_A_WEIGHT", 100)):
        monkeypatch.setattr(sample, name, value)
