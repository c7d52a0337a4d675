"""Parameters, gradients and walks that the tests of `descend.torch` share."""

import contextlib

import torch

import descend.torch as dt

NAMES = tuple(dt.OPTIMIZERS)


def weights(dtype=torch.float64, seed=0):
    """A matrix, a vector, one number, and an empty parameter."""
    torch.manual_seed(seed)
    shapes = ((3, 4), (5,), (), (0, 2))
    return [torch.randn(shape, dtype=torch.float64).to(dtype).requires_grad_() for shape in shapes]


def same(params):
    """Copies of parameters, as parameters of their own with the same strides."""
    return [p.detach().clone(memory_format=torch.preserve_format).requires_grad_() for p in params]


def give(step, *lists):
    """Give the parameters of each list the same gradients, of every size, at a step."""
    torch.manual_seed(1000 + step)
    for of_one in zip(*lists, strict=True):
        sizes = 10.0 ** torch.randint(-6, 4, of_one[0].shape)
        g = (sizes * torch.randn(of_one[0].shape, dtype=torch.float64)).to(of_one[0].dtype)
        for p in of_one:
            p.grad = torch.empty_like(p).copy_(g)


def walk(optimizer, params, steps, first=0):
    """Take some steps with the gradients that belong to them."""
    for step in range(first, first + steps):
        give(step, params)
        optimizer.step()


def apart(a, b):
    """The largest difference of two lists of parameters, relative to their size where that is above 1."""
    return max(((p - q).abs() / q.abs().clamp_min(1)).max().item() for p, q in zip(a, b, strict=True) if p.numel())


@contextlib.contextmanager
def default_dtype(dtype):
    """Set torch's default dtype for a while: its counters are float32 otherwise, and NAdam's product with them."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
