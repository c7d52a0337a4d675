"""What `compare` and `lr` share: options among the flags, and progress on standard error."""

from types import SimpleNamespace

import pytest

from descend.cli.study import study
from descend.errors import DataError

CTX = SimpleNamespace(obj={"quiet": True, "no_color": True})


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_options_among_the_flags_are_passed_on():
    def train(show, options):
        return callable(show), options

    assert study(CTX, "a.csv", {"lr": "0.1", "target": "y"}, train) == (True, {"lr": 0.1})


def test_the_optimizer_of_a_projects_settings_is_left_out(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.descend]\noptimizer = "adam"\nlr = 0.1\n')
    assert study(CTX, "a.csv", {}, lambda show, options: options) == {"lr": 0.1}


def test_standard_input_that_brings_nothing_is_refused_before_training(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(DataError) as caught:
        study(CTX, "-", {}, lambda show, options: pytest.fail("trained"))
    assert str(caught.value) == "standard input is closed; pipe a table in, or name a file"
