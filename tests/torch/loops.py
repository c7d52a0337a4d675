"""Small training loops, healthy ones and ones with a planted fault; each takes a function that starts the watch."""

import warnings

import torch
import torch.nn.functional as F
from torch import nn

import descend.torch as dt

STEPS = 40


def table(rows=64, features=4, seed=0):
    """Features, and targets of shape (rows, 1) that follow them."""
    torch.manual_seed(seed)
    x = torch.randn(rows, features)
    return x, torch.tanh(x[:, :1]) - 0.5 * x[:, 1:2]


def classes(rows=64, features=4, seed=0):
    """Features, and one of three classes for each row."""
    x, y = table(rows, features, seed)
    return x, (y[:, 0] > -0.3).long() + (y[:, 0] > 0.3).long()


def mlp(outputs=1, width=16, activation=nn.ReLU, depth=2, features=4):
    """A network of equal hidden layers."""
    sizes = [features, *([width] * depth)]
    hidden = [m for a, b in zip(sizes, sizes[1:], strict=False) for m in (nn.Linear(a, b), activation())]
    return nn.Sequential(*hidden, nn.Linear(width, outputs))


def train(watch, model, optimizer, loss, steps=STEPS, before=lambda step: None, after=lambda step: None, zero=True,
          mode=nn.Module.train):  # fmt: skip
    """The usual loop; `loss` returns the loss of a batch, `before` and `after` are called around the optimizer's step, `mode` before each
    forward pass."""
    with watch(model, optimizer) as w:
        for step in range(steps):
            mode(model)
            value = loss(step)
            if zero:
                optimizer.zero_grad()
            value.backward()
            before(step)
            optimizer.step()
            after(step)
            w.step(value)
    return w


def usual(watch, model=None, lr=0.02, kind=torch.optim.Adam, **how):
    """Regression by squared error."""
    x, y = table()
    model = model or mlp()
    return train(watch, model, kind(model.parameters(), lr=lr), lambda step: F.mse_loss(model(x), y), **how)


# --- healthy


def classification(watch):
    x, y = classes()
    model = mlp(3)
    return train(watch, model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
                 lambda step: F.cross_entropy(model(x), y))  # fmt: skip


def two_classes(watch):
    x, y = table()
    model = mlp()
    return train(watch, model, dt.Adam(model.parameters(), lr=0.02),
                 lambda step: F.binary_cross_entropy_with_logits(model(x), (y > 0).float()))  # fmt: skip


def probabilities(watch):
    x, y = table()
    model = nn.Sequential(mlp(), nn.Sigmoid())
    return train(watch, model, torch.optim.Adam(model.parameters(), lr=0.1),
                 lambda step: F.binary_cross_entropy(model(x), (y > 0).float()), steps=120)  # fmt: skip


def images(watch):
    torch.manual_seed(0)
    x, y = torch.randn(32, 1, 8, 8), torch.randint(0, 2, (32,))
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.1), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(128, 2),
    )  # fmt: skip

    def evaluate(step):
        if step % 10 == 9:
            model.eval()
            with torch.no_grad():
                model(x)
            model.train()

    return train(watch, model, torch.optim.AdamW(model.parameters(), lr=0.01),
                 lambda step: F.cross_entropy(model(x), y), after=evaluate)  # fmt: skip


class Block(nn.Module):
    """A small transformer over a vocabulary."""

    def __init__(self):
        super().__init__()
        self.embed, self.norm = nn.Embedding(20, 16), nn.LayerNorm(16)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(16, 20)

    def forward(self, tokens):
        return self.head(self.norm(self.layer(self.embed(tokens))))


def transformer(watch):
    torch.manual_seed(0)
    tokens = torch.randint(0, 20, (8, 6))
    model = Block()
    return train(watch, model, torch.optim.AdamW(model.parameters(), lr=0.01),
                 lambda step: F.cross_entropy(model(tokens).transpose(1, 2), tokens.roll(1, 1)))  # fmt: skip


class Recurrent(nn.Module):
    """An LSTM whose last state predicts."""

    def __init__(self):
        super().__init__()
        self.cells, self.head = nn.LSTM(4, 8, batch_first=True), nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.cells(x)[0][:, -1])


