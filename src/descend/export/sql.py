"""sql: a model as one SELECT over a table of its columns, for DuckDB, and in words that most databases know."""

from collections.abc import Iterator, Sequence

from descend.activations import activation
from descend.errors import UsageError
from descend.export.exportable import Dense, Exportable, InputColumn, Label, Link
from descend.export.expression import Expression, Op, written
from descend.losses import sigmoid
from descend.ops import exp
from descend.table.reading import Kind
from descend.table.texts import identifier, quoted
from descend.text import printable, unused
from descend.version import VERSION

LARGEST = 1.7976931348623157e308  # float64: NaN and infinity are not at most that, in any database
LOWEST = -700.0  # e to the power of less is 0 as far as predictions go, and an error in some databases
TERMS = 100  # of a sum in parentheses: DuckDB allows expressions of depth 1,000, and a sum is as deep as it is long
HOLDS = {
    Kind.NUMBER: "numbers", Kind.BOOLEAN: "BOOLEAN", Kind.DATE: "DATE or TIMESTAMP in UTC", Kind.CATEGORY: "VARCHAR",
}  # fmt: skip
WORDS = {
    Op.ADD: "({0} + {1})", Op.SUB: "({0} - {1})", Op.MUL: "({0} * {1})", Op.DIV: "({0} / {1})", Op.NEG: "(-{0})",
    Op.ABS: "ABS({0})", Op.EXP: f"CASE WHEN {{0}} < ({LOWEST!r}e0) THEN 0e0 ELSE EXP({{0}}) END", Op.LN: "LN({0})",
    Op.TANH: "TANH({0})", Op.MAX: "CASE WHEN {0} > {1} THEN {0} ELSE {1} END", Op.GREATER: "{0} > {1}",
    Op.AT_LEAST: "{0} >= {1}", Op.WHERE: "CASE WHEN {0} THEN {1} ELSE {2} END",
}  # fmt: skip

Columns = dict[str, str]  # expressions by the name that each gets


def render(model: Exportable, table: str = "data", ids: Sequence[str] = ()) -> bytes:
    """Return the query as UTF-8: a column `prediction`, and a column p_CLASS for each probability.

    Args:
        table: that is read; after a point the name in a schema.
        ids: columns of it that are carried along.

    Raises UsageError for a table without a name.
    """
    carried = {f"id{k}": name for k, name in enumerate(dict.fromkeys(ids), 1)}
    steps = [("cells", _cells(model)), ("features", _features(model))]
    for number, layer in enumerate(model.layers[:-1], 1):
        steps += _hidden(layer, number, list(steps[-1][1]))
    steps += _scores(model, list(steps[-1][1]))
    source, *before = _table(table), *(f"descend_{name}" for name, _ in steps)
    parts = [
        _select({i: f"t.{identifier(n)}" if k == 0 else i for i, n in carried.items()} | columns, read)
        for k, ((_, columns), read) in enumerate(zip(steps, (f"{source} AS t", *before), strict=False))
    ]
    kept = "" if len(model.layers) == 1 else "MATERIALIZED "  # else SQLite and PostgreSQL write one step into the next
    named = ",\n".join(f"descend_{name} AS {kept}(\n{part}\n)" for (name, _), part in zip(steps, parts, strict=True))
    results = {identifier(n): i for i, n in carried.items()}
    results |= {identifier(unused(n, ids)): value for n, value in _results(model).items()}
    return f"{_header(model, source)}WITH\n{named}\n{_select(results, before[-1])};\n".encode()


def _header(model: Exportable, source: str) -> str:
    lines = [
        f"Predicts {identifier(model.target)} of each row of {source}; written by descend {VERSION}.",
        "It reads these columns, in which NULL is a missing cell:",
        *(f"  {identifier(c.name)}: {HOLDS[c.kind]}" for c in model.columns),
    ]
    return "".join(f"-- {printable(line)}\n" for line in lines)


def _select(columns: Columns, source: str) -> str:
    lines = ",\n".join(f"  {value}" if value == name else f"  {value} AS {name}" for name, value in columns.items())
    return f"SELECT\n{lines}\nFROM {source}"


def _cells(model: Exportable) -> Columns:
    """The cells of each column as numbers or text, NULL where they are missing."""
    return {f"c{k}": _cell(column) for k, column in enumerate(model.columns, 1)}


def _cell(column: InputColumn) -> str:
    cell = f"t.{identifier(column.name)}"
    if column.kind == Kind.DATE:
        return f"EXTRACT(EPOCH FROM {cell}) / 86400e0"
    if column.kind == Kind.BOOLEAN:
        return f"CASE WHEN {cell} THEN 1e0 WHEN NOT {cell} THEN 0e0 END"
    absent = ", ".join(map(_literal, column.null))
    if column.kind == Kind.CATEGORY:
        text = f"CAST({cell} AS VARCHAR)"
        text = f"TRIM({text})" if column.trimmed else text
        return f"CASE WHEN {text} IN ({absent}) THEN NULL ELSE {text} END"
    value = f"CAST({cell} AS DOUBLE PRECISION)"
    present = f"ABS({value}) <= {_number(LARGEST)}" + (f" AND {value} NOT IN ({absent})" if absent else "")
    return f"CASE WHEN {present} THEN {value} END"


