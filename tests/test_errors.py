"""Errors: one sentence, a code, a fix, an exit code."""

import pickle

import pytest

from descend import errors
from descend.errors import DescendError, UsageError, nearest

KINDS = {
    errors.DescendError: 70, errors.UsageError: 2, errors.OutputError: 2, errors.DataError: 3, errors.DivergenceError: 4,
    errors.ModelError: 5,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_exit_code_and_is_a_value_error(kind):
    error = kind("lr is -1", fix="try --lr auto", code="bad-lr")
    assert (str(error), error.what, error.fix, error.code) == (
        "lr is -1; try --lr auto",
        "lr is -1",
        "try --lr auto",
        "bad-lr",
    )
    assert error.exit_code == KINDS[kind]
    assert isinstance(error, ValueError)


@pytest.mark.parametrize("kind", KINDS)
def test_errors_pass_between_processes(kind):
    error = pickle.loads(pickle.dumps(kind("a", fix="b", code="c")))
    assert type(error) is kind
    assert (str(error), error.fix, error.code) == ("a; b", "b", "c")


def test_fix_and_code_are_named():
    with pytest.raises(TypeError):
        DescendError("what", "fix", "code")
    assert issubclass(errors.OutputError, UsageError)


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("ADMA", ["adam", "sgd"], ["adam"]),
        ("body_mas", ["species", "body_mass_g", "island"], ["body_mass_g"]),
        ("Price", ["price", "PRICE"], ["price"]),
        ("zzz", ["adam"], []),
        ("a", [], []),
    ],
)
def test_the_nearest_names_ignore_case(name, known, expected):
    assert nearest(name, known) == expected
