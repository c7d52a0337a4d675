"""Every option that users may set: name, flag, default, allowed values and help, in one table.

The table makes the flags of the command line, the checks of `descend.train` and the reference in the docs.
"""

import math
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from descend.errors import UsageError, nearest

Read = Callable[[str, Any], Any]


@dataclass(frozen=True)
class Option:
    """One option.

    Args:
        name: the keyword in Python.
        flag: the flag on the command line.
        group: where help lists it.
        default: the value when nothing was given.
        read: turns what was given, as text or as a value, into the value; raises UsageError.
        help: one line, with unit and meaning.
        metavar: how help shows the value; empty for a switch.
    """

    name: str
    flag: str
    group: str
    default: Any
    read: Read
    help: str
    metavar: str = ""


def _refuse(name: str, given: Any, allowed: str, fix: str) -> UsageError:
    return UsageError(f"{name} is {given!r}, it must be {allowed}", fix=fix, code=f"bad-{name.replace('_', '-')}")


def number(low: float, high: float, allowed: str, fix: str, *, open_low: bool = False, open_high: bool = False) -> Read:
    """Return a reader of finite numbers from low to high, with or without the ends."""

    def read(name: str, given: Any) -> float:
        try:
            value = float("nan") if isinstance(given, bool) else float(given)
        except (TypeError, ValueError, OverflowError):
            value = float("nan")
        inside = (value > low if open_low else value >= low) and (value < high if open_high else value <= high)
        if not (math.isfinite(value) and inside):
            raise _refuse(name, given, allowed, fix)
        return value

    return read


def whole(low: int, allowed: str, fix: str, high: int = 2**63 - 1) -> Read:
    """Return a reader of whole numbers from low to high."""

    def read(name: str, given: Any) -> int:
        try:
            value = int(given) if not isinstance(given, bool) and float(given) == int(float(given)) else low - 1
        except (TypeError, ValueError, OverflowError):
            value = low - 1
        if not low <= value <= high:
            raise _refuse(name, given, allowed, fix)
        return value

    return read


def word(*known: str) -> Read:
    """Return a reader of one of these words."""

    def read(name: str, given: Any) -> str:
        if given not in known:
            close = nearest(str(given), known) or known[:1]
            raise _refuse(name, given, f"one of {', '.join(known)}", f"try {close[0]!r}")
        return str(given)

    return read


def either(keyword: str | None, read: Read) -> Read:
    """Return a reader of a keyword, such as "auto" or None, or else of what `read` reads."""

    def both(name: str, given: Any) -> Any:
        return given if isinstance(given, type(keyword)) and given == keyword else read(name, given)

    return both


def switch(name: str, given: Any) -> bool:
    """Read True or False."""
    if not isinstance(given, bool):
        raise _refuse(name, given, "True or False", "try True")
    return given


def text(name: str, given: Any) -> Any:
    """Read anything; the value is checked where it is used."""
    return given


def names(name: str, given: Any) -> tuple[str, ...]:
    """Read a word, such as a column name, or several; None is none."""
    if given is None or isinstance(given, str):
        return () if given is None else (given,)
    if not isinstance(given, Iterable):
        raise _refuse(name, given, "a name or several", f"try {str(given)!r}")
    return tuple(str(g) for g in given)


def betas(name: str, given: Any) -> tuple[float, float]:
    """Read two numbers of [0, 1), as a pair or as text such as "0.9,0.999"."""
    try:
        first, second = (float(b) for b in (given.split(",") if isinstance(given, str) else given))
    except (TypeError, ValueError):
        first, second = -1.0, -1.0
    if not (0 <= first < 1 and 0 <= second < 1):
        raise _refuse(name, given, "two numbers of at least 0 and below 1", "try 0.9,0.999")
    return first, second


UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def duration(name: str, given: Any) -> float:
    """Read seconds: a number, or text such as "30s", "5m", "1.5h" or "500ms"."""
    match = re.fullmatch(r"\s*((?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*(ms|s|min|m|h|)\s*", str(given))
    seconds = float(match[1]) * UNITS[match[2]] if match and not isinstance(given, bool) else -1.0
    if not 0 < seconds < math.inf:
        raise _refuse(name, given, "a time above 0, such as 30s, 5m or 1h", "try 30s")
    return seconds


