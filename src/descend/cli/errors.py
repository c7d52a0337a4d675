"""errors: every exception of a command becomes a sentence, a JSON document and an exit code, here alone."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click

from descend.cli.ranks import interruption, is_told
from descend.errors import DescendError, nearest

SCHEMA = "descend.error/1"
COMMON = ("-q", "--quiet", "-v", "--verbose", "--no-color", "--version")


@dataclass(frozen=True)
class Failure:
    """What went wrong: a stable code, one sentence, a fix and the exit code."""

    code: str
    text: str
    fix: str
    exit: int

    def document(self) -> dict[str, Any]:
        """Return the JSON document of an error."""
        error = {"code": self.code, "text": self.text, "fix": self.fix}
        return {"schema": SCHEMA, "status": "error", "error": error, "exit": self.exit}


INTERRUPTED = Failure("interrupted", "interrupted before there was a result", "run it again", 130)


def guarded(invoke: Callable[[], int | None], arguments: list[str]) -> int:
    """Call a command and return its exit code; every exception ends here, as one line on standard error."""
    signals: list[int] = []
    try:
        with interruptible(signals):
            code = invoke()
            _flush()
        return int(code or 0)
    except BrokenPipeError:
        _abandon_output()
        return 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except KeyboardInterrupt:
        return _report(INTERRUPTED, arguments)
    except Exception as error:
        expected = isinstance(error, (DescendError, click.ClickException))
        return _report(INTERRUPTED if signals and not expected else failure(error), arguments)


def failure(error: Exception) -> Failure:
    """Return the failure that users see for an exception."""
    if isinstance(error, DescendError):
        return Failure(error.code, *error.in_flags, error.exit_code)
    if isinstance(error, click.ClickException):
        return _usage(error)
    return _internal(error)


@contextlib.contextmanager
def interruptible(signals: list[int]) -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C, so that the best model so far is saved; see `ranks.interruption` for one of several processes.

    Received signals are appended to `signals`, since a library may turn KeyboardInterrupt into another exception.
    """

    def stop(number: int, frame: object) -> None:
        signals.append(number)
        raise interruption(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in handlers.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _usage(error: click.ClickException) -> Failure:
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx else "descend"
    hint = f"{path} --help lists what there is"
    if isinstance(error, click.NoSuchOption):
        return _unknown_option(error.option_name, ctx, hint)
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
    return Failure("usage", text[:1].lower() + text[1:] if text[:2] != "-q" else text, hint, 2)


def _unknown_option(name: str, ctx: click.Context | None, hint: str) -> Failure:
    path = ctx.command_path if ctx else "descend"
    if name in COMMON:
        return Failure(
            "unknown-option", f"{path} has no option {name}", f"put it before the command: descend {name}", 2
        )
    known = [o for p in ctx.command.params for o in (*p.opts, *p.secondary_opts) if o.startswith("--")] if ctx else []
    close = nearest(name, known)
    return Failure("unknown-option", f"{path} has no option {name}", f"try {close[0]}" if close else hint, 2)


def _internal(error: Exception) -> Failure:
    import tempfile
    import traceback

    what = f"internal error: {type(error).__name__}"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="descend-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.writelines(traceback.format_exception(error))
    except OSError as unsaved:
        return Failure(
            "internal", f"{what}, and its trace could not be saved ({unsaved.strerror})", "please report it", 70
        )
    return Failure("internal", what, f"please report it with the trace in {file.name}", 70)


def _report(failed: Failure, arguments: list[str]) -> int:
    from descend.cli.output import json_text
    from descend.text import encodable, printable

    if not is_told(failed.code):
        return failed.exit
    try:
        line = printable(f"error: {failed.text}; {failed.fix}")
        click.echo(encodable(line, sys.stderr), err=True)
        if "--json" in arguments:
            click.echo(json_text(failed.document(), sys.stdout))
        _flush()  # or the interpreter flushes at exit, where no error is caught
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
    """Replace standard output by the null device, so that the flush at the interpreter's exit cannot fail."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
