"""`descend predict`: rows, order, columns carried along, formats, files."""

import csv
import io
import json
import sys

import duckdb
import pytest

from descend.run.document import load

FILLED = "".join(
    f"filled   {c}: 2 missing cells filled\n" for c in ("bill_length_mm", "bill_depth_mm", "flipper_length_mm")
)


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_one_prediction_a_row_in_order(descend, runs, penguins):
    code, out, err = descend("predict", runs / "mass", penguins)

    assert (code, err) == (0, FILLED)
    assert out.splitlines()[0] == "prediction"
    assert [float(row["prediction"]) for row in rows_of(out)] == load(runs / "mass").predict(penguins).values.tolist()
    assert len(rows_of(out)) == 344


def test_classes_come_with_probabilities(descend, runs, penguins):
    _, out, _ = descend("-q", "predict", runs / "sex", penguins)

    assert out.splitlines()[0] == "prediction,p_female,p_male"
    for row in rows_of(out):
        female, male = float(row["p_female"]), float(row["p_male"])
        assert female + male == pytest.approx(1)
        assert row["prediction"] == ("female" if female >= male else "male")


def test_columns_go_along_as_they_stand_in_the_file(descend, runs, penguins):
    _, out, _ = descend("-q", "predict", runs / "mass", penguins, "--append", "--id", "year")

    own = rows_of(penguins.read_text())
    assert (
        out.splitlines()[0]
        == "year,species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,prediction"
    )
    assert [{k: v for k, v in row.items() if k != "prediction"} for row in rows_of(out)] == own


@pytest.fixture
def new(tmp_path):
    """A table with keys that a number would not keep, a formula, a level never seen, and no last line end."""
    path = tmp_path / "new.csv"
    path.write_text(
        "key,note,species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,sex,year,prediction\n"
        "007,=1+1,Adelie,Biscoe,39.1,18.7,181,male,2007,x\n"
        '9007199254740993,"a, b",Emperor,Biscoe,NA,18.7,181,male,2007,y'
    )
    return path


def test_keys_are_kept_exactly_and_formulas_made_inert(descend, runs, new):
    code, out, err = descend("predict", runs / "mass", new, "--id", "key", "--id", "note", "--id", "prediction")

    assert [{k: v for k, v in row.items() if k != "prediction_"} for row in rows_of(out)] == [
        {"key": "007", "note": "'=1+1", "prediction": "x"},
        {"key": "9007199254740993", "note": "a, b", "prediction": "y"},
    ]  # fmt: skip
    assert err == (
        "unseen   species: 1 cell with a level never seen in training\nfilled   bill_length_mm: 1 missing cell filled\n"
    )


def test_json_lines_hold_numbers_text_and_null(descend, runs, new):
    _, out, _ = descend(
        "-q",
        "predict",
        runs / "mass",
        new,
        "--id",
        "key",
        "--id",
        "note",
        "--id",
        "bill_length_mm",
        "--format",
        "jsonl",
    )

    read = [json.loads(line) for line in out.splitlines()]
    assert [{k: v for k, v in row.items() if k != "prediction"} for row in read] == [
        {"key": "007", "note": "=1+1", "bill_length_mm": 39.1},
        {"key": "9007199254740993", "note": "a, b", "bill_length_mm": None},
    ]
    assert len(json.loads(descend("-q", "predict", runs / "mass", new, "--format", "json")[1])["rows"]) == 2


def test_parquet_columns_go_along_too(descend, runs, new, tmp_path):
    file = tmp_path / "new.parquet"
    duckdb.sql(
        f"COPY (SELECT * REPLACE (CAST(key AS VARCHAR) AS key), DATE '2020-01-02' AS day, TRUE AS yes, 3 AS n "
        f"FROM read_csv('{new}', nullstr='NA')) TO '{file}'"
    )
    _, out, _ = descend(
        "-q", "predict", runs / "mass", file, "--id", "day", "--id", "yes", "--id", "n", "--id", "bill_length_mm"
    )

    assert [line.rsplit(",", 1)[0] for line in out.splitlines()] == [
        "day,yes,n,bill_length_mm",
        "2020-01-02,true,3,39.1",
        "2020-01-02,true,3,",
    ]


def test_whole_numbers_that_no_float_holds_are_carried_exactly(descend, runs, new, tmp_path):
    file = tmp_path / "big.parquet"
    duckdb.sql(f"COPY (SELECT * REPLACE (CAST(key AS BIGINT) AS key) FROM read_csv('{new}', nullstr='NA')) TO '{file}'")

    _, out, _ = descend("-q", "predict", runs / "mass", file, "--id", "key")
    assert [line.split(",")[0] for line in out.splitlines()] == ["key", "7", "9007199254740993"]


def test_a_number_that_cannot_be_carried_exactly_is_refused(descend, runs, new, tmp_path):
    file = tmp_path / "big.parquet"
    duckdb.sql(f"COPY (SELECT * REPLACE (CAST(key AS DOUBLE) AS key) FROM read_csv('{new}', nullstr='NA')) TO '{file}'")

    assert descend("predict", runs / "mass", file, "--id", "key") == (
        2, "", "error: the column 'key' holds numbers of 2^53 or more, which cannot be written exactly; "
        "store it as text\n",
    )  # fmt: skip


