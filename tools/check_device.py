"""Check the optimizers of descend.torch on a GPU: their tests with all tensors there, then the speed of a step beside torch's.

    python tools/check_device.py            # on the GPU, where there is one
    python tools/check_device.py --cpu      # the same script on the CPU

A minute or two. Tests that are about the memory of the CPU are left out; the exit code is that of the tests.
"""

import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
FILES = ("test_optimizers.py", "test_properties.py")
# What holds on the CPU alone: where compiled code moves tensors, and what pairs the CPU with a second device.
CPU_ALONE = (
    "two_devices", "allocates_no_tensor", "loaded_where_its_parameter_is", "more_coordinates", "leave_no_tensors_behind",
    "shapes_and_dtypes_of_torch", "a_scaler", "compiled_steps",
)  # fmt: skip


def tests(device: str) -> int:
    """Run the tests of the optimizers with every tensor on a device; return pytest's exit code."""
    torch.set_default_device(device)
    left_out = " and ".join(f"not {name}" for name in CPU_ALONE)
    return int(
        pytest.main(
            ["-q", "-p", "no:cacheprovider", "-k", left_out, *(str(ROOT / "tests" / "torch" / f) for f in FILES)]
        )
    )


def speed(device: str) -> None:
    """Print the rows B9 of the benchmark, on the device."""
    from benchmarks.rows import ROWS

    torch.set_default_device(device)
    for row in (row for row in ROWS if row.code.startswith("B9")):
        found = row.run(Path())
        times = ", ".join(f"{one.name} {one.seconds * 1e3:.2f} ms" for one in found)
        ratio = min(one.seconds for one in found[1:]) / found[0].seconds
        print(f"{row.code}, {row.work}: {times}; {ratio:.2f}× the best of torch, goal {row.goal:g}×")  # noqa: T201


def main(arguments: list[str]) -> int:
    """Run the checks on the GPU, or say that there is none."""
    device = "cpu" if "--cpu" in arguments else "cuda"
    if device == "cuda" and not torch.cuda.is_available():
        print("torch sees no GPU here, so nothing was checked; --cpu runs the same checks on the CPU")  # noqa: T201
        return 0
    sys.path.insert(0, str(ROOT))
    code = tests(device)
    speed(device)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
