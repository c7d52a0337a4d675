"""Faults of training: rates, starts, shapes of a network, rules and the numbers they compute with."""

from typing import Any

import numpy as np

from benchmarks.planted import GOOD_NET, NET, Case, Table, Way, limit_of


def above_limit(optimizer: str, **options: Any) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        limit = limit_of(t, optimizer, **options)
        if limit is None:
            return None
        how = {"optimizer": optimizer, "lr": (1.3, 4.0, 100.0)[strength] * limit, "max_epochs": 1000, **options}
        return t.case("D101", options=how, healthy={"optimizer": optimizer, **options})

    return way


def too_fast(optimizer: str, rates: tuple[float, ...], network: bool = False) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        how = {"optimizer": optimizer, "lr": rates[strength], "max_epochs": 60, **(NET if network else {})}
        return t.case("D101", options=how, healthy=GOOD_NET if network else {"optimizer": optimizer})

    return way


def exploding(optimizer: str, activation: str, std: float) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        layers = (6, 10, 15)[strength]
        how = {"hidden_layer_sizes": (24,) * layers, "activation": activation, "init": f"normal:{std}", "optimizer": optimizer, "lr": 0.01,
               "max_epochs": 30}  # fmt: skip
        return t.case("D102", options=how, place={"layer": range(1, layers + 2)}, healthy=GOOD_NET)

    return way


def nonfinite(optimizer: str, power: tuple[int, ...], network: bool = False) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        if not t.numbers():
            return None
        name = str(t.rng.choice(t.numbers()))
        x = t.frame[name]
        frame = t.frame.assign(**{name: x / x.abs().max() * 10.0 ** power[strength]})
        how = {"optimizer": optimizer, "lr": 0.1, "scale": False, "max_epochs": 30, **(NET if network else {})}
        return t.case("D103", frame, how, place={"place": [f"column {name!r}"], "column": [name]}, also=("D401", "D101"),
                      healthy=GOOD_NET if network else {"optimizer": "adam"})  # fmt: skip

    return way


def edge(**options: Any) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        how = {"hidden_layer_sizes": (16,), "optimizer": "gd", **options}
        limit = limit_of(t, **how)
        if limit is None:
            return None
        return t.case("D105", options={**how, "lr": (0.7, 0.9, 0.99)[strength] * limit, "max_epochs": 400})

    return way


def too_slow(optimizer: str, rates: tuple[float, ...], network: bool = False, epochs: int = 40) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        how = {"optimizer": optimizer, "lr": rates[strength], **(NET if network else {}), "max_epochs": epochs}
        return t.case("D201", options=how, healthy=GOOD_NET if network else {"optimizer": optimizer}, also=("D210",))

    return way


def few_epochs(optimizer: str) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        how = {"optimizer": optimizer, "max_epochs": (8, 4, 1)[strength]}
        return t.case("D201", options=how, healthy={"optimizer": optimizer})

    return way


def vanishing(optimizer: str, activation: str, std: float) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        layers = (8, 11, 15)[strength]
        how = {"hidden_layer_sizes": (16,) * layers, "activation": activation, "init": f"normal:{std}", "optimizer": optimizer, "lr": 0.01,
               "max_epochs": 30}  # fmt: skip
        return t.case("D202", options=how, place={"layer": range(1, layers)}, healthy=GOOD_NET)

    return way


def twin(optimizer: str, make: str) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        names = t.numbers()
        if t.classes or len(names) < 2:
            return None
        a, b = (str(c) for c in t.rng.choice(names, 2, replace=False))
        noise = (1e-2, 5e-3, 2e-3)[strength] * t.rng.normal(size=t.rows)
        z = {c: (t.frame[c] - t.frame[c].mean()) / t.frame[c].std() for c in (a, b)}
        twins = {"copy": z[a] + noise, "sum": z[a] + z[b] + noise, "difference": z[a] - z[b] + noise}[make]
        frame = t.with_column(twins)
        frame[t.target] = t.y + 0.5 * t.y.std() * noise / noise.std()
        limit = limit_of(Table(frame, t.target, t.classes, t.rng), optimizer, l2=0.0)
        if limit is None:
            return None
        how = {"optimizer": optimizer, "l2": 0.0, "lr": 0.5 * limit, "max_epochs": 300}
        place = [a, "made"] if make == "copy" else [a, b, "made"]
        return t.case("D203", frame, how, place={"column": place}, healthy={"l2": 0.0})

    return way