def recurrent(watch):
    torch.manual_seed(0)
    x = torch.randn(16, 5, 4)
    y, model = x.mean(dim=(1, 2))[:, None], Recurrent()
    return train(watch, model, torch.optim.Adam(model.parameters(), lr=0.02), lambda step: F.mse_loss(model(x), y))


class Adapted(nn.Module):
    """A frozen layer with an adapter of low rank, whose second matrix starts at 0."""

    def __init__(self):
        super().__init__()
        self.base = nn.Linear(4, 8).requires_grad_(False)
        self.down, self.up = nn.Linear(4, 2, bias=False), nn.Linear(2, 8, bias=False)
        nn.init.zeros_(self.up.weight)
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        return self.head(torch.relu(self.base(x) + self.up(self.down(x))))


def adapter(watch):
    return usual(watch, Adapted())


class Residual(nn.Module):
    """Residual branches whose last layers start at 0."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 16)
        self.branches = nn.ModuleList(nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16)) for _ in range(4))
        for branch in self.branches:
            nn.init.zeros_(branch[2].weight)
            nn.init.zeros_(branch[2].bias)
        self.head = nn.Linear(16, 1)

    def forward(self, x):
        h = self.first(x)
        for branch in self.branches:
            h = h + branch(h)
        return self.head(h)


def frozen(watch):
    model = mlp(depth=3)
    model[0].requires_grad_(False)
    return usual(watch, model)


def accumulation(watch):
    x, y = table()
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    with watch(model, optimizer) as w:
        for step in range(4 * STEPS):
            part = slice(16 * (step % 4), 16 * (step % 4) + 16)
            loss = F.mse_loss(model(x[part]), y[part]) / 4
            loss.backward()
            if step % 4 == 3:
                optimizer.step()
                optimizer.zero_grad(set_to_none=step % 8 == 3)
            w.step(loss)
    return w


def closures(watch):
    x, y = table()
    model = mlp(activation=nn.Tanh)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)
    with watch(model, optimizer) as w:
        for _ in range(8):

            def closure():
                optimizer.zero_grad()
                loss = F.mse_loss(model(x), y)
                loss.backward()
                return loss

            w.step(optimizer.step(closure))
    return w


def mixed_precision(watch):
    x, y = table()
    model = mlp()
    optimizer, scaler = torch.optim.Adam(model.parameters(), lr=0.02), torch.amp.GradScaler("cpu")
    with watch(model, optimizer) as w:
        for step in range(STEPS):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                loss = F.mse_loss(model(x), y)
            factor = torch.inf if step == 2 else 1.0  # an overflow of the scale, which the scaler skips
            scaler.scale(loss * factor).backward()
            scaler.step(optimizer)
            scaler.update()
            w.step(loss)
    return w


def scheduled(watch):
    x, y = table()
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 5, 0.9)
    return train(watch, model, optimizer, lambda step: F.mse_loss(model(x), y), after=lambda step: scheduler.step())


def warm_up(watch):
    x, y = table()
    model = Adapted()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.5)

    def rate(step):
        optimizer.param_groups[0]["lr"] = 0.02 * min(1.0, step / 5)

    return train(watch, model, optimizer, lambda step: F.mse_loss(model(x), y), before=rate)


def adversaries(watch):
    torch.manual_seed(0)
    maker, judge = nn.Sequential(mlp(2), nn.Dropout(0.1)), mlp(1, features=2)
    optimizers = [torch.optim.Adam(m.parameters(), lr=0.01) for m in (maker, judge)]
    with watch(maker, optimizers[0]) as w:
        for _ in range(STEPS):
            noise, real = torch.randn(32, 4), torch.randn(32, 2) + 1
            with torch.no_grad():
                fake = maker(noise)
            optimizers[1].zero_grad()
            (F.softplus(-judge(real)) + F.softplus(judge(fake))).mean().backward()
            optimizers[1].step()
            optimizers[0].zero_grad()
            loss = F.softplus(-judge(maker(noise))).mean()
            loss.backward()
            optimizers[0].step()
            w.step(loss)
    return w


class Lookup(nn.Module):
    """Embeddings with sparse gradients, tied to the output."""

    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(10, 4, sparse=True), nn.Linear(4, 1)

    def forward(self, index):
        return self.head(self.embed(index))


def sparse_gradients(watch):
    torch.manual_seed(0)
    index, y = torch.randint(0, 10, (32,)), torch.randn(32, 1)
    model = Lookup()
    return train(watch, model, dt.Adagrad(model.parameters(), lr=0.1), lambda step: F.mse_loss(model(index), y))


def distances(watch):
    """Differences that are meant to be a table: each row to each of some centres, and outputs that are centred."""
    torch.manual_seed(0)
    x, centres, mean = torch.randn(16, 4), torch.randn(3, 2), torch.zeros(2)
    model = mlp(2)

    def loss(step):
        z = model(x) - mean
        return (z[:, None] - centres[None]).square().sum(-1).min(1).values.mean()

    return train(watch, model, torch.optim.Adam(model.parameters(), lr=0.02), loss)


def clipped_weights(watch):
    """A critic whose weights are held in a box after each step."""
    model = mlp()

    def clip(step):
        with torch.no_grad():
            for p in model.parameters():
                p.clamp_(-0.3, 0.3)

    return usual(watch, model, after=clip)


def averaged(watch):
    """An average of the weights that is evaluated in their place."""
    x, _ = table()
    model = mlp()
    mean = torch.optim.swa_utils.AveragedModel(model)

    def evaluate(step):
        mean.update_parameters(model)
        own = {k: v.clone() for k, v in model.state_dict().items()}
        model.load_state_dict(mean.module.state_dict())
        with torch.no_grad():
            model(x)
        model.load_state_dict(own)

    return usual(watch, model, after=evaluate)


def normalised(watch):
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
    model[0].requires_grad_(False)
    return usual(watch, model)


class Staged(nn.Sequential):
    """A network whose first layer is frozen by its own train()."""

    def train(self, mode=True):
        super().train(mode)
        self[0].requires_grad_(False)
        return self


def staged(watch):
    model = Staged(*mlp())
    model.train()
    return usual(watch, model)


def complex_numbers(watch):
    x, _ = table()
    x = torch.complex(x, x.flip(0))
    y, model = x.mean(1, keepdim=True), nn.Linear(4, 1, dtype=torch.complex64)
    return train(
        watch, model, torch.optim.Adam(model.parameters(), lr=0.05), lambda step: (model(x) - y).abs().square().mean()
    )


HEALTHY = {
    "regression": usual,
    "by descend": lambda watch: usual(watch, kind=dt.Nesterov, lr=0.05),
    "deep": lambda watch: usual(watch, mlp(depth=6, width=32)),
    "tanh": lambda watch: usual(watch, mlp(activation=nn.Tanh)),
    "residual": lambda watch: usual(watch, Residual()),
    "noise alone": lambda watch: usual(watch, lr=1e-6),
    "classification": classification, "two classes": two_classes, "probabilities": probabilities, "images": images,
    "transformer": transformer, "recurrent": recurrent, "adapter": adapter, "frozen": frozen, "accumulation": accumulation,
    "closures": closures, "mixed precision": mixed_precision, "scheduled": scheduled, "warm-up": warm_up,
    "adversaries": adversaries, "sparse gradients": sparse_gradients, "distances": distances,
    "clipped weights": clipped_weights, "averaged": averaged, "normalised": normalised, "staged": staged, "complex numbers": complex_numbers,
}  # fmt: skip


# --- planted faults


def no_zero_grad(watch):
    return usual(watch, lr=0.001, zero=False)


def replaced_layer(watch):
    x, y = table()
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    model[4] = nn.Linear(16, 1)
    return train(watch, model, optimizer, lambda step: F.mse_loss(model(x), y))


class Detached(nn.Module):
    """The graph is cut behind the first layer."""

    def __init__(self):
        super().__init__()
        self.first, self.head = nn.Linear(4, 16), nn.Linear(16, 1)

    def forward(self, x):
        return self.head(torch.relu(self.first(x)).detach())


def softmax_twice(watch):
    x, y = classes()
    model = nn.Sequential(mlp(3), nn.Softmax(dim=1))
    return train(watch, model, torch.optim.Adam(model.parameters(), lr=0.02), lambda step: F.cross_entropy(model(x), y))


def sigmoid_twice(watch):
    x, y = table()
    model = nn.Sequential(mlp(), nn.Sigmoid())
    return train(watch, model, torch.optim.Adam(model.parameters(), lr=0.02),
                 lambda step: nn.BCEWithLogitsLoss()(model(x), (y > 0).float()))  # fmt: skip


def trained_in_evaluation_mode(watch):
    x, y = table()
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    return train(watch, model, optimizer, lambda step: F.mse_loss(model(x), y), steps=5, mode=nn.Module.eval)


def evaluated_in_training_mode(watch):
    x, y = table()
    model = nn.Sequential(mlp(), nn.Dropout(0.1))

    def evaluate(step):
        if step % 10 == 9:
            with torch.no_grad():
                model(x)

    return train(watch, model, torch.optim.Adam(model.parameters(), lr=0.02),
                 lambda step: F.mse_loss(model(x), y), after=evaluate)  # fmt: skip


def scheduler_first(watch):
    x, y = table()
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of it too
        return train(
            watch, model, optimizer, lambda step: F.mse_loss(model(x), y), before=lambda step: scheduler.step()
        )


def other_shape(watch):
    x, y = table()
    model = mlp(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return train(watch, model, torch.optim.Adam(model.parameters(), lr=0.02), lambda step: F.mse_loss(model(x), y))


def flat_target(watch):
    x, y = table()
    model = mlp()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return train(watch, model, torch.optim.Adam(model.parameters(), lr=0.02),
                     lambda step: F.mse_loss(model(x), y[:, 0]))  # fmt: skip


def flat_target_by_hand(watch):
    x, y = table()
    model = mlp()
    return train(watch, model, torch.optim.Adam(model.parameters(), lr=0.02),
                 lambda step: torch.mean((y.flatten() - model(x)) ** 2))  # fmt: skip


def scaled(model, factor, bias=0.0):
    """A model whose hidden weights were multiplied, and whose hidden biases were set."""
    with torch.no_grad():
        for module in list(model)[:-1]:
            if isinstance(module, nn.Linear):
                module.weight.mul_(factor)
                module.bias.fill_(bias)
    return model


def exploding(watch):
    torch.manual_seed(0)
    return usual(watch, scaled(mlp(depth=8, width=32), 8.0), lr=0.01, kind=torch.optim.SGD)


def infinite_rate(watch):
    return usual(watch, kind=torch.optim.SGD, lr=1e4)


def nan_in_the_data(watch):
    x, y = table()
    x[5, 2] = torch.nan
    model = mlp()
    return train(watch, model, torch.optim.Adam(model.parameters(), lr=0.02), lambda step: F.mse_loss(model(x), y))


class LogLayer(nn.Module):
    """A layer that takes a logarithm."""

    def forward(self, x):
        return torch.log(x)


def logarithm(watch):
    x, y = table()
    x = x.abs() + 1
    model = nn.Sequential(nn.Linear(4, 1), LogLayer(), nn.Linear(1, 1))
    with torch.no_grad():
        model[0].weight.fill_(1.0)
        model[0].bias.fill_(0.0)

    def loss(step):
        batch = x.clone()
        if step == 7:
            batch[11] = -5.0
        return F.mse_loss(model(batch), y)

    return train(watch, model, torch.optim.SGD(model.parameters(), lr=1e-3), loss)


def root_of_zero(watch):
    """A loss that is finite and a gradient that is not: the slope of a root at 0."""
    x, y = table()
    model = mlp()

    def loss(step):
        error = model(x) - y
        return (error * (0.0 if step == 5 else 1.0)).square().sum().sqrt()

    return train(watch, model, torch.optim.SGD(model.parameters(), lr=1e-3), loss)


def loss_of_zero(watch):
    """A loss that takes the logarithm of a probability of 0, whose model is finite."""
    x, y = table()
    model = nn.Sequential(mlp(), nn.Sigmoid())

    def loss(step):
        p = model(x)
        return -(torch.log(p - p.detach()) if step == 4 else torch.log(p)).mean()

    return train(watch, model, torch.optim.SGD(model.parameters(), lr=1e-3), loss)


def vanishing(watch):
    torch.manual_seed(0)
    return usual(watch, mlp(depth=10, activation=nn.Sigmoid), kind=torch.optim.SGD, lr=0.01)


def dead(watch):
    torch.manual_seed(0)
    return usual(watch, scaled(mlp(depth=3), 0.1, bias=-1.0), lr=1e-4)


def saturated(watch):
    torch.manual_seed(0)
    return usual(watch, scaled(mlp(depth=3, activation=nn.Tanh), 100.0), kind=torch.optim.SGD, lr=1e-4)


def equal_units(watch):
    model = mlp()
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.constant_(module.weight, 0.1)
    return usual(watch, model, kind=torch.optim.SGD, lr=1e-3)


def low_weights(watch):
    x, y = table()
    model = mlp().bfloat16()
    return train(watch, model, torch.optim.SGD(model.parameters(), lr=1e-5),
                 lambda step: F.mse_loss(model(x.bfloat16()), y.bfloat16()))  # fmt: skip


def low_epsilon(watch):
    x, y = table()
    model = mlp().bfloat16().half()
    return train(watch, model, torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-8),
                 lambda step: F.mse_loss(model(x.half()), y.half()), steps=3)  # fmt: skip


def rising(watch):
    return usual(watch, kind=torch.optim.SGD, lr=1.5, model=nn.Linear(4, 1), steps=25)


class Rebinding(torch.optim.Optimizer):
    """A step that makes new tensors and lets go of them."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p = p - group["lr"] * p.grad  # noqa: PLW2901


