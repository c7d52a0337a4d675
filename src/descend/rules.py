"""Update rules for one coordinate, in order of increasing complexity.

The signature is the schema: gradient g, memory, time t (1 at the first step), constants with their defaults. Each
rule returns the step to subtract from the weight, then the new memory in the order of the signature. Memory starts
at 0, or at its default. A rule works on floats, arrays, tensors and in compiled code. A constant called `decay` is
decoupled weight decay: the engine shrinks the weight by lr * decay before the step.
"""

from typing import Any

from descend.ops import maximum, sign, sqrt

Number = Any


def sgd(g: Number, t: Number, lr: float = 0.001) -> tuple[Number, ...]:
    """Gradient descent (Robbins and Monro 1951)."""
    return (lr * g,)


def momentum(g: Number, v: Number, t: Number, lr: float = 0.001, beta: float = 0.9) -> tuple[Number, ...]:
    """Heavy ball (Polyak 1964); the rate stays outside the velocity, as in torch."""
    v = beta * v + g
    return lr * v, v


def nesterov(g: Number, v: Number, t: Number, lr: float = 0.001, beta: float = 0.9) -> tuple[Number, ...]:
    """Accelerated gradient (Nesterov 1983), with the gradient at the stored point (Sutskever et al. 2013)."""
    v = beta * v + g
    return lr * (g + beta * v), v


def adagrad(g: Number, s: Number, t: Number, lr: float = 0.01, eps: float = 1e-10) -> tuple[Number, ...]:
    """Adagrad (Duchi et al. 2011); eps outside the root, memory from 0, as in torch."""
    s = s + g**2
    return lr * g / (sqrt(s) + eps), s


def rmsprop(
    g: Number, s: Number, t: Number, lr: float = 0.01, rho: float = 0.99, eps: float = 1e-8
) -> tuple[Number, ...]:
    """RMSprop (Tieleman and Hinton 2012); eps outside the root, as in torch."""
    s = rho * s + (1 - rho) * g**2
    return lr * g / (sqrt(s) + eps), s


def adam(
    g: Number,
    m: Number,
    v: Number,
    t: Number,
    lr: float = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[Number, ...]:
    """Adam (Kingma and Ba 2015, algorithm 1); eps is added to the root of the corrected v."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return lr * m_hat / (sqrt(v_hat) + eps), m, v


def adamw(
    g: Number,
    m: Number,
    v: Number,
    t: Number,
    lr: float = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    decay: float = 0.01,
) -> tuple[Number, ...]:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019); the decay is scaled by lr, as in torch."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return lr * m_hat / (sqrt(v_hat) + eps), m, v


def amsgrad(
    g: Number,
    m: Number,
    v: Number,
    top: Number,
    t: Number,
    lr: float = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[Number, ...]:
    """AMSGrad (Reddi et al. 2018); the running maximum is of the uncorrected v, corrected afterwards, as in torch."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    top = maximum(top, v)
    m_hat = m / (1 - beta1**t)
    v_hat = top / (1 - beta2**t)
    return lr * m_hat / (sqrt(v_hat) + eps), m, v, top


def nadam(
    g: Number,
    m: Number = 0.0,
    v: Number = 0.0,
    product: Number = 1.0,
    t: Number = 1,
    lr: float = 0.002,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    psi: float = 0.004,
) -> tuple[Number, ...]:
    """Nadam (Dozat 2016); the momentum warms up as 0.96**(psi * t) with torch's psi (Keras: 1)."""
    mu = beta1 * (1 - 0.5 * 0.96 ** (psi * t))
    mu_next = beta1 * (1 - 0.5 * 0.96 ** (psi * (t + 1)))
    product = product * mu
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    v_hat = v / (1 - beta2**t)
    m_hat = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
    return lr * m_hat / (sqrt(v_hat) + eps), m, v, product


def adadelta(
    g: Number, s: Number, u: Number, t: Number, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6
) -> tuple[Number, ...]:
    """Adadelta (Zeiler 2012); eps inside both roots, lr 1 as in the paper and torch (Keras: 0.001)."""
    s = rho * s + (1 - rho) * g**2
    d = g * sqrt(u + eps) / sqrt(s + eps)
    u = rho * u + (1 - rho) * d**2
    return lr * d, s, u


def lion(
    g: Number, m: Number, t: Number, lr: float = 1e-4, beta1: float = 0.9, beta2: float = 0.99
) -> tuple[Number, ...]:
    """Lion (Chen et al. 2023): the sign of an interpolated momentum."""
    return lr * sign(beta1 * m + (1 - beta1) * g), beta2 * m + (1 - beta2) * g


def momentum_keras(g: Number, v: Number, t: Number, lr: float = 0.01, beta: float = 0.9) -> tuple[Number, ...]:
    """Heavy ball with the rate inside the velocity, as in Keras and scikit-learn's MLP."""
    v = beta * v + lr * g
    return v, v


def adagrad_keras(
    g: Number, s: Number = 0.1, t: Number = 1, lr: float = 0.001, eps: float = 1e-7
) -> tuple[Number, ...]:
    """Adagrad as in Keras and Optax: eps inside the root, memory from 0.1."""
    s = s + g**2
    return lr * g / sqrt(s + eps), s


def rmsprop_keras(
    g: Number, s: Number, t: Number, lr: float = 0.001, rho: float = 0.9, eps: float = 1e-7
) -> tuple[Number, ...]:
    """RMSprop as in Keras: eps inside the root, rho 0.9."""
    s = rho * s + (1 - rho) * g**2
    return lr * g / sqrt(s + eps), s


def adam_keras(
    g: Number,
    m: Number,
    v: Number,
    t: Number,
    lr: float = 0.001,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-7,
) -> tuple[Number, ...]:
    """Adam in the paper's epsilon-hat form, as in Keras and scikit-learn's MLP: eps beside the root of the raw v."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m / (sqrt(v) + eps), m, v
