"""summary: what a run, a comparison and a search for a learning rate show of themselves."""

from collections.abc import Sequence
from typing import Protocol

from descend.arrays import Array
from descend.diagnosis.formatting import percent
from descend.report.evaluation_tables import metric_name
from descend.report.numbers import DASH, metric, number, rate
from descend.report.summary import Summary
from descend.run.report_data import ReportedRun, mark_of, numbers, variant_rows
from descend.text import counted


class ComparedVariant(Protocol):
    """One row of a comparison; `descend.run.comparison.Row` has it all."""

    @property
    def variant(self) -> str:
        """Its name."""
        ...

    @property
    def letter(self) -> str:
        """Its letter in charts."""
        ...

    @property
    def lr(self) -> float:
        """Its learning rate."""
        ...

    @property
    def batch(self) -> str:
        """Rows in each step: "full" or a number."""
        ...

    @property
    def epochs(self) -> int:
        """Epochs trained."""
        ...

    @property
    def score(self) -> float | None:
        """Mean of the metric over seeds; None when it failed."""
        ...

    @property
    def spread(self) -> float:
        """Standard deviation of the metric over seeds."""
        ...

    @property
    def gap(self) -> float | None:
        """Excess training loss over the optimum, as a part; None where unknown."""
        ...

    @property
    def result(self) -> str:
        """How it compares."""
        ...


class ComparisonResult(Protocol):
    """What a summary reads of a comparison; `descend.Comparison` has it all."""

    @property
    def rows(self) -> Sequence[ComparedVariant]:
        """The variants, best first."""
        ...

    @property
    def verdict(self) -> str:
        """One sentence."""
        ...

    @property
    def metric(self) -> str:
        """The metric of the scores."""
        ...

    @property
    def where(self) -> str:
        """The part of the data that the scores are of: "test" or "train"."""
        ...

    @property
    def run(self) -> ReportedRun:
        """The run that it is made of."""
        ...


class SweptVariant(Protocol):
    """One variant at many learning rates; `descend.run.lr_sweep.Sweep` has it all."""

    @property
    def variant(self) -> str:
        """Its name."""
        ...

    @property
    def letter(self) -> str:
        """Its letter in charts."""
        ...

    @property
    def lr(self) -> float | None:
        """The learning rate with the lowest loss; None when none lowered the loss."""
        ...

    @property
    def limit(self) -> float | None:
        """The stability limit, where it is known."""
        ...

    @property
    def rates(self) -> Array:
        """The learning rates that were tried, increasing (rates,)."""
        ...

    @property
    def losses(self) -> Array:
        """Loss after the budget at each rate (rates,)."""
        ...

    @property
    def band(self) -> tuple[float, float] | None:
        """The usable learning rates."""
        ...

    @property
    def reason(self) -> str:
        """One sentence."""
        ...


class RateResult(Protocol):
    """What a summary reads of a search for a learning rate; `descend.LRResult` has it all."""

    @property
    def lr(self) -> float | None:
        """The suggestion."""
        ...

    @property
    def reason(self) -> str:
        """Why, in one sentence."""
        ...

    @property
    def sweeps(self) -> Sequence[SweptVariant]:
        """The variants, best first."""
        ...

    @property
    def epochs(self) -> int:
        """The budget."""
        ...

    @property
    def start(self) -> float:
        """The loss before the first step."""
        ...

    @property
    def rows(self) -> int:
        """Rows that it was spent on."""
        ...


def run_summary(run: ReportedRun) -> Summary:
    """Return what a run shows of itself: verdict, variants, metrics and findings."""
    return Summary(
        title=f"Run: {run.model.target} from {run.data['name']}",
        verdict=f"{mark_of(run).value} {run.verdict.text}",
        header=("", "variant", "lr", "batch", "epochs", metric_name(run.metric), "result"),
        rows=tuple(
            (v.letter, v.name, rate(v.lr), v.batch, f"{v.epochs:,}", metric(v), v.result) for v in variant_rows(run)
        ),
        right=(2, 3, 4, 5),
        facts=numbers(run),
        findings=tuple(f"{f.code} {f.level}: {f.text}" for f in run.findings if not f.cause),
        more="" if run.failed else ".predict(data)  .evaluate(data)  .plot()  .report()  .save(folder)",
    )


def comparison_summary(comparison: ComparisonResult) -> Summary:
    """Return what a comparison shows of itself: a row for each variant, and the verdict."""
    return Summary(
        title=f"Comparison: {comparison.run.model.target} from {comparison.run.data['name']}",
        verdict=comparison.verdict,
        header=("", "variant", "lr", "batch", "epochs", f"{comparison.where} {comparison.metric}", "gap", "result"),
        rows=tuple(_compared(row) for row in comparison.rows),
        right=(2, 3, 4, 5, 6),
        more=".rows  .run  .plot()",
    )


def _compared(row: ComparedVariant) -> tuple[str, ...]:
    score = number(row.score) + (f" ± {row.spread:.2g}" if row.spread else "")
    gap = DASH if row.gap is None else percent(row.gap)
    return row.letter, row.variant, rate(row.lr), row.batch, f"{row.epochs:,}", score, gap, row.result


def lr_summary(result: RateResult) -> Summary:
    """Return what a search for a learning rate shows of itself: the suggestion, and each variant's usable rates."""
    return Summary(
        title=f"Learning rates: loss after {counted(result.epochs, 'epoch')} of {result.rows:,} rows",
        verdict=f"lr {rate(result.lr)}: {result.reason}"
        if result.lr is not None
        else f"no suggestion: {result.reason}",
        header=("", "variant", "lr", "stable below", "loss", "usable rates"),
        rows=tuple(_swept(sweep) for sweep in result.sweeps),
        right=(2, 3, 4),
        more=".lr  .band  .curve  .plot()",
    )


def _swept(sweep: SweptVariant) -> tuple[str, ...]:
    band = sweep.reason if sweep.band is None else f"{sweep.band[0]:.2g} – {sweep.band[1]:.2g}"
    loss = number(float(sweep.losses.min())) if len(sweep.losses) else DASH
    return sweep.letter, sweep.variant, rate(sweep.lr), rate(sweep.limit), loss, band
