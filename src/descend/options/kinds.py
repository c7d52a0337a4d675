"""kinds: what a column may hold, and how its cells are written: the values of the option `kinds`."""

from dataclasses import dataclass
from enum import StrEnum

from descend.errors import UsageError, nearest

VERBATIM = "as written"


class Kind(StrEnum):
    """What a column holds."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    CATEGORY = "category"


@dataclass(frozen=True)
class Reading:
    """How the cells of a column are read.

    Args:
        kind: what they hold.
        pattern: how text is written: "#.#" or "#,#" for numbers, with a unit after a space ("#.# kg"); as `strptime` has
            it for dates ("%d/%m/%Y"), without the time of day; "as written" for text whose cells stay as they are. Empty
            when the cells decide.

    >>> Reading.of("date:%d/%m/%Y")
    Reading(kind=<Kind.DATE: 'date'>, pattern='%d/%m/%Y')
    >>> str(Reading.of("text")), str(Reading.of("number:#,# kg"))
    ('text', 'number:#,# kg')
    """

    kind: Kind
    pattern: str = ""

    @classmethod
    def of(cls, text: str) -> "Reading":
        """Return the reading that a text such as "number" or "date:%d/%m/%Y" stands for; raises UsageError."""
        kind, _, pattern = text.partition(":")
        if kind == "text" and not pattern:
            return cls(Kind.CATEGORY, VERBATIM)
        known = [k.value for k in Kind]
        right = {"number": pattern.startswith(("#.#", "#,#")), "date": "%" in pattern}.get(kind, False)
        if kind not in known or (pattern and not right):
            close = (nearest(kind, ["text", *known]) or ["text"])[0]
            raise UsageError(
                f"the kind of a column is {text!r}, it must be one of text, {', '.join(known)}, number:#,# or date:%d/%m/%Y",
                fix=f"try {close!r}",
                code="bad-kinds",
            )
        return cls(Kind(kind), pattern)

    def __str__(self) -> str:
        if self == VERBATIM_TEXT:
            return "text"
        return f"{self.kind.value}:{self.pattern}" if self.pattern else self.kind.value


VERBATIM_TEXT = Reading(Kind.CATEGORY, VERBATIM)
