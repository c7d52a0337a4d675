"""What a model learned from is read in the same way later, whatever the new cells look like."""

import numpy as np
import pandas as pd
import pytest

from descend.errors import DataError, ModelError
from descend.table.columns import Schema, fit_schema
from descend.table.frames import from_frame
from descend.table.read import read
from descend.table.reading import Conventions, Kind, Reading


@pytest.fixture
def written(tmp_path):
    """Returns a function that writes the cells of a column c, beside another one, and returns the path."""

    def write(name, *cells):
        path = tmp_path / f"{name}.csv"
        path.write_text("c;x\n" + "".join(f"{cell};{k}\n" for k, cell in enumerate(cells)))
        return path

    return write


@pytest.mark.parametrize(
    ("training", "later", "expected"),
    [(("007", "011", "7A", "9B"), ("007",), ["007"]), (("007", "011", "7A"), ("7", "007"), ["7", "007"]), (("00", "0", "z"), ("00", "0"), ["00", "0"]),
     (("1", "A", "B"), ("1", "2"), ["1", "2"]), (("true", "maybe"), ("true",), ["true"]), (("2011-02-03", "unknown", "later"), ("2011-02-03",), ["2011-02-03"]),
     (("13/02/2011", "01/03/2011"), ("03/02/2011",), [15008.0]), (("02/13/2011", "01/03/2011"), ("02/03/2011",), [15008.0]),
     (("1,5", "2,25"), ("1,234",), [1.234]), (("1,234.5", "7"), ("1,234",), [1234.0]), (("1.5", "2"), ("1,234",), [1234.0]),
     (("5 kg", "6 kg"), ("7 kg", "8"), [7.0, 8.0]), (("$5", "$6"), ("$1,200",), [1200.0]), (("5", "6"), ("007",), [7.0]),
     (("TRUE", "false"), ("1", "no"), [1.0, 0.0]), (("20110203", "20110204"), ("20110203",), [15008.0]), (("5:30", "6:00"), ("7:30",), [7.5])],
)  # fmt: skip
def test_a_later_file_is_read_as_the_training_file_was(written, training, later, expected):
    schema = Schema.from_json(fit_schema(read(written("training", *training))).to_json())

    table = read(written("later", *later), kinds=schema.kinds, trained=True)
    assert table["c"].values.tolist() == expected
    assert table["c"].kind == schema.kinds["c"].kind
    assert schema.encode(table).unseen.keys() <= {"c"}


def test_a_later_frame_and_parquet_file_too(written, tmp_path):
    schema = fit_schema(read(written("training", "1", "A", "2", "B", "C")))
    frame = pd.DataFrame({"c": [1, 2], "x": [0.0, 1.0]})
    frame.to_parquet(tmp_path / "t.parquet")
    for table in (
        from_frame(frame, Conventions(readings=schema.kinds, trained=True)),
        read(tmp_path / "t.parquet", kinds=schema.kinds, trained=True),
    ):
        assert table["c"].values.tolist() == ["1", "2"]
        assert schema.encode(table).unseen == {}


def test_training_on_a_frame_and_predicting_a_file(written):
    schema = fit_schema(from_frame(pd.DataFrame({"c": ["00501", "02134", "00501"], "x": [1.0, 2, 4]})))
    table = read(written("later", "00501", "02134"), kinds=schema.kinds, trained=True)
    assert schema.encode(table).X[:, :2].tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("training", "later"), [(("5", "6"), "x"), (("5 kg", "6 kg"), "5 lb"), (("13/02/2011", "01/03/2011"), "01/13/2011")]
)
def test_cells_that_do_not_fit_the_model_are_named_by_their_line(written, training, later):
    schema = fit_schema(read(written("training", *training)))
    path = written("later", training[0], later)
    with pytest.raises(ModelError) as caught:
        read(path, kinds=schema.kinds, trained=True)
    kind = schema.kinds["c"].kind.value
    assert str(caught.value).startswith(
        f"the file {str(path)!r}, line 3, column 'c': found {later!r}, the column is read as {kind}s (1 such"
    )
    with pytest.raises(DataError):
        read(path, kinds={"c": str(schema.kinds["c"])})


def test_columns_that_the_model_does_not_use_are_no_error(written):
    path = written("later", "1", "2", "x")
    with pytest.raises(DataError):
        read(path)
    assert read(path, kinds={"x": Reading(Kind.NUMBER)}, trained=True)["c"].values.tolist() == ["1", "2", "x"]


def test_a_schema_of_an_earlier_version_has_no_patterns():
    document = {
        "features": [{"column": "a", "kind": "number", "levels": [], "median": 1.0, "flag": False}],
        "dropped": {},
        "missing": "median",
    }
    assert Schema.from_json(document).kinds == {"a": Reading(Kind.NUMBER)}


def test_rare_levels_share_one():
    cells = ["a"] * 40 + ["b"] * 30 + [f"r{k % 60}" for k in range(240)] + ["c"] * 20
    schema = fit_schema(from_frame(pd.DataFrame({"c": cells, "x": range(330)})), max_levels=4, asked=("c",))
    feature = schema.features[0]
    assert (feature.levels, feature.rare) == (("a", "b", "c", "(other)"), 60)
    later = from_frame(pd.DataFrame({"c": ["a", "r7", "new"], "x": [1, 2, 3]}))
    np.testing.assert_array_equal(schema.encode(later).X[:, :4], [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]])
    assert Schema.from_json(schema.to_json()) == schema
