"""order: findings as one list, the most useful first, each consequence under its cause."""

from dataclasses import replace

from descend.diagnosis.finding import Finding, Level

# Most useful first, among findings of one level: what makes every number of the run wrong, then what keeps it from learning, then
# what limits its fit. Measured: see docs/diagnosis.md, "first".
USEFUL = (
    "D305", "D407", "D408", "D403", "D402", "D410", "D406", "D208", "D102", "D101", "D105", "D207", "D202", "D206", "D212", "D213", "D502",
    "D401", "D204", "D203", "D205", "D501", "D504", "D103", "D104", "D209", "D307", "D308", "D405", "D411", "D306", "D304", "D303",
    "D301", "D302", "D503", "D201", "D211", "D210", "D404", "D409",
)  # fmt: skip

_BROKEN = (
    "D208",
    "D102",
    "D101",
    "D105",
    "D207",
    "D202",
    "D206",
    "D212",
    "D213",
    "D502",
    "D401",
    "D204",
    "D203",
    "D501",
)
# What follows from what, the most direct cause first. A cause counts where it is at least as severe as a warning.
FOLLOWS: dict[str, tuple[str, ...]] = {
    "D103": ("D407", *_BROKEN),
    "D104": ("D101", "D102", "D105"),
    "D201": (*_BROKEN, "D205", "D504"),
    "D202": ("D208",),
    "D203": ("D401", "D407", "D204"),
    "D204": ("D401", "D213"),
    "D206": ("D208", "D102", "D101", "D401"),
    "D207": ("D102", "D101", "D401"),
    "D210": (*_BROKEN, "D201", "D307", "D306", "D407"),
    "D301": ("D308", "D306", "D407", "D410"),
    "D302": ("D407", "D408", "D402", "D403", "D405", "D406"),
    "D303": ("D306", "D307", *_BROKEN),
    "D304": ("D407", "D405", "D403"),
    "D305": (*_BROKEN, "D210", "D201", "D307", "D308", "D306", "D407", "D405", "D408", "D406"),
    "D306": ("D407",),
    "D401": ("D407",),
    "D405": ("D407",),
    "D501": ("D401",),
    "D503": ("D407", *_BROKEN, "D308", "D301"),
    "D504": ("D101", "D401"),
}  # fmt: skip


def ordered(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return findings by level and usefulness, each that follows from another right after it, with its cause named."""
    serious = {f.code for f in findings if f.level is not Level.NOTE}
    placed = [replace(f, cause=next((c for c in FOLLOWS.get(f.code, ()) if c in serious), "")) for f in findings]
    groups = [_with_consequences(f, placed) for f in placed if not f.cause]
    groups.sort(key=lambda group: (min(f.level.rank for f in group), _rank(group[0])))
    return tuple(f for group in groups for f in group)


def _with_consequences(finding: Finding, placed: list[Finding]) -> list[Finding]:
    own = sorted((f for f in placed if f.cause == finding.code), key=_rank)
    return [finding, *(f for each in own for f in _with_consequences(each, placed))]


def _rank(finding: Finding) -> tuple[int, int, str]:
    return finding.level.rank, usefulness(finding.code), finding.text


def usefulness(code: str) -> int:
    """Return the place of a code among findings of one level; those that have none are last, and alike.

    >>> usefulness("D305") < usefulness("D201") < usefulness("D608") == usefulness("D601")
    True
    """
    return USEFUL.index(code) if code in USEFUL else len(USEFUL)


def grouped(findings: tuple[Finding, ...]) -> tuple[tuple[Finding, tuple[Finding, ...]], ...]:
    """Return each finding that stands for itself, in order, with those that follow from it.

    >>> one = Finding(code="D101", level=Level.ERROR, text="")
    >>> [len(consequences) for _, consequences in grouped((one, replace(one, code="D305", cause="D101"), one))]
    [1, 0]
    """
    groups: list[tuple[Finding, list[Finding]]] = []
    for finding in findings:
        if finding.cause and groups:
            groups[-1][1].append(finding)
        else:
            groups.append((finding, []))
    return tuple((root, tuple(consequences)) for root, consequences in groups)
