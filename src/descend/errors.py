"""What users meet when something is wrong: one sentence, a stable code, a way out, and an exit code."""

import difflib
from collections.abc import Iterable


class DescendError(ValueError):
    """An error with a remedy.

    Args:
        what: what was given, where, and what is allowed.
        fix: what to try, as an imperative.
        code: a stable lower-case slug such as "no-such-column".

    What and fix are written with the flags of the command; the Python API says them with keywords, see
    `options.flags.in_keywords`.

    `str(error)` is the one sentence that users read: "{what}; {fix}".

    >>> error = UsageError("lr is -1, it must be a finite number above 0", fix="try --lr auto", code="lr-range")
    >>> str(error)
    'lr is -1, it must be a finite number above 0; try --lr auto'
    >>> error.code, error.exit_code
    ('lr-range', 2)
    """

    exit_code = 70

    def __init__(self, what: str, *, fix: str, code: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what, self.fix, self.code = what, fix, code
        self.in_flags = what, fix

    def rephrase(self, what: str, fix: str) -> None:
        """Say the same in other words; `in_flags` keeps what and fix as the command says them."""
        self.what, self.fix = what, fix
        self.args = (f"{what}; {fix}",)

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (type(self), *self.in_flags, self.code, self.what, self.fix)


class UsageError(DescendError):
    """An argument is unknown, out of range, or contradicts another (exit 2)."""

    exit_code = 2


class OutputError(UsageError):
    """The place to write to cannot be written, or holds something already (exit 2)."""


class DataError(DescendError):
    """The data cannot be read, or nothing can be learned from it (exit 3)."""

    exit_code = 3


class DivergenceError(DescendError):
    """Training left the finite range and no usable model was found (exit 4)."""

    exit_code = 4


class ResumeError(DescendError):
    """There is no checkpoint to go on from, or it is one of other data or options (exit 4)."""

    exit_code = 4


class ModelError(DescendError):
    """A model file is damaged or foreign, or does not fit the data it is given (exit 5)."""

    exit_code = 5


class ClusterError(DescendError):
    """Another process of a training that several share was lost, fell silent, or failed (exit 7)."""

    exit_code = 7


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return up to `count` of the known names most like `name`, best first, whatever their case.

    >>> nearest("body_mas", ["species", "body_mass_g", "island"])
    ['body_mass_g']
    """
    by_fold: dict[str, str] = {}
    for candidate in known:
        by_fold.setdefault(candidate.casefold(), candidate)
    return [by_fold[fold] for fold in difflib.get_close_matches(name.casefold(), by_fold, count, 0.5)]


def _restore(kind: type[DescendError], what: str, fix: str, code: str, said_what: str, said_fix: str) -> DescendError:
    error = kind(what, fix=fix, code=code)
    error.rephrase(said_what, said_fix)
    return error
