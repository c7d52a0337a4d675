"""JSON as the project writes it is read; everything else is refused by file, part and reason."""

import pytest

from descend.errors import ModelError
from descend.store.strict import check_schema, parse


def refusal(action, *arguments):
    with pytest.raises(ModelError) as caught:
        action(*arguments)
    return str(caught.value)


def test_an_object_is_read():
    assert parse(b'{"a": [1, 2.5, null, true, "\\u00e9"], "b": {"a": {}}}', "'f'", "it") == {
        "a": [1, 2.5, None, True, "é"],
        "b": {"a": {}},
    }


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is no valid JSON (Expecting value: line 1 column 1 (char 0))"),
        (b'{"a": 1', "is no valid JSON (Expecting ',' delimiter: line 1 column 8 (char 7))"),
        (b'{"a": 1} x', "is no valid JSON (Extra data: line 1 column 10 (char 9))"),
        (b'{"a": 1, "a": 2}', "is no valid JSON (a key is there twice)"),
        (b'[{"b": {"a": 1, "a": 2}}]', "is no valid JSON (a key is there twice)"),
        (b'{"a": NaN}', "is no valid JSON (NaN is no number)"),
        (b'{"a": -Infinity}', "is no valid JSON (-Infinity is no number)"),
        (b'{"a": 1e999}', "is no valid JSON (1e999 is beyond the range of numbers)"),
        (b'{"a": "\xff"}', "is no valid JSON ('utf-8' codec can't decode byte 0xff in position 7: invalid start byte)"),
        (b"[]", "is no JSON object"),
        (b'"]]]]"', "is no JSON object"),
        (b"[" * 10_000 + b"]" * 10_000, "is nested too deeply"),
        (b'["' + b"]" * 9_999 + b'",' + b"[" * 10_000, "is nested too deeply"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "is nested too deeply"),
    ],
)
def test_anything_else_is_refused(data, why):
    assert refusal(parse, data, "'f'", "part 7") == f"'f' is damaged: part 7 {why}; copy it again, or train again"


def test_a_number_of_endless_digits_is_refused():
    assert refusal(parse, b'{"a": ' + b"9" * 5000 + b"}", "'f'", "it").startswith(
        "'f' is damaged: it is no valid JSON ("
    )


@pytest.mark.parametrize(
    "schema", ["other/1", "a.run", "a.run/0", "a.run/²", "a.run/1.0", "a.run/1\n", "axrun/1", 5, None]
)
def test_another_schema_is_refused(schema):
    assert refusal(check_schema, {"schema": schema}, "a.run/3", "'f'") == (
        "'f' was not written by descend; name a run that train wrote"
    )


def test_older_versions_pass_and_newer_ones_ask_for_an_upgrade():
    check_schema({"schema": "a.run/3"}, "a.run/3", "'f'")
    check_schema({"schema": "a.run/1"}, "a.run/3", "'f'")

    assert refusal(check_schema, {"schema": "a.run/4"}, "a.run/3", "'f'") == (
        "'f' was written by a newer descend (a.run/4, this one reads a.run/3); upgrade descend"
    )