def adagrad_decay(rates: tuple[float, ...], network: bool = False, epochs: int = 300) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        how = {"optimizer": "adagrad", "lr": rates[strength], **(NET if network else {}), "max_epochs": epochs}
        return t.case(
            "D204", options=how, also=("D201", "D210"), healthy=GOOD_NET if network else {"optimizer": "adagrad"}
        )

    return way


def zigzag(share: float, l2: float) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        limit = limit_of(t, "gd", l2=l2)
        if limit is None:
            return None
        how = {"optimizer": "gd", "lr": share * limit, "l2": l2, "max_epochs": (150, 80, 40)[strength]}
        return t.case("D205", options=how, healthy={"optimizer": "nesterov", "l2": l2})

    return way


def dead(optimizer: str, rates: tuple[float, ...], **options: Any) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        how = {
            "hidden_layer_sizes": (16,),
            "activation": "relu",
            "optimizer": optimizer,
            "lr": rates[strength],
            "max_epochs": 20,
            **options,
        }
        return t.case("D206", options=how, place={"layer": [1]}, also=("D101",), healthy=GOOD_NET)

    return way


def saturated(optimizer: str, activation: str) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        how = {"hidden_layer_sizes": (16, 16), "activation": activation, "init": f"normal:{(3, 8, 30)[strength]}", "optimizer": optimizer,
               "lr": 0.001, "max_epochs": 30}  # fmt: skip
        return t.case("D207", options=how, place={"layer": [1, 2]}, healthy=GOOD_NET)

    return way


def symmetric(optimizer: str, activation: str, layers: int) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        how = {"hidden_layer_sizes": (8 * (1 + strength),) * layers, "activation": activation, "init": "zeros", "optimizer": optimizer,
               "lr": 0.01, "max_epochs": 30}  # fmt: skip
        return t.case("D208", options=how, place={"layer": range(1, layers + 1)})

    return way


def starts(activation: str, sizes: tuple[int, ...], optimizer: str = "adam") -> Way:
    def way(t: Table, strength: int) -> Case | None:
        how = {"hidden_layer_sizes": sizes, "activation": activation, "optimizer": optimizer, "lr": 0.02,
               "max_epochs": (80, 60, 40)[strength], "restarts": 6, "seeds": None}  # fmt: skip
        return t.case("D209", options=how)

    return way


def clipped(optimizer: str, network: bool = False) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        norm = (1e-2, 1e-3, 1e-5)[strength]
        how = {"optimizer": optimizer, "clip": norm, "lr": 0.05, "max_epochs": 60, **(NET if network else {})}
        return t.case("D212", options=how, healthy=GOOD_NET if network else {"optimizer": optimizer})

    return way


def scheduled(optimizer: str, schedule: str, network: bool = False) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        epochs = (40, 60, 80)[strength]
        how = {
            "optimizer": optimizer,
            "lr": 0.05,
            "max_epochs": epochs,
            **(NET | {"max_epochs": epochs} if network else {}),
        }
        how |= {"warmup": (10**4, 10**5, 10**6)[strength]} if schedule == "warmup" else {"schedule": schedule}
        return t.case("D213", options=how, healthy=GOOD_NET if network else {"optimizer": optimizer})

    return way


