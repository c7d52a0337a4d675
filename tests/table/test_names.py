"""Names that stand twice can be told apart by position; columns without a name go when they hold nothing of use."""

import numpy as np
import pandas as pd
import pytest

from descend.errors import DataError
from descend.table.frames import from_frame
from descend.table.names import choose
from descend.table.read import read


def test_the_second_of_a_name_can_be_left_out():
    assert choose(["a", "b", "a"], ["a#2"], "it").names == ("a", "b")
    assert choose(["a", "b", "a"], ["a#1"], "it").at == (1, 2)
    assert choose(["a", "b", "a"], ["a"], "it").names == ("b",)
    assert choose(["a", "a#2"], ["a#2"], "it").names == ("a",)


def test_a_name_that_stands_twice_is_refused_with_what_helps():
    with pytest.raises(DataError) as caught:
        choose(["a", "b", "a"], [], "it")
    assert (
        str(caught.value)
        == "it has the column 'a' twice, as columns 1 and 3; rename one of them, or leave one out with --drop a#2"
    )


@pytest.mark.parametrize("first", [["0", "1", "2"], ["r1", "r2", "r3"], ["7", "9", "4"]])
def test_a_nameless_first_column_of_different_cells_names_the_rows(tmp_path, first):
    (tmp_path / "t.csv").write_text(",a\n" + "".join(f"{k},{j % 2}\n" for j, k in enumerate(first)))
    table = read(tmp_path / "t.csv")
    assert table.names == ("a",)
    assert table.notes == ("column 1 is left out: it has no name and numbers or names the rows",)


def test_empty_columns_without_a_name_go_and_others_are_refused(tmp_path):
    (tmp_path / "t.csv").write_text("a,,b\n1,,2\n3,,4\n")
    assert read(tmp_path / "t.csv").notes == ("column 2 is left out: it has no name and no value",)
    (tmp_path / "t.csv").write_text(",a\n1,2\n1,3\n")
    with pytest.raises(DataError, match="column 1 of the file .* has no name; name it in the header"):
        read(tmp_path / "t.csv")


def test_frames_too():
    assert from_frame(pd.DataFrame({"": [1, 2], "a": [3, 4]})).names == ("a",)
    assert from_frame(pd.DataFrame({"": [np.nan, np.nan], "a": [3, 4]})).names == ("a",)
    with pytest.raises(DataError, match="column 1 of the data frame has no name"):
        from_frame(pd.DataFrame({"": [1, 1], "a": [3, 4]}))


def test_empty_rows_at_the_end_go(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,,\n1,x,,\n,,,\n2,y,,\n,,,\n,,,\n")
    table = read(tmp_path / "t.csv")
    assert table.rows == 3
    assert table.notes[-1] == "2 empty rows at the end are left out"
    assert read(tmp_path / "t.csv", trained=True).rows == 5
