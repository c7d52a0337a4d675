"""Names of initialisations, and the variances that they stand for."""

import pytest

from descend.errors import UsageError
from descend.initialisers import check_init, spread_of, weight_variance


@pytest.mark.parametrize(
    ("form", "variance"),
    [("he", 2 / 50), ("xavier", 2 / 60), ("lecun", 1 / 50)],
)
def test_variances_are_those_of_the_papers(form, variance):
    assert weight_variance(form, 50, 10) == pytest.approx(variance, rel=1e-15)


def test_a_standard_deviation_is_read_from_the_name():
    assert spread_of("normal:0.25") == 0.25


def test_names_of_other_frameworks_are_understood():
    assert check_init("glorot_uniform") == "xavier_uniform"
    assert check_init("kaiming") == "he"


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("hee", "there is no initialisation 'hee', there are auto, he, he_uniform, xavier, xavier_uniform, lecun, lecun_uniform, orthogonal, zeros, normal:STD; try 'he'"),
        ("normal:", "the initialisation 'normal:' has no standard deviation of at least 0 after its colon; write it as in normal:0.1"),
        ("normal:-1", "the initialisation 'normal:-1' has no standard deviation of at least 0 after its colon; write it as in normal:0.1"),
        ("normal:inf", "the initialisation 'normal:inf' has no standard deviation of at least 0 after its colon; write it as in normal:0.1"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(how, text):
    with pytest.raises(UsageError) as error:
        check_init(how)

    assert str(error.value) == text
