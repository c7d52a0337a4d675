"""The options of a run folder, whatever its schema."""

from descend.run.config import incomplete, is_first_schema, options_of

FIRST = {"schema": "descend.run/1", "config": {"validation": 0.3, "lr": 0.1}}


def test_in_the_first_schema_validation_meant_the_test_rows():
    options = options_of(FIRST)
    assert (options.test, options.validation, options.lr) == (0.3, "auto", 0.1)


def test_options_are_those_that_were_set():
    options = options_of({"schema": "descend.run/2", "config": {"validation": 0.3, "lr": None}})
    assert (options.validation, options.user_set) == (0.3, {"validation"})


def test_the_first_schema_is_told_from_the_present_one():
    assert [is_first_schema({"schema": f"descend.run/{k}"}) for k in (1, 2)] == [True, False]


def test_what_is_missing_is_said():
    assert str(incomplete("runs/a", KeyError("verdict"))) == (
        "the run folder 'runs/a' is incomplete: KeyError 'verdict'; train again"
    )
