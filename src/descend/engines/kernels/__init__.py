"""kernels: the compiled code that engines call."""
