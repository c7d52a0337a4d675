"""Matrix products of threads that already share the cores: each product keeps to one."""

import functools
import importlib
from contextlib import AbstractContextManager
from typing import Any


def one_thread_each() -> AbstractContextManager[Any]:
    """Hold matrix products to one thread while the context lasts: more would wait for each other, and part the bits."""
    held: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return held


@functools.cache
def _controller() -> Any:
    importlib.import_module(
        "scipy.linalg.cython_blas"
    )  # the library that compiled code calls; it must be loaded to be found
    return importlib.import_module("threadpoolctl").ThreadpoolController()