def rebinding(watch):
    return usual(watch, kind=Rebinding)


def initialised_again(watch):
    x, y = table()
    model = mlp()

    def loss(step):
        nn.init.normal_(model[2].weight, std=0.3)
        return F.mse_loss(model(x), y)

    return train(watch, model, torch.optim.Adam(model.parameters(), lr=0.02), loss)


def lost_input(watch):
    x, y = table()
    model = mlp()
    return train(watch, model, torch.optim.Adam(model.parameters(), lr=0.02),
                 lambda step: F.mse_loss(model(torch.zeros_like(x)), y))  # fmt: skip


def norms_alone(watch):
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
    model.requires_grad_(False)
    model[1].requires_grad_()
    return usual(watch, model)


class Unlowered(nn.Module):
    """A model that turns autocast off inside."""

    def __init__(self):
        super().__init__()
        self.body = mlp()

    def forward(self, x):
        with torch.autocast("cpu", enabled=False):
            return self.body(x)


def autocast_off(watch):
    x, y = table()
    model = Unlowered()

    def loss(step):
        with torch.autocast("cpu", torch.bfloat16):
            return F.mse_loss(model(x), y)

    return train(watch, model, torch.optim.Adam(model.parameters(), lr=0.02), loss)


def never_frozen(watch):
    x, y = table()
    model = Staged(*mlp())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    return train(watch, model, optimizer, lambda step: F.mse_loss(model(x), y), steps=5, mode=lambda module: None)


FAULTS = {
    "D601": (no_zero_grad,), "D602": (replaced_layer,), "D603": (lambda watch: usual(watch, Detached()),),
    "D604": (softmax_twice, sigmoid_twice), "D605": (trained_in_evaluation_mode, evaluated_in_training_mode),
    "D606": (scheduler_first,), "D607": (other_shape,), "D608": (flat_target, flat_target_by_hand),
    "D609": (rebinding,), "D610": (initialised_again,), "D611": (lost_input,), "D612": (norms_alone,), "D613": (autocast_off,),
    "D615": (never_frozen,),
    "D101": (rising,), "D102": (exploding,),
    "D103": (infinite_rate, nan_in_the_data, logarithm, root_of_zero, loss_of_zero),
    "D202": (vanishing,), "D206": (dead,), "D207": (saturated,), "D208": (equal_units,), "D501": (low_weights,),
    "D502": (low_epsilon,),
}  # fmt: skip
