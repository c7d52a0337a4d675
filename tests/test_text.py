"""Text that fits a line, a column and an encoding, and is harmless on a terminal."""

import io

import pytest

from descend.text import aligned, encodable, printable, shortened


def test_ascii_streams_get_ascii():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    shown_here = encodable("2 × 3 → 6 · λmax ± é", stream)

    assert shown_here == "2 x 3 -> 6 - lambda max +- \\xe9"
    assert encodable("2 × 3", io.StringIO()) == "2 × 3"


def test_what_could_move_the_cursor_is_escaped():
    assert printable("é\t\x9b31m") == "é\\t\\x9b31m"
    assert printable("a\nb\u202e") == "a\\nb\\u202e"


def test_columns_are_aligned_and_trailing_spaces_removed():
    assert aligned([("a", "1"), ("bb", "10")], right=(1,)) == [" a    1", " bb  10"]
    assert aligned([("a", ""), ("bb", "x")]) == [" a", " bb  x"]


@pytest.mark.parametrize(
    ("name", "longest", "short"),
    [
        ("flipper_length_mm", 17, "flipper_length_mm"),
        ("flipper_length_mm", 10, "flipp…h_mm"),
        ("sensor_0001_mean", 9, "sens…mean"),
        ("abcdef", 2, "a…"),
        ("abcdef", 3, "a…f"),
        ("", 5, ""),
    ],
)
def test_names_keep_both_their_ends(name, longest, short):
    assert shortened(name, longest) == short
    assert len(shortened(name, longest)) <= longest
