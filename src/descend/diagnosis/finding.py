"""finding: what is wrong, in one shape for all families: code, evidence, ways out, and the proof that they help."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from descend.options import options_of_flags

LEVELS = ("error", "warning", "note")  # the gravest first


@dataclass(frozen=True)
class Proof:
    """What a short training with a fix came to.

    Args:
        fix: the flags.
        metric: of the training rows, in the units of the file, or of the held-out rows where the finding is about them.
        before, after: its value without and with the fix; None where that training failed.
        helped: whether it is better by more than a hundredth, and better than no model at all.
    """

    fix: str
    metric: str
    before: float | None
    after: float | None
    helped: bool

    def told(self, number: Callable[[float], str]) -> str:
        """Return it in words, with numbers as they are shown elsewhere."""
        before, after = ("failed" if v is None else number(v) for v in (self.before, self.after))
        return f"{self.fix}: {self.metric} {before} → {after}, {'helps' if self.helped else 'does not help'}"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or nearly so.

    Args:
        code: a stable code such as D101.
        level: note, warning or error.
        text: one sentence.
        evidence: the numbers behind it, with their step, layer, column or rows.
        fix: flags to type, the most promising first, and words where no flag does it.
        proof: what became of the fixes that were tried.
    """

    code: str
    level: str
    text: str
    evidence: dict[str, Any] = field(default_factory=dict)
    fix: tuple[str, ...] = ()
    proof: tuple[Proof, ...] = ()

    @property
    def changes(self) -> tuple[dict[str, Any], ...]:
        """The options of `descend.train` that each fix stands for; empty for a fix in words.

        >>> Finding("D101", "error", "", fix=("--lr auto", "fewer columns")).changes
        ({'lr': 'auto'}, {})
        """
        return tuple(options_of_flags(fix) for fix in self.fix)


@dataclass(frozen=True)
class Entry:
    """The documentation of a code.

    Args:
        code: such as D202.
        title: a few words.
        meaning: what happens, and why it matters.
        detected: how, with the exact threshold and why that one.
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
        """What is said under which word, in order."""
        return ("means", self.meaning), ("detected", self.detected), ("helps", self.fixes), ("read", self.reference)
