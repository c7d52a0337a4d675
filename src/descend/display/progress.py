"""progress: the progress of training in words."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from descend.training import Progress


def four_digits(value: float) -> str:
    """Return a number in four digits.

    >>> four_digits(0.123456), four_digits(1234567.0), four_digits(0.1)
    ('0.1235', '1.235e+06', '0.1')
    """
    return f"{value:.4g}"


def clock_time(seconds: float) -> str:
    """Return hours, minutes and seconds.

    >>> clock_time(83.2)
    '0:01:23'
    """
    whole = round(min(seconds, 359_999))
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def seconds_left(progress: "Progress") -> float | None:
    """Return how long the rest will take at most, or None before anything was done."""
    return progress.seconds * (1 - progress.share) / progress.share if progress.share > 0 else None


def progress_fields(progress: "Progress") -> list[str]:
    """Return the parts of a line of progress, the most important first."""
    left = seconds_left(progress)
    parts = [f"{progress.share:.0%}".replace("%", " %"), f"loss {four_digits(progress.loss)}"]
    parts += [f"held out {four_digits(progress.held_out)}"] if progress.held_out == progress.held_out else []
    parts += [f"{progress.running} of {progress.runs} runs", f"lr {four_digits(progress.lr)}"]
    return parts + ([f"{clock_time(left)} left"] if left is not None else [])


def progress_line(progress: "Progress") -> str:
    """Return the progress of training as one line of a log."""
    share, *others = progress_fields(progress)
    return " · ".join([share, f"epoch {progress.epoch:,}", *others])
