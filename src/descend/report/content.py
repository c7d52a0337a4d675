"""content: what a report tells, as plain values."""

from dataclasses import dataclass

from descend.plots.curves import Curve
from descend.plots.scatter import Scatter
from descend.plots.weight_paths import WeightPath


@dataclass(frozen=True)
class Note:
    """A finding: its code, level, one sentence, and flags to type; what tried cures came to, and what the code means."""

    code: str
    level: str
    text: str
    fixes: tuple[str, ...]
    proof: tuple[str, ...] = ()
    meaning: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Variant:
    """One row of the table of variants."""

    name: str
    letter: str
    lr: float | None
    batch: str
    epochs: int
    metric: float | None
    spread: float | None
    result: str
    best: bool


@dataclass(frozen=True)
class ColumnRow:
    """One column as read: its name, kind, missing cells, and what it became."""

    name: str
    kind: str
    missing: int
    used_as: str


@dataclass(frozen=True, eq=False)
class Story:
    """A report's contents, in the order of the page.

    Args:
        numbers: four (label, value) pairs beside the verdict.
        metric: the name of the variants' metric.
        data: (topic, text) lines of what was read and done.
        coefficients: (name, value) in the units of the file.
        reproduce: (label, text) pairs: command, Python, versions.
    """

    title: str
    data_name: str
    date: str
    version: str
    status: str
    verdict: str
    numbers: tuple[tuple[str, str], ...]
    findings: tuple[Note, ...]
    variants: tuple[Variant, ...]
    metric: str
    curves: tuple[Curve, ...]
    weight_paths: tuple[WeightPath, ...]
    scatters: tuple[Scatter, ...]
    target: str
    data: tuple[tuple[str, str], ...]
    columns: tuple[ColumnRow, ...]
    coefficients: tuple[tuple[str, float], ...]
    reproduce: tuple[tuple[str, str], ...]


__all__ = ["ColumnRow", "Curve", "Note", "Scatter", "Story", "Variant", "WeightPath"]
