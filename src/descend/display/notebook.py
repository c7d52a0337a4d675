"""notebook: a bar in a notebook, as an output that is drawn anew and removed at the end."""

import importlib
import sys
from html import escape
from typing import TYPE_CHECKING, Any

from descend.display.progress import progress_fields

if TYPE_CHECKING:
    from descend.training import Progress


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    shell = sys.modules.get("IPython")
    return shell is not None and getattr(shell.get_ipython(), "kernel", None) is not None


class NotebookBar:
    """One output below the cell; without scripts and widgets, so that every front end shows it."""

    def __init__(self) -> None:
        """Put an empty output below the cell."""
        self._output: Any = importlib.import_module("IPython.display").display(_nothing(), raw=True, display_id=True)

    def show(self, progress: "Progress") -> None:
        """Draw the progress."""
        words = " · ".join(progress_fields(progress))
        bar = f'<progress value="{progress.share:.3f}" max="1" aria-label="training"></progress>'
        self._output.update(
            {"text/html": f"<div>training {bar} {escape(words)}</div>", "text/plain": f"training {words}"}, raw=True
        )

    def close(self) -> None:
        """Leave an empty output, which shows nothing."""
        self._output.update(_nothing(), raw=True)


def _nothing() -> dict[str, str]:
    return {"text/html": "", "text/plain": ""}
