"""export: the model of a run as a file of another format."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from descend.errors import ModelError
from descend.export.exportable import Exportable, dense_layers, input_columns, link_of
from descend.export.formats import check_format, rendered
from descend.run.model import Model
from descend.store import atomic_write, check_file


def exportable(model: Model, null: Sequence[str] = ()) -> Exportable:
    """Return a model as every format writes it.

    Args:
        null: words that mean missing besides the usual ones, as the run was told.
    """
    layers = dense_layers(model.network, model.weights, len(model.b), model.scale)
    return Exportable(
        target=model.target, loss=model.loss.name, columns=input_columns(model.schema, null),
        features=model.schema.names, center=model.scale.center, width=model.scale.width, layers=layers,
        link=link_of(model.loss, len(layers[-1].b)),
        labels=tuple(model.labels.tolist()) if len(model.labels) else model.classes, classes=model.classes,
        threshold=model.threshold, cut=model.cut,
    )  # fmt: skip


def write_export(
    model: Model, path: Path, to: str, *, null: Sequence[str] = (), query: dict[str, Any] | None = None,
    source: Path | None = None, force: bool = False,
) -> None:  # fmt: skip
    """Write a model as a file of another format, whole or not at all.

    Args:
        null: words that mean missing besides the usual ones.
        query: of SQL: `table` and `ids`, where they are not the usual ones.
        source: the file that the model was read from, which is never replaced.
        force: whether another file of that name is replaced.

    Raises UsageError for a format that there is not, that needs a package, or that has no such model, OutputError where
    the file cannot be written, and ModelError for a model whose weights are not finite.
    """
    if not np.isfinite(model.weights).all():
        raise ModelError(
            "the weights of the model are not finite: its training failed", fix="train again with a smaller --lr",
            code="non-finite-model",
        )  # fmt: skip
    check_format(to, query or {})
    check_file(str(path), str(source or ""), force)
    atomic_write(path, rendered(exportable(model, null), to, query or {}))
