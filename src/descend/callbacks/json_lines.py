"""json_lines: what a fit tells, a JSON object a line, for programs that watch it."""

import json
import math
import os
from pathlib import Path

from descend.callbacks.listening import Appended, Begun, Row, Writer


class JSONLines(Writer[Appended]):
    """Appends a JSON object a row to a file, whole and at once, so that `tail -f` shows it; NaN and infinity are null.

    A file that cannot be written ends nothing: one warning says so, and training goes on.

    Args:
        path: of the file, which is made where there is none.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        self.path = Path(path)

    def _start(self, begun: Begun) -> Appended:
        file = Appended(self.path)
        file.write(b"")
        return file

    def _write(self, place: Appended, row: Row) -> None:
        line = json.dumps({name: value if math.isfinite(value) else None for name, value in row.items()})
        place.write(f"{line}\n".encode())