def held_out(name: str, given: Any) -> Any:
    """Read the held-out part: a share below 1, "none" or 0 for none, or the path of a file."""
    if given is None or given == "none":
        return 0.0
    try:
        share = float(given)
    except (TypeError, ValueError):
        return given
    if isinstance(given, bool) or not 0 <= share < 1:
        raise _refuse(name, given, "a share of at least 0 and below 1, a file, or none", "try 0.2")
    return share


def optimizer(name: str, given: Any) -> Any:
    """Read "auto", names of variants separated by commas, "all", or a rule of the user's own."""
    from descend.plan import THE_EIGHT, variant
    from descend.plan.rule import Rule

    if callable(given) or isinstance(given, Rule) or (isinstance(given, str) and given == "auto"):
        return given
    chosen = tuple(part.strip() for part in given.split(",")) if isinstance(given, str) else ()
    if chosen == ("all",):
        chosen = THE_EIGHT
    if len(set(chosen) - {"", "auto", "all"}) < max(len(chosen), 1):
        raise _refuse(name, given, "auto, all, a rule, or names with commas between, each once", "try 'gd,adam'")
    for one in chosen:
        variant(one)
    return ",".join(chosen)


def schedule(name: str, given: Any) -> str:
    """Read the name of a schedule, "plateau", "none", or "auto"."""
    from descend.schedules import SCHEDULES

    return str(word("none", *SCHEDULES, "plateau", "auto")(name, given))


def hidden(name: str, given: Any) -> tuple[int, ...]:
    """Read widths of hidden layers: a whole number, several, or text such as "64,64"; none for a linear model."""
    if given is None or given in ("", "none", ()):
        return ()
    parts = given.split(",") if isinstance(given, str) else given if isinstance(given, Iterable) else (given,)
    return tuple(whole(1, "whole numbers of at least 1, with commas between", "try 64,64")(name, p) for p in parts)


def activation_name(name: str, given: Any) -> str:
    """Read the name of an activation."""
    from descend.activations import activation

    return activation(given).name


def init_name(name: str, given: Any) -> str:
    """Read the name of an initialisation."""
    from descend.initialisers import check_init

    return check_init(str(given))


DEEP = ("init", "batch_norm", "residual", "dropout", "restarts")
POSITIVE = "a finite number above 0"
SHARE = "a number of at least 0 and below 1"

