"""torch: a model as a program of torch.export, from encoded features to predictions."""

import io
from typing import Any

import numpy as np

from descend.activations import activation
from descend.export import json
from descend.export.exportable import Exportable, Link
from descend.export.formats import optional
from descend.losses import sigmoid
from descend.ops import exp

DOCUMENT = "descend.json"  # the name of the JSON document in the file, which says how cells become features


def render(model: Exportable) -> bytes:
    """Return the bytes of a .pt2 file; raises UsageError where torch is missing.

    The program takes float64 features (rows, features) as encoded and not yet scaled, and returns {"prediction": (rows,)},
    with classes an index, and {"probabilities": (rows, classes)} where there are some.
    """
    torch = optional("torch", "torch")
    rows = {0: torch.export.Dim("rows")}
    example = torch.zeros(2, len(model.features), dtype=torch.float64, device="cpu")
    module = _module(torch, model)
    program = torch.export.export(module, (example,), dynamic_shapes={"features": rows}, strict=False)
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={DOCUMENT: json.render(model).decode()})
    return buffer.getvalue()


def _module(torch: Any, model: Exportable) -> Any:
    """A module whose buffers are the numbers of the model."""

    class Program(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            numbers = {"center": model.center, "width": model.width}
            for k, layer in enumerate(model.layers):
                numbers |= {f"W{k}": layer.W, f"b{k}": layer.b}
            for name, values in numbers.items():
                self.register_buffer(
                    name, torch.tensor(np.ascontiguousarray(values), dtype=torch.float64, device="cpu")
                )

        def forward(self, features: Any) -> dict[str, Any]:
            h = (features - self.center) / self.width
            for k, layer in enumerate(model.layers):
                z = h @ getattr(self, f"W{k}") + getattr(self, f"b{k}")
                a = activation(layer.activation).evaluate(z)[0]
                h = a + h if layer.residual else a
            return _results(torch, model, h)

    return Program().eval()


def _results(torch: Any, model: Exportable, z: Any) -> dict[str, Any]:
    """The prediction and, where there are some, the probabilities of scores z (rows, scores)."""
    if model.link == Link.SOFTMAX:
        return {"prediction": z.argmax(1), "probabilities": z.softmax(1)}
    z = z[:, 0]
    if not model.labels:
        return {"prediction": exp(z) if model.link == Link.EXP else z}
    found = {"prediction": (z > model.cut).long()}
    if model.has_probabilities:
        p = sigmoid(z)
        found["probabilities"] = torch.stack([1 - p, p], 1)
    return found
