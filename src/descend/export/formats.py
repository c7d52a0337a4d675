"""formats: which formats there are, and what each of them needs."""

import importlib
from collections.abc import Mapping
from typing import Any

from descend.errors import UsageError, nearest
from descend.export.exportable import Exportable

SUFFIXES = {"onnx": ".onnx", "torch": ".pt2", "sklearn": ".skops", "json": ".json", "sql": ".sql"}
TRACKERS = ("mlflow", "tensorboard")  # which take the record of a run, not its model


def check_format(to: str, query: Mapping[str, Any]) -> None:
    """Raise UsageError for a format that there is not, or for names of a query in a format that is none.

    Args:
        query: the table and the columns carried along, where they were given.
    """
    if to not in (*SUFFIXES, *TRACKERS):
        raise UsageError(
            f"there is no format {to!r}; there are {', '.join((*SUFFIXES, *TRACKERS))}",
            fix=f"try {(nearest(to, (*SUFFIXES, *TRACKERS)) or ['json'])[0]!r}", code="unknown-format",
        )  # fmt: skip
    if query and to != "sql":
        raise UsageError(
            f"a table or columns of a query were named, and {to} is no query", fix="leave them out", code="contradiction"
        )  # fmt: skip


def rendered(model: Exportable, to: str, query: Mapping[str, Any]) -> bytes:
    """Return the bytes of a file; `check_format` says what is allowed.

    Raises UsageError where the format needs a package that is not installed, or has no such model.
    """
    data: bytes = importlib.import_module(f"descend.export.{to}").render(model, **query)
    return data


def optional(package: str, extra: str) -> Any:
    """Return an optional package; raises UsageError where it is not installed.

    Args:
        package: as it is imported.
        extra: of descend, which installs it.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise UsageError(
            f"{package.partition('.')[0]} is not installed",
            fix=f"pip install 'descend[{extra}]'",
            code="missing-package",
        ) from error