def _features(model: Exportable) -> Columns:
    """The features, centred and scaled."""
    scales = zip(model.center.tolist(), model.width.tolist(), strict=True)
    made: list[str] = []
    for k, column in enumerate(model.columns, 1):
        if column.kind != Kind.CATEGORY:
            center, width = next(scales)
            made.append(f"(COALESCE(c{k}, {_number(column.median)}) - {_number(center)}) / {_number(width)}")
        for condition in _conditions(column, f"c{k}"):
            center, width = next(scales)
            one, zero = _number((1 - center) / width), _number(-center / width)
            made.append(f"CASE WHEN {condition} THEN {one} ELSE {zero} END")
    return {f"x{k}": value for k, value in enumerate(made, 1)}


def _conditions(column: InputColumn, c: str) -> Iterator[str]:
    """When each feature that is 0 or 1 is 1."""
    if column.flag:
        yield f"{c} IS NULL"
    for k, level in enumerate(column.levels):
        if k == column.other:
            known = ", ".join(_literal(other) for other in column.levels if other != level)
            yield f"{c} NOT IN ({known})" if known else f"{c} IS NOT NULL"
        else:
            yield f"{c} = {_literal(level)}" + (f" OR {c} IS NULL" if k == column.missing else "")


def _hidden(layer: Dense, number: int, inputs: list[str]) -> list[tuple[str, Columns]]:
    """The steps of a hidden layer: sums of products, then the activation, and the inputs where they are added."""
    z = {f"z{number}_{k}": total for k, total in enumerate(_sums(layer, inputs), 1)}
    h = {}
    for k, name in enumerate(z):
        value = written(activation(layer.activation).evaluate(Expression(name))[0], WORDS, _leaf)
        h[f"h{number}_{k + 1}"] = f"{value} + {inputs[k]}" if layer.residual else value
    kept = {name: name for name in inputs} if layer.residual else {}
    return [(f"sums{number}", z | kept), (f"layer{number}", h)]


def _sums(layer: Dense, inputs: list[str]) -> Iterator[str]:
    for column, b in zip(layer.W.T.tolist(), layer.b.tolist(), strict=True):
        terms = [_number(b), *(f"{_number(w)} * {name}" for w, name in zip(column, inputs, strict=True) if w != 0)]
        while len(terms) > TERMS:
            terms = [f"({' + '.join(terms[k : k + TERMS])})" for k in range(0, len(terms), TERMS)]
        yield " + ".join(terms)


def _scores(model: Exportable, inputs: list[str]) -> list[tuple[str, Columns]]:
    """The steps of the last layer and of what its link needs before the results."""
    z = {f"z{k}": total for k, total in enumerate(_sums(model.layers[-1], inputs), 1)}
    steps = [("scores", z)]
    kept = {name: name for name in z}
    if model.link == Link.SIGMOID:
        steps.append(("probabilities", kept | {"p": written(sigmoid(Expression("z1")), WORDS, _leaf)}))
    if model.link == Link.SOFTMAX:
        grown = {f"e{k}": written(exp(Expression(f"{name} - top")), WORDS, _leaf) for k, name in enumerate(z, 1)}
        steps += [("largest", kept | {"top": _first_largest(list(z), list(z))}), ("exponentials", kept | grown)]
    return steps


def _results(model: Exportable) -> Columns:
    """The prediction, and the probability of each class."""
    if model.link in (Link.IDENTITY, Link.EXP):
        value = written(exp(Expression("z1")), WORDS, _leaf) if model.link == Link.EXP else "z1"
        return {"prediction": value}
    labels = [_literal(label) for label in model.labels]
    if model.link == Link.SOFTMAX:
        count = range(1, len(labels) + 1)
        shares = [f"e{k} / ({' + '.join(f'e{j}' for j in count)})" for k in count]
        return {"prediction": _first_largest([f"z{k}" for k in count], labels)} | _by_class(model, shares)
    value = f"CASE WHEN z1 > {_number(model.cut)} THEN {labels[1]} ELSE {labels[0]} END"
    return {"prediction": value} | (_by_class(model, ["1e0 - p", "p"]) if model.has_probabilities else {})


def _by_class(model: Exportable, shares: Sequence[str]) -> Columns:
    return {f"p_{name}": share for name, share in zip(model.classes, shares, strict=True)}


def _first_largest(scores: list[str], values: list[str]) -> str:
    """The value that belongs to the largest score, the first of equal ones."""
    cases = (
        f"WHEN {' AND '.join(f'{score} >= {other}' for other in scores[k + 1 :])} THEN {value}"
        for k, (score, value) in enumerate(zip(scores[:-1], values, strict=False))
    )
    return f"CASE {' '.join(cases)} ELSE {values[-1]} END"


def _table(name: str) -> str:
    parts = name.split(".")
    if not all(parts):
        raise UsageError(
            f"--table is {name!r}, it must be the name of a table", fix="try --table data", code="bad-table"
        )
    return ".".join(map(identifier, parts))


def _literal(value: Label) -> str:
    if isinstance(value, str):
        return quoted(value)
    return str(value).upper() if isinstance(value, (bool, int)) else _number(value)


def _number(value: float) -> str:
    """A number that every database takes as float64, in parentheses where it is below 0, since -- begins a comment."""
    text = repr(float(value))
    text = text if "e" in text else f"{text}e0"
    return f"({text})" if text.startswith("-") else text


def _leaf(value: float | str) -> str:
    return value if isinstance(value, str) else _number(value)
