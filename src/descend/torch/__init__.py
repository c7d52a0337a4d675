"""descend.torch: the update rules as optimizers of torch, a search for any module, and what watches a loop of your own.

>>> import torch
>>> import descend.torch as dt
>>> model = torch.nn.Linear(2, 1)
>>> optimizer = dt.Nesterov(model.parameters(), lr=0.05)
"""

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "descend.torch needs torch, which is not installed; pip install 'descend[torch]'", name="torch"
    ) from error

from descend.torch.fitted import Fitted
from descend.torch.job import fit
from descend.torch.lr_sweep import find_lr
from descend.torch.optimizer import Descent
from descend.torch.optimizers import (
    OPTIMIZERS,
    SGD,
    Adadelta,
    Adagrad,
    AdagradKeras,
    Adam,
    AdamKeras,
    AdamW,
    AMSGrad,
    Lion,
    Momentum,
    MomentumKeras,
    NAdam,
    Nesterov,
    RMSprop,
    RMSpropKeras,
)
from descend.torch.plane import Surface, surface
from descend.torch.watch import Watch, watch

__all__ = [
    "OPTIMIZERS", "SGD", "AMSGrad", "Adadelta", "Adagrad", "AdagradKeras", "Adam", "AdamKeras", "AdamW", "Descent", "Fitted",
    "Lion", "Momentum", "MomentumKeras", "NAdam", "Nesterov", "RMSprop", "RMSpropKeras", "Surface", "Watch", "find_lr", "fit",
    "surface", "watch",
]  # fmt: skip
