"""A place for compiled kernels where neither the package nor the home folder can be written."""

import logging
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from descend.engines.kernels import cache
from descend.errors import OutputError

SRC = Path(cache.__file__).parents[3]


@pytest.fixture
def no_place(monkeypatch, tmp_path):
    """Numba finds no place, as with a read-only installation and no home; the temporary folder is `tmp_path`."""

    def njit(**options):
        def decorate(function):
            raise RuntimeError("cannot cache function '_probe': no locator available for file 'cache.py'")

        return decorate

    monkeypatch.setattr(cache, "njit", njit)
    monkeypatch.setattr(cache.config, "CACHE_DIR", "")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_where_numba_finds_a_place_nothing_is_changed(monkeypatch, caplog):
    before = numba.config.CACHE_DIR
    cache.ensure_cache_folder()
    assert before == numba.config.CACHE_DIR
    assert caplog.records == []


def test_without_a_place_the_temporary_folder_is_used_and_one_note_logged(no_place, caplog):
    with caplog.at_level(logging.WARNING, "descend"):
        cache.ensure_cache_folder()
    folder = no_place / f"descend-cache-{os.getuid()}"
    assert str(folder) == cache.config.CACHE_DIR
    assert [r.getMessage() for r in caplog.records] == [
        f"compiled kernels are cached in {folder}, since neither the installation nor the home folder can be written"
    ]


def test_the_folder_is_this_users_alone_and_the_same_next_time(no_place):
    folder = cache.private_folder()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert cache.private_folder() == folder


@pytest.mark.parametrize("mode", [0o777, 0o755, 0o701])
def test_a_folder_that_others_can_use_is_not_trusted(no_place, mode):
    (no_place / f"descend-cache-{os.getuid()}").mkdir()
    (no_place / f"descend-cache-{os.getuid()}").chmod(mode)
    folder = cache.private_folder()
    assert folder.name != f"descend-cache-{os.getuid()}"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_link_or_a_folder_of_another_user_is_not_trusted(no_place, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    elsewhere.chmod(0o700)
    (no_place / f"descend-cache-{os.getuid()}").symlink_to(elsewhere)
    assert cache.private_folder().parent == no_place
    assert list(elsewhere.iterdir()) == []
    status = elsewhere.stat()
    assert cache._is_private(status, status.st_uid)
    assert not cache._is_private(status, status.st_uid + 1)


def test_without_any_folder_it_is_a_sentence(no_place, monkeypatch):
    def nowhere():
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", nowhere)
    with pytest.raises(OutputError) as caught:
        cache.ensure_cache_folder()
    assert str(caught.value) == (
        "there is no folder for compiled kernels: the installation, the home folder and the temporary folder cannot be "
        "written; set NUMBA_CACHE_DIR or TMPDIR to a folder that can"
    )


def test_kernels_are_compiled_once_without_a_home_and_with_an_installation_that_cannot_be_written(tmp_path):
    """The second process finds its kernel, and does not load what Numba needs to compile."""
    package, temporary = tmp_path / "src" / "descend", tmp_path / "tmp"
    temporary.mkdir()
    shutil.copytree(SRC / "descend", package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [package, *(p for p in package.rglob("*") if p.is_dir())]:
        (folder / "__pycache__").touch()  # a file of that name: nobody, not even root, can make the folder
    script = (
        "import numpy as np\nfrom descend.engines.kernels.compiled import compile_rule\nfrom descend.plan.rule import RULES\n"
        "print(sum(compile_rule(RULES['sgd'], np.dtype(np.float64)).stats.cache_hits.values()))\n"
        "import sys\nprint('numba.np.linalg' in sys.modules)"
    )
    environment = {
        "HOME": os.devnull, "TMPDIR": str(temporary), "PYTHONPATH": str(package.parent), "PATH": os.environ["PATH"],
    }  # fmt: skip
    note = (
        f"compiled kernels are cached in {temporary / f'descend-cache-{os.getuid()}'}, since neither the installation nor "
        "the home folder can be written\n"
    )
    for hits in (0, 1):
        done = subprocess.run(
            [sys.executable, "-B", "-c", script], capture_output=True, text=True, check=False, env=environment
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{hits}\n{hits == 0}\n", note)


@pytest.mark.parametrize("kept", [0.0, 0.5])
@pytest.mark.parametrize("suffix", ["nbi", "nbc"], ids=["index", "machine code"])
def test_a_file_that_was_cut_short_is_begun_anew(tmp_path, monkeypatch, suffix, kept):
    monkeypatch.setattr(cache.config, "CACHE_DIR", str(tmp_path))

    def compiled():
        kernel = numba.njit(cache._probe)
        kernel.enable_caching()
        kernel._cache = cache.without_compiler(kernel._cache, cache._probe)
        kernel.compile("()")
        return sum(kernel.stats.cache_hits.values())

    assert (compiled(), compiled()) == (0, 1)
    (place,) = tmp_path.rglob(f"*.{suffix}")
    place.write_bytes(place.read_bytes()[: int(kept * place.stat().st_size)])
    assert (compiled(), compiled()) == (0, 1)
