"""content: what a report shows, as plain values."""

from dataclasses import dataclass
from enum import Enum

from descend.evaluation import Evaluation
from descend.evaluation.reference import Reference
from descend.evaluation.usage import Coefficient, Dependence, Importance
from descend.plots.curves import Curve
from descend.plots.layers import LayerSeries
from descend.plots.rates import RateCurve
from descend.plots.scatter import Scatter
from descend.plots.weight_paths import WeightPath


class Mark(Enum):
    """The sign before the verdict."""

    OK = "✔"  # converged, no warning, better than a constant prediction
    NEUTRAL = "●"
    FAILED = "✖"  # there is no usable model


@dataclass(frozen=True, kw_only=True)
class FindingRow:
    """A finding.

    Args:
        code, level, text: as in `diagnosis.Finding`.
        fixes: flags to type.
        proof: what each fix that was tried did, one sentence each.
        meaning: (label, text) parts of the code's documentation.
        consequences: what follows from it, one sentence each.
    """

    code: str
    level: str
    text: str
    fixes: tuple[str, ...]
    proof: tuple[str, ...] = ()
    meaning: tuple[tuple[str, str], ...] = ()
    consequences: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class VariantRow:
    """One row of the table of variants.

    Args:
        name, letter: the variant, and its letter in charts.
        lr, batch, epochs: how it was trained; lr is None where it has none.
        metric, spread: its score and the standard deviation over seeds; None where unknown.
        result: how it compares.
        best: whether its model is the one in use.
    """

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
    """One column as read: its name, kind, missing cells, and its use."""

    name: str
    kind: str
    missing: int
    used_as: str


@dataclass(frozen=True, eq=False, kw_only=True)
class ReportData:
    """A report's contents, in the order of the page.

    Args:
        mark, status, verdict: how training ended: a sign, a word and a sentence.
        numbers: four (label, value) pairs beside the verdict.
        metric: the name of the variants' metric.
        measured: whether there is a usable model that was trained here, so that test rows could be measured.
        single_rows: whether single rows of the data may be shown.
        held_out: how good it is on the test rows; None where there are none.
        curve_rows: what the held-out losses of the curves are of: "validation" or "test" rows.
        train_rows: training rows, of which an epoch takes a gradient each.
        history: the trace of the run that is kept, as CSV.
        rates: the learning rates that were tried of each variant.
        schedule: the learning rate along the run that is kept, where it changed.
        layers: what the layers of a network showed along it.
        data: (topic, text) lines of what was read and done.
        model: one sentence on the kind of model, and its size.
        coefficients: of a linear model, the largest first.
        importances: how much each column is used, the most used first.
        references: other models on the test rows, the best first.
        dependences: how the prediction follows the columns that are used most.
        reproduce: (label, text) pairs: command, Python, versions.
    """

    title: str
    data_name: str
    date: str
    version: str
    mark: Mark
    status: str
    verdict: str
    numbers: tuple[tuple[str, str], ...]
    findings: tuple[FindingRow, ...]
    variants: tuple[VariantRow, ...]
    metric: str
    measured: bool
    single_rows: bool
    held_out: Evaluation | None
    curves: tuple[Curve, ...]
    curve_rows: str
    train_rows: int
    history: str
    rates: tuple[RateCurve, ...]
    schedule: LayerSeries | None
    layers: tuple[LayerSeries, ...]
    weight_paths: tuple[WeightPath, ...]
    scatters: tuple[Scatter, ...]
    target: str
    data: tuple[tuple[str, str], ...]
    columns: tuple[ColumnRow, ...]
    model: str
    coefficients: tuple[Coefficient, ...]
    importances: tuple[Importance, ...]
    dependences: tuple[Dependence, ...]
    references: tuple[Reference, ...]
    reproduce: tuple[tuple[str, str], ...]
