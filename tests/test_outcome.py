"""How a run ended."""

import pytest

from descend.outcome import Outcome


def test_words_are_those_of_tables_and_json():
    assert [outcome.word for outcome in Outcome] == [
        "running", "converged", "stopped", "budget", "interrupted", "diverged", "nonfinite", "pruned",
    ]  # fmt: skip


@pytest.mark.parametrize("outcome", Outcome)
def test_a_run_failed_when_it_diverged_or_became_nan(outcome):
    assert outcome.failed is (outcome in (Outcome.DIVERGED, Outcome.NONFINITE))
