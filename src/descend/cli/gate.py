"""gate: `--fail-if 'rmse>70000'`: a condition on metrics or findings; exit code 1 when it holds."""

import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from descend.errors import UsageError, nearest

METRICS = ("rmse", "mae", "r2", "accuracy", "balanced_accuracy", "auc", "logloss")
LEVELS = ("note", "warning", "error")
COMPARE = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
SHAPE = re.compile(r"\s*(?:(test|val|train)[._ ])?\s*(\w+)\s*(<=|>=|==|!=|<|>)\s*(\S+)\s*")
PARTS = {"test": "the test", "val": "the validation", "train": "the training"}


@dataclass(frozen=True)
class Gate:
    """A condition that must not hold.

    Args:
        text: as it was typed.
        part: "test", "val", "train", or "" for the part that counts.
        name: a metric, or "finding".
        sign: a key of COMPARE.
        bound: a number, or the rank of a level.
    """

    text: str
    part: str
    name: str
    sign: str
    bound: float


@dataclass(frozen=True)
class GateResult:
    """A gate's text, the value or level that it saw, and whether it tripped."""

    gate: str
    seen: float | str | None
    tripped: bool


def read_gate(text: str) -> Gate:
    """Read an expression; raises UsageError when it is not valid.

    >>> read_gate("val.rmse > 70000").bound
    70000.0
    """
    match = SHAPE.fullmatch(text)
    if match is None:
        raise _wrong(text, "it must read METRIC SIGN NUMBER, or finding>=LEVEL")
    part, name, sign, bound = match[1] or "", match[2], match[3], match[4]
    if name == "finding" and not part:
        if bound not in LEVELS:
            raise _wrong(text, f"a level is one of {', '.join(LEVELS)}", nearest(bound, LEVELS))
        return Gate(text, part, name, sign, float(LEVELS.index(bound)))
    if name not in METRICS:
        raise _wrong(text, f"a metric is one of {', '.join(METRICS)}", nearest(name, METRICS))
    try:
        value = float(bound)
    except ValueError:
        value = float("nan")
    if value - value != 0:
        raise _wrong(text, f"{bound!r} is no finite number")
    return Gate(text, part, name, sign, value)


def judge_metric(gate: Gate, metrics: Mapping[str, float | None], where: str) -> GateResult:
    """Compare one of `metrics`; a value that is not a number trips the gate, one that is not there is a UsageError."""
    if gate.name not in metrics:
        there = ", ".join(name for name in METRICS if name in metrics) or "none"
        raise UsageError(
            f"--fail-if {gate.text!r} asks for {gate.name}, but {where} has {there}",
            fix="compare a metric that is there",
            code="bad-fail-if",
        )
    seen = metrics[gate.name]
    tripped = seen is None or seen != seen or bool(COMPARE[gate.sign](seen, gate.bound))
    return GateResult(gate.text, seen, tripped)


def judge_run(gate: Gate, metrics: Mapping[str, Mapping[str, float | None]], levels: Iterable[str]) -> GateResult:
    """Judge a trained run: its findings, or the metrics of one part of its rows."""
    if gate.name == "finding":
        hits = [level for level in levels if COMPARE[gate.sign](LEVELS.index(level), gate.bound)]
        worst = max(hits, key=LEVELS.index, default=None)
        return GateResult(gate.text, worst, worst is not None)
    part = gate.part or "test"
    if part not in metrics:
        raise UsageError(
            f"--fail-if {gate.text!r} asks for {part} rows, but there are none",
            fix=f"compare train.{gate.name}" + (", or leave out --test none" if part == "test" else ""),
            code="bad-fail-if",
        )
    return judge_metric(gate, metrics[part], f"{PARTS[part]} part")


def judge_evaluation(gate: Gate, metrics: Mapping[str, float | None]) -> GateResult:
    """Judge an evaluation, which has one part and no findings."""
    if gate.name == "finding" or gate.part:
        raise UsageError(
            f"--fail-if {gate.text!r} asks for what only train knows", fix="compare a plain metric, such as rmse>1",
            code="bad-fail-if",
        )  # fmt: skip
    return judge_metric(gate, metrics, "this evaluation")


def describe(result: GateResult) -> str:
    """Return a gate's result as text."""
    seen = (
        "not a number" if result.seen is None else result.seen if isinstance(result.seen, str) else f"{result.seen:.6g}"
    )
    return f"{result.gate} · " + (f"tripped, it is {seen}" if result.tripped else f"passed{_seen(result, seen)}")


def _seen(result: GateResult, seen: str) -> str:
    return ", no such finding" if result.seen is None else f", it is {seen}"


def _wrong(text: str, why: str, close: list[str] | None = None) -> UsageError:
    fix = f"try {close[0]}" if close else "try 'rmse>70000' or 'finding>=warning'"
    return UsageError(f"--fail-if is {text!r}: {why}", fix=fix, code="bad-fail-if")
