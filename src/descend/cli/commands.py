"""commands: the names of all commands; the file of each is imported when the command is used."""

import importlib

import click

COMMANDS = (
    "train", "compare", "lr", "check", "predict", "eval", "export", "report", "runs", "diff", "doctor", "explain", "info", "demo",
)  # fmt: skip


class Commands(click.Group):
    """A group that imports a command when it is used, so that the command line starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command, or None when there is none of that name."""
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"descend.cli.{name}").command
        return command