OPTIONS: tuple[Option, ...] = (
    Option("drop", "--drop", "data", (), names, "columns to leave out; may be repeated", "COL"),
    Option("features", "--features", "data", (), names, "the only columns to learn from; may be repeated", "COL"),
    Option("weight", "--weight", "data", None, text, "column of example weights", "COL"),
    Option("group", "--group", "data", None, text, "column whose values stay on one side of the split", "COL"),
    Option("time", "--time-column", "data", None, text, "column in whose order the last rows are held out", "COL"),
    Option("input_format", "--input-format", "data", "auto", word("auto", "csv", "parquet", "jsonl", "arrow"),
           "format of the file; auto goes by the suffix, standard input is csv", "FORMAT"),
    Option("delimiter", "--delimiter", "data", None, text, "field delimiter; found by itself when not given", "CHAR"),
    Option("decimal", "--decimal", "data", None, either(None, word(".", ",")), "decimal sign, . or ,", "CHAR"),
    Option("encoding", "--encoding", "data", None, text, "text encoding, such as latin-1 or utf-16", "NAME"),
    Option("null", "--null", "data", (), names, "a word that means missing; may be repeated", "WORD"),
    Option("task", "--task", "model", "auto", word("auto", "regression", "classification"),
           "auto: text and booleans are classes, numbers are not", "TASK"),
    Option("loss", "--loss", "model", "auto", text,
           "auto, mse, huber, logloss, softmax, hinge, poisson or quantile", "LOSS"),
    Option("hidden_layer_sizes", "--hidden", "model", (), hidden, "widths of hidden layers, such as 64,64; none for a linear model",
           "WIDTHS"),
    Option("activation", "--activation", "model", "relu", activation_name,
           "identity, sigmoid, tanh, relu, leaky_relu, elu, gelu or softplus", "NAME"),
    Option("init", "--init", "model", "auto", init_name,
           "start: auto, he, xavier, lecun (each also with _uniform), orthogonal, normal:STD or zeros", "NAME"),
    Option("batch_norm", "--batch-norm/--no-batch-norm", "model", False, switch, "normalise hidden layers over each batch"),
    Option("residual", "--residual/--no-residual", "model", False, switch, "add a hidden layer's input to its output"),
    Option("dropout", "--dropout", "model", 0.0, number(0, 1, SHARE, "try 0.2", open_high=True),
           "share of hidden outputs dropped in a step", "SHARE"),
    Option("restarts", "--restarts", "model", 1, whole(1, "a whole number from 1 to 1000", "try 5", high=1000),
           "starts of a network, side by side; the best on held-out data is kept", "INT"),
    Option("l2", "--l2", "model", 1e-4, number(0, 1e300, "a finite number of at least 0", "try 1e-4"),
           "quadratic penalty, l2/2 |w|^2; never on a bias", "FLOAT"),
    Option("l1", "--l1", "model", 0.0, number(0, 1e300, "a finite number of at least 0", "try 0.01"),
           "absolute penalty, l1 |w|; never on a bias", "FLOAT"),
    Option("optimizer", "--optimizer", "optimizer", "auto", optimizer,
           "auto trains all eight; or gd, sgd, minibatch, momentum, nesterov, adagrad, rmsprop, adam and more", "NAME"),
    Option("lr", "--lr", "optimizer", "auto",
           either("auto", number(0, 1e300, POSITIVE, "try --lr auto, which finds it", open_low=True)),
           "learning rate, or auto", "FLOAT"),
    Option("batch_size", "--batch", "optimizer", "auto",
           lambda name, given: given if given in ("auto", "full") else whole(
               1, "a whole number of at least 1, full or auto", "try --batch auto")(name, given),
           "rows a step: a number, full or auto", "INT"),
    Option("momentum", "--momentum", "optimizer", 0.9, number(0, 1, SHARE, "try 0.9", open_high=True),
           "beta of momentum and nesterov", "FLOAT"),
    Option("betas", "--betas", "optimizer", (0.9, 0.999), betas, "beta1,beta2 of adam and its kin", "B1,B2"),
    Option("eps", "--eps", "optimizer", 1e-8, number(0, 1e300, POSITIVE, "try 1e-8", open_low=True),
           "epsilon of the adaptive rules", "FLOAT"),
    Option("schedule", "--schedule", "optimizer", "none", schedule,
           "how lr changes: none, cosine, step, exponential, inverse_scaling, one_cycle, plateau, or auto to try some",
           "NAME"),
    Option("warmup", "--warmup", "optimizer", 0, whole(0, "a whole number of at least 0", "try 100"),
           "steps over which lr rises to its value", "STEPS"),
    Option("clip", "--clip", "optimizer", None, either(None, number(0, 1e300, POSITIVE, "try 1.0", open_low=True)),
           "largest gradient norm", "NORM"),
    Option("time_budget", "--time", "budget", 30.0, either(None, duration), "most time for training", "TIME"),
    Option("max_epochs", "--epochs", "budget", None,
           either(None, whole(0, "a whole number of at least 0", "try 1000")), "most epochs; until it stops", "INT"),
    Option("patience", "--patience", "budget", 10, whole(1, "a whole number of at least 1", "try 10"),
           "epochs without improvement before a run is stopped", "INT"),
    Option("tol", "--tol", "budget", 1e-4, number(0, 1, SHARE, "try 1e-4", open_high=True),
           "how near the optimum is near enough, and how small an improvement is none", "FLOAT"),
    Option("seeds", "--seeds", "budget", 3, whole(1, "a whole number from 1 to 1000", "try 3", high=1000),
           "seeds over which the spread of a variant is taken", "INT"),
    Option("random_state", "--seed", "budget", 0, whole(0, "a whole number from 0 to 2^63 - 1", "try 0"),
           "decides split, start and order of rows", "INT"),
    Option("threads", "--threads", "budget", None, either(None, whole(1, "a whole number of at least 1", "try 2")),
           "threads; all cores when not given", "INT"),
    Option("scale", "--scale/--no-scale", "preparation", True, switch, "centre and scale the columns"),
    Option("missing", "--missing", "preparation", "median", word("median", "drop", "error"),
           "what becomes of missing cells", "HOW"),
    Option("max_levels", "--max-levels", "preparation", 50, whole(2, "a whole number of at least 2", "try 50"),
           "most levels of a category", "INT"),
    Option("validation", "--val", "validation", 0.2, held_out, "held-out share, a file, or none", "SHARE"),
    Option("cv", "--cv", "validation", None,
           either(None, whole(2, "a whole number from 2 to 1000", "try 5", high=1000)),
           "folds of a cross-validation of the whole training, beside the training itself", "K"),
    Option("metric", "--metric", "validation", "auto", word("auto", "rmse", "mae", "r2", "accuracy", "auc", "logloss"),
           "what the tables show", "NAME"),
)  # fmt: skip