def unscaled(optimizer: str, network: bool = False) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        if not t.numbers():
            return None
        name = str(t.rng.choice(t.numbers()))
        frame, sized = t.frame.copy(), t.numbers(2)
        for c in sized:
            frame[c] = (frame[c] - frame[c].mean()) / frame[c].std()
        frame[name] *= (100, 1000, 1e5)[strength]
        how = {"scale": False, "optimizer": optimizer, "max_epochs": 200, **(NET if network else {})}
        limit = limit_of(
            Table(frame, t.target, t.classes, t.rng),
            optimizer,
            **{k: v for k, v in how.items() if k not in ("optimizer", "max_epochs")},
        )
        how["lr"] = 0.5 * limit if limit else 0.001
        return t.case(
            "D401", frame, how, place={"column": [name]}, healthy=GOOD_NET if network else {"optimizer": optimizer}
        )

    return way


def stagnating(optimizer: str, lr: float) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        names = t.numbers()
        if t.classes or not names:
            return None
        X = t.frame[names].fillna(t.frame[names].median()).to_numpy(float)
        X = (X - X.mean(0)) / np.maximum(X.std(0), 1e-6)
        y = t.scores() + (1e5, 1e6, 1e7)[strength]
        how = {"optimizer": optimizer, "lr": lr, "scale": False, "max_epochs": 4000, "time_budget": 4}
        return Case(code="D501", data=X.astype(np.float32), target=y.astype(np.float32), options=how)

    return way


def small_epsilon(optimizer: str) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        return t.case("D502", options={"optimizer": optimizer, "eps": (1e-160, 1e-200, 1e-300)[strength]})

    return way


def noisy(optimizer: str, batch: int, rates: tuple[float, ...]) -> Way:
    def way(t: Table, strength: int) -> Case | None:
        if t.rows < 150:
            return None
        how = {"optimizer": optimizer, "batch_size": batch, "lr": rates[strength], "max_epochs": 100}
        return t.case("D504", options=how, healthy={"optimizer": optimizer})

    return way


