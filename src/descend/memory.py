"""memory: how much of it a process may take, by the limits of the operating system."""

import contextlib
import ctypes
import os
import sys
from pathlib import Path

GROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # of version 2, and 1
M_ARENA_MAX, M_MMAP_THRESHOLD = -8, -3  # of glibc's malloc.h
UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def free_memory() -> int:
    """Return the bytes of memory that are free, or as good as endless where the system does not say."""
    if not hasattr(os, "sysconf"):
        return sys.maxsize
    return int(os.sysconf("SC_AVPHYS_PAGES")) * int(os.sysconf("SC_PAGE_SIZE"))


def allowed_memory() -> int:
    """Return the bytes that this process may still take: the least of what the machine has available, of what its group is
    allowed (cgroup), and of the addresses that it may still map (RLIMIT_AS)."""
    return max(min(_available(), _of_group(), _addresses()), 0)


def spare_addresses() -> None:
    """Where addresses are limited (RLIMIT_AS), let glibc take few: two heaps for all threads, of 64 MB for each else, and
    arrays of a megabyte or more beside them, whose addresses are given back."""
    if _addresses() == sys.maxsize:
        return
    with contextlib.suppress(OSError, AttributeError):  # another C library
        set_option = ctypes.CDLL(None).mallopt
        set_option(M_ARENA_MAX, 1)
        set_option(M_MMAP_THRESHOLD, 1 << 20)


def size_text(size: float) -> str:
    """Return bytes as people read them, with three digits.

    >>> size_text(1_234_567_890), size_text(512_000), size_text(3)
    ('1.23 GB', '512 kB', '3 bytes')
    """
    for unit, scale in UNITS:
        if size >= scale:
            return f"{size / scale:.3g} {unit}" if size < 1000 * scale else f"{size / scale:,.0f} {unit}"
    return f"{size:.0f} bytes"


def _available() -> int:
    """What Linux could hand out without swapping, page cache included; elsewhere what is free."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return free_memory()
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return found[0] if found else free_memory()


def _of_group() -> int:
    for path in GROUP_LIMITS:
        try:
            return int(Path(path).read_text())
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return sys.maxsize


def _addresses() -> int:
    """What is left of RLIMIT_AS; compiled code, threads and libraries take addresses too."""
    try:
        import resource
    except ImportError:
        return sys.maxsize
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return sys.maxsize
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError):
        pages = 0
    return limit - pages * resource.getpagesize()
