"""Where settings come from, and which of them wins."""

import datetime
import tomllib

import pytest

from descend.cli.config import Given, describe, gather, key, toml
from descend.errors import UsageError
from descend.options import OPTIONS


def write(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def refused(call):
    with pytest.raises(UsageError) as caught:
        call()
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_flag_wins_over_file_over_pyproject_over_default(tmp_path):
    write(tmp_path, "pyproject.toml", "[tool.descend]\nlr = 0.1\nbatch = 8\npatience = 3\n[tool.other]\nx = 1\n")
    file = write(tmp_path, "mine.toml", "lr = 0.2\nbatch = 16\n")

    given = describe(gather({"lr": "0.3", "batch_size": None, "drop": ()}, file, tmp_path))

    names = ("lr", "batch_size", "patience", "tol", "drop")
    assert {name: (given[name].value, given[name].source) for name in names} == {
        "lr": (0.3, "flag"), "batch_size": (16, file), "patience": (3, "pyproject.toml"),
        "tol": (1e-4, "default"), "drop": ((), "default"),
    }  # fmt: skip


def test_a_file_may_name_settings_as_flags_or_as_python_does(tmp_path):
    file = write(tmp_path, "a.toml", 'batch_size = "full"\nmax-levels = 9\ntime_budget = "5m"\ndrop = ["a", "b"]\n'
                 'betas = [0.8, 0.9]\nscale = false\ntarget = "y"\nrun-dir = "out"\nval = 0.5\n')  # fmt: skip

    assert {name: one.value for name, one in gather({}, file, tmp_path).items()} == {
        "batch_size": "full", "max_levels": 9, "time_budget": 300.0, "drop": ("a", "b"), "betas": (0.8, 0.9),
        "scale": False, "target": "y", "run_dir": "out", "validation": 0.5,
    }  # fmt: skip


def test_time_is_a_budget_or_else_a_column(tmp_path):
    flags = {"time_budget": ("30s", "date")}

    assert gather(flags, None, tmp_path) == {
        "time_budget": Given(30.0, "flag", "--time"), "time": Given("date", "flag", "--time")
    }  # fmt: skip
    assert gather({"time_budget": ("date",)}, None, tmp_path) == {"time": Given("date", "flag", "--time")}
    assert gather({"time": "5m"}, None, tmp_path) == {"time": Given("5m", "flag", "--time-column")}


@pytest.mark.parametrize("value", ["5 parsecs", "-3s", "0", "", "nan", ".5x"])
def test_a_time_that_starts_like_a_number_was_meant_as_one(tmp_path, value):
    assert refused(lambda: gather({"time_budget": (value,)}, None, tmp_path)) == (
        f"--time is {value!r}, it must be a time above 0, such as 30s, 5m or 1h; try 30s"
    )


def test_two_time_columns_are_refused(tmp_path):
    assert refused(lambda: gather({"time_budget": ("date",), "time": "day"}, None, tmp_path)) == (
        "--time is 'date', and the time column is 'day' already; give --time a duration such as 30s"
    )


def test_errors_name_the_flag_or_the_file(tmp_path):
    file = write(tmp_path, "a.toml", "lr = -1\n")
    write(tmp_path, "pyproject.toml", "[tool.descend]\nbatch = 0\n")

    assert refused(lambda: gather({"lr": "nan"}, None, tmp_path / "none")) == (
        "--lr is 'nan', it must be a finite number above 0; try --lr auto, which finds it"
    )
    assert refused(lambda: gather({}, file, tmp_path / "none")) == (
        f"lr in {file} is -1, it must be a finite number above 0; try --lr auto, which finds it"
    )
    assert refused(lambda: gather({}, None, tmp_path)) == (
        "batch in [tool.descend] of pyproject.toml is 0, it must be a whole number of at least 1, "
        "full or auto; try --batch auto"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("optimiser = 'adam'", "FILE has the unknown key 'optimiser'; try 'optimizer'"),
        ("[lr]\nvalue = 1", "lr in FILE is {'value': 1}, it must be a single value; mend it"),
        ("weight = 3", "weight in FILE is 3, it must be a text; mend it"),
        ("drop = [[1]]", "drop in FILE is [[1]], it must be a text or a list of texts; mend it"),
        ("lr = [1]", "lr in FILE is [1], it must be a single value; mend it"),
        ("lr = 1979-05-27", f"lr in FILE is {datetime.date(1979, 5, 27)!r}, it must be a single value; mend it"),
        ("batch = 1\nbatch_size = 2", "FILE gives 'batch' twice; keep one of them"),
        ("scale = 'no'", "scale in FILE is 'no', it must be True or False; try True"),
        ("lr = \nx = 1", "'FILE' is not TOML: Invalid value (at line 1, column 6); mend that place"),
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path, text, sentence):
    file = write(tmp_path, "a.toml", text)

    assert refused(lambda: gather({}, file, tmp_path / "none")) == sentence.replace("FILE", file)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")

    assert refused(lambda: gather({}, str(tmp_path / "a.toml"), tmp_path)) == (
        f"{str(tmp_path / 'a.toml')!r} is not TOML: it is no UTF-8 text; mend that place"
    )
    assert refused(lambda: gather({}, str(tmp_path / "no.toml"), tmp_path)) == (
        f"{str(tmp_path / 'no.toml')!r} cannot be read: no such file or directory; name a TOML file"
    )
    write(tmp_path, "pyproject.toml", "[tool]\ndescend = 3\n")
    assert refused(lambda: gather({}, None, tmp_path)) == (
        '[tool.descend] of pyproject.toml is no table; write keys such as lr = "auto"'
    )


def test_every_option_has_a_key_of_its_own():
    keys = [key(option.name) for option in OPTIONS]

    assert len(set(keys)) == len(keys)
    assert {"time", "time-column", "batch", "scale", "val", "seed", "seeds"} <= set(keys)


@pytest.mark.parametrize("value", ["plain", 'a"b\\c', "line\nbreak", "ü", 3, 1e-8, True, ("a", "b"), (0.9, 0.999), ()])
def test_toml_comes_back_as_it_was(value):
    read = tomllib.loads(f"x = {toml(value)}")["x"]

    assert (tuple(read) if isinstance(value, tuple) else read) == value
