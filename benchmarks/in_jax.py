"""JAX as its documentation sets it up for speed: a whole run in one jit, lax.scan over steps, vmap over settings."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

Work = Callable[[], object]


def _ready(run: Callable, *args: object, wide: bool = False) -> Work:
    """A call that waits for its result; `wide` for float64, which JAX must be allowed whenever it traces or runs."""
    compiled = jax.jit(run)

    def work() -> object:
        with jax.enable_x64(wide):
            return jax.block_until_ready(compiled(*args))

    return work


def squared(w: jax.Array, X: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.mean((X @ w[:-1] + w[-1] - y) ** 2)


def logistic(w: jax.Array, X: jax.Array, y: jax.Array) -> jax.Array:
    z = X @ w[:-1] + w[-1]
    return jnp.mean(jnp.maximum(z, 0) - y * z + jnp.log1p(jnp.exp(-jnp.abs(z))))


def full(X: np.ndarray, y: np.ndarray, epochs: int, lr: float, loss: Callable = squared, wide: bool = False) -> Work:
    """Gradient descent on the whole batch; the loss of every epoch is kept."""
    with jax.enable_x64(wide):
        A, b = jnp.asarray(X), jnp.asarray(y)

        def run(A: jax.Array, b: jax.Array) -> tuple:
            def step(w: jax.Array, _: None) -> tuple:
                value, g = jax.value_and_grad(loss)(w, A, b)
                return w - lr * g, value

            return jax.lax.scan(step, jnp.zeros(A.shape[1] + 1, A.dtype), length=epochs)

    return _ready(run, A, b, wide=wide)


def batches(X: np.ndarray, y: np.ndarray, batch: int, rates: np.ndarray | float) -> Work:
    """One shuffled epoch of gradient descent, for one rate or for many at once."""
    A, b, lr = jnp.asarray(X), jnp.asarray(y), jnp.asarray(rates, jnp.float32)

    def run(A: jax.Array, b: jax.Array, lr: jax.Array) -> jax.Array:
        order = jax.random.permutation(jax.random.key(0), len(A))[: len(A) // batch * batch].reshape(-1, batch)
        grad = jax.grad(squared)

        def step(w: jax.Array, rows: jax.Array) -> tuple:
            part, target = A[rows], b[rows]
            if lr.ndim == 0:
                return w - lr * grad(w, part, target), None
            return w - lr[:, None] * jax.vmap(grad, (0, None, None))(w, part, target), None

        return jax.lax.scan(step, jnp.zeros((*lr.shape, A.shape[1] + 1)), order)[0]

    return _ready(run, A, b, lr)


def networks(X: np.ndarray, y: np.ndarray, hidden: int, batch: int, epochs: int, rates: np.ndarray | float) -> Work:
    """Adam on a network of one hidden layer of rectifiers, or on as many as there are rates."""
    A, b, lr = jnp.asarray(X), jnp.asarray(y, jnp.int32), jnp.asarray(rates, jnp.float32)
    outputs, steps = int(y.max()) + 1, len(X) // batch

    def cost(w: list, part: jax.Array, target: jax.Array) -> jax.Array:
        z = jax.nn.relu(part @ w[0] + w[1]) @ w[2] + w[3]
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), target[:, None], 1))

    def one(lr: jax.Array) -> list:
        k = jax.random.key(0)
        w = [jax.random.normal(k, (A.shape[1], hidden)) * (2 / A.shape[1]) ** 0.5, jnp.zeros(hidden),
             jax.random.normal(k, (hidden, outputs)) * (1 / hidden) ** 0.5, jnp.zeros(outputs)]  # fmt: skip
        zero = [jnp.zeros_like(p) for p in w]

        def step(state: tuple, rows: jax.Array) -> tuple:
            w, m, v, t = state
            g, t = jax.grad(cost)(w, A[rows], b[rows]), t + 1
            m = [0.9 * a + 0.1 * c for a, c in zip(m, g, strict=True)]
            v = [0.999 * a + 0.001 * c * c for a, c in zip(v, g, strict=True)]
            w = [p - lr * (a / (1 - 0.9**t)) / (jnp.sqrt(c / (1 - 0.999**t)) + 1e-8)
                 for p, a, c in zip(w, m, v, strict=True)]  # fmt: skip
            return (w, m, v, t), None

        keys = jax.random.split(jax.random.key(1), epochs)
        orders = jax.vmap(lambda key: jax.random.permutation(key, len(A))[: steps * batch])(keys)
        return jax.lax.scan(step, (w, zero, zero, 0.0), orders.reshape(-1, batch))[0][0]

    return _ready(one if lr.ndim == 0 else jax.vmap(one), lr)
