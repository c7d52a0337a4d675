"""A finding: its level, what its fixes stand for, and its proof in words."""

import pytest

from descend.diagnosis.finding import Entry, Finding, Level, Proof


def test_levels_are_ordered_from_the_most_severe_and_read_from_words():
    assert [Level(word).rank for word in ("error", "warning", "note")] == [0, 1, 2]
    assert Finding(code="D101", level="warning", text="").level is Level.WARNING
    with pytest.raises(ValueError, match="'fatal' is not a valid Level"):
        Finding(code="D101", level="fatal", text="")


def test_the_changes_are_the_options_that_each_fix_stands_for():
    fix = ("--optimizer nesterov --lr 0.1", "--scale", "--hidden 64,64", "collect more rows")

    assert Finding(code="D201", level=Level.NOTE, text="", fix=fix).changes == (
        {"optimizer": "nesterov", "lr": "0.1"}, {"scale": True}, {"hidden_layer_sizes": "64,64"}, {}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "helped", "text"),
    [
        (2.5, 1.25, True, "--lr auto: rmse 2.50 → 1.25, helps"),
        (2.5, 2.5, False, "--lr auto: rmse 2.50 → 2.50, does not help"),
        (None, 1.25, True, "--lr auto: rmse failed → 1.25, helps"),
        (0.0, None, False, "--lr auto: rmse 0.00 → failed, does not help"),
    ],
)
def test_a_proof_in_words(before, after, helped, text):
    assert Proof("--lr auto", "rmse", before, after, helped).describe("{:.2f}".format) == text


def test_the_parts_of_an_entry_are_labelled_in_order():
    entry = Entry(code="D101", title="t", meaning="m", detected="d", fixes="f", reference="r")

    assert entry.parts == (("means", "m"), ("detected", "d"), ("helps", "f"), ("read", "r"))
