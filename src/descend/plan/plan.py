"""Plan: the runs that are trained side by side; a single training is a plan of one run."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from descend.arrays import Array
from descend.errors import UsageError, nearest
from descend.plan.order import Shuffle
from descend.plan.rule import Rule, rule

FULL = 0  # a batch size of 0 means all rows


@dataclass(frozen=True)
class Variant:
    """A name that users type: an update rule with a batch size.

    Args:
        name: as typed after --optimizer.
        rule: the rule's name.
        batch: "full", "one" or "auto".
        letter: stands for the variant where there is no colour.
    """

    name: str
    rule: str
    batch: str
    letter: str


VARIANTS = {
    v.name: v
    for v in (
        Variant("gd", "sgd", "full", "G"),
        Variant("sgd", "sgd", "one", "S"),
        Variant("minibatch", "sgd", "auto", "M"),
        Variant("momentum", "momentum", "auto", "H"),
        Variant("nesterov", "nesterov", "auto", "N"),
        Variant("adagrad", "adagrad", "auto", "A"),
        Variant("rmsprop", "rmsprop", "auto", "R"),
        Variant("adam", "adam", "auto", "D"),
        Variant("adamw", "adamw", "auto", "W"),
        Variant("amsgrad", "amsgrad", "auto", "X"),
        Variant("nadam", "nadam", "auto", "Z"),
        Variant("adadelta", "adadelta", "auto", "L"),
        Variant("lion", "lion", "auto", "O"),
    )
}
THE_EIGHT = tuple(VARIANTS)[:8]


def variant(name: str) -> Variant:
    """Return the variant of that name; a rule's own name serves too; raises UsageError for an unknown one."""
    if name in VARIANTS:
        return VARIANTS[name]
    known = [*VARIANTS, "momentum_keras", "adagrad_keras", "rmsprop_keras", "adam_keras"]
    if name in known:
        return Variant(name, name, "auto", "K")
    raise UsageError(
        f"there is no optimizer {name!r}, there are {', '.join(known)}",
        fix=f"try {' or '.join(map(repr, nearest(name, known) or ['auto']))}",
        code="unknown-optimizer",
    )


def letter(label: str) -> str:
    """Return the letter of a variant, or the first of another label.

    >>> letter("momentum"), letter("mine")
    ('H', 'M')
    """
    return VARIANTS[label].letter if label in VARIANTS else label[:1].upper()


@dataclass(frozen=True, eq=False, kw_only=True)
class Setting:
    """How one run is trained.

    Args:
        rule: the update rule.
        constants: every constant of the rule, `lr` among them.
        batch_size: rows a step; FULL (0) for all of them.
        seed: decides the order of the rows, and the start where it is random.
        factors: multiplies lr at step 1, 2, ... (steps,); its last value holds beyond its end.
        clip: the largest gradient norm; infinity for none.
        clip_value: the largest gradient coordinate; infinity for none.
        clip_layer: the largest gradient norm of a layer of a network; infinity for none.
        schedule: the name of what `factors` follow; "plateau" lowers lr where the loss stops improving, see `fit`.
        init: where the weights of a network start, see `initialise.initial`.
        label: the name shown to people, such as "gd".
    """

    rule: Rule
    constants: dict[str, float]
    batch_size: int = FULL
    seed: int = 0
    factors: Array = field(default_factory=lambda: np.ones(1))
    clip: float = np.inf
    clip_value: float = np.inf
    clip_layer: float = np.inf
    schedule: str = "none"
    init: str = "auto"
    label: str = ""

    @property
    def lr(self) -> float:
        """The learning rate before any schedule."""
        return self.constants["lr"]

    @property
    def batch(self) -> str:
        """The batch size as people read it: "full" or a number."""
        return "full" if self.batch_size == FULL else str(self.batch_size)

    def at(self, **constants: float) -> "Setting":
        """Return this setting with other constants, such as lr."""
        return replace(self, constants={**self.constants, **{k: float(v) for k, v in constants.items()}})

    def reseeded(self, seeds: int) -> list["Setting"]:
        """Return this setting with each of the seeds that follow its own, so that there are so many of them in all."""
        return [replace(self, seed=self.seed + k) for k in range(1, seeds)]

    def rows_a_step(self, rows: int) -> int:
        """Return the batch size on data of so many rows."""
        return rows if self.batch_size == FULL else min(self.batch_size, rows)

    def epochs_of_schedule(self, rows: int) -> int:
        """Return the epochs after which the schedule leaves the rate as it is, on data of so many rows; 0 for none."""
        changing = np.flatnonzero(self.factors != self.factors[-1])
        steps = int(changing[-1]) + 1 if len(changing) else 0
        return -(-steps // -(-rows // self.rows_a_step(rows)))


@dataclass(frozen=True, eq=False)
class Plan:
    """The runs, in order.

    Args:
        settings: one a run.
        start: initial weights (runs, params) or (params,); when None zeros, or for a network those of `init` and seed.
        shuffle: in which order epochs visit the rows, see `order.epoch_order`.
    """

    settings: tuple[Setting, ...]
    start: Array | None = None
    shuffle: Shuffle = "auto"

    def __len__(self) -> int:
        return len(self.settings)

    @cached_property
    def alike(self) -> tuple[tuple[int, ...], ...]:
        """For each run the runs whose settings differ from its own by their seed at most, itself among them."""
        keys = [(s.label, tuple(s.constants.items()), s.batch_size, s.schedule) for s in self.settings]
        runs: dict[Hashable, tuple[int, ...]] = {}
        for r, key in enumerate(keys):
            runs[key] = (*runs.get(key, ()), r)
        return tuple(runs[key] for key in keys)

    def take(self, runs: Iterable[int]) -> "Plan":
        """Return a plan of these runs alone."""
        runs = list(runs)
        start = self.start if self.start is None or self.start.ndim == 1 else self.start[runs]
        return replace(self, settings=tuple(self.settings[r] for r in runs), start=start)

    def beside(self, other: "Plan") -> "Plan":
        """Return a plan of the runs of both, in this order; both start alike."""
        return replace(self, settings=self.settings + other.settings)


def setting(
    optimizer: object, *, lr: float, batch_size: int = FULL, seed: int = 0, label: str = "", **constants: float
) -> Setting:
    """Return a setting for a rule given by name or as a function, with defaults for what is not given.

    >>> setting("adam", lr=0.1).constants["beta2"]
    0.999
    """
    read = rule(optimizer)  # type: ignore[arg-type]
    return Setting(
        rule=read,
        constants=read.with_constants(lr=lr, **constants),
        batch_size=batch_size,
        seed=seed,
        label=label or read.name,
    )
