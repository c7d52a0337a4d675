"""display: notes and progress of training, as a live line on a terminal and as plain lines in logs."""

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TextIO, runtime_checkable

from descend.text import encodable, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from descend.training import Progress

LOG_SECONDS = (
    10.0  # between two lines of progress where nothing can be redrawn, as in CI logs (interface.md, section 1)
)
HINT_SECONDS = 1.0  # of silence before compilation is mentioned: a cached start takes less
HINT = "compiling kernels, once"
TOPIC = 9  # columns of a topic
SHORTEST_BAR, LONGEST_BAR = 10, 40  # columns; arbitrary
FULL_WIDTH = 55  # columns of a terminal that has room for a bar beside the text


@runtime_checkable
class NoteEvent(Protocol):
    """What was read, checked or chosen."""

    @property
    def topic(self) -> str:
        """A word, such as "read"."""
        ...

    @property
    def text(self) -> str:
        """One line."""
        ...


class Timer(Protocol):
    """Calls a function after some seconds, as `threading.Timer` does."""

    daemon: bool

    def start(self) -> None:
        """Begin to wait."""

    def cancel(self) -> None:
        """Stop waiting."""

    def join(self) -> None:
        """Wait until the thread has ended."""


Listener = Callable[["NoteEvent | Progress"], None]


