"""table: every option that users may set: name, type, flag, default, allowed values and help, each written once.

The fields of `Options` are the table. The flags of the command line, the checks of `descend.train`, its signature and
the reference in the docs follow from them.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from descend.errors import UsageError, nearest
from descend.options import readers
from descend.options.readers import Read

DEEP = ("init", "batch_norm", "residual", "dropout", "restarts")  # options that mean nothing without hidden layers
_CLIP = readers.either(None, readers.number(0, 1e300, "a finite number above 0", "try 1.0", open_low=True))
POSITIVE = "a finite number above 0"
SHARE = "a number of at least 0 and below 1"

Optimizer = Any  # str, or one rule of the user's own: a Rule or a function of any number of memories and constants
Rows = Any  # a share of the rows, the path of a file, a data frame or a table


@dataclass(frozen=True, kw_only=True)
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


def option(flag: str, group: str, default: Any, read: Read, help: str, metavar: str = "") -> Any:
    """Return a field of `Options` that is an option; its name is the field's."""
    about = {"flag": flag, "group": group, "read": read, "help": help, "metavar": metavar}
    return dataclasses.field(default=default, metadata=about)


@dataclass(frozen=True, kw_only=True)
class Options:
    """The value of every option, checked; see `read_options`."""

    # fmt: off
    drop: tuple[str, ...] = option("--drop", "data", (), readers.names, "columns to leave out; may be repeated",
        "COL")
    features: tuple[str, ...] = option("--features", "data", (), readers.names,
        "the only columns to learn from; may be repeated", "COL")
    weight: str | None = option("--weight", "data", None, readers.text, "column of example weights", "COL")
    class_weight: str | None = option("--class-weight", "data", None, readers.either(None, readers.word("balanced")),
        "balanced: the rows of every class weigh the same in training; not in the metrics of test rows", "HOW")
    group: str | None = option("--group", "data", None, readers.text,
        "column whose values stay on one side of the split", "COL")
    time: str | None = option("--time-column", "data", None, readers.text,
        "column in whose order the last rows are test rows", "COL")
    input_format: str = option("--input-format", "data", "auto", readers.word("auto", "csv", "parquet", "jsonl",
        "arrow"), "format of the file; auto goes by the suffix, standard input is csv", "FORMAT")
    delimiter: str | None = option("--delimiter", "data", None, readers.text,
        "field delimiter; found by itself when not given", "CHAR")
    decimal: str | None = option("--decimal", "data", None, readers.either(None, readers.word(".", ",")),
        "decimal sign, . or ,", "CHAR")
    encoding: str | None = option("--encoding", "data", None, readers.text,
        "text encoding, such as latin-1 or utf-16", "NAME")
    null: tuple[str, ...] = option("--null", "data", (), readers.names, "a word that means missing; may be repeated",
        "WORD")
    kinds: tuple[str, ...] = option("--kind", "data", (), readers.kinds,
        "what a column is, whatever it looks like: text, number, date, category or boolean; may be repeated", "COL=KIND")
    skip_rows: int | None = option("--skip-rows", "data", None,
        readers.either(None, readers.whole(0, "a whole number of at least 0", "try 1")),
        "lines before the header; found when not given", "INT")
    task: str = option("--task", "model", "auto", readers.word("auto", "regression", "classification"),
        "auto: text, booleans and two values are classes, other numbers are not", "TASK")
    loss: str = option("--loss", "model", "auto", readers.text,
        "auto, mse, huber, logloss, softmax, hinge, poisson or quantile", "LOSS")
    threshold: float | str | None = option("--threshold", "model", None, readers.either(None, readers.either("auto",
        readers.number(0, 1, "auto or a number above 0 and below 1", "try 0.3", open_low=True, open_high=True))),
        "probability from which the second of two classes is predicted; auto: of the largest balanced accuracy", "P")
    hidden_layer_sizes: tuple[int, ...] = option("--hidden", "model", (), readers.hidden,
        "widths of hidden layers, such as 64,64; none for a linear model", "WIDTHS")
    activation: str = option("--activation", "model", "relu", readers.activation_name,
        "identity, sigmoid, tanh, relu, leaky_relu, elu, gelu or softplus", "NAME")
    init: str = option("--init", "model", "auto", readers.init_name,
        "start: auto, he, xavier, lecun (each also with _uniform), orthogonal, normal:STD or zeros", "NAME")
    batch_norm: bool = option("--batch-norm/--no-batch-norm", "model", False, readers.switch,
        "normalise hidden layers over each batch")
    residual: bool = option("--residual/--no-residual", "model", False, readers.switch,
        "add a hidden layer's input to its output")
    dropout: float = option("--dropout", "model", 0.0, readers.number(0, 1, SHARE, "try 0.2", open_high=True),
        "share of hidden outputs dropped in a step", "SHARE")
    restarts: int = option("--restarts", "model", 1, readers.whole(1, "a whole number from 1 to 1000", "try 5",
        high=1000), "starts of a network, side by side; the best on validation rows is kept", "INT")
    l2: float = option("--l2", "model", 1e-4, readers.number(0, 1e300, "a finite number of at least 0", "try 1e-4"),
        "quadratic penalty, l2/2 |w|^2; never on a bias", "FLOAT")
    l1: float = option("--l1", "model", 0.0, readers.number(0, 1e300, "a finite number of at least 0", "try 0.01"),
        "absolute penalty, l1 |w|; never on a bias", "FLOAT")
    optimizer: Optimizer = option("--optimizer", "optimizer", "auto", readers.optimizer,
        "auto trains all eight; or gd, sgd, minibatch, momentum, nesterov, adagrad, rmsprop, adam and more", "NAME")
    lr: float | str = option("--lr", "optimizer", "auto", readers.either("auto", readers.number(0, 1e300, POSITIVE,
        "try --lr auto, which finds it", open_low=True)), "learning rate, or auto", "FLOAT")
    batch_size: int | str = option("--batch", "optimizer", "auto", readers.batch,
        "rows a step: a number, full or auto", "INT")
    momentum: float = option("--momentum", "optimizer", 0.9, readers.number(0, 1, SHARE, "try 0.9", open_high=True),
        "beta of momentum and nesterov", "FLOAT")
    betas: tuple[float, float] = option("--betas", "optimizer", (0.9, 0.999), readers.betas,
        "beta1,beta2 of adam and its kin", "B1,B2")
    eps: float = option("--eps", "optimizer", 1e-8, readers.number(0, 1e300, POSITIVE, "try 1e-8", open_low=True),
        "epsilon of the adaptive rules", "FLOAT")
    schedule: str = option("--schedule", "optimizer", "none", readers.schedule,
        "how lr changes: none, cosine, step, exponential, inverse_scaling, one_cycle, plateau, or auto to try some",
        "NAME")
    warmup: int = option("--warmup", "optimizer", 0, readers.whole(0, "a whole number of at least 0", "try 100"),
        "steps over which lr rises to its value", "STEPS")
    clip: float | None = option("--clip", "optimizer", None, _CLIP, "largest gradient norm", "NORM")
    clip_value: float | None = option("--clip-value", "optimizer", None, _CLIP, "largest gradient coordinate", "VALUE")
    clip_layer: float | None = option("--clip-layer", "optimizer", None, _CLIP, "largest gradient norm of a layer of a network", "NORM")
    time_budget: float | None = option("--time", "budget", 30.0, readers.either(None, readers.duration),
        "most time for training", "TIME")
    max_epochs: int | None = option("--epochs", "budget", None, readers.either(None, readers.whole(0,
        "a whole number of at least 0", "try 1000")), "most epochs; until it stops", "INT")
    patience: int = option("--patience", "budget", 10, readers.whole(1, "a whole number of at least 1", "try 10"),
        "epochs without improvement before a run is stopped", "INT")
    tol: float = option("--tol", "budget", 1e-4, readers.number(0, 1, SHARE, "try 1e-4", open_high=True),
        "how near the optimum is near enough, and how small an improvement is none", "FLOAT")
    seeds: int = option("--seeds", "budget", 3, readers.whole(1, "a whole number from 1 to 1000", "try 3", high=1000),
        "seeds over which the spread of a variant is taken", "INT")
    random_state: int = option("--seed", "budget", 0, readers.whole(0, "a whole number from 0 to 2^63 - 1", "try 0"),
        "decides split, start and order of rows", "INT")
    threads: int | None = option("--threads", "budget", None, readers.either(None, readers.whole(1,
        "a whole number of at least 1", "try 2")), "threads; all cores when not given", "INT")
    memory: int | None = option("--memory", "budget", None, readers.either(None, readers.size),
        "most memory for the table; a larger one is streamed; half of what the system allows when not given", "SIZE")
    scale: bool = option("--scale/--no-scale", "preparation", True, readers.switch, "centre and scale the columns")
    missing: str = option("--missing", "preparation", "median", readers.word("median", "drop", "error"),
        "what becomes of missing cells", "HOW")
    max_levels: int = option("--max-levels", "preparation", 50, readers.whole(2, "a whole number of at least 2",
        "try 50"), "most levels of a category", "INT")
    test: Rows = option("--test", "validation", 0.2, readers.rows,
        "test rows, a share or a file, or none; they score and decide nothing", "SHARE")
    validation: Rows = option("--val", "validation", "auto", readers.either("auto", readers.rows),
        "rows that decide when to stop: a share of the training rows, a file, none; auto: none where the optimum is known",
        "SHARE")
    cv: int | None = option("--cv", "validation", None, readers.either(None, readers.whole(2,
        "a whole number from 2 to 1000", "try 5", high=1000)),
        "folds of a cross-validation of the whole training, beside the training itself", "K")
    trees: bool = option("--trees/--no-trees", "validation", False, readers.switch,
        "train gradient boosted trees beside the model, as an outside reference on the test rows")
    rows: bool = option("--rows/--no-rows", "validation", True, readers.switch,
        "show single rows of the data: the report draws a dot for each, and lists those that are predicted worst")
    metric: str = option("--metric", "validation", "auto", readers.word("auto", "rmse", "mae", "r2", "accuracy",
        "balanced_accuracy", "auc", "logloss"),
        "what the tables show; auto is rmse, accuracy, or balanced_accuracy where classes are weighed", "NAME")
    # fmt: on

    @property
    def user_set(self) -> frozenset[str]:
        """The options whose value is not the default: what the user decided, and no search may change."""
        return frozenset(o.name for o in OPTIONS if not _same(getattr(self, o.name), o.default))

    def replace(self, **changes: Any) -> "Options":
        """Return these options with other values, which are not checked again."""
        return dataclasses.replace(self, **changes)


