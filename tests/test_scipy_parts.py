"""Compiled modules of SciPy alone are those of SciPy, and leave its packages as they are."""

import subprocess
import sys

import numpy as np
from scipy import special

from descend.scipy_parts import compiled_module, special_functions

FRESH = """
import sys
from descend.scipy_parts import compiled_module, special_functions
special, blas = special_functions(), compiled_module("scipy.linalg.cython_blas")
loaded = [name for name in ("scipy.special", "scipy.linalg", "numpy.f2py") if name in sys.modules]
print(loaded, special.stdtrit(5, 0.975))
import scipy.linalg, scipy.special, scipy.stats
from scipy.linalg import cython_blas
print(scipy.special.stdtrit is special.stdtrit, cython_blas is blas, scipy.stats.t(5).ppf(0.975))
print(float(scipy.special.logsumexp([0.0, 0.0])), scipy.linalg.qr([[2.0]])[1][0, 0])
"""


def test_in_a_fresh_process_no_package_is_imported_and_all_work_afterwards():
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)

    first, second, third = done.stdout.splitlines()
    assert first == "[] 2.5705818356363146"
    assert second.startswith("True True 2.57058183")
    assert third.split()[0][:9] == "0.6931471"
    assert abs(float(third.split()[1])) == 2.0


MEANWHILE = """
import sys
from descend.scipy_parts import package_placeholder
import scipy
stands = sys.modules["scipy.special"] = package_placeholder("scipy.special", scipy.__path__[0] + "/special")
print(float(stands.logsumexp([0.0, 0.0])), sys.modules["scipy.special"] is stands)
"""
ELSEWHERE = """
import importlib, sys
from descend import scipy_parts

class Elsewhere:
    def find_spec(self, name, path=None, target=None):
        if name == "scipy.special._ufuncs" and "scipy.special._basic" not in sys.modules and not getattr(self, "asked", False):
            self.asked = True
            raise ImportError(name)

sys.meta_path.insert(0, Elsewhere())
print(float(scipy_parts.special_functions().erf(0.0)), "scipy.special" in sys.modules)
"""


def answer(script):
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()


def test_a_name_that_another_thread_asks_for_meanwhile_is_that_of_the_package():
    assert answer(MEANWHILE) == "0.6931471805599453 False"


def test_where_a_module_does_not_load_alone_its_package_is_imported():
    assert answer(ELSEWHERE) == "0.0 True"


def test_where_the_package_is_there_its_own_functions_are_returned():
    assert special_functions().betaincinv is special.betaincinv
    assert compiled_module("scipy.special._ufuncs") is special_functions()
    np.testing.assert_allclose(special_functions().chdtrc(3, 7.814727903), 0.05, rtol=1e-8)
