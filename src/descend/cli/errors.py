"""Edge: the one place where an exception becomes a sentence, a JSON document and an exit code."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click

from descend.errors import DescendError, nearest

SCHEMA = "descend.error/1"
COMMON = ("-q", "--quiet", "-v", "--verbose", "--no-color", "--version")


@dataclass(frozen=True)
class Failure:
    """What went wrong, as users meet it."""

    code: str
    text: str
    fix: str
    exit: int

    def document(self) -> dict[str, Any]:
        """Return the JSON document of an error."""
        error = {"code": self.code, "text": self.text, "fix": self.fix}
        return {"schema": SCHEMA, "status": "error", "error": error, "exit": self.exit}


INTERRUPTED = Failure("interrupted", "interrupted before there was a result", "run it again", 130)


def guarded(invoke: Callable[[], Any], arguments: list[str]) -> int:
    """Call a command and return its exit code; every exception ends here, as one line on standard error."""
    heard: list[int] = []
    try:
        with stoppable(heard):
            code = invoke()
            _flush()
        return int(code or 0)
    except BrokenPipeError:
        _abandon_output()
        return 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except KeyboardInterrupt:
        return _tell(INTERRUPTED, arguments)
    except Exception as error:
        ours = isinstance(error, (DescendError, click.ClickException))
        return _tell(INTERRUPTED if heard and not ours else failure(error), arguments)


def failure(error: Exception) -> Failure:
    """Return what users are told of an exception."""
    if isinstance(error, DescendError):
        return Failure(error.code, error.what, error.fix, error.exit_code)
    if isinstance(error, click.ClickException):
        return _usage(error)
    return _internal(error)


@contextlib.contextmanager
def stoppable(heard: list[int]) -> Iterator[None]:
    """Take SIGTERM as Ctrl-C, so that the best model so far is kept.

    Signals are noted in `heard`, since a library may turn the KeyboardInterrupt into an exception of its own.
    """

    def stop(number: int, frame: object) -> None:
        heard.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _usage(error: click.ClickException) -> Failure:
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx else "descend"
    seek = f"{path} --help lists what there is"
    if isinstance(error, click.NoSuchOption):
        return _unknown_option(error.option_name, ctx, seek)
    if isinstance(error, click.exceptions.NoSuchCommand):
        from descend.cli.commands import COMMANDS

        close = nearest(error.command_name, COMMANDS)
        fix = f"try {close[0]}" if close else f"there are {', '.join(COMMANDS)}"
        return Failure("unknown-command", f"there is no command {error.command_name!r}", fix, 2)
    if isinstance(error, click.MissingParameter) and error.param is not None:
        what = f"{path} needs {error.param.make_metavar(ctx) if ctx else error.param.name}"
        return Failure("missing-argument", what, f"{path} --help shows how", 2)
    if isinstance(error, click.BadOptionUsage) and "requires" in error.message:
        return Failure("usage", f"{error.option_name} needs a value", f"write {error.option_name} VALUE", 2)
    text = " ".join(error.format_message().split()).rstrip(".")
    return Failure("usage", text[:1].lower() + text[1:] if text[:2] != "-q" else text, seek, 2)


def _unknown_option(name: str, ctx: click.Context | None, seek: str) -> Failure:
    path = ctx.command_path if ctx else "descend"
    if name in COMMON:
        return Failure(
            "unknown-option", f"{path} has no option {name}", f"put it before the command: descend {name}", 2
        )
    known = [o for p in ctx.command.params for o in (*p.opts, *p.secondary_opts) if o.startswith("--")] if ctx else []
    close = nearest(name, known)
    return Failure("unknown-option", f"{path} has no option {name}", f"try {close[0]}" if close else seek, 2)


def _internal(error: Exception) -> Failure:
    import tempfile
    import traceback

    what = f"internal error: {type(error).__name__}"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="descend-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.writelines(traceback.format_exception(error))
    except OSError as also:
        return Failure(
            "internal", f"{what}, and its trace could not be saved ({also.strerror})", "please report it", 70
        )
    return Failure("internal", what, f"please report it with the trace in {file.name}", 70)


def _tell(failed: Failure, arguments: list[str]) -> int:
    from descend.cli.output import json_text
    from descend.display import inert, spelled

    try:
        line = inert(f"error: {failed.text}; {failed.fix}")
        click.echo(spelled(line, sys.stderr), err=True)
        if "--json" in arguments:
            click.echo(json_text(failed.document(), sys.stdout))
        _flush()  # what was buffered before the failure would else be tried again at exit, where nobody catches it
    except (OSError, ValueError):
        _abandon_output()
    except DescendError:
        _abandon_output()
    return failed.exit


def _flush() -> None:
    from descend.cli.output import writing

    if sys.stdout is not None:
        with writing("standard output"):
            sys.stdout.flush()


def _abandon_output() -> None:
    """Point standard output at nothing, so that the interpreter's own flush at exit stays silent."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
