"""The command line as a whole: help, version, and what is loaded."""

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


def test_every_command_has_help_and_a_short_help():
    for name in COMMANDS:
        command = app.get_command(None, name)
        assert command.name == name
        assert command.short_help
        assert main([name, "--help"]) == 0
