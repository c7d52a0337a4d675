"""What a rule is called in torch."""

import pytest
import torch

import descend.torch as dt
from descend.torch.form import FLAGS, Form


def test_options_hold_constants_in_the_order_of_the_rule():
    form = dt.AdamW.form
    assert form.places == {"lr": ("lr",), "betas": ("beta1", "beta2"), "eps": ("eps",), "weight_decay": ("decay",)}
    assert form.defaults == {"weight_decay": 0.01, "lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-8, **FLAGS}
    assert form.values({"lr": 1, "betas": (2, 3), "eps": 4, "weight_decay": 5}) == [1, 2, 3, 4, 5]


def test_a_penalty_is_coupled_unless_it_is_a_constant_of_the_rule():
    assert dt.Adam.form.l2({"weight_decay": 0.5}) == 0.5
    assert dt.AdamW.form.l2({"weight_decay": 0.5}) == 0.0


def test_memories_are_told_apart_from_numbers():
    form = dt.NAdam.form
    assert (form.own_keys, form.shared_keys) == (("exp_avg", "exp_avg_sq"), ("mu_product",))
    assert form.number_keys == ("step", "mu_product")
    assert dt.Momentum.form.state_keys == ("momentum_buffer",)


def test_a_rule_of_ones_own_keeps_its_names():
    form = Form(rule=dt.Adam.form.rule)
    assert form.places == {"lr": ("lr",), "beta1": ("beta1",), "beta2": ("beta2",), "eps": ("eps",)}
    assert form.keys == ("m", "v")


@pytest.mark.parametrize(
    ("kind", "options", "name"),
    [
        (torch.optim.SGD, {"momentum": 0.9}, "Momentum"),
        (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}, "Nesterov"),
        (torch.optim.SGD, {}, "SGD"),
        (torch.optim.Adam, {}, "Adam"),
        (torch.optim.Adam, {"amsgrad": True}, "AMSGrad"),
        (torch.optim.AdamW, {}, "AdamW"),
        (torch.optim.RMSprop, {}, "RMSprop"),
        (torch.optim.Adagrad, {}, "Adagrad"),
        (torch.optim.NAdam, {}, "NAdam"),
    ],
)
def test_groups_of_torch_fit_their_rule_alone(kind, options, name):
    group = kind([torch.ones(1, requires_grad=True)], lr=0.1, **options).param_groups[0]
    fits = [other.__name__ for other in dt.OPTIMIZERS.values() if other.form.fits(group)]
    assert name in fits
    assert set(fits) <= {name, "Momentum"}  # plain gradient descent is momentum of 0
