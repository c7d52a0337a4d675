"""optimizers: every rule of `descend.rules` under the name that it has in torch, or a telling one.

Where torch has the rule, constants, defaults and states have torch's names: either optimizer takes over the other's
`state_dict`.
"""

from descend.plan.rule import rule
from descend.torch.form import Form
from descend.torch.optimizer import Named

_BETAS = {"betas": ("beta1", "beta2")}
_MOMENTS = {"m": "exp_avg", "v": "exp_avg_sq"}
_ADAM = {"amsgrad": False, "decoupled_weight_decay": False}
_SGD = {"momentum": 0, "dampening": 0, "nesterov": False}


class SGD(Named):
    """Gradient descent (Robbins and Monro 1951): torch.optim.SGD without momentum."""

    form = Form(rule=rule("sgd"), counts=False, fixed=_SGD)


class Momentum(Named):
    """Heavy ball (Polyak 1964): torch.optim.SGD with momentum."""

    form = Form(
        rule=rule("momentum"), options={"momentum": ("beta",)}, memories={"v": "momentum_buffer"}, counts=False,
        fixed={"dampening": 0, "nesterov": False},
    )  # fmt: skip


class Nesterov(Named):
    """Accelerated gradient (Nesterov 1983): torch.optim.SGD with momentum and nesterov=True."""

    form = Form(
        rule=rule("nesterov"), options={"momentum": ("beta",)}, memories={"v": "momentum_buffer"}, counts=False,
        fixed={"dampening": 0, "nesterov": True},
    )  # fmt: skip


class Adagrad(Named):
    """Adagrad (Duchi et al. 2011): torch.optim.Adagrad."""

    form = Form(
        rule=rule("adagrad"), memories={"s": "sum"}, eager=True,
        fixed={"lr_decay": 0, "initial_accumulator_value": 0},
    )  # fmt: skip


class RMSprop(Named):
    """RMSprop (Tieleman and Hinton 2012): torch.optim.RMSprop."""

    form = Form(
        rule=rule("rmsprop"), options={"alpha": ("rho",)}, memories={"s": "square_avg"},
        fixed={"momentum": 0, "centered": False},
    )  # fmt: skip


class Adam(Named):
    """Adam (Kingma and Ba 2015): torch.optim.Adam."""

    form = Form(rule=rule("adam"), options=_BETAS, memories=_MOMENTS, fixed=_ADAM)


class AdamW(Named):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019): torch.optim.AdamW."""

    form = Form(
        rule=rule("adamw"), options={**_BETAS, "weight_decay": ("decay",)}, memories=_MOMENTS,
        fixed={"amsgrad": False, "decoupled_weight_decay": True},
    )  # fmt: skip


class AMSGrad(Named):
    """AMSGrad (Reddi et al. 2018): torch.optim.Adam with amsgrad=True."""

    form = Form(
        rule=rule("amsgrad"), options=_BETAS, memories={**_MOMENTS, "top": "max_exp_avg_sq"},
        fixed={**_ADAM, "amsgrad": True},
    )  # fmt: skip


class NAdam(Named):
    """Nadam (Dozat 2016): torch.optim.NAdam."""

    form = Form(
        rule=rule("nadam"), options={**_BETAS, "momentum_decay": ("psi",)}, memories={**_MOMENTS, "product": "mu_product"},
        shared=1, fixed={"decoupled_weight_decay": False},
    )  # fmt: skip


class Adadelta(Named):
    """Adadelta (Zeiler 2012): torch.optim.Adadelta."""

    form = Form(rule=rule("adadelta"), memories={"s": "square_avg", "u": "acc_delta"})


class Lion(Named):
    """Lion (Chen et al. 2023); torch has none."""

    form = Form(rule=rule("lion"), options=_BETAS, memories={"m": "exp_avg"})


class MomentumKeras(Named):
    """Heavy ball as in Keras and scikit-learn's MLP, with the rate inside the velocity: a schedule moves it otherwise."""

    form = Form(rule=rule("momentum_keras"), options={"momentum": ("beta",)}, memories={"v": "momentum_buffer"})


class AdagradKeras(Named):
    """Adagrad as in Keras and Optax: eps inside the root, the sum starts at 0.1."""

    form = Form(rule=rule("adagrad_keras"), memories={"s": "sum"})


class RMSpropKeras(Named):
    """RMSprop as in Keras: eps inside the root."""

    form = Form(rule=rule("rmsprop_keras"), options={"alpha": ("rho",)}, memories={"s": "square_avg"})


class AdamKeras(Named):
    """Adam as in Keras and scikit-learn's MLP: eps beside the root of the uncorrected average."""

    form = Form(rule=rule("adam_keras"), options=_BETAS, memories=_MOMENTS)


OPTIMIZERS: dict[str, type[Named]] = {kind.form.rule.name: kind for kind in Named.__subclasses__()}
