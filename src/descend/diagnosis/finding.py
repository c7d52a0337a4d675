"""finding: what is wrong, in one shape for all families: code, evidence, ways out, and the proof that they help."""

from dataclasses import dataclass, field
from typing import Any

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
        from descend.diagnosis.proof import change_of

        return tuple(change_of(fix) for fix in self.fix)


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
