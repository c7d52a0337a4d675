"""conventions: how other frameworks define a rule of the same name, in two lines each."""

CONVENTIONS = {
    "momentum": (
        "torch and Optax keep the rate outside the velocity, as here: v = beta v + g, then w - lr v.",
        "Keras and scikit-learn's MLP keep it inside (rule momentum_keras): the same only while lr is constant.",
    ),
    "nesterov": (
        "torch and Optax step by lr (g + beta v) with the gradient at the stored point, as here.",
        "Keras and scikit-learn's MLP keep lr inside the velocity: the same only while lr is constant.",
    ),
    "adagrad": (
        "torch adds eps 1e-10 to the root and starts its memory at 0, as here; it can also decay lr.",
        "Keras and Optax put eps 1e-7 inside the root and start at 0.1 (rule adagrad_keras): other first steps.",
    ),
    "rmsprop": (
        "torch has rho 0.99 and adds eps 1e-8 to the root, as here.",
        "Keras has rho 0.9 and eps 1e-7 inside the root (rule rmsprop_keras), Optax rho 0.9 and eps 1e-8 inside.",
    ),
    "adam": (
        "torch and Optax add eps 1e-8 to the root of the corrected v, as here; Optax can add one inside, too.",
        "Keras (1e-7) and scikit-learn's MLP (1e-8) add it to the root of the raw v (rule adam_keras).",
    ),
}
