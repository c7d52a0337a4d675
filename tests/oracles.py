"""Oracles for the update rules that share nothing with the code: literal numbers and torch's optimizers.

A weight of 1 meets the gradients 0.1, -0.2, 0.3 whatever it is; the numbers are the weight after each step, worked in
50-digit arithmetic.
"""

from dataclasses import dataclass, field
from typing import Any

import torch

GRADIENTS = (0.1, -0.2, 0.3)


@dataclass(frozen=True)
class Worked:
    """Three steps of one rule: the constants that were set, and the weight after each step."""

    rule: str
    constants: dict[str, float]
    weights: tuple[float, float, float]


WORKED = (
    Worked("sgd", {"lr": 0.1}, (0.99, 1.01, 0.98)),
    Worked("momentum", {"lr": 0.1}, (0.99, 1.001, 0.9809)),
    Worked("nesterov", {"lr": 0.1}, (0.981, 1.0109, 0.96281)),
    Worked("adagrad", {"lr": 0.1}, (0.9000000000999999999, 0.98944271915999158777, 0.90926434660769284379)),
    Worked("rmsprop", {"lr": 0.01}, (0.9000000999999000001, 0.98953235612692666653, 0.90918192824725410129)),
    Worked("adam", {"lr": 0.1}, (0.900000009999999, 0.93661036038848910506, 0.90228625394774310011)),
    Worked("adam", {"lr": 0.1, "eps": 0.1}, (0.95, 0.97242785807261692568, 0.94896283924496541709)),
    Worked("adamw", {"lr": 0.1, "decay": 0.1}, (0.890000009999999, 0.91771036028848911506, 0.87420915024485821896)),
    Worked("amsgrad", {"lr": 0.1}, (0.900000009999999, 0.93661036038848910506, 0.90228625394774310011)),
    Worked("nadam", {"lr": 0.1}, (0.89435483272897790368, 0.98501057626425168013, 0.89665390979814130881)),
    Worked("adadelta", {"lr": 1.0}, (0.99683930229379493016, 1.0008784910614616157, 0.99601088672306992349)),
    Worked("lion", {"lr": 0.1}, (0.9, 1.0, 0.9)),
    Worked("momentum_keras", {"lr": 0.1}, (0.99, 1.001, 0.9809)),
    Worked("adagrad_keras", {"lr": 0.1}, (0.96984887924727541055, 1.0214886399834569258, 0.96025140917163256358)),
    Worked("rmsprop_keras", {"lr": 0.01}, (0.96837880441857075987, 0.9969499414492721774, 0.97104365003473211932)),
    Worked("adam_keras", {"lr": 0.1}, (0.90000316217766333056, 0.9366129970882155272, 0.9022891792104049351)),
)

GOLDEN = {
    "sgd lr=.1 (all)": ("sgd", {"lr": 0.1}),
    "momentum mu=.9 (torch==keras==optax==sklearn at constant lr)": ("momentum", {"lr": 0.1}),
    "momentum mu=.9 keras form": ("momentum_keras", {"lr": 0.1}),
    "nesterov mu=.9 torch/optax form": ("nesterov", {"lr": 0.1}),
    "adagrad torch lr=.1 acc0=0 eps=1e-10 outside": ("adagrad", {"lr": 0.1}),
    "adagrad keras/optax lr=.1 acc0=.1 eps=1e-7 inside": ("adagrad_keras", {"lr": 0.1}),
    "rmsprop torch lr=.01 alpha=.99 eps=1e-8 outside": ("rmsprop", {"lr": 0.01}),
    "rmsprop keras lr=.01 rho=.9 eps=1e-7 inside": ("rmsprop_keras", {"lr": 0.01}),
    "rmsprop optax lr=.01 decay=.9 eps=1e-8 inside": ("rmsprop_keras", {"lr": 0.01, "eps": 1e-8}),
    "adadelta torch/optax lr=1 rho=.9 eps=1e-6": ("adadelta", {"lr": 1.0}),
    "adadelta paper lr=1 rho=.95 eps=1e-6": ("adadelta", {"lr": 1.0, "rho": 0.95}),
    "adadelta keras lr=.001 rho=.95 eps=1e-7": ("adadelta", {"lr": 0.001, "rho": 0.95, "eps": 1e-7}),
    "adam paper/torch/optax lr=.1 eps=1e-8": ("adam", {"lr": 0.1}),
    "adam keras lr=.1 eps=1e-7 hat": ("adam_keras", {"lr": 0.1}),
    "adam sklearn lr=.1 eps=1e-8 hat": ("adam_keras", {"lr": 0.1, "eps": 1e-8}),
    "adam torch eps=.1 (separates the two eps conventions)": ("adam", {"lr": 0.1, "eps": 0.1}),
    "adam sklearn eps=.1 hat": ("adam_keras", {"lr": 0.1, "eps": 0.1}),
    "adamw wd=.1 (torch==keras==optax apart from eps)": ("adamw", {"lr": 0.1, "decay": 0.1}),
    "amsgrad torch": ("amsgrad", {"lr": 0.1}),
    "nadam torch lr=.1 eps=1e-8 psi=.004": ("nadam", {"lr": 0.1}),
    "nadam keras lr=.1 eps=1e-7 (psi=1)": ("nadam", {"lr": 0.1, "eps": 1e-7, "psi": 1.0}),
    "lion lr=.1 wd=0": ("lion", {"lr": 0.1}),
}


@dataclass(frozen=True)
class Twin:
    """torch's optimizer of one rule."""

    rule: str
    optimizer: Any
    options: dict[str, Any] = field(default_factory=dict)


TWINS = (
    Twin("sgd", torch.optim.SGD),
    Twin("momentum", torch.optim.SGD, {"momentum": 0.9}),
    Twin("nesterov", torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    Twin("adagrad", torch.optim.Adagrad),
    Twin("rmsprop", torch.optim.RMSprop),
    Twin("adam", torch.optim.Adam),
    Twin("adamw", torch.optim.AdamW),
    Twin("amsgrad", torch.optim.Adam, {"amsgrad": True}),
    Twin("nadam", torch.optim.NAdam),
    Twin("adadelta", torch.optim.Adadelta),
)


def torch_path(twin: Twin, lr: float, gradients: Any, start: Any) -> Any:
    """Return the weights (steps, params) of torch's optimizer fed with given gradients (steps, params), float64.

    torch keeps NAdam's product of momenta in the default dtype: in float32 it alone would part the two by 1e-8.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return _walk(twin, lr, gradients, start)
    finally:
        torch.set_default_dtype(before)


def _walk(twin: Twin, lr: float, gradients: Any, start: Any) -> Any:
    w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer, path = twin.optimizer([w], lr=lr, foreach=False, **twin.options), []
    for g in gradients:
        w.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()
        path.append(w.detach().clone().numpy())
    return path
