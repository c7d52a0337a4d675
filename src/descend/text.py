"""text: names and sentences made to fit a line, a column, an encoding, and harmless on a terminal."""

from collections.abc import Container, Sequence
from typing import TextIO

# What streams without these characters get instead.
ASCII = str.maketrans(
    {"·": "-", "→": "->", "×": "x", "±": "+-", "≤": "<=", "≥": ">=", "…": "...", "²": "^2", "λ": "lambda ", "∂": "d",
     "✔": "ok", "✖": "x", "●": "*", "−": "-", "–": "-", "≈": "~", "∞": "inf", "━": "="}
)  # fmt: skip


def printable(text: str) -> str:
    r"""Return the text with every character escaped that could move a cursor or start a line.

    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def encodable(text: str, stream: TextIO | None) -> str:
    """Return the text in characters that the stream's encoding has: arrows and dots become ASCII where it has none."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(ASCII).encode(encoding, "backslashreplace").decode(encoding)
    except LookupError:
        return text
    return text


def shortened(name: str, longest: int) -> str:
    """Return a name of at most `longest` characters; both its ends stay, since names of one table share a beginning.

    >>> shortened("flipper_length_mm", 10)
    'flipp…h_mm'
    """
    if len(name) <= longest:
        return name
    tail = (longest - 1) // 2
    return name[: longest - 1 - tail] + "…" + name[len(name) - tail :]


def unused(name: str, taken: Container[str]) -> str:
    """Return a name that is not taken, with as many underscores behind as it needs.

    >>> unused("prediction", ("prediction", "x")), unused("p_a", ())
    ('prediction_', 'p_a')
    """
    return name if name not in taken else unused(f"{name}_", taken)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, in the plural where there is not one.

    >>> counted(1, "epoch"), counted(1200, "epoch")
    ('1 epoch', '1,200 epochs')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def aligned(rows: Sequence[Sequence[str]], right: Container[int] = ()) -> list[str]:
    """Return a line for each row, columns aligned to the left, those of `right` to the right.

    >>> aligned([("a", "bb"), ("ccc", "d")], right=(1,))
    [' a    bb', ' ccc   d']
    """
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [c.rjust(w) if k in right else c.ljust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True))]
        lines.append((" " + "  ".join(cells)).rstrip())
    return lines
