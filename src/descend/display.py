"""Display: what training says while it goes on, as a live line on a terminal and as plain lines elsewhere."""

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from descend.training import Progress

LOG_SECONDS = 10.0  # at most one line of progress so often, where nothing can be redrawn
HINT_SECONDS = 1.0  # silence before the compilation is mentioned
HINT = "compiling kernels, once"
TOPIC = 9  # columns that a topic takes
BAR = 10  # a shorter bar tells nothing
SPELLED = str.maketrans(
    {"·": "-", "→": "->", "×": "x", "±": "+-", "≤": "<=", "≥": ">=", "…": "...", "²": "^2", "λ": "lambda ", "∂": "d",
     "✔": "ok", "✖": "x", "●": "*", "−": "-", "–": "-", "≈": "~", "∞": "inf", "━": "="}
)  # fmt: skip


def animated(stream: Any, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether lines may be redrawn: on a terminal that can, and not in continuous integration."""
    return bool(stream is not None and stream.isatty() and environ.get("TERM") != "dumb" and not environ.get("CI"))


def colored(stream: Any, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether colour is wanted: NO_COLOR and FORCE_COLOR decide, else the terminal does."""
    if environ.get("NO_COLOR"):
        return False
    return bool(environ.get("FORCE_COLOR")) or animated(stream, environ)


def paint(text: str, code: str, color: bool) -> str:
    """Return the text in an ANSI style, such as "1" for bold, when colour is wanted."""
    return f"\x1b[{code}m{text}\x1b[0m" if color and text else text


def inert(text: str) -> str:
    r"""Return the text with every character that could move a cursor or start a line escaped.

    >>> inert("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def spelled(text: str, stream: Any) -> str:
    """Return the text in characters that the stream's encoding has: arrows and dots become ASCII where it has none."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(SPELLED).encode(encoding, "backslashreplace").decode(encoding)
    except LookupError:
        return text
    return text


def short(value: float) -> str:
    """Return a number in four digits.

    >>> short(0.123456), short(1234567.0), short(0.1)
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


def seconds_left(heard: "Progress") -> float | None:
    """Return how long the rest will take at most, or None before that can be said."""
    return heard.seconds * (1 - heard.share) / heard.share if heard.share > 0 else None


def fields(heard: "Progress") -> list[str]:
    """Return what a line of progress says, the most important first."""
    left = seconds_left(heard)
    said = [f"{heard.share:.0%}".replace("%", " %"), f"loss {short(heard.loss)}"]
    said += [f"held out {short(heard.held_out)}"] if heard.held_out == heard.held_out else []
    said += [f"{heard.running} of {heard.runs} runs", f"lr {short(heard.lr)}"]
    return said + ([f"{clock_time(left)} left"] if left is not None else [])


class Display:
    """A context whose value is the listener that `descend.train` calls.

    Args:
        stream: where to write; usually standard error.
        quiet: write nothing.
        color: whether to use colour; by the stream and the environment when None.
        environ: the environment, for TERM, CI, NO_COLOR and FORCE_COLOR.
        clock: seconds that never go back.
        timer: makes the timer of the hint about compilation, as `threading.Timer` does.

    Anything with `topic` and `text` is shown as a note, anything else is taken as `fit.Progress`. A stream that can no
    longer be written is left alone: training goes on.
    """

    def __init__(
        self, stream: TextIO | None, *, quiet: bool = False, color: bool | None = None,
        environ: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.monotonic,
        timer: Callable[[float, Callable[[], None]], Any] = threading.Timer,
    ) -> None:  # fmt: skip
        """Decide how to show, without writing anything yet."""
        self.stream = None if quiet else stream
        self.live = animated(stream, environ)
        self.color = colored(stream, environ) if color is None else color
        self._environ, self._clock, self._timer, self._lock = environ, clock, timer, threading.Lock()
        self._hint: Any = None
        self._bar: Any = None
        self._topic, self._logged, self._training = "", clock(), False

    def __enter__(self) -> Callable[[Any], None]:
        """Return the listener."""
        return self.hear

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the screen as it was found, and no thread behind."""
        self._stop_hint()
        self._stop_bar()

    def hear(self, heard: Any) -> None:
        """Show a note or a state of training."""
        self._stop_hint()
        if self.stream is None:
            return
        if hasattr(heard, "topic"):
            self._note(heard.topic, heard.text)
        else:
            self._progress(heard)

    def _note(self, topic: str, text: str) -> None:
        self._stop_bar()
        shown = "" if topic == self._topic else topic
        self._topic = topic
        self._write(f"{paint(inert(shown), '1', self.color)}{' ' * (TOPIC - len(shown))}{inert(text)}")
        if not self._training:
            self._start_hint()

    def _progress(self, heard: "Progress") -> None:
        self._training = True
        if self.live:
            self._draw(heard)
        elif self._clock() - self._logged >= LOG_SECONDS:
            self._logged = self._clock()
            self._write("training " + " · ".join([*fields(heard)[:1], f"epoch {heard.epoch:,}", *fields(heard)[1:]]))

    def _draw(self, heard: "Progress") -> None:
        try:
            if self._bar is None:
                self._bar = _Bar(self.stream, self.color, self._environ)
            self._bar.show(heard)
        except (OSError, ValueError):
            self.stream = None

    def _write(self, line: str) -> None:
        with self._lock:
            try:
                if self.stream is not None:
                    self.stream.write(spelled(line, self.stream) + "\n")
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


def listening(*, force: bool = False, stream: TextIO | None = None) -> Display:
    """Return the display of `descend.train`: on a terminal or in a notebook, elsewhere only when forced."""
    stream = sys.stderr if stream is None else stream
    return Display(stream, quiet=not (force or animated(stream) or "ipykernel" in sys.modules))


class _Bar:
    """One line that is redrawn about ten times a second and gone at the end."""

    def __init__(self, stream: TextIO | None, color: bool, environ: Mapping[str, str]) -> None:
        from rich.console import Console
        from rich.live import Live

        self.console = Console(
            file=stream, force_terminal=True, no_color=not color, highlight=False, markup=False, _environ=environ
        )
        self.live = Live(
            console=self.console, transient=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self.longest = 0  # so that the bar shrinks at most, and does not tremble
        self.live.start()

    def show(self, heard: "Progress") -> None:
        self.live.update(self._line(heard), refresh=True)

    def close(self) -> None:
        self.live.stop()

    def _line(self, heard: "Progress") -> Any:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        said, width = fields(heard), self.console.width - 1
        said[0] = said[0].rjust(5)
        spare = TOPIC + 2 + BAR if width >= 55 else 0
        while len(said) > 2 and len("  ".join(said)) > width - spare:
            said.pop(-2)
        text = Text("  ".join(said), no_wrap=True, overflow="crop")
        self.longest = max(self.longest, len(text))
        room = min(40, width - self.longest - TOPIC - 2)
        if room < BAR:
            return text
        grid = Table.grid(padding=(0, 2, 0, 0))
        bar = ProgressBar(total=1.0, completed=heard.share, width=room)
        grid.add_row(Text("training".ljust(TOPIC - 2), style="bold"), bar, text)
        return grid
