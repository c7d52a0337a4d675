"""onnx: a model as an ONNX graph: one input a column, the outputs `prediction` and `probabilities`."""

from typing import Any

import numpy as np

from descend.activations import activation
from descend.arrays import Array
from descend.export.exportable import Dense, Exportable, InputColumn, Label, Link
from descend.export.expression import Expression, Op, folded
from descend.export.formats import optional
from descend.losses import sigmoid
from descend.ops import exp
from descend.table.reading import Kind
from descend.text import unused
from descend.version import VERSION

IR, OPSET, ML_OPSET = 8, 17, 3  # of 2022: every onnxruntime since 1.14 reads them
ROWS = "rows"
HOLDS = {
    Kind.NUMBER: "float64, NaN where missing",
    Kind.BOOLEAN: "float64, 1 or 0, NaN where missing",
    Kind.DATE: "float64, days since 1970-01-01 in UTC, NaN where missing",
    Kind.CATEGORY: "text without blanks around it, empty where missing",
}
NODES = {
    Op.ADD: "Add", Op.SUB: "Sub", Op.MUL: "Mul", Op.DIV: "Div", Op.NEG: "Neg", Op.ABS: "Abs", Op.EXP: "Exp", Op.LN: "Log",
    Op.TANH: "Tanh", Op.MAX: "Max", Op.GREATER: "Greater", Op.AT_LEAST: "GreaterOrEqual", Op.WHERE: "Where",
}  # fmt: skip


def render(model: Exportable) -> bytes:
    """Return the bytes of an ONNX file; raises UsageError where the package onnx is missing.

    All is computed in float64, as descend does. Where a runtime has an operator in float32 alone, such as the error function,
    the graph has its formula instead.
    """
    onnx = optional("onnx", "onnx")
    graph, helper = _Graph(onnx, model.names), onnx.helper
    h = graph.add("Concat", *(part for column in model.columns for part in _features(graph, column)), axis=1)
    h = graph.add("Div", graph.add("Sub", h, graph.constant(model.center)), graph.constant(model.width))
    for layer in model.layers:
        h = _layer(graph, layer, h)
    outputs = [
        helper.make_tensor_value_info(graph.rename(name, unused(result, model.names)), kind, [ROWS, *shape])
        for result, (name, kind, shape) in _results(graph, model, h).items()
    ]
    made = helper.make_model(
        helper.make_graph(graph.nodes, "descend", graph.inputs(model), outputs, graph.constants),
        producer_name="descend", producer_version=VERSION, ir_version=IR,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
    )  # fmt: skip
    onnx.checker.check_model(made, full_check=True)
    data: bytes = made.SerializeToString()
    return data


class _Graph:
    """Nodes and constants, each of a name that no column has."""

    def __init__(self, onnx: Any, taken: tuple[str, ...]) -> None:
        self.onnx, self.taken = onnx, taken
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def inputs(self, model: Exportable) -> list[Any]:
        """An input for each column (rows,)."""
        types = self.onnx.TensorProto
        return [
            self.onnx.helper.make_tensor_value_info(
                c.name, types.STRING if c.kind == Kind.CATEGORY else types.DOUBLE, [ROWS], doc_string=HOLDS[c.kind]
            )
            for c in model.columns
        ]

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        name = unused(f"{operator}_{len(self.nodes)}", self.taken)
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, [name], domain=domain, **attributes))
        return name

    def constant(self, value: Any) -> str:
        """Add an array, float64 unless it is of whole numbers, truth values or text, and return its name."""
        name = unused(f"constant_{len(self.constants)}", self.taken)
        self.constants.append(self.onnx.numpy_helper.from_array(np.asarray(value), name))
        return name

    def formula(self, expression: Expression, name: str) -> str:
        """Add the nodes of an expression of one input."""
        return folded(
            expression,
            lambda leaf: name if isinstance(leaf, str) else self.constant(leaf),
            lambda op, parts: self.add(NODES[op], *parts),
        )

    def rename(self, name: str, new: str) -> str:
        """Give an output its final name."""
        self.nodes.append(self.onnx.helper.make_node("Identity", [name], [new]))
        return new


def _features(graph: _Graph, column: InputColumn) -> list[str]:
    """The features of a column, each (rows, width)."""
    if column.kind == Kind.CATEGORY:
        return [_levels(graph, column)]
    gone = graph.add("IsNaN", column.name)
    for number in column.null:
        gone = graph.add("Or", gone, graph.add("Equal", column.name, graph.constant(number)))
    parts = [graph.add("Where", gone, graph.constant(column.median), column.name)]
    parts += [graph.add("Cast", gone, to=graph.onnx.TensorProto.DOUBLE)] if column.flag else []
    return [graph.add("Unsqueeze", part, graph.constant([1])) for part in parts]


def _levels(graph: _Graph, column: InputColumn) -> str:
    """The row of the unit matrix that belongs to the level of each row, or the row of zeros behind it."""
    none = len(column.levels)
    absent, other = (none if k is None else k for k in (column.missing, column.other))
    places = {level: k for k, level in enumerate(column.levels)} | {str(word): absent for word in ("", *column.null)}
    code = graph.add(
        "LabelEncoder", column.name, domain="ai.onnx.ml", keys_strings=list(places), values_int64s=list(places.values()),
        default_int64=other,
    )  # fmt: skip
    return graph.add("Gather", graph.constant(np.eye(none + 1, none)), code, axis=0)


def _layer(graph: _Graph, layer: Dense, h: str) -> str:
    z = graph.add("Add", graph.add("MatMul", h, graph.constant(layer.W)), graph.constant(layer.b))
    a = graph.formula(activation(layer.activation).evaluate(Expression(z))[0], z)
    return graph.add("Add", a, h) if layer.residual else a


def _results(graph: _Graph, model: Exportable, z: str) -> dict[str, tuple[str, int, list[int]]]:
    """The outputs by name: what computes each, its type, and its shape besides the rows."""
    if not model.labels:
        z = graph.formula(exp(Expression(z)), z) if model.link == Link.EXP else z
        return {"prediction": (graph.add("Squeeze", z, graph.constant([1])), graph.onnx.TensorProto.DOUBLE, [])}
    if model.link == Link.SOFTMAX:
        index, shares = graph.add("ArgMax", z, axis=1, keepdims=0), graph.add("Softmax", z, axis=1)
    else:
        above = graph.add("Greater", graph.add("Squeeze", z, graph.constant([1])), graph.constant(model.cut))
        index = graph.add("Cast", above, to=graph.onnx.TensorProto.INT64)
    if model.link == Link.SIGMOID:
        p = graph.formula(sigmoid(Expression(z)), z)
        shares = graph.add("Concat", graph.add("Sub", graph.constant(1.0), p), p, axis=1)
    labels = _labels(model.labels)
    kind = graph.onnx.helper.np_dtype_to_tensor_dtype(labels.dtype)
    found: dict[str, tuple[str, int, list[int]]] = {
        "prediction": (graph.add("Gather", graph.constant(labels), index), kind, [])
    }
    if model.has_probabilities:
        found["probabilities"] = (shares, graph.onnx.TensorProto.DOUBLE, [len(labels)])
    return found


def _labels(labels: tuple[Label, ...]) -> Array:
    """Labels as an array of truth values, whole numbers, float64 or text."""
    array = np.asarray(labels)
    return array if array.dtype.kind in "bif" else np.asarray([str(label) for label in labels], object)