def test_standard_input_is_read_once_and_carried(descend, runs, penguins, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(penguins.read_bytes())))
    _, out, _ = descend("-q", "predict", runs / "mass", "-", "--id", "island")

    assert [row["island"] for row in rows_of(out)] == [row["island"] for row in rows_of(penguins.read_text())]


def test_standard_input_is_called_by_its_name(descend, runs, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))

    assert descend("predict", runs / "mass", "-") == (
        3, "", "error: standard input is empty; bring a table with a header and rows\n"
    )  # fmt: skip


def test_a_file_is_written_whole(descend, runs, penguins, tmp_path):
    printed = descend("-q", "predict", runs / "mass", penguins)[1]

    assert descend("-q", "predict", runs / "mass", penguins, "-o", "out.csv") == (0, "", "")
    assert (tmp_path / "out.csv").read_text() == printed
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]
    assert descend("predict", runs / "mass", penguins, "-o", "out.csv") == (
        2, "", "error: the file 'out.csv' cannot be written: it exists already; name another file, or add --force\n"
    )  # fmt: skip
    assert descend("-q", "predict", runs / "mass", penguins, "-o", "out.csv", "--force", "--format", "jsonl")[0] == 0
    assert (tmp_path / "out.csv").read_text().startswith('{"prediction": ')


def test_a_failed_write_leaves_the_old_file_and_nothing_else(descend, runs, penguins, tmp_path, monkeypatch):
    (tmp_path / "out.csv").write_text("mine")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("descend.cli.output.os.fsync", full)
    assert descend("-q", "predict", runs / "mass", penguins, "-o", "out.csv", "--force") == (
        2, "", "error: the file 'out.csv' cannot be written: no space left on device; "
        "free some space there or write elsewhere\n",
    )  # fmt: skip
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("out.csv", "mine")]


def test_places_that_cannot_be_written_are_refused_first(descend, runs, new, tmp_path):
    (tmp_path / "folder").mkdir()
    for place, why in {
        "folder": "it is a folder; name another file",
        "no/out.csv": f"its folder does not exist; make the folder {str(tmp_path / 'no')!r} first",
        "new.csv": "it is the input; name another file",
    }.items():  # fmt: skip
        assert descend("predict", "no-run", new, "-o", place) == (
            2, "", f"error: the file {place!r} cannot be written: {why}\n"
        )  # fmt: skip


def test_what_does_not_fit_the_model_is_exit_code_5(descend, runs, tmp_path):
    (tmp_path / "few.csv").write_text("species,year\nAdelie,2007\n")

    code, out, err = descend("predict", runs / "mass", "few.csv")
    assert (code, out) == (5, "")
    assert "bill_length_mm" in err
    assert err.count("\n") == 1
    code, out, err = descend("predict", "no-run", "few.csv")
    assert (code, out, err.count("\n")) == (5, "", 1)


def test_a_format_or_column_that_is_not_there_is_refused(descend, runs, new):
    assert descend("predict", runs / "mass", new, "--format", "xml") == (
        2, "", "error: --format is 'xml', it must be one of csv, jsonl, json; try csv\n"
    )  # fmt: skip
    assert descend("predict", runs / "mass", new, "--id", "kye") == (
        2, "", "error: there is no column 'kye' in 'new.csv'; the nearest are 'key', 'year'\n"
    )  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
@pytest.mark.parametrize(
    "more", [(), ("--id", "island", "--id", "bill_length_mm"), ("--append",)], ids=["alone", "id", "append"]
)
@pytest.mark.parametrize("name", ["mass", "sex"])
def test_a_file_larger_than_memory_gives_the_same_rows(descend, runs, penguins, form, more, name):
    command = ("predict", runs / name, penguins, "--format", form, *more)
    assert descend(*command, "--memory", "20kB") == descend(*command)


def test_a_parquet_file_larger_than_memory_gives_the_same_rows(descend, runs, penguins, tmp_path):
    duckdb.sql(
        f"COPY (SELECT * FROM read_csv('{penguins}', nullstr='NA')) TO '{tmp_path}/p.parquet' (ROW_GROUP_SIZE 100)"
    )
    command = ("predict", runs / "mass", tmp_path / "p.parquet", "--append")
    assert descend(*command, "--memory", "20kB") == descend(*command)


def test_a_column_that_is_absent_from_a_file_larger_than_memory_is_said(descend, runs, penguins, tmp_path):
    duckdb.sql(f"COPY (SELECT * EXCLUDE island FROM read_csv('{penguins}')) TO '{tmp_path}/p.csv'")
    command = ("predict", runs / "mass", tmp_path / "p.csv")
    assert descend(*command, "--memory", "20kB") == descend(*command)
    assert "the data have no column 'island'" in descend(*command)[2]


def test_a_column_to_carry_along_must_be_there_in_a_file_larger_than_memory(descend, runs, penguins):
    command = ("predict", runs / "mass", penguins, "--id", "islnd")
    assert descend(*command, "--memory", "20kB") == descend(*command)
