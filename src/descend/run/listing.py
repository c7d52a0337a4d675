"""listing: the runs of a folder, a card each."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import overload

from descend import store
from descend.errors import ModelError, UsageError, nearest
from descend.metrics import best_first
from descend.options.flags import in_keywords
from descend.report.numbers import number
from descend.report.summary import Summary, html, text
from descend.run.config import incomplete
from descend.run.document import metrics_of, number_of
from descend.store.reading import DOCUMENT
from descend.text import counted

HEADER = ("run", "made", "data", "target", "optimizer", "lr", "score", "status", "findings")


@dataclass(frozen=True, kw_only=True)
class RunCard:
    """One run of a folder, in short.

    Args:
        folder: where it is.
        made: when its run.json was written, in local time.
        data, target: the name of the data, and the column that is predicted.
        status: how training ended, a word.
        optimizer, lr: what was chosen.
        metric, part: the metric that its tables show, and the rows that it is of: "test" or "train".
        metrics: of that part; none of a training that failed.
        findings: their codes, the most severe first.
        seconds: of the whole job.
        version: of descend.
    """

    folder: str
    made: datetime
    data: str
    target: str
    status: str
    optimizer: str
    lr: float
    metric: str
    part: str
    metrics: Mapping[str, float]
    findings: tuple[str, ...]
    seconds: float
    version: str

    @property
    def score(self) -> float | None:
        """Its metric; None of a training that failed."""
        return self.metrics.get(self.metric)

    def cells(self) -> tuple[str, ...]:
        """Return the card as a row below `HEADER`."""
        return (
            self.folder, f"{self.made:%Y-%m-%d %H:%M}", self.data, self.target, self.optimizer, f"{self.lr:.3g}",
            f"{self.part} {self.metric} {number(self.score)}", self.status, " ".join(self.findings),
        )  # fmt: skip


@dataclass(frozen=True, repr=False)
class RunList(Sequence[RunCard]):
    """The runs of a folder: a sequence of cards.

    Args:
        folder: of the runs.
        cards: the newest first, or the best first.
        damaged: what is wrong with folders that look like runs and cannot be read, a sentence each.
    """

    folder: str
    cards: tuple[RunCard, ...]
    damaged: tuple[str, ...] = ()

    @overload
    def __getitem__(self, index: int) -> RunCard: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[RunCard, ...]: ...

    def __getitem__(self, index: int | slice) -> RunCard | tuple[RunCard, ...]:
        return self.cards[index]

    def __iter__(self) -> Iterator[RunCard]:
        return iter(self.cards)

    def __len__(self) -> int:
        return len(self.cards)

    def __repr__(self) -> str:
        return text(self._summary())

    def _repr_html_(self) -> str:
        return html(self._summary())

    def _summary(self) -> Summary:
        return Summary(
            title=f"Runs in {self.folder}", verdict=counted(len(self.cards), "run"), header=HEADER,
            rows=tuple(card.cells() for card in self.cards), right=(5,), findings=self.damaged,
        )  # fmt: skip


@in_keywords()
def runs(folder: str | os.PathLike[str] = "runs", *, sort: str | None = None) -> RunList:
    """Return the runs that are in a folder, the newest first, or the best first by a metric.

    Args:
        folder: holds run folders; what is no run folder is passed over.
        sort: a metric such as "rmse"; runs that do not have it come last, the newest first.

    Raises ModelError when there is no such folder, and UsageError for a metric that none of the runs has.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ModelError(
            f"there is no folder {str(root)!r}", fix="name the folder that holds the runs, or train one first",
            code="no-such-folder",
        )  # fmt: skip
    cards, damaged = [], []
    for place in sorted(root.iterdir()):
        if not (place / DOCUMENT).is_file():
            continue
        try:
            cards.append(_card(place))
        except ModelError as error:
            damaged.append(error.what)
    cards.sort(key=lambda card: card.made, reverse=True)
    return RunList(str(root), tuple(cards if sort is None else _by_metric(cards, sort)), tuple(damaged))


def _card(folder: Path) -> RunCard:
    document = store.read_document(folder)
    try:
        metrics = metrics_of(document)
        part = "test" if "test" in metrics else "train"
        return RunCard(
            folder=str(folder), made=datetime.fromtimestamp((folder / DOCUMENT).stat().st_mtime),
            data=document["data"]["name"], target=document["data"]["target"], status=document["verdict"]["status"],
            optimizer=document["chosen"]["optimizer"], lr=number_of(document["chosen"]["lr"]),
            metric=document["metric"], part=part, metrics={} if document["status"] == "failed" else _finite(metrics.get(part, {})),
            findings=tuple(f["code"] for f in document["findings"]), seconds=number_of(document["seconds"]),
            version=document["version"],
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise incomplete(folder, error) from error


def _finite(metrics: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if value is not None}


def _by_metric(cards: list[RunCard], metric: str) -> list[RunCard]:
    known = sorted({name for card in cards for name in card.metrics})
    if metric not in known:
        close = nearest(metric, known) or known[:1]
        raise UsageError(
            f"the runs have no metric {metric!r}" + (f"; they have {', '.join(known)}" if known else ""),
            fix=f"sort by {close[0]}" if close else "train a run first", code="bad-metric",
        )  # fmt: skip
    return sorted(cards, key=lambda card: best_first(metric, card.metrics.get(metric, math.nan)))
