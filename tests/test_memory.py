"""What a process may take."""

import resource
import subprocess
import sys

import pytest

from descend import memory


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (1_234_000, "1.23 MB"),
        (24_500_000_000, "24.5 GB"),
        (2.45e13, "24,500 GB"),
    ],
)
def test_sizes_are_shown_with_three_digits(size, text):
    assert memory.size_text(size) == text


def test_the_least_of_all_limits_is_allowed(monkeypatch):
    monkeypatch.setattr(memory, "_available", lambda: 50)
    monkeypatch.setattr(memory, "_of_group", lambda: 40)
    monkeypatch.setattr(memory, "_addresses", lambda: 60)
    assert memory.allowed_memory() == 40
    monkeypatch.setattr(memory, "_addresses", lambda: -3)
    assert memory.allowed_memory() == 0


def test_the_limit_of_a_group_is_read_from_its_file(tmp_path, monkeypatch):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "GROUP_LIMITS", (str(tmp_path / "absent"), str(limit)))
    limit.write_text("1500000000\n")
    assert memory._of_group() == 1_500_000_000
    limit.write_text("max\n")
    assert memory._of_group() == sys.maxsize


def test_the_limit_of_addresses_leaves_what_is_not_taken_yet():
    code = "import resource; resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9)); from descend import memory; "
    run = [sys.executable, "-c", code + "memory.spare_addresses(); print(memory.allowed_memory())"]
    left = int(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
    assert 500_000_000 < left < 10**9


def test_without_a_limit_of_addresses_none_is_seen():
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY
    assert memory._addresses() == sys.maxsize


def test_free_memory_is_more_than_nothing():
    assert memory.free_memory() > 0
