"""blas: matrix products on one thread each.

A product on two threads sums in another order than on one, so its last bits depend on how many threads the BLAS library
may use. Everything that descend computes runs inside `one_blas_thread`: results have the same bits whatever that number,
and the threads on which engines train their runs do not compete for cores with those of BLAS.
"""

import functools
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from descend.scipy_parts import compiled_module


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread while the context lasts, or, as a decorator, while the function runs."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


@functools.cache
def _controller() -> Any:
    """The BLAS libraries of NumPy and SciPy; a library is found only once it is loaded."""
    compiled_module("scipy.linalg.cython_blas")  # Numba asks for it by its name, and finds it
    return importlib.import_module("threadpoolctl").ThreadpoolController()
