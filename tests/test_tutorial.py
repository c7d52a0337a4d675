"""The first ten minutes of a newcomer: each command of the tutorial runs, and prints the lines that are shown below it."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from descend.cli import main

ROOT = Path(__file__).parent.parent
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()
FAILS = {"--lr 50": 4}  # exit codes of commands that are there to fail


def steps():
    """Each command of the tutorial, and the lines that it shows."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", TUTORIAL, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def shown(line, output):
    """Whether a line is one of the output; one that ends in … is the beginning of one."""
    return line in output if not line.endswith("…") else any(one.startswith(line[:-1].rstrip()) for one in output)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder with the tables of the project, as after a clone."""
    shutil.copytree(ROOT / "examples" / "data", tmp_path / "examples" / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DESCEND_RUN_DIR", raising=False)
    return tmp_path


def test_every_command_prints_what_is_shown(folder, capfd):
    missing = []
    for command, lines in steps():
        name, *arguments = shlex.split(command)
        code = main(arguments)
        out, err = capfd.readouterr()
        output = (out + err).splitlines()
        expected = next((c for flag, c in FAILS.items() if flag in command), 0)
        assert (name, code) == ("descend", expected), err
        missing += [f"{command}: {line}" for line in lines if not shown(line, output)]
    assert missing == []
    assert (folder / "predictions.csv").read_text().count("\n") == 345


def test_a_line_that_is_not_printed_would_be_seen():
    assert not shown("test RMSE 1", ["test RMSE 2"])
    assert not shown("test RMSE 1…", ["test RMSE 2"])
    assert shown("test RMSE…", ["test RMSE 2"])


def test_the_python_of_the_tutorial_says_what_it_shows(folder):
    names = {"__name__": "tutorial"}
    block = re.search(r"```python\n(.*?)```", TUTORIAL, re.DOTALL).group(1)
    exec(compile(block, "tutorial.md", "exec"), names)  # noqa: S102
    run = names["run"]
    assert f"{run.metrics['test']['rmse']:.1f}" == "277.6"
    assert run.importances[0].column == "species"
