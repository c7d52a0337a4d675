"""display: notes and progress of training, as a bar on a terminal or in a notebook and as plain lines in logs."""

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TextIO, runtime_checkable

from descend.display.notebook import NotebookBar, in_notebook
from descend.display.progress import progress_line
from descend.display.terminal import TOPIC, TerminalBar, animated, colored, paint
from descend.text import encodable, printable

if TYPE_CHECKING:
    from descend.training import Progress

LOG_SECONDS = (
    10.0  # between two lines of progress where nothing can be redrawn, as in CI logs (interface.md, section 1)
)
HINT_SECONDS = 1.0  # of silence before compilation is mentioned: a cached start takes less
HINT = "compiling kernels, once"


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


class Bar(Protocol):
    """Shows the progress in one place, drawn anew."""

    def show(self, progress: "Progress") -> None:
        """Draw the progress."""

    def close(self) -> None:
        """Remove it."""


Listener = Callable[["NoteEvent | Progress"], None]


class Display:
    """A context manager whose value is the listener for `descend.train(on_event=...)`.

    Args:
        stream: where to write; usually standard error.
        quiet: whether nothing is written.
        color: whether to use colour; by the stream and the environment when None.
        environ: the environment, for TERM, CI, NO_COLOR and FORCE_COLOR.
        clock: seconds that never go back.
        timer: makes the timer of the hint about compilation.
        bar: makes what shows the progress; on a terminal a line of it, elsewhere plain lines, when None.

    When the stream can no longer be written, nothing more is shown, and training goes on.
    """

    def __init__(
        self, stream: TextIO | None, *, quiet: bool = False, color: bool | None = None,
        environ: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.monotonic,
        timer: Callable[[float, Callable[[], None]], Timer] = threading.Timer, bar: Callable[[], Bar] | None = None,
    ) -> None:  # fmt: skip
        self.stream = None if quiet else stream
        self.color = colored(stream, environ) if color is None else color
        if bar is None and animated(stream, environ):
            bar = partial(TerminalBar, stream, self.color, environ)
        self._new_bar, self._clock, self._timer, self._lock = bar, clock, timer, threading.Lock()
        self._hint: Timer | None = None
        self._bar: Bar | None = None
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
        if self._new_bar is not None:
            self._draw(progress, self._new_bar)
        elif self._clock() - self._logged >= LOG_SECONDS:
            self._logged = self._clock()
            self._write(f"training {progress_line(progress)}")

    def _draw(self, progress: "Progress", new_bar: Callable[[], Bar]) -> None:
        try:
            self._bar = self._bar or new_bar()
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
    stream, notebook = sys.stderr if stream is None else stream, in_notebook()
    return Display(stream, quiet=not (force or animated(stream) or notebook), bar=NotebookBar if notebook else None)
