"""commands: which commands there are; each is imported when it is asked for."""

import importlib

import click

COMMANDS = ("train", "compare", "lr", "predict", "eval", "doctor", "explain", "info", "demo")


class Commands(click.Group):
    """A group whose commands are imported one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command's file and return the command, or None when there is none of that name."""
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"descend.cli.{name}").command
        return command
