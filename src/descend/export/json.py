"""json: a model as one JSON document of plain numbers, from which any language predicts; `docs/export.md` says how."""

import json
from typing import Any

from descend.export.exportable import Dense, Exportable, InputColumn
from descend.table.reading import Kind
from descend.version import VERSION

SCHEMA = "descend.export/1"


def render(model: Exportable) -> bytes:
    """Return the document as ASCII, one key of it a line."""
    lines = (f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in document(model).items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def document(model: Exportable) -> dict[str, Any]:
    """Return everything that a prediction needs."""
    return {
        "schema": SCHEMA, "version": VERSION, "target": model.target, "loss": model.loss,
        "columns": [_column(c) for c in model.columns], "features": list(model.features),
        "center": model.center.tolist(), "width": model.width.tolist(), "layers": [_layer(d) for d in model.layers],
        "link": model.link.value, "classes": list(model.labels), "threshold": model.threshold, "cut": model.cut,
    }  # fmt: skip


def _column(column: InputColumn) -> dict[str, Any]:
    known = {"name": column.name, "kind": column.kind.value, "null": list(column.null)}
    if column.kind == Kind.CATEGORY:
        return known | {
            "trimmed": column.trimmed, "levels": list(column.levels), "other": column.other, "missing": column.missing,
        }  # fmt: skip
    return known | {"median": column.median, "flag": column.flag}


def _layer(layer: Dense) -> dict[str, Any]:
    return {
        "W": layer.W.tolist(), "b": layer.b.tolist(), "activation": layer.activation, "residual": layer.residual,
    }  # fmt: skip