BY_NAME = {option.name: option for option in OPTIONS}


def read_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every option: what was given, checked, else the default.

    Raises UsageError for an unknown name, a value out of range, and two values that contradict each other.

    >>> read_options({"lr": "0.1"})["lr"]
    0.1
    """
    for name in given:
        if name not in BY_NAME:
            close = nearest(name, BY_NAME) or ["optimizer"]
            raise UsageError(f"there is no option {name!r}", fix=f"try {close[0]!r}", code="unknown-option")
    values = {o.name: o.read(o.name, given[o.name]) if o.name in given else o.default for o in OPTIONS}
    _contradictions(values, given)
    return values


def _contradictions(values: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    if values["optimizer"] == "sgd" and values["batch_size"] not in ("auto", 1):
        raise UsageError(
            f"sgd takes one row a step, but batch_size is {values['batch_size']!r}",
            fix="use --optimizer minibatch for that",
            code="contradiction",
        )
    if values["optimizer"] == "gd" and values["batch_size"] not in ("auto", "full"):
        raise UsageError(
            f"gd takes all rows a step, but batch_size is {values['batch_size']!r}",
            fix="use --optimizer minibatch for that",
            code="contradiction",
        )
    beyond = [name for name in DEEP if values[name] != BY_NAME[name].default]
    if beyond and not values["hidden_layer_sizes"]:
        raise UsageError(
            f"{beyond[0]} is {values[beyond[0]]!r}, but a linear model has no hidden layers",
            fix="add --hidden, such as --hidden 64,64",
            code="contradiction",
        )
    both = set(values["drop"]) & set(values["features"])
    if both:
        raise UsageError(
            f"the column {sorted(both)[0]!r} is both in drop and in features", fix="name it once", code="contradiction"
        )
    if values["validation"] == 0.0 and "patience" in given:
        raise UsageError(
            "patience waits for the held-out loss, but validation is none",
            fix="leave out --patience or --val none",
            code="contradiction",
        )


def flags_of_options(config: Mapping[str, Any]) -> list[str]:
    """Return the flags that stand for options, those at their defaults left out."""
    flags: list[str] = []
    for name, value in config.items():
        option = BY_NAME[name]
        if value == option.default:
            continue
        if isinstance(value, bool):
            flags.append(option.flag.split("/")[0 if value else 1])
        elif isinstance(value, tuple) and name not in ("betas", "hidden_layer_sizes"):
            flags += [part for item in value for part in (option.flag, str(item))]
        else:
            flags += [option.flag, ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]
    return flags


def options_of_flags(line: str) -> dict[str, Any]:
    """Return the options that a line of flags stands for; none where a word of it is no flag.

    >>> options_of_flags("--scale --lr 0.5"), options_of_flags("more rows")
    ({'scale': True, 'lr': '0.5'}, {})
    """
    words, found, flags = shlex.split(line), {}, _values_of_flags()
    while words:
        word = words.pop(0)
        if word not in flags:
            return {}
        name, value = flags[word]
        if value is None and not words:
            return {}
        found[name] = words.pop(0) if value is None else value
    return found


def _values_of_flags() -> dict[str, tuple[str, bool | None]]:
    """Flag to option and value; None where the value is the next word."""
    flags: dict[str, tuple[str, bool | None]] = {}
    for option in OPTIONS:
        on, _, off = option.flag.partition("/")
        flags[on] = (option.name, True if off else None)
        if off:
            flags[off] = (option.name, False)
    return flags
