"""kernels: the compiled code that engines call."""

from descend.engines.kernels.cache import ensure_cache_folder

ensure_cache_folder()  # before any kernel is compiled, whichever engine asks for it
