"""What a column may be declared as, by flag and by keyword."""

import pytest

from descend.errors import UsageError
from descend.options import flags_of_options, read_options
from descend.options.kinds import Kind, Reading


def test_kinds_by_mapping_and_by_flag_are_the_same():
    by_name = read_options({"kinds": {"zip": "text", "a=b": "date:%d/%m/%Y"}})
    assert by_name.kinds == ("zip=text", "a=b=date:%d/%m/%Y")
    assert read_options({"kinds": by_name.kinds}).kinds == by_name.kinds
    assert flags_of_options(by_name) == ["--kind", "zip=text", "--kind", "a=b=date:%d/%m/%Y"]


@pytest.mark.parametrize(
    ("kinds", "text"),
    [("zip", "kinds is 'zip', it must be COL=KIND; try 'zip=text'"), ({"": "text"}, "kinds is '=text', it must be COL=KIND; try '=text=text'"),
     ({"a": "txt"}, "the kind of a column is 'txt', it must be one of text, number, boolean, date, category, number:#,# or "
      "date:%d/%m/%Y; try 'text'"),
     ({"a": "boolean:x"}, "the kind of a column is 'boolean:x', it must be one of text, number, boolean, date, category, number:#,# or "
      "date:%d/%m/%Y; try 'boolean'")],
)  # fmt: skip
def test_kinds_that_are_none_are_refused(kinds, text):
    with pytest.raises(UsageError) as caught:
        read_options({"kinds": kinds})
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "text", ["text", "number", "date", "category", "boolean", "number:#,#", "number:#.# kg", "date:%d/%m/%Y"]
)
def test_a_reading_is_written_as_it_is_read(text):
    assert str(Reading.of(text)) == text


def test_text_is_a_category_as_written():
    assert Reading.of("text").kind == Kind.CATEGORY
    assert Reading.of("text") != Reading.of("category")


@pytest.mark.parametrize("given", [-1, 1.5, "x"])
def test_lines_to_skip_are_whole_numbers(given):
    with pytest.raises(UsageError, match="it must be a whole number of at least 0; try 1"):
        read_options({"skip_rows": given})
    assert read_options({"skip_rows": "2"}).skip_rows == 2
