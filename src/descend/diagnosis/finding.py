"""finding: what is wrong with a run, in one shape for all checks: code, evidence, fixes, and the proof that they help."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from descend.options import options_of_flags


class Level(StrEnum):
    """How severe a finding is, the most severe first."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the most severe."""
        return list(Level).index(self)


@dataclass(frozen=True)
class Proof:
    """The result of a short training with a fix.

    Args:
        fix: the flags.
        metric: of the training rows, or of the test rows where the finding is about them, in the units of the file.
        before, after: its value without and with the fix; None where that training failed.
        helped: whether it is better by more than a hundredth, and better than the constant prediction.
    """

    fix: str
    metric: str
    before: float | None
    after: float | None
    helped: bool

    def describe(self, number: Callable[[float], str]) -> str:
        """Return the result in words; `number` formats the values."""
        before, after = ("failed" if v is None else number(v) for v in (self.before, self.after))
        return f"{self.fix}: {self.metric} {before} → {after}, {'helps' if self.helped else 'does not help'}"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is wrong, or may be.

    Args:
        code: a stable code such as D101.
        level: error, warning or note.
        text: one sentence.
        evidence: the numbers behind it, with their step, layer, column or rows.
        fix: flags to type, the most promising first, and words where no flag does it.
        proof: the results of the fixes that were tried.
        cause: the code of the finding from which this one follows; empty where it stands for itself.
    """

    code: str
    level: Level
    text: str
    evidence: dict[str, Any] = field(default_factory=dict)
    fix: tuple[str, ...] = ()
    proof: tuple[Proof, ...] = ()
    cause: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", Level(self.level))

    @property
    def changes(self) -> tuple[dict[str, Any], ...]:
        """The options of `descend.train` that each fix stands for; empty for a fix in words.

        >>> Finding(code="D101", level=Level.ERROR, text="", fix=("--lr auto", "fewer columns")).changes
        ({'lr': 'auto'}, {})
        """
        return tuple(options_of_flags(fix) for fix in self.fix)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The documentation of a code.

    Args:
        code: such as D202.
        title: a few words.
        meaning: what happens, and why it matters.
        detected: how, with the exact threshold and its reason.
        fixes: what helps, and why.
        reference: where to read more.
    """

    code: str
    title: str
    meaning: str
    detected: str
    fixes: str
    reference: str

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """The label and text of each part, in order."""
        return ("means", self.meaning), ("detected", self.detected), ("helps", self.fixes), ("read", self.reference)
