"""terminal: a bar on a terminal, and what a terminal can show."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from descend.display.progress import progress_fields

if TYPE_CHECKING:
    from rich.console import RenderableType

    from descend.training import Progress

TOPIC = 9  # columns of a topic
SHORTEST_BAR, LONGEST_BAR = 10, 40  # columns; arbitrary
FULL_WIDTH = 55  # columns of a terminal that has room for a bar beside the text


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


class TerminalBar:
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
        """Draw the progress."""
        self.live.update(self._line(progress), refresh=True)

    def close(self) -> None:
        """Remove the line."""
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
