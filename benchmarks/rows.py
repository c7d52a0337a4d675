"""The rows: the same work by descend and by its rivals, on the same data, in the same process."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import in_jax, optima
from benchmarks.timing import Timed, machine, timed


@dataclass(frozen=True)
class Row:
    """One row of the table: its code, what is done, the goal as a ratio to the best rival, and the contestants."""

    code: str
    work: str
    goal: float
    run: Callable[[Path], list[Timed]]


def _fleet(name: str, X: np.ndarray, y: np.ndarray, batch_size: int, epochs: int, lr: float) -> Callable[[], object]:
    """A single run of gradient descent by the engine that descend would choose."""
    from descend.engines import choose, start
    from descend.losses import loss
    from descend.plan import Plan, setting
    from descend.problem import Problem
    from descend.table.data import Data

    problem = Problem(Data(X, y), loss(name))
    plan = Plan((setting("sgd", lr=lr, batch_size=batch_size),))
    marks = np.arange(1, epochs + 1) * len(X) if epochs <= 1000 else np.array([epochs * len(X)])

    def work() -> object:
        engine = choose(problem, plan, threads=2)
        return engine.advance(problem, plan, start(problem, plan), marks, 2)

    return work


def _torch_full(X: np.ndarray, y: np.ndarray, epochs: int, lr: float) -> Callable[[], object]:
    import torch

    A, b = torch.tensor(X), torch.tensor(y)

    def work() -> object:
        w, c = (
            torch.zeros(X.shape[1], dtype=A.dtype, requires_grad=True),
            torch.zeros(1, dtype=A.dtype, requires_grad=True),
        )
        optimizer, trace = torch.optim.SGD([w, c], lr=lr, foreach=True), []
        for _ in range(epochs):
            optimizer.zero_grad()
            cost = (A @ w + c - b).square().mean()
            cost.backward()
            optimizer.step()
            trace.append(cost.detach())
        return w

    return work


def _torch_batches(X: np.ndarray, y: np.ndarray, batch: int, lr: float) -> Callable[[], object]:
    import torch

    A, b = torch.tensor(X), torch.tensor(y)

    def work() -> object:
        w, c = (
            torch.zeros(X.shape[1], dtype=A.dtype, requires_grad=True),
            torch.zeros(1, dtype=A.dtype, requires_grad=True),
        )
        optimizer = torch.optim.SGD([w, c], lr=lr, foreach=True)
        order = torch.randperm(len(A))
        for lo in range(0, len(A), batch):
            rows = order[lo : lo + batch]
            optimizer.zero_grad()
            (A[rows] @ w + c - b[rows]).square().mean().backward()
            optimizer.step()
        return w

    return work


def _big(dtype: type = np.float32) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1_000_000, 50), dtype=np.float32)
    y = X @ rng.standard_normal(50, dtype=np.float32) / 7 + rng.standard_normal(1_000_000, dtype=np.float32)
    return X.astype(dtype, copy=False), y.astype(dtype, copy=False)


def b1(folder: Path) -> list[Timed]:
    from descend.demo_data import example

    seed = example()
    X, y = seed.X.astype(np.float64), seed.y.astype(np.float64)
    return [
        timed("descend", _fleet("squared", X, y, 0, 1000, 0.01)),
        timed("JAX", in_jax.full(X, y, 1000, 0.01, wide=True)),
    ]


def b1_of_torch(folder: Path) -> list[Timed]:
    from descend.demo_data import example

    seed = example()
    X, y = seed.X.astype(np.float64), seed.y.astype(np.float64)
    return [
        timed("descend", _fleet("squared", X, y, 0, 1000, 0.01)),
        timed("torch", _torch_full(X, y, 1000, 0.01), repeats=3),
    ]


def b2(folder: Path) -> list[Timed]:
    X, y = _big()
    torch = timed("torch", _torch_full(X, y, 10, 0.1), repeats=1)
    scaled = Timed("torch, 10 epochs × 100", torch.seconds * 100, tuple(s * 100 for s in torch.all))
    jax = timed("JAX", in_jax.full(X, y, 20, 0.1), repeats=1)
    also = Timed("JAX, 20 epochs × 50", jax.seconds * 50, tuple(s * 50 for s in jax.all))
    return [timed("descend", _fleet("squared", X, y, 0, 1000, 0.1), repeats=3), scaled, also]


def b3(folder: Path) -> list[Timed]:
    X, y = _big()
    y = (y > 0).astype(np.float32)
    return [
        timed("descend", _fleet("logistic", X, y, 0, 1, 0.5)),
        timed("torch (squared loss)", _torch_full(X, y, 1, 0.1)),
        timed("JAX", in_jax.full(X, y, 1, 0.5, in_jax.logistic)),
    ]


def b3_of_reading(folder: Path) -> list[Timed]:
    X, y = _big()
    y = (y > 0).astype(np.float32)
    speed = machine()["read_gb_per_s"]
    read = X.nbytes / 1e9 / float(speed)  # type: ignore[arg-type]
    return [timed("descend", _fleet("logistic", X, y, 0, 1, 0.5)), Timed("to read the data once", read, (read,))]


def b4(folder: Path) -> list[Timed]:
    from sklearn.linear_model import SGDRegressor

    X, y = _big()
    model = SGDRegressor(max_iter=1, tol=None, penalty=None, learning_rate="constant", eta0=1e-3, random_state=0)
    return [
        timed("descend", _fleet("squared", X, y, 1, 1, 1e-3), repeats=3),
        timed("scikit-learn", lambda: model.fit(X, y), repeats=3),
        timed("JAX", in_jax.batches(X, y, 1, 1e-3), repeats=1),
    ]


def b5(folder: Path) -> list[Timed]:
    X, y = _big()
    return [
        timed("descend", _fleet("squared", X, y, 256, 1, 0.01), repeats=3),
        timed("torch", _torch_batches(X, y, 256, 0.01), repeats=1),
        timed("JAX", in_jax.batches(X, y, 256, 0.01), repeats=3),
    ]


def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y.astype(np.float32)


def _networks(X: np.ndarray, y: np.ndarray, batch: int, epochs: int, runs: int = 1) -> Callable[[], object]:
    """Networks 64-100-10 by Adam, each at a rate of its own."""
    from descend.engines import choose, start
    from descend.losses import loss
    from descend.plan import Plan, setting
    from descend.problem import Problem
    from descend.problem.network import Network
    from descend.table.data import Data

    problem = Problem(Data(X, y), loss("softmax"), outputs=10, network=Network((64, 100, 10)))
    rates = 1e-3 * np.linspace(1, 2, runs)
    plan = Plan(tuple(setting("adam", lr=float(lr), batch_size=batch) for lr in rates))
    marks = np.array([epochs * len(X)])
    return lambda: choose(problem, plan, threads=2).advance(problem, plan, start(problem, plan), marks, 2)


def _torch_network(X: np.ndarray, y: np.ndarray, batch: int, epochs: int) -> Callable[[], object]:
    import torch

    A, b = torch.tensor(X), torch.tensor(y).long()

    def work() -> object:
        model = torch.nn.Sequential(torch.nn.Linear(64, 100), torch.nn.ReLU(), torch.nn.Linear(100, 10))
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
        for _ in range(epochs):
            order = torch.randperm(len(A))
            for lo in range(0, len(A), batch):
                rows = order[lo : lo + batch]
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(A[rows]), b[rows]).backward()
                optimizer.step()
        return model

    return work


def b6(batch: int) -> Callable[[Path], list[Timed]]:
    def run(folder: Path) -> list[Timed]:
        import warnings

        from sklearn.neural_network import MLPClassifier

        X, y = _digits()
        model = MLPClassifier((100,), batch_size=batch, max_iter=20, n_iter_no_change=100, random_state=0)
        warnings.simplefilter("ignore")
        return [
            timed("descend", _networks(X, y, batch, 20), repeats=9),
            timed("torch", _torch_network(X, y, batch, 20), repeats=3),
            timed("scikit-learn", lambda: model.fit(X, y), repeats=3),
            timed("JAX", in_jax.networks(X, y, 100, batch, 20, 1e-3), repeats=9),
        ]

    return run


def b8(folder: Path) -> list[Timed]:
    X, y = _digits()
    one = in_jax.networks(X, y, 100, 32, 20, 1e-3)
    return [
        timed("descend", _networks(X, y, 32, 20, 64), repeats=3),
        timed("JAX, vmap of 64", in_jax.networks(X, y, 100, 32, 20, 1e-3 * np.linspace(1, 2, 64)), repeats=3),
        timed("JAX, one by one", lambda: [one() for _ in range(64)], repeats=3),
    ]


def products(width: int, batch: int) -> Callable[[Path], list[Timed]]:
    """An epoch of one hidden layer of so many units against the time of its matrix products at the peak of the machine."""

    def run(folder: Path) -> list[Timed]:
        from descend.engines import choose, start
        from descend.losses import loss
        from descend.plan import Plan, setting
        from descend.problem import Problem
        from descend.problem.network import Network
        from descend.table.data import Data

        rng, rows = np.random.default_rng(0), 4096
        X = rng.standard_normal((rows, width), dtype=np.float32)
        problem = Problem(Data(X, X[:, 0]), loss("squared"), network=Network((width, width, width, 1)))
        plan = Plan((setting("sgd", lr=1e-4, batch_size=batch),))
        work = 2 * rows * (2 * width * width + width) * 3 - 2 * rows * width * width
        least = work / 1e9 / float(machine()["matmul_gflops_float32"])  # type: ignore[arg-type]
        return [
            timed(
                "descend",
                lambda: choose(problem, plan, threads=2).advance(
                    problem, plan, start(problem, plan), np.array([rows]), 2
                ),
            ),
            Timed("its products at the peak of all cores", least, (least,)),
        ]

    return run


def _many(X: np.ndarray, y: np.ndarray, runs: int) -> Callable[[], object]:
    """One epoch of 256 rows a step, for so many runs: gradient descent and Adam at half as many rates each."""
    from descend.engines import choose, start
    from descend.losses import loss
    from descend.plan import Plan, setting
    from descend.problem import Problem
    from descend.table.data import Data

    rates, names = np.geomspace(1e-4, 1e-1, max(runs // 2, 1)), ("sgd", "adam")[:runs]
    problem = Problem(Data(X, y), loss("squared"))
    plan = Plan(tuple(setting(name, lr=float(lr), batch_size=256) for name in names for lr in rates))
    return lambda: choose(problem, plan, threads=2).advance(problem, plan, start(problem, plan), np.array([len(X)]), 2)


def b7(folder: Path) -> list[Timed]:
    X, y = _big()
    rates = np.geomspace(1e-4, 1e-1, 128)
    return [
        timed("descend", _many(X, y, 256), repeats=3),
        timed("torch, one rule, 256 columns", _torch_columns(X, y, 256, rates.repeat(2)), repeats=3),
        timed("JAX, one rule, vmap of 256", in_jax.batches(X, y, 256, rates.repeat(2)), repeats=3),
    ]


def b7_of_one(folder: Path) -> list[Timed]:
    X, y = _big()
    one = _many(X, y, 1)
    return [
        timed("descend", _many(X, y, 256), repeats=3),
        timed("one run, 15 times", lambda: [one() for _ in range(15)], repeats=3),
    ]


def _torch_columns(X: np.ndarray, y: np.ndarray, batch: int, rates: np.ndarray) -> Callable[[], object]:
    """Gradient descent at many rates as the columns of one matrix."""
    import torch

    A, b, lr = torch.tensor(X), torch.tensor(y)[:, None], torch.tensor(rates, dtype=torch.float32)

    def work() -> object:
        W, c = torch.zeros(X.shape[1], len(rates)), torch.zeros(1, len(rates))
        order = torch.randperm(len(A))
        for lo in range(0, len(A), batch):
            rows = order[lo : lo + batch]
            part = A[rows]
            pull = (part @ W + c - b[rows]) * (2 / len(rows))
            W -= lr * (part.T @ pull)
            c -= lr * pull.sum(0)
        return W

    return work


def b9(count: int, size: int, steps: int) -> Callable[[Path], list[Timed]]:
    """Steps of Adam on so many tensors of the default device, by descend.torch and by torch."""

    def run(folder: Path) -> list[Timed]:
        import torch

        import descend.torch as dt

        params = [torch.randn(size, requires_grad=True) for _ in range(count)]
        for p in params:
            p.grad = torch.randn(size)
        made = {
            "descend": dt.Adam(params),
            "torch, fused": torch.optim.Adam(params, fused=True),
            "torch, foreach": torch.optim.Adam(params, foreach=True),
        }

        def take(optimizer: torch.optim.Optimizer) -> None:
            for _ in range(steps):
                optimizer.step()
            if params[0].is_cuda:  # which works on while Python goes on
                torch.cuda.synchronize()

        return [timed(name, lambda o=o: take(o), repeats=9) for name, o in made.items()]

    return run


def b12(folder: Path) -> list[Timed]:
    command = [sys.executable, "-m", "descend"]
    data = Path(__file__).parent.parent / "examples" / "data" / "penguins.csv"
    train = [*command, "train", str(data), "--target", "body_mass_g", "--run-dir", str(folder / "run"), "--force"]
    return [
        timed("descend --help", lambda: subprocess.run([*command, "--help"], capture_output=True, check=True)),
        timed("descend train, 344 rows", lambda: subprocess.run(train, capture_output=True, check=True)),
    ]


ROWS = (
    Row("B1", "the seed's problem, 1000×2, 1000 full-batch epochs, float64, every epoch kept", 3, b1),
    Row("B1, of torch", "the same against torch", 200, b1_of_torch),
    Row("B2", "full batch, squared, 1,000,000×50 float32, 1000 epochs", 100, b2),
    Row("B3", "full batch, logistic, 1,000,000×50 float32, one epoch", 3, b3),
    Row("B3, of reading", "the same against reading the data once at the speed of this run", 0.85, b3_of_reading),
    Row("B4", "one row a step, shuffled, 1,000,000×50 float32, one epoch", 10, b4),
    Row("B5", "256 rows a step, shuffled, 1,000,000×50 float32, one epoch", 5, b5),
    Row("B6", "digits, network 64-100-10, Adam, 20 epochs, 32 rows a step", 2, b6(32)),
    Row("B6, 200", "the same, 200 rows a step", 2, b6(200)),
    Row("B7", "256 runs at once, 2 rules × 128 rates, 256 rows a step, 1,000,000×50 float32, one epoch", 3, b7),
    Row("B7, of one", "the same against one of its runs, 15 times", 1, b7_of_one),
    Row("B8", "64 such networks at once, 32 rows a step", 2, b8),
    *(
        Row(
            f"peak, {width} × {batch}",
            f"two hidden layers of {width}, {batch} rows a step, one epoch of 4,096 rows",
            0.5,
            products(width, batch),
        )
        for width in (64, 256, 1024)
        for batch in (32, 256)
    ),
    Row("B9", "Adam in torch, 20 steps on 1 tensor of 10,000,000 float32", 1, b9(1, 10_000_000, 20)),
    Row("B9, 1,000", "Adam in torch, 50 steps on 1,000 tensors of 100 float32", 2, b9(1000, 100, 50)),
    Row("B9, one small", "Adam in torch, 1,000 steps on 1 tensor of 1,000 float32", 3, b9(1, 1000, 1000)),
    Row("B10", "arrival delay of 327,346 flights, the ridge optimum from scaled columns", 1, optima.regression),
    Row("B10, logistic", "the same, which flights arrive later than the mean", 1, optima.classification),
    Row("B12", "whole commands, warm (goals: 0.2 s and 2 s)", 0, b12),
)
