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

    While it loads, a placeholder stands for its package. Whoever imports the package later gets the real one, which finds
    the module that is loaded; so does another thread that asks the placeholder for a name meanwhile. Where the module does
    not load alone, its package is imported.

    >>> round(float(compiled_module("scipy.special._ufuncs").erf(1.0)), 4)
    0.8427
    """
    package, _, part = name.rpartition(".")
    with _LOCK:
        if name in sys.modules or package in sys.modules:
            return importlib.import_module(name)
        folder = f"{importlib.import_module('scipy').__path__[0]}/{package.rpartition('.')[2]}"
        placeholder = sys.modules[package] = package_placeholder(package, folder)
        try:
            return importlib.import_module(name)
        except ImportError:
            pass  # another version of SciPy has its parts elsewhere
        finally:
            if sys.modules.get(package) is placeholder:
                del sys.modules[package]
        return importlib.import_module(name)


def package_placeholder(package: str, folder: str) -> ModuleType:
    """Return an empty package whose modules are those of a folder, and whose names are those of the real package."""
    placeholder = ModuleType(package)

    def real(attribute: str) -> Any:
        if attribute.startswith("__"):  # which the import system asks for
            raise AttributeError(attribute)
        if sys.modules.get(package) is placeholder:
            del sys.modules[package]
        return getattr(importlib.import_module(package), attribute)

    placeholder.__path__ = [folder]
    placeholder.__getattr__ = real  # type: ignore[method-assign]  # of a module (PEP 562)
    return placeholder


def special_functions() -> Any:
    """Return the module of the special functions, scipy.special's own."""
    try:
        return compiled_module("scipy.special._ufuncs")
    except ImportError:
        return importlib.import_module("scipy.special")
