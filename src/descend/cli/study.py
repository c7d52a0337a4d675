"""study: what `compare` and `lr` share: they read options, train to learn something, and keep no model."""

import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from descend.options import BY_NAME

Result = TypeVar("Result")
OnEvent = Callable[[Any], None]  # a listener for notes and progress, see descend.display


def study(
    ctx: click.Context, data: str, flags: Mapping[str, Any], train: Callable[[OnEvent, dict[str, Any]], Result]
) -> Result:
    """Return what `train` makes of the options among the flags, while its progress is shown.

    The optimizer of a project's settings is left out: these commands have variants of their own.
    """
    from descend.cli.config import gather
    from descend.cli.loading import check_input
    from descend.display import Display

    settings = gather(flags, None)
    check_input(data)
    options = {name: one.value for name, one in settings.items() if name in BY_NAME and name != "optimizer"}
    with Display(sys.stderr, quiet=ctx.obj["quiet"], color=False if ctx.obj["no_color"] else None) as show:
        return train(show, options)
