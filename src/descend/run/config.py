"""config: the options of a run folder, as they were; folders of older versions are read too."""

import os
from collections.abc import Mapping
from typing import Any

from descend.errors import ModelError
from descend.options import OPTIONS, Options


def options_of(document: Mapping[str, Any]) -> Options:
    """Return the options of a run as they were; what they ask for was checked when it was typed, and is not again.

    In `descend.run/1` the option `validation` meant the test rows, and training rows were set aside by themselves.
    """
    config = {k: v for k, v in document["config"].items() if v is not None}
    if is_first_schema(document):
        config["test"] = config.pop("validation", 0.2)
    return Options(**{o.name: o.read(o.name, config[o.name]) for o in OPTIONS if o.name in config})


def is_first_schema(document: Mapping[str, Any]) -> bool:
    """Tell whether run.json is of `descend.run/1`."""
    return bool(document["schema"] == "descend.run/1")


def incomplete(folder: str | os.PathLike[str], error: Exception) -> ModelError:
    """Return the error for a run folder whose document lacks something."""
    return ModelError(
        f"the run folder {os.fspath(folder)!r} is incomplete: {type(error).__name__} {error}",
        fix="train again",
        code="damaged-run",
    )
