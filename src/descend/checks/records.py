"""records: what is known of a table, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from descend.diagnosis.finding import Finding, Level
from descend.report.numbers import DASH, number
from descend.text import counted

MOST_LEVELS = 10  # of a category that are told: the rows of a chart


class Status(StrEnum):
    """How a check ended, the most urgent first."""

    PROBLEM = "problem"  # it spoils the model or its score
    TIP = "tip"  # something may be better done otherwise
    PASSED = "passed"
    SKIPPED = "skipped"  # it could not be made, or costs too much here
    NOT_APPLICABLE = "not applicable"

    @property
    def mark(self) -> str:
        """A sign, which never stands without the word or the sentence."""
        return {"problem": "✖", "tip": "!", "passed": "✔"}.get(self, "–")

    @property
    def rank(self) -> int:
        """0 for the most urgent."""
        return list(Status).index(self)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check.

    Args:
        name: a stable slug, such as "leak".
        status: how it ended.
        text: one sentence: what was found, or the reason.
        evidence: the numbers behind it.
        fix: flags to type, or words where no flag does it.
        code: of the finding that training would report, for `descend explain`.
    """

    name: str
    status: Status
    text: str
    evidence: dict[str, Any] = field(default_factory=dict)
    fix: tuple[str, ...] = ()
    code: str | None = None

    @classmethod
    def of(cls, name: str, finding: Finding | None, otherwise: str) -> "Check":
        """Return what a finding says, a tip where it is a note; or that the check passed."""
        if finding is None:
            return cls(name=name, status=Status.PASSED, text=otherwise)
        status = Status.TIP if finding.level is Level.NOTE else Status.PROBLEM
        return cls(
            name=name, status=status, text=finding.text, evidence=finding.evidence, fix=finding.fix, code=finding.code
        )


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """What a column holds.

    Args:
        name, kind: as read.
        missing: cells.
        used_as: its features, "target", or why it is left out.
        distinct: different values, of the sample where it is of numbers or dates.
        mean, spread: of numbers: the mean and the standard deviation.
        quantiles: of numbers and dates: smallest, quarter, median, three quarters, largest; the inner ones of the sample.
        counts: of numbers and dates: cells of the sample in equally wide bins from the smallest to the largest.
        levels: of categories and booleans: the most frequent values and their cells.
        association: with the target, see `profiles.association`; None where there is none.
    """

    name: str
    kind: str
    missing: int
    used_as: str
    distinct: int
    mean: float | None = None
    spread: float | None = None
    quantiles: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    levels: tuple[tuple[str, int], ...] = ()
    association: float | None = None


@dataclass(frozen=True)
class Correlation:
    """Two features of different columns, the column of the second, and Pearson's r.

    Of two categories, whose names then stand for their features, `r` is Cramér's V, from 0 to 1, and `measure` says so.
    """

    first: str
    second: str
    column: str
    r: float
    measure: str = "r"


@dataclass(frozen=True, eq=False, kw_only=True)
class Contents:
    """What was read, what its columns hold, and how each check ended.

    Args:
        name: of the file, "array" and the like.
        rows: of the table.
        sampled: rows from which inner quantiles, bins and associations are taken; all of them where they are few.
        source: how it was read: format, delimiter, encoding, header, sha256, size.
        target, task: what would be learned; None without a target, and without a usable one.
        columns: in the order of the file.
        correlated: the most strongly correlated pairs.
        checks: in the order in which they are made.
        notes: what reading and preparing said, topic and text.
    """

    name: str
    rows: int
    sampled: int
    source: Mapping[str, Any]
    target: str | None
    task: str | None
    columns: tuple[ColumnProfile, ...]
    correlated: tuple[Correlation, ...]
    checks: tuple[Check, ...]
    notes: tuple[tuple[str, str], ...]

    @property
    def problems(self) -> tuple[Check, ...]:
        """The checks that found a problem."""
        return tuple(c for c in self.checks if c.status is Status.PROBLEM)

    @property
    def tips(self) -> tuple[Check, ...]:
        """The checks that have a tip."""
        return tuple(c for c in self.checks if c.status is Status.TIP)

    @property
    def counts(self) -> dict[str, int]:
        """How many checks ended in which way."""
        return {status.value: sum(c.status is status for c in self.checks) for status in Status}

    @property
    def by_urgency(self) -> list[Check]:
        """The checks, problems first."""
        return sorted(self.checks, key=lambda c: c.status.rank)

    @property
    def title(self) -> str:
        """What was checked."""
        return f"{self.name} · {counted(self.rows, 'row')} × {counted(len(self.columns), 'column')}"

    @property
    def verdict(self) -> str:
        """How many checks ended in which way, in words."""
        found = self.counts
        parts = [counted(found["problem"], "problem"), counted(found["tip"], "tip"), f"{found['passed']} passed"]
        return ", ".join([*parts, *(f"{found[s]} {s}" for s in ("skipped", "not applicable") if found[s])])


def association_text(column: ColumnProfile) -> str:
    """Return the association of a column as text, without a sign where it rounds to 0; a dash where there is none."""
    return DASH if column.association is None else f"{round(column.association, 2) + 0.0:.2f}"


def range_text(column: ColumnProfile, which: int) -> str:
    """Return one of a column's quantiles as text: a number, a day, or a dash."""
    value = column.quantiles[which] if column.quantiles else None
    if value is None or column.kind != "date":
        return number(value)
    return str(np.datetime64(int(value), "D"))
