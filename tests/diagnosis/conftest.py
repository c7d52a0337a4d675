"""A run of which nothing is to be said."""

import pytest
from tests.diagnosis.made import evidence_of, line

from descend.plan import setting


@pytest.fixture
def quiet():
    """A run at a good rate, of which nothing is to be said."""
    return evidence_of(line(l2=0.01), setting("sgd", lr=0.3), 200)
