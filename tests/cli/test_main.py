"""The command line as a whole: help, version, and what is loaded."""

import gc
import os
import subprocess
import sys

from descend.cli import app, main
from descend.cli.commands import COMMANDS
from descend.version import VERSION


def test_version(descend):
    assert descend("--version") == (0, f"descend {VERSION}\n", "")


def test_help_lists_the_commands_that_there_are(descend):
    code, out, err = descend("-h")

    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.partition("Commands:\n")[2].splitlines()] == list(COMMANDS)
    assert descend() == (0, out, "")


def test_the_command_line_loads_nothing_heavy():
    script = (
        "import sys\nfrom descend.cli import main\n"
        "assert main(['--help']) == 0\nassert main(['train', '--help']) == 0\n"
        "heavy = {'numpy', 'duckdb', 'rich', 'sklearn', 'numba', 'scipy'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_prediction_loads_neither_compiled_code_nor_what_training_needs(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,y\n" + "".join(f"{k % 7},{'xyz'[k % 3]},{k % 5}\n" for k in range(40)))
    script = (
        "import sys\nfrom descend.cli import main\n"
        "main(['-q', 'train', 't.csv', '-t', 'y', '--run-dir', 'r', '--no-report', '--epochs', '2'])\n"
        "assert 'scipy.linalg' not in sys.modules, 'training'\n"
    )
    predicting = (
        "import sys\nfrom descend.cli import main\nassert main(['predict', 'r', 't.csv']) == 0\n"
        "heavy = {'numba', 'sklearn', 'pandas', 'pyarrow', 'scipy.linalg', 'scipy.special'} & set(sys.modules)\n"
        "ours = {'diagnosis', 'engines', 'evaluation', 'optimum', 'plots', 'report', 'search', 'training'}\n"
        "heavy |= {f'descend.{name}' for name in ours} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    for lines in (script, predicting):
        done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")


def test_python_looks_for_cycles_as_often_as_before_once_a_command_is_done(descend):
    before = gc.get_threshold()
    descend("--version")
    assert gc.get_threshold() == before


def test_the_process_of_a_command_has_one_thread_of_blas_and_ends_without_another_look_for_cycles():
    """A call of `main` with arguments is no such process, and leaves it as it is."""
    script = (
        "import gc, os, sys\nfrom descend.cli import main\n"
        "def state(): return gc.get_freeze_count() > 0, os.environ.get('OPENBLAS_NUM_THREADS')\n"
        "main(['--version'])\nassert state() == (False, None)\n"
        "sys.argv = ['descend', '--version']\nmain()\nassert state() == (True, '1')\n"
        "os.environ['OPENBLAS_NUM_THREADS'] = '2'\nmain()\nassert state() == (True, '2')"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)

    assert (done.returncode, done.stderr) == (0, "")


def test_every_command_has_help_and_a_short_help():
    for name in COMMANDS:
        command = app.get_command(None, name)
        assert command.name == name
        assert command.short_help
        assert main([name, "--help"]) == 0