def _same(value: Any, default: Any) -> bool:
    """Whether a value is the default; a table or a rule is compared with no default."""
    return value is default or (type(value) is type(default) and bool(value == default))


OPTIONS: tuple[Option, ...] = tuple(
    Option(name=f.name, default=f.default, **f.metadata) for f in dataclasses.fields(Options)
)
BY_NAME = {option.name: option for option in OPTIONS}


def read_options(given: Mapping[str, Any]) -> Options:
    """Return the value of every option: what was given, checked, else the default.

    Raises UsageError for an unknown name, a value out of range, and two values that contradict each other.

    >>> read_options({"lr": "0.1"}).lr
    0.1
    """
    for name in given:
        if name not in BY_NAME:
            close = nearest(name, BY_NAME) or ["optimizer"]
            raise UsageError(f"there is no option {name!r}", fix=f"try {close[0]!r}", code="unknown-option")
    values = {o.name: o.read(o.name, given[o.name]) if o.name in given else o.default for o in OPTIONS}
    options = Options(**values)
    _check_contradictions(options)
    return options


def _check_contradictions(options: Options) -> None:
    if options.optimizer == "sgd" and options.batch_size not in ("auto", 1):
        raise UsageError(
            f"sgd takes one row a step, but batch_size is {options.batch_size!r}",
            fix="use --optimizer minibatch for that",
            code="contradiction",
        )
    if options.optimizer == "gd" and options.batch_size not in ("auto", "full"):
        raise UsageError(
            f"gd takes all rows a step, but batch_size is {options.batch_size!r}",
            fix="use --optimizer minibatch for that",
            code="contradiction",
        )
    beyond = [name for name in DEEP if getattr(options, name) != BY_NAME[name].default]
    if beyond and not options.hidden_layer_sizes:
        raise UsageError(
            f"{beyond[0]} is {getattr(options, beyond[0])!r}, but a linear model has no hidden layers",
            fix="add --hidden, such as --hidden 64,64",
            code="contradiction",
        )
    both = set(options.drop) & set(options.features)
    if both:
        raise UsageError(
            f"the column {sorted(both)[0]!r} is both in drop and in features", fix="name it once", code="contradiction"
        )
    if options.validation == 0.0 and "patience" in options.user_set:
        raise UsageError(
            "patience waits for the validation loss, but validation is none",
            fix="leave out --patience or --val none",
            code="contradiction",
        )
