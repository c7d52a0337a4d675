"""Check descend.torch on a GPU: the tests of its optimizers, CUDA graphs, modules that are trained, and the speed of a step.

    python tools/check_device.py            # on the GPU, where there is one
    python tools/check_device.py --cpu      # the same script on the CPU, but for graphs

A few minutes, from a checkout in which descend and its tests' packages are installed. Tests that are about the memory of the CPU are
left out; the exit code is 0 where all checks pass. The speed is told, and decides nothing.
"""

import sys
import tempfile
from pathlib import Path

import pytest
import torch

import descend.torch as dt

ROOT = Path(__file__).resolve().parent.parent
FILES = ("test_optimizers.py", "test_properties.py")
# What holds on the CPU alone: where compiled code moves tensors, and what pairs the CPU with a second device.
CPU_ALONE = (
    "two_devices", "allocates_no_tensor", "loaded_where_its_parameter_is", "more_coordinates", "leave_no_tensors_behind",
    "shapes_and_dtypes_of_torch", "a_scaler", "compiled_steps",
)  # fmt: skip
STEPS, WARM = 8, 3  # of a graph's check; those before the capture make states and load kernels


def tests(device: str) -> int:
    """Run the tests of the optimizers with every tensor on a device; return pytest's exit code."""
    torch.set_default_device(device)
    left_out = " and ".join(f"not {name}" for name in CPU_ALONE)
    files = (str(ROOT / "tests" / "torch" / name) for name in FILES)
    try:
        return int(pytest.main(["-q", "-p", "no:cacheprovider", "-k", left_out, *files]))
    finally:
        torch.set_default_device(None)


def graphs() -> list[str]:
    """Return the rules whose steps, replayed from a CUDA graph, are not the ones that are taken one by one."""
    wrong = []
    for name, kind in dt.OPTIMIZERS.items():
        ends = []
        for captured in (False, True):
            torch.manual_seed(0)
            w = torch.randn(1000, device="cuda").requires_grad_()
            w.grad = torch.randn(1000, device="cuda")
            optimizer = kind([w], capturable=True, weight_decay=0.01)
            beside = torch.cuda.Stream()
            beside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(beside):
                for _ in range(WARM if captured else STEPS):
                    optimizer.step()
            torch.cuda.current_stream().wait_stream(beside)
            if captured:
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph):  # which takes no step
                    optimizer.step()
                for _ in range(STEPS - WARM):
                    graph.replay()
            torch.cuda.synchronize()
            ends.append(w.detach().clone())
        if not torch.allclose(*ends, rtol=1e-5, atol=1e-7):
            wrong.append(name)
    return wrong


def modules(device: str) -> list[str]:
    """Return what a module on a device, with data there or in the memory of the CPU, does not do as it should."""
    wrong = []
    for place in ("cpu", device):
        torch.manual_seed(0)
        x = torch.randn(96, 4, device=place)
        y = x[:, :1] - 0.5 * x[:, 1:2]
        hidden = torch.nn.Sequential(
            torch.nn.Linear(4, 16), torch.nn.BatchNorm1d(16), torch.nn.ReLU(), torch.nn.Dropout(0.1)
        )
        model = torch.nn.Sequential(hidden, torch.nn.Linear(16, 1)).to(device)
        fitted = dt.fit(model, (x, y), optimizer="momentum,nadam", max_epochs=6)
        done = {
            "fit trains": fitted.metrics["val"]["loss"] < 0.5 * fitted.history[0]["val"],
            "fit goes side by side": fitted.way.startswith("side by side"),
            "the module stays where it is": {p.device.type for p in model.parameters()} == {torch.device(device).type},
            "surface shows it": 0 < dt.surface(model, (x, y), fitted, size=5).shown <= 1,
            "find_lr compares rates": len(dt.find_lr(model, (x, y), variant="adam", steps=10).sweeps[0].rates) > 5,
        }
        optimizer = dt.Adam(model.parameters(), lr=0.01)
        with dt.watch(model, optimizer, run=Path(tempfile.mkdtemp()) / "run") as w:
            for step in range(6):
                batch = x.to(device).clone()
                batch[3] = float("nan") if step == 4 else batch[3]
                optimizer.zero_grad()
                loss = (model(batch) - y.to(device)).square().mean()
                loss.backward()
                optimizer.step()
                w.step(loss)
        done["watch places a NaN"] = [f.evidence["rows"] for f in w.findings if f.code == "D103"] == [[4]]
        wrong += [f"{name}, data on {place}" for name, well in done.items() if not well]
    return wrong


def speed(device: str) -> None:
    """Print the rows B9 of the benchmark, on the device."""
    from benchmarks.rows import ROWS

    torch.set_default_device(device)
    for row in (row for row in ROWS if row.code.startswith("B9")):
        found = row.run(Path())
        times = ", ".join(f"{one.name} {one.seconds * 1e3:.2f} ms" for one in found)
        ratio = min(one.seconds for one in found[1:]) / found[0].seconds
        print(f"{row.code}, {row.work}: {times}; {ratio:.2f}× the best of torch, goal {row.goal:g}×")  # noqa: T201
    torch.set_default_device(None)


def main(arguments: list[str]) -> int:
    """Run the checks on the GPU, or say that there is none."""
    device = "cpu" if "--cpu" in arguments else "cuda"
    if device == "cuda" and not torch.cuda.is_available():
        print("torch sees no GPU here, so nothing was checked; --cpu runs the same checks on the CPU")  # noqa: T201
        return 0
    sys.path.insert(0, str(ROOT))
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name() if device == 'cuda' else 'CPU'}")  # noqa: T201
    code = tests(device)
    wrong = [*modules(device), *(f"the graph of {name}" for name in (graphs() if device == "cuda" else ()))]
    print("modules and graphs: " + (f"wrong: {'; '.join(wrong)}" if wrong else "all as they should be"))  # noqa: T201
    speed(device)
    return code or int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