WAYS: dict[str, tuple[Way, ...]] = {
    "D101": (
        above_limit("gd"),
        above_limit("momentum"),
        above_limit("nesterov"),
        above_limit("minibatch", batch_size="full"),
        too_fast("adam", (3.0, 30.0, 300.0)),
        too_fast("rmsprop", (3.0, 30.0, 300.0)),
        too_fast("adagrad", (30.0, 300.0, 3000.0)),
        too_fast("adam", (0.5, 3.0, 30.0), True),
        too_fast("rmsprop", (0.5, 3.0, 30.0), True),
        too_fast("momentum", (1.0, 5.0, 50.0), True),
    ),
    "D102": (
        exploding("momentum", "relu", 1.0),
        exploding("minibatch", "elu", 0.6),
        exploding("adam", "relu", 1.0),
        exploding("rmsprop", "leaky_relu", 0.8),
        exploding("adagrad", "elu", 0.8),
        exploding("adam", "gelu", 1.5),
    ),
    "D103": (
        nonfinite("adam", (160, 200, 300)),
        nonfinite("gd", (20, 100, 200)),
        nonfinite("rmsprop", (160, 200, 300)),
        nonfinite("momentum", (10, 50, 200)),
        nonfinite("momentum", (10, 50, 200), True),
    ),
    "D105": (
        edge(activation="tanh"),
        edge(activation="relu"),
        edge(activation="sigmoid"),
        edge(activation="tanh", hidden_layer_sizes=(8, 8)),
        edge(activation="elu"),
    ),
    "D201": (
        too_slow("gd", (0.01, 0.003, 1e-4)),
        too_slow("adam", (3e-3, 1e-3, 1e-5)),
        too_slow("rmsprop", (3e-3, 1e-3, 1e-5)),
        too_slow("momentum", (1e-3, 3e-4, 1e-5)),
        too_slow("minibatch", (1e-4, 3e-5, 1e-6)),
        too_slow("adam", (1e-4, 1e-5, 1e-7), True),
        too_slow("momentum", (1e-5, 1e-6, 1e-8), True),
        few_epochs("gd"),
        few_epochs("momentum"),
    ),
    "D202": (
        vanishing("adam", "sigmoid", 0.1),
        vanishing("minibatch", "tanh", 0.05),
        vanishing("momentum", "sigmoid", 0.2),
        vanishing("rmsprop", "tanh", 0.03),
        vanishing("nesterov", "relu", 0.03),
    ),
    "D203": (
        twin("gd", "copy"),
        twin("momentum", "copy"),
        twin("nesterov", "sum"),
        twin("minibatch", "difference"),
        twin("gd", "sum"),
    ),
    "D204": (
        adagrad_decay((0.05, 0.02, 0.005)),
        adagrad_decay((0.02, 0.01, 0.002), epochs=600),
        adagrad_decay((0.01, 0.003, 0.001)),
        adagrad_decay((1e-3, 3e-4, 1e-4), True, 100),
        adagrad_decay((0.1, 0.05, 0.01), epochs=150),
    ),
    "D205": (zigzag(0.995, 1e-4), zigzag(0.998, 0.0), zigzag(0.999, 1e-3), zigzag(0.99, 1e-4), zigzag(0.9995, 0.0)),
    "D206": (
        dead("minibatch", (5.0, 30.0, 100.0), clip=1.0),
        dead("momentum", (3.0, 10.0, 30.0), clip=1.0),
        dead("adam", (1.0, 5.0, 20.0)),
        dead("rmsprop", (1.0, 5.0, 20.0)),
        dead("nesterov", (3.0, 10.0, 30.0), clip=1.0),
    ),
    "D207": (
        saturated("adam", "sigmoid"),
        saturated("adam", "tanh"),
        saturated("momentum", "tanh"),
        saturated("rmsprop", "sigmoid"),
        saturated("minibatch", "tanh"),
    ),
    "D208": (
        symmetric("adam", "tanh", 1),
        symmetric("momentum", "sigmoid", 1),
        symmetric("rmsprop", "tanh", 2),
        symmetric("minibatch", "relu", 1),
        symmetric("adam", "elu", 2),
    ),
    "D209": (
        starts("relu", (2, 2, 2, 2)),
        starts("relu", (1, 1, 1)),
        starts("tanh", (1,), "momentum"),
        starts("relu", (3, 2, 2, 2)),
        starts("sigmoid", (1, 1), "rmsprop"),
    ),
    "D212": (clipped("gd"), clipped("momentum"), clipped("nesterov"), clipped("minibatch"), clipped("momentum", True)),
    "D213": (
        scheduled("gd", "warmup"),
        scheduled("adam", "warmup"),
        scheduled("momentum", "exponential"),
        scheduled("gd", "inverse_scaling"),
        scheduled("momentum", "step"),
        scheduled("momentum", "warmup", True),
    ),
    "D401": (
        unscaled("gd"),
        unscaled("momentum"),
        unscaled("nesterov"),
        unscaled("minibatch"),
        unscaled("momentum", True),
    ),
    "D501": (
        stagnating("gd", 0.01),
        stagnating("gd", 0.003),
        stagnating("momentum", 0.001),
        stagnating("nesterov", 0.001),
        stagnating("minibatch", 0.01),
    ),
    "D502": (
        small_epsilon("adam"),
        small_epsilon("rmsprop"),
        small_epsilon("adagrad"),
        small_epsilon("adamw"),
        small_epsilon("adadelta"),
    ),
    "D504": (
        noisy("minibatch", 4, (0.02, 0.05, 0.1)),
        noisy("sgd", 1, (0.005, 0.01, 0.03)),
        noisy("momentum", 8, (0.005, 0.01, 0.02)),
        noisy("adam", 4, (0.02, 0.05, 0.2)),
        noisy("rmsprop", 8, (0.02, 0.05, 0.2)),
    ),
}
