"""strict: JSON as descend writes it; everything else is an error."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from descend.errors import ModelError


def parse(data: bytes, source: str, part: str) -> dict[str, Any]:
    """Return a JSON object; raises ModelError for anything else, duplicate keys, NaN, and too deep nesting.

    Args:
        data: UTF-8.
        source, part: the file and the part of it, for errors.
    """
    try:
        document = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_refused, parse_float=_finite)
    except RecursionError as error:
        raise damaged(source, f"{part} is nested too deeply") from error
    except ValueError as error:
        raise damaged(source, f"{part} is no valid JSON ({str(error)[:80]})") from error
    if not isinstance(document, dict):
        raise damaged(source, f"{part} is no JSON object")
    return document


def check_schema(document: Mapping[str, Any], schema: str, source: str) -> None:
    """Raise ModelError unless the document's schema is `schema`, such as "descend.run/1", or an older one."""
    kind, newest = schema.split("/")
    match = re.fullmatch(rf"{re.escape(kind)}/([1-9]\d{{0,8}})", str(document.get("schema")), re.ASCII)
    if match is None:
        raise ModelError(f"{source} was not written by descend", fix="name a run that train wrote", code="not-a-run")
    if int(match[1]) > int(newest):
        raise ModelError(
            f"{source} was written by a newer descend ({match[0]}, this one reads {schema})",
            fix="upgrade descend", code="newer-run",
        )  # fmt: skip


def damaged(source: str, why: str) -> ModelError:
    """Return the error for a file whose bytes have changed."""
    return ModelError(f"{source} is damaged: {why}", fix="copy it again, or train again", code="damaged-run")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key is there twice")
    return document


def _refused(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:40]} is beyond the range of numbers")
    return value
