"""Training loops in torch, healthy ones and ones with a planted fault, for three families of modules.

A loop is a Setup: the usual loop, and what is wrong with it. A case is a Setup with a fault, the code that must be among the
findings, and the Setup in which the proposed fix was applied.
"""

import contextlib
import copy
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

import descend.torch as dt
from descend.diagnosis import Finding

FAMILIES = ("dense", "convolutional", "attention")
ROWS = 96
WIDTH = 16  # of what the body returns


class Dense(nn.Module):
    """Two layers on 6 features."""

    def __init__(self, activation: type[nn.Module]) -> None:
        super().__init__()
        self.a, self.b, self.act = nn.Linear(6, WIDTH), nn.Linear(WIDTH, WIDTH), activation()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.b(self.act(self.a(x))))


class Convolutional(nn.Module):
    """Two convolutions on images of 8 × 8."""

    def __init__(self, activation: type[nn.Module]) -> None:
        super().__init__()
        self.a, self.b, self.act = nn.Conv2d(1, 8, 3), nn.Conv2d(8, WIDTH, 3, stride=2), activation()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.b(self.act(self.a(x)))).mean((2, 3))


class Attention(nn.Module):
    """A transformer block on sequences of 5 vectors."""

    def __init__(self, activation: type[nn.Module]) -> None:
        super().__init__()
        self.a = nn.Linear(4, WIDTH)
        self.block = nn.TransformerEncoderLayer(
            WIDTH, 2, 32, dropout=0.0, batch_first=True, norm_first=True, activation=F.gelu
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.block(self.a(x)).mean(1)


BODIES = {"dense": Dense, "convolutional": Convolutional, "attention": Attention}
SHAPES = {"dense": (6,), "convolutional": (1, 8, 8), "attention": (5, 4)}


class Net(nn.Module):
    """Body, further layers, head; `cut` and `last` are where wiring goes wrong."""

    def __init__(self, setup: "Setup") -> None:
        super().__init__()
        self.cut, self.last = setup.cut, setup.last
        act = setup.activation
        self.body = BODIES[setup.family](act)
        self.deep = nn.Sequential(*(m for _ in range(setup.depth) for m in (nn.Linear(WIDTH, WIDTH), act())))
        extra: list[nn.Module] = [nn.Dropout(0.1)] if setup.dropout else []
        self.norm = nn.Sequential(*extra, *([nn.BatchNorm1d(WIDTH)] if setup.batch_norm else []))
        self.head = nn.Linear(WIDTH, setup.outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad() if self.cut == "no_grad" else contextlib.nullcontext():
            h = self.body(x)
        h = self.deep(h.detach() if self.cut == "detach" else h)
        z = self.head(self.norm(h))
        return z if self.last is None else self.last(z)


class Staged(Net):
    """A network whose train() freezes the body, whatever the mode."""

    def train(self, mode: bool = True) -> "Staged":
        super().train(mode)
        self.body.requires_grad_(False)
        return self


def as_it_is(x: Any) -> Any:
    return x


@dataclass(frozen=True, eq=False, kw_only=True)
class Setup:
    """A training loop; the defaults are healthy."""

    family: str
    seed: int = 0
    task: str = "numbers"  # or "classes", "yes or no"
    outputs: int = 1
    loss: Callable[[Any, Any], Any] = F.mse_loss
    kind: Callable[..., torch.optim.Optimizer] = torch.optim.Adam
    lr: float = 0.01
    steps: int = 60
    activation: type[nn.Module] = nn.ReLU
    depth: int = 0
    dropout: bool = False
    batch_norm: bool = False
    init: Callable[[nn.Module], None] = as_it_is
    zero: bool = True
    optimizes: str = "all"  # "before the head", "the head"
    cut: str = ""
    last: Callable[[Any], Any] | None = None
    training: bool = True
    evaluates: str = ""
    scheduler: str = ""
    flat: bool = False
    spoil: Callable[[Any], Any] = as_it_is
    before: Callable[[nn.Module], None] = as_it_is
    after: Callable[[nn.Module], None] = as_it_is
    accumulate: int = 1
    autocast: bool = False
    clip: float = 0.0
    staged: bool = False  # whether train() freezes the body
    calls_train: bool = True
    exchange: str = ""  # how two ranks share the work, see planted_ranks


def data(setup: Setup) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise with two hidden numbers in each row, and a target that follows from these."""
    generator = torch.Generator().manual_seed(setup.seed)
    u, v, noise = (torch.randn(ROWS, generator=generator) for _ in range(3))
    x = torch.randn(ROWS, *SHAPES[setup.family], generator=generator)
    if setup.family == "convolutional":
        board = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 2.0 - 1
        x = 0.5 * x + u[:, None, None, None] + v[:, None, None, None] * board
    else:
        x[..., 0], x[..., 1] = (0.1 * x[..., k] + h.reshape(-1, *[1] * (x.dim() - 2)) for k, h in ((0, u), (1, v)))
    score = torch.tanh(u) - v + 0.1 * noise
    if setup.task == "numbers":
        return x, score if setup.flat else score[:, None]
    if setup.task == "classes":
        return x, (score > -0.5).long() + (score > 0.5).long()
    return x, (score > 0).float()[:, None]


@dataclass(frozen=True, eq=False)
class Ran:
    """A loop that ended: what its watch found, and the loss on all rows in evaluation mode at the start and at the end."""

    findings: tuple[Finding, ...]
    before: float
    after: float

    @property
    def codes(self) -> list[str]:
        return [finding.code for finding in self.findings]

    @property
    def learned(self) -> bool:
        """Whether the loss fell by half at least."""
        return self.after < 0.5 * self.before


def run(setup: Setup) -> Ran:
    """Train, watched at the default setting."""
    torch.manual_seed(setup.seed)
    model = (Staged if setup.staged else Net)(setup)
    setup.init(model)
    x, y = data(setup)
    held = list(model.head.parameters() if setup.optimizes == "the head" else model.parameters())
    optimizer = setup.kind(held, lr=setup.lr)
    if setup.optimizes == "before the head":
        model.head = nn.Linear(WIDTH, setup.outputs)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.99) if setup.scheduler else None
    before = loss_on(copy.deepcopy(model), setup, x, y)
    if setup.calls_train:
        model.train(setup.training)
    with warnings.catch_warnings(), dt.watch(model, optimizer) as w:
        warnings.simplefilter("ignore")
        for step in range(setup.steps):
            rows = torch.randperm(ROWS)[:32]
            setup.before(model)
            with torch.autocast("cpu", torch.bfloat16, enabled=setup.autocast):
                loss = setup.loss(model(setup.spoil(x[rows])), y[rows])
            if setup.zero and step % setup.accumulate == 0:
                optimizer.zero_grad()
            (loss / setup.accumulate).backward()
            if setup.clip:
                nn.utils.clip_grad_norm_(model.parameters(), setup.clip)
            if setup.scheduler == "first":
                scheduler.step()
            if (step + 1) % setup.accumulate == 0:
                optimizer.step()
            if setup.scheduler == "after":
                scheduler.step()
            setup.after(model)
            w.step(loss)
            if setup.evaluates and step % 10 == 9:
                model.train(setup.evaluates == "training mode")
                with torch.no_grad():
                    model(x)
                model.train(setup.training)
    return Ran(w.findings, before, loss_on(model, setup, x, y))


def loss_on(model: nn.Module, setup: Setup, x: torch.Tensor, y: torch.Tensor) -> float:
    model.eval()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(setup.loss(model(x), y))


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """A loop with a fault.

    Args:
        code: that must be among the findings; None for a fault that a watch cannot see, with `why`.
        way: in a few words.
        broken, mended: with the fault, and with the fix that the finding proposes; no mended one for what no fix in code mends.
        cure: a part of the fix that was applied.
    """

    code: str | None
    way: str
    broken: Setup
    mended: Setup | None = None
    cure: str = ""
    why: str = ""


def scaled(factor: float, bias: float = 0.0) -> Callable[[nn.Module], None]:
    """Multiply hidden weights, and set hidden biases."""

    def init(model: nn.Module) -> None:
        with torch.no_grad():
            for module in (*model.body.modules(), *model.deep):
                if isinstance(module, nn.Linear | nn.Conv2d):
                    module.weight.mul_(factor)
                    module.bias.fill_(bias)

    return init


def kaiming(model: nn.Module) -> None:
    """Initial weights that keep the size of signals under relu."""
    for module in model.deep:
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight)
            nn.init.zeros_(module.bias)


def xavier(model: nn.Module) -> None:
    """Initial weights that keep the size of signals under tanh."""
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.xavier_normal_(module.weight)
            nn.init.zeros_(module.bias)


def heavy_ball(params: Any, lr: float) -> torch.optim.Optimizer:
    """Momentum of torch."""
    return torch.optim.SGD(params, lr=lr, momentum=0.9)


def nan_row(x: torch.Tensor) -> torch.Tensor:
    x = x.clone()
    x[3] = torch.nan
    return x


def by_hand(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return ((target - prediction) ** 2).mean()


def planted(family: str, seed: int) -> Iterator[Case]:
    """Faults of wiring and of training; each of at least one way."""
    ok = Setup(family=family, seed=seed)
    classes = replace(ok, task="classes", outputs=3, loss=F.cross_entropy)
    binary = replace(ok, task="yes or no", loss=F.binary_cross_entropy_with_logits)

    def case(code: str, way: str, cure: str, mended: Setup, **fault: Any) -> Case:
        return Case(code=code, way=way, broken=replace(mended, **fault), mended=mended, cure=cure)

    sgd = {"kind": torch.optim.SGD}
    yield case("D601", "no zero_grad", "zero_grad", replace(ok, **sgd, lr=0.05), zero=False)
    yield case("D602", "head replaced afterwards", "after the model is complete", ok, optimizes="before the head")
    yield case("D602", "head alone", "pass model.parameters()", ok, optimizes="the head")
    yield case("D603", "detach", "look for detach()", ok, cut="detach")
    yield case("D603", "no_grad", "no_grad()", classes, cut="no_grad")
    yield case("D604", "softmax twice", "leave out the softmax", classes, last=lambda z: z.softmax(1))
    yield case("D604", "sigmoid twice", "leave out the softmax", binary, last=torch.sigmoid)
    drop = replace(ok, dropout=True)
    yield case("D605", "trained in evaluation mode", "model.train() before training", drop, training=False)
    yield case("D605", "evaluated in training mode", "model.eval() before", replace(drop, evaluates="evaluation mode"),
               evaluates="training mode")  # fmt: skip
    yield case("D606", "scheduler first", "after optimizer.step()", replace(ok, scheduler="after"), scheduler="first")
    yield case("D607", "two outputs for one", "one prediction for each target", ok, outputs=2)
    yield case("D608", "flat target", "reshape", ok, flat=True)
    yield case("D608", "flat target, by hand", "squeeze", replace(ok, loss=by_hand), flat=True)
    deep = replace(ok, depth=8, init=kaiming)
    for factor in (4.0, 12.0):
        yield case(
            "D102",
            f"weights × {factor:g}",
            "kaiming_normal_",
            replace(deep, kind=heavy_ball, steps=100),
            init=scaled(factor),
        )
    yield case("D103", "a row of NaN", "look at these rows", ok, spoil=nan_row)
    yield case("D103", "a rate far too high", "lr=", replace(ok, **sgd, lr=0.01), lr=1e4)
    yield Case(code="D103", way="a logarithm of what is negative", broken=replace(ok, last=lambda z: torch.log(z - 2)))
    for depth in (8, 12):
        yield case("D202", f"{depth} sigmoids", "relu and kaiming_normal_", replace(deep, depth=depth),
                   activation=nn.Sigmoid, init=lambda model: None, **sgd, lr=0.01)  # fmt: skip
    for bias in (-1.0, -4.0):
        yield case("D206", f"biases of {bias:g}", "biases of 0", replace(deep, depth=2),
                   init=scaled(0.1, bias), lr=1e-4)  # fmt: skip
    for factor in (30.0, 200.0):
        yield case("D207", f"tanh, weights × {factor:g}", "xavier_normal_", replace(deep, depth=2, activation=nn.Tanh, init=xavier),
                   init=scaled(factor), lr=1e-4)  # fmt: skip


class Rebinding(torch.optim.SGD):
    """A step that makes new tensors and lets go of them, as compiled code that holds old ones does."""

    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                p = p.detach() - group["lr"] * p.grad  # noqa: PLW2901


class Plain(torch.optim.SGD):
    """The same by torch."""


def reinitialised(model: nn.Module) -> None:
    for module in model.body.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.normal_(module.weight, std=0.2)


def norms_alone(model: nn.Module) -> None:
    model.requires_grad_(False)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.LayerNorm):
            module.requires_grad_()


class Unlowered(Dense):
    """A body that turns autocast off."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", enabled=False):
            return super().forward(x)


def garbage(x: torch.Tensor) -> torch.Tensor:
    """What a copy that went wrong may hold."""
    return torch.full_like(x, torch.nan)


def spectral(model: nn.Module) -> None:
    for part in (model.head,):
        nn.utils.parametrizations.spectral_norm(part)


def silent(family: str, seed: int) -> Iterator[Case]:
    """Re-creations, in loops of one or two processes, of the silent errors that TrainCheck (Jiang et al. 2025) was tried on."""
    ok = Setup(family=family, seed=seed)
    sgd = replace(ok, kind=torch.optim.SGD, lr=0.05)

    def case(code: str, way: str, cure: str, mended: Setup, **fault: Any) -> Case:
        return Case(code=code, way=way, broken=replace(mended, **fault), mended=mended, cure=cure)

    yield case("D601", "stackoverflow-60335387: zero_grad is missing", "zero_grad", sgd, zero=False)
    yield case(
        "D609",
        "pytorch-115607: the step works on old tensors",
        "look whether step()",
        replace(sgd, kind=Plain),
        kind=Rebinding,
    )
    yield case("D612", "pytorch-forum-84911: only normalisation trains", "requires_grad_()", replace(ok, batch_norm=True),
               init=norms_alone)  # fmt: skip
    yield case(
        "D610", "transformers-17877: weights are initialised again", "once, before the loop", ok, before=reinitialised
    )
    yield case("D611", "pytorch-84803: a copy between devices returns zeros", "loader", ok, spoil=torch.zeros_like)
    yield case(
        "D611",
        "pytorch-96600: the first row arrives in place of all",
        "to(device)",
        ok,
        spoil=lambda x: x[:1].expand_as(x),
    )
    yield case("D103", "baichuan2-86: a copy between devices returns garbage", "look at these rows", ok, spoil=garbage)
    yield case("D607", "transformers-34204: one item of a batch arrives", "one prediction for each", ok,
               spoil=lambda x: x[:1])  # fmt: skip
    yield case("D605", "pytorch-51800: spectral normalisation in evaluation mode", "model.train()", replace(ok, init=spectral),
               training=False)  # fmt: skip
    yield case("D605", "transformers-33844: dropout stays on at evaluation, by the mode here", "model.eval()",
               replace(ok, dropout=True, evaluates="evaluation mode"), evaluates="training mode")  # fmt: skip
    yield case("D615", "mmpretrain-702: stages are frozen in train(), which is not called", "model.train() before",
               replace(ok, staged=True, depth=2, steps=120), calls_train=False)  # fmt: skip
    ranks, split = replace(ok, exchange="averaged"), replace(ok, exchange="split", clip=0.05)
    yield case("D614", "pytorch-104336: moved after it was wrapped, so gradients are not averaged", "after its last move", ranks,
               exchange="moved")  # fmt: skip
    yield case("D614", "x-jxmnop-ddp-out-of-sync: the inner module is called in place of the wrapper", "call the Distributed",
               ranks, exchange="module called")  # fmt: skip
    yield case("D614", "deepspeed-1801: what all ranks of a split model hold is clipped on rank 0 alone", "clip and scale", split,
               exchange="split, clipped on rank 0")  # fmt: skip
    if family == "dense":
        yield Case(code="D613", way="lightning-thunder-725: autocast does not reach the operations", cure="autocast(enabled=False)",
                   broken=replace(ok, autocast=True, init=unlowered), mended=replace(ok, autocast=True))  # fmt: skip


def unlowered(model: nn.Module) -> None:
    """Put a body that turns autocast off in its place, and a head that is not lowered."""
    model.body = Unlowered(nn.ReLU)
    model.forward = lambda x: _unlowered_forward(model, x)


def _unlowered_forward(model: Any, x: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", enabled=False):
        return Net.forward(model, x)


NOT_SEEN = {
    "deepspeed-5794": "ranks call a collective operation with tensors of different shapes, and wait inside of it for ever: no step ends",
    "transformers-23723": "more text is generated than was asked for: no training takes part in it",
    "stackoverflow-67180955": "workers of a loader draw the same random numbers: one batch in all steps is what a loop on the whole table "
    "has, too, and only the loader knows which it is",
}


def kinds_of_autotrainer(family: str, seed: int) -> Iterator[Case]:
    """Kinds of training problems after AutoTrainer (Zhang et al. 2021): its vanishing and exploding gradients, dying ReLU, oscillating
    loss and slow convergence, and three more."""
    ok = Setup(family=family, seed=seed)
    deep = replace(ok, depth=10, init=kaiming)
    sgd = {"kind": torch.optim.SGD}

    def case(code: str | None, way: str, cure: str, mended: Setup, why: str = "", **fault: Any) -> Case:
        return Case(code=code, way=way, broken=replace(mended, **fault), mended=mended, cure=cure, why=why)

    yield case(
        "D202",
        "vanishing gradient",
        "relu and kaiming_normal_",
        deep,
        activation=nn.Sigmoid,
        init=lambda m: None,
        **sgd,
    )
    yield case(
        "D102", "exploding gradient", "kaiming_normal_", replace(deep, kind=heavy_ball, steps=100), init=scaled(8.0)
    )
    yield case("D206", "dying ReLU", "biases of 0", replace(deep, depth=2), init=scaled(0.1, -2.0), lr=1e-4)
    yield case("D101", "a loss that rises and swings", "lr=", replace(ok, kind=torch.optim.RMSprop), lr=1.0)
    yield case("D207", "saturated activation", "xavier_normal_", replace(deep, depth=2, activation=nn.Tanh, init=xavier),
               init=scaled(100.0), lr=1e-4)  # fmt: skip
    yield case("D103", "numerical error", "look at these rows", ok, spoil=nan_row)
    yield case("D603", "unchanged weights", "look for detach()", ok, cut="detach")
    yield case(None, "slow convergence", "", ok, lr=1e-6,
               why="a watch does not know how fast a loss could fall; find_lr does")  # fmt: skip


def healthy(family: str) -> Iterator[tuple[str, Setup]]:
    """Loops without a fault: 21 a family."""
    ok = Setup(family=family, seed=7)
    classes = replace(ok, task="classes", outputs=3, loss=F.cross_entropy)
    binary = replace(ok, task="yes or no", loss=F.binary_cross_entropy_with_logits)
    t, d = torch.optim, dt
    yield "Adam", ok
    yield "SGD", replace(ok, kind=t.SGD, lr=0.05)
    yield "momentum", replace(ok, kind=heavy_ball)
    yield "Nesterov of descend, classes", replace(classes, kind=d.Nesterov, lr=0.05)
    yield "Adagrad of descend", replace(ok, kind=d.Adagrad, lr=0.05)
    yield "RMSprop, classes", replace(classes, kind=t.RMSprop, lr=0.003)
    yield "AdamW, decay", replace(ok, kind=lambda p, lr: t.AdamW(p, lr=lr, weight_decay=0.1))
    yield "Lion of descend, yes or no", replace(binary, kind=d.Lion, lr=0.003)
    yield "NAdam of descend", replace(ok, kind=d.NAdam)
    yield "classes", classes
    yield "yes or no", binary
    yield "Huber loss", replace(ok, loss=F.huber_loss)
    yield "dropout, evaluated", replace(classes, dropout=True, evaluates="evaluation mode")
    yield "batch normalisation, evaluated", replace(ok, batch_norm=True, evaluates="evaluation mode")
    yield "a schedule", replace(ok, scheduler="after")
    yield "accumulated gradients", replace(ok, accumulate=4, steps=160)
    yield "autocast", replace(ok, autocast=True)
    yield "clipped gradients", replace(ok, clip=0.5)
    yield "a frozen body", replace(ok, init=lambda model: model.body.requires_grad_(False))
    yield "deep, tanh", replace(ok, depth=4, activation=nn.Tanh, lr=0.003)
    yield "a small rate", replace(classes, lr=1e-4)