def animated(stream: TextIO | None, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether lines may be redrawn: on a terminal that can, and not in continuous integration."""
    return bool(stream is not None and stream.isatty() and environ.get("TERM") != "dumb" and not environ.get("CI"))


def colored(stream: TextIO | None, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether colour is wanted: NO_COLOR and FORCE_COLOR decide, else the terminal does."""
    if environ.get("NO_COLOR"):
        return False
    return bool(environ.get("FORCE_COLOR")) or animated(stream, environ)


def paint(text: str, code: str, color: bool) -> str:
    """Return the text in an ANSI style, such as "1" for bold, when colour is wanted."""
    return f"\x1b[{code}m{text}\x1b[0m" if color and text else text


def four_digits(value: float) -> str:
    """Return a number in four digits.

    >>> four_digits(0.123456), four_digits(1234567.0), four_digits(0.1)
    ('0.1235', '1.235e+06', '0.1')
    """
    return f"{value:.4g}"


def clock_time(seconds: float) -> str:
    """Return hours, minutes and seconds.

    >>> clock_time(83.2)
    '0:01:23'
    """
    whole = round(min(seconds, 359_999))
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def seconds_left(progress: "Progress") -> float | None:
    """Return how long the rest will take at most, or None before anything was done."""
    return progress.seconds * (1 - progress.share) / progress.share if progress.share > 0 else None


def progress_fields(progress: "Progress") -> list[str]:
    """Return the parts of a line of progress, the most important first."""
    left = seconds_left(progress)
    parts = [f"{progress.share:.0%}".replace("%", " %"), f"loss {four_digits(progress.loss)}"]
    parts += [f"held out {four_digits(progress.held_out)}"] if progress.held_out == progress.held_out else []
    parts += [f"{progress.running} of {progress.runs} runs", f"lr {four_digits(progress.lr)}"]
    return parts + ([f"{clock_time(left)} left"] if left is not None else [])


def progress_line(progress: "Progress") -> str:
    """Return the progress of training as one line of a log."""
    share, *others = progress_fields(progress)
    return " · ".join([share, f"epoch {progress.epoch:,}", *others])


class Display:
    """A context manager whose value is the listener for `descend.train(on_event=...)`.

    Args:
        stream: where to write; usually standard error.
        quiet: whether nothing is written.
        color: whether to use colour; by the stream and the environment when None.
        environ: the environment, for TERM, CI, NO_COLOR and FORCE_COLOR.
        clock: seconds that never go back.
        timer: makes the timer of the hint about compilation.

    When the stream can no longer be written, nothing more is shown, and training goes on.
    """

    def __init__(
        self, stream: TextIO | None, *, quiet: bool = False, color: bool | None = None,
        environ: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.monotonic,
        timer: Callable[[float, Callable[[], None]], Timer] = threading.Timer,
    ) -> None:  # fmt: skip
        self.stream = None if quiet else stream
        self.live = animated(stream, environ)
        self.color = colored(stream, environ) if color is None else color
        self._environ, self._clock, self._timer, self._lock = environ, clock, timer, threading.Lock()
        self._hint: Timer | None = None
        self._bar: _Bar | None = None
        self._topic, self._logged, self._training = "", clock(), False

    def __enter__(self) -> Listener:
        """Return the listener."""
        return self.show

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar, and end the timer's thread."""
        self._stop_hint()
        self._stop_bar()

    def show(self, event: "NoteEvent | Progress") -> None:
        """Show a note or the progress of training."""
        self._stop_hint()
        if self.stream is None:
            return
        if isinstance(event, NoteEvent):
            self._note(event.topic, event.text)
        else:
            self._progress(event)

    def _note(self, topic: str, text: str) -> None:
        self._stop_bar()
        shown = "" if topic == self._topic else topic
        self._topic = topic
        self._write(f"{paint(printable(shown), '1', self.color)}{' ' * (TOPIC - len(shown))}{printable(text)}")
        if not self._training:
            self._start_hint()

    def _progress(self, progress: "Progress") -> None:
        self._training = True
        if self.live:
            self._draw(progress)
        elif self._clock() - self._logged >= LOG_SECONDS:
            self._logged = self._clock()
            self._write(f"training {progress_line(progress)}")

    def _draw(self, progress: "Progress") -> None:
        try:
            if self._bar is None:
                self._bar = _Bar(self.stream, self.color, self._environ)
            self._bar.show(progress)
        except (OSError, ValueError):
            self.stream = None

    def _write(self, line: str) -> None:
        with self._lock:
            try:
                if self.stream is not None:
                    self.stream.write(encodable(line, self.stream) + "\n")
                    self.stream.flush()
            except (OSError, ValueError):
                self.stream = None

    def _start_hint(self) -> None:
        self._hint = self._timer(HINT_SECONDS, lambda: self._write(" " * TOPIC + paint(HINT, "2", self.color)))
        self._hint.daemon = True
        self._hint.start()

    def _stop_hint(self) -> None:
        if self._hint is not None:
            self._hint.cancel()
            self._hint.join()
            self._hint = None

    def _stop_bar(self) -> None:
        if self._bar is not None:
            bar, self._bar = self._bar, None
            try:
                bar.close()
            except (OSError, ValueError):
                self.stream = None


def default_display(*, force: bool = False, stream: TextIO | None = None) -> Display:
    """Return the display of `descend.train`: quiet, unless on a terminal, in a notebook, or forced."""
    stream = sys.stderr if stream is None else stream
    return Display(stream, quiet=not (force or animated(stream) or "ipykernel" in sys.modules))


class _Bar:
    """One line that is redrawn about ten times a second and removed at the end."""

    def __init__(self, stream: TextIO | None, color: bool, environ: Mapping[str, str]) -> None:
        from rich.console import Console
        from rich.live import Live

        self.console = Console(
            file=stream, force_terminal=True, no_color=not color, highlight=False, markup=False, _environ=environ
        )
        self.live = Live(
            console=self.console, transient=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self.longest = 0  # columns of the longest text so far: the bar only shrinks, so that it does not flicker
        self.live.start()

    def show(self, progress: "Progress") -> None:
        self.live.update(self._line(progress), refresh=True)

    def close(self) -> None:
        self.live.stop()

    def _line(self, progress: "Progress") -> "RenderableType":
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        parts, width = progress_fields(progress), self.console.width - 1
        parts[0] = parts[0].rjust(5)
        reserved = TOPIC + 2 + SHORTEST_BAR if width >= FULL_WIDTH else 0
        while len(parts) > 2 and len("  ".join(parts)) > width - reserved:
            parts.pop(-2)
        text = Text("  ".join(parts), no_wrap=True, overflow="crop")
        self.longest = max(self.longest, len(text))
        bar_width = min(LONGEST_BAR, width - self.longest - TOPIC - 2)
        if bar_width < SHORTEST_BAR:
            return text
        grid = Table.grid(padding=(0, 2, 0, 0))
        bar = ProgressBar(total=1.0, completed=progress.share, width=bar_width)
        grid.add_row(Text("training".ljust(TOPIC - 2), style="bold"), bar, text)
        return grid
