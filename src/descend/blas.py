"""blas: matrix products on one thread each.

A product on two threads sums in another order than on one, so its last bits depend on how many threads the BLAS library
may use. Everything that descend computes runs inside `one_blas_thread`: results have the same bits whatever that number,
and the threads on which engines train their runs do not compete for cores with those of BLAS.
"""

import functools
import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread while the context lasts, or, as a decorator, while the function runs."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


@functools.cache
def _controller() -> Any:
    """The BLAS libraries of NumPy and SciPy; a library is found only once it is loaded."""
    _load_cython_blas("scipy.linalg.cython_blas")
    return importlib.import_module("threadpoolctl").ThreadpoolController()


def _load_cython_blas(name: str) -> None:
    """Import what compiled code calls, alone: the import of all scipy.linalg costs 0.2 seconds and a Fortran parser.

    Numba asks for it by its name, and finds it; scipy.linalg, where somebody imports it later, does too.
    """
    folder = importlib.import_module("scipy").__path__[0]
    found = importlib.machinery.PathFinder.find_spec(name.rpartition(".")[2], [f"{folder}/linalg"])
    spec = found and found.origin and importlib.util.spec_from_file_location(name, found.origin)
    if name in sys.modules or "scipy.linalg" in sys.modules or not spec or spec.loader is None:
        importlib.import_module(name)
        return
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
