"""scipy_parts: compiled modules of SciPy without the packages around them.

The import of scipy.special or scipy.linalg takes 0.2 to 0.3 seconds of processor time, nearly all of it for the support of
other array libraries and a Fortran parser that these load. A few functions of their compiled modules are what is needed
here, and take 0.01 seconds.
"""

import functools
import importlib
import sys
import threading
from types import ModuleType
from typing import Any

_LOCK = threading.Lock()


@functools.cache
def compiled_module(name: str) -> Any:
    """Import a compiled module of SciPy, alone where its package has not been imported yet.

    While it loads, an empty package stands for its own. Whoever imports the package later gets the real one, which finds
    the module that is loaded.

    >>> round(float(compiled_module("scipy.special._ufuncs").erf(1.0)), 4)
    0.8427
    """
    package, _, part = name.rpartition(".")
    with _LOCK:
        if name in sys.modules or package in sys.modules:
            return importlib.import_module(name)
        folder = f"{importlib.import_module('scipy').__path__[0]}/{package.rpartition('.')[2]}"
        placeholder = sys.modules[package] = ModuleType(package)
        placeholder.__path__ = [folder]
        try:
            return importlib.import_module(name)
        finally:
            sys.modules.pop(package, None)


def special_functions() -> Any:
    """Return the module of the special functions, scipy.special's own."""
    return compiled_module("scipy.special._ufuncs")
