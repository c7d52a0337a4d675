"""The list of commands."""

import importlib

import click
import pytest

from descend.cli.commands import COMMANDS, Commands


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_the_one_of_its_file(name):
    group = Commands()
    assert group.get_command(click.Context(group), name) is importlib.import_module(f"descend.cli.{name}").command


def test_the_list_has_the_order_of_the_help_and_nothing_else_is_imported():
    group = Commands()
    context = click.Context(group)
    assert group.list_commands(context) == list(COMMANDS)
    assert group.get_command(context, "formatting") is None
    assert group.get_command(context, "os") is None
