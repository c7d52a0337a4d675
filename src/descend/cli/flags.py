"""Flags: click's options, made from the one table of options, shown in sections."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from descend.options import OPTIONS, Option
from descend.options.readers import kinds, names

F = TypeVar("F", bound=Callable[..., Any])
SECTIONS = ("data", "model", "optimizer", "budget", "preparation", "validation", "output", "gate")
READING = ("input_format", "delimiter", "decimal", "encoding", "null", "kinds", "skip_rows")
HELP = {"time_budget": "most time for training; may be repeated: what is no duration is taken as --time-column"}


class Flag(click.Option):
    """An option that belongs to a section of the help."""

    def __init__(self, *args: Any, section: str = "output", **kwargs: Any) -> None:
        """Take what click.Option takes, and the section."""
        super().__init__(*args, **kwargs)
        self.section = section


class Sectioned(click.Command):
    """A command whose help lists its options section by section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section after another."""
        for section in (*SECTIONS, "other"):
            records = [
                record for param in self.get_params(ctx)
                if isinstance(param, click.Option) and getattr(param, "section", "other") == section
                and (record := param.get_help_record(ctx)) is not None
            ]  # fmt: skip
            if records:
                with formatter.section(section.capitalize()):
                    formatter.write_dl(records)


TARGET = click.option(
    "-t", "--target", cls=Flag, section="data", metavar="COL", required=True, help="column to predict  (required)"
)
AS_JSON = click.option("--json", "as_json", cls=Flag, is_flag=True, help="one JSON document on standard output")


def from_table(wanted: Iterable[str] | None = None) -> Callable[[F], F]:
    """Return a decorator that gives a command the flags of the table, or of these names."""
    chosen = [o for o in OPTIONS if wanted is None or o.name in tuple(wanted)]

    def decorate(f: F) -> F:
        for option in reversed(chosen):
            f = flag(option)(f)
        return f

    return decorate


def flag(option: Option) -> Callable[[F], F]:
    """Return click's option for an Option; its value stays as typed and is checked later, with all others."""
    kwargs: dict[str, Any] = {"section": option.group, "default": None, "help": _help(option)}
    if "/" in option.flag:
        return click.option(option.flag, option.name, cls=Flag, **kwargs)
    several = option.read in (names, kinds) or option.name == "time_budget"
    return click.option(
        option.flag, option.name, cls=Flag, metavar=option.metavar or "VALUE", type=click.UNPROCESSED, multiple=several,
        **kwargs,
    )  # fmt: skip


def shown(option: Option) -> str:
    """Return the default as people would type it, or nothing."""
    value = option.default
    if value is None or value == () or value == "":
        return ""
    if isinstance(value, bool):
        return option.flag.split("/")[0 if value else 1].removeprefix("--")
    if isinstance(value, tuple):
        return ",".join(f"{v:g}" for v in value)
    number = f"{value:g}" if isinstance(value, (int, float)) else str(value)
    return f"{number}s" if option.name == "time_budget" else number


def _help(option: Option) -> str:
    default = shown(option)
    return HELP.get(option.name, option.help) + (f"  [{default}]" if default else "")
