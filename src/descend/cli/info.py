"""`descend info`: variants and versions; one rule; or the card of a run."""

import os
from typing import TYPE_CHECKING, Any

import click

from descend.cli.flags import Flag, Sectioned

if TYPE_CHECKING:
    from descend.plan.rule import Rule

PACKAGES = ("numpy", "scipy", "numba", "scikit-learn", "duckdb", "narwhals", "click", "rich", "msgspec", "safetensors")


@click.command("info", cls=Sectioned, short_help="Variants, defaults, versions; a rule; or a run's card.")
@click.argument("what", required=False)
@click.option("--json", "as_json", cls=Flag, is_flag=True, help="one JSON document on standard output")
def command(what: str | None, as_json: bool) -> int:
    """Without WHAT: the variants with their defaults, and versions. With a rule or variant: its formula. With a run
    folder: its card."""
    from descend.cli.output import answer, answer_json

    document, lines = _overview() if what is None else _one(what)
    answer_json(document) if as_json else answer("\n".join(lines))
    return 0


def _one(what: str) -> tuple[dict[str, Any], list[str]]:
    """A rule or variant by its name, else a run folder."""
    from descend.errors import UsageError, nearest
    from descend.plan import VARIANTS
    from descend.plan.rule import RULES

    if what in VARIANTS or what in RULES:
        return _rule(what)
    if os.path.exists(what):
        return _card(what)
    known = list(dict.fromkeys([*VARIANTS, *RULES]))
    raise UsageError(
        f"{what!r} is neither a rule, nor a variant, nor a run folder",
        fix=f"try {(nearest(what, known) or ['adam'])[0]!r}, or a folder such as runs/houses-1", code="unknown-rule",
    )  # fmt: skip


def _overview() -> tuple[dict[str, Any], list[str]]:
    from descend.plan import THE_EIGHT, VARIANTS
    from descend.plan.rule import RULES
    from descend.version import VERSION

    rows = [["", "variant", "rule", "batch", "defaults"]]
    rows += [[v.letter, v.name, v.rule, v.batch, _constants(RULES[v.rule].constants)] for v in VARIANTS.values()]
    widths = [max(len(row[c]) for row in rows) for c in range(5)]
    table = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    more = [name for name in RULES if name not in {v.rule for v in VARIANTS.values()}]
    versions = _versions()
    packages = [f"descend {VERSION}", *(f"{name} {version}" for name, version in versions.items())]
    document = {
        "schema": "descend.info/1", "status": "ok", "version": VERSION, "versions": versions,
        "variants": [{**vars(v), "constants": RULES[v.rule].constants} for v in VARIANTS.values()],
        "rules": list(RULES),
    }  # fmt: skip
    notes = [
        f"--optimizer auto trains the first {len(THE_EIGHT)}; lr is found unless it is set",
        f"rules in the form of other frameworks: {', '.join(more)}", "descend info adam shows a rule's formula",
    ]  # fmt: skip
    return document, [*table, "", *notes, "", *_wrapped(packages)]


def _wrapped(phrases: list[str]) -> list[str]:
    import textwrap

    unbroken = [w.replace(" ", "\0") for w in phrases]
    return [line.replace("\0", " ") for line in textwrap.wrap(" · ".join(unbroken), 100, break_on_hyphens=False)]


def _versions() -> dict[str, str]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "missing"
    return versions


def _constants(constants: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:g}" for name, value in constants.items())


def _rule(name: str) -> tuple[dict[str, Any], list[str]]:
    from descend.cli.conventions import CONVENTIONS
    from descend.plan import VARIANTS
    from descend.plan.rule import RULES

    variant = VARIANTS.get(name)
    rule = RULES[variant.rule if variant else name]
    batch = {"full": "all rows a step", "one": "one row a step"}.get(variant.batch if variant else "auto")
    formula, conventions = _formula(rule), CONVENTIONS.get(rule.name, ())
    memory = ", ".join(f"{n} from {v:g}" for n, v in rule.memory.items()) or "none"
    head = name if name == rule.name else f"{name}, the rule {rule.name}"
    lines = [f"{head}: {rule.summary}", ""]
    lines += [f"  {line}" for line in formula] + ["", f"defaults  {_constants(rule.constants)}", f"memory    {memory}"]
    lines += [f"batch     {batch}"] if batch else []
    lines += [
        "g is the gradient, t counts steps from 1; the first value of the last line is subtracted from the weight"
    ]
    lines += ["", "in other frameworks", *(f"  {line}" for line in conventions)] if conventions else []
    document = {
        "schema": "descend.rule/1", "status": "ok", "name": name, "rule": rule.name, "summary": rule.summary,
        "formula": formula, "constants": rule.constants, "memory": rule.memory, "conventions": list(conventions),
    }  # fmt: skip
    return document, lines


def _formula(rule: "Rule") -> list[str]:
    """The body of the rule's function, as it is in the source."""
    import ast
    import inspect
    import textwrap

    source = textwrap.dedent(inspect.getsource(rule.update))
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    return [line[4:] for line in source.rstrip().splitlines()[function.body[1].lineno - 1 :]]


def _card(folder: str) -> tuple[dict[str, Any], list[str]]:
    import shlex
    from pathlib import Path

    from descend import store
    from descend.cli.answer import METRICS
    from descend.report.numbers import number
    from descend.text import printable

    document = store.read_document(Path(folder))
    data, chosen, metrics, metric = (document[k] for k in ("data", "chosen", "metrics", "metric"))
    scores = [f"{part} {number(values.get(metric))}" for part, values in metrics.items()]
    typed = [shlex.join(document["command"])] if document["command"] else []
    if document.get("kind") == "torch":
        lr = chosen["lr"]
        subject = [f"model    {data['name']} · {data['parameters']:,} parameters"]
        constants = "lr not known" if lr is None else f"lr {lr:g}"
    else:
        digest = str(data["sha256"])[:12]
        subject = [
            f"data     {data['name']} · {data['rows']:,} rows × {data['columns']:,} columns · sha256 {digest}",
            f"target   {data['target']} · {len(data['features']):,} features",
        ]
        constants = _constants(chosen["constants"])
    maker = f"descend {document['version']} in {document['seconds']:.1f} s"
    batch = [] if chosen["batch"] is None else [f"batch {chosen['batch']}"]
    lines = [
        f"run      {folder}",
        f"verdict  {document['verdict']['status']} · {document['verdict']['text']}",
        *subject,
        f"chosen   {' · '.join([chosen['optimizer'], *batch, constants])}",
        f"{METRICS.get(metric, metric):<8} {' · '.join(scores)}".rstrip(),
        *(f"finding  {f['code']} {f['text']}" for f in document["findings"]),
        f"made by  {' · '.join([maker, *typed])}",
    ]
    return document, [printable(line) for line in lines]
