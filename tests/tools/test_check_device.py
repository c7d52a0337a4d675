"""The check on a GPU: what it says where there is none, and that the tests it leaves out are there."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("check_device", ROOT / "tools" / "check_device.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_a_gpu_it_says_so_and_checks_nothing(tool, monkeypatch, capsys):
    monkeypatch.setattr(tool.torch.cuda, "is_available", lambda: False)
    assert tool.main([]) == 0
    said = capsys.readouterr().out
    assert said == "torch sees no GPU here, so nothing was checked; --cpu runs the same checks on the CPU\n"


def test_every_test_that_is_left_out_is_there(tool):
    text = "".join((ROOT / "tests" / "torch" / name).read_text() for name in tool.FILES)
    names = [line.partition("(")[0] for line in text.splitlines() if line.startswith("def test_")]
    assert [part for part in tool.CPU_ALONE if not any(part in name for name in names)] == []


def test_a_module_is_trained_watched_and_drawn_wherever_it_is(tool):
    threads = tool.torch.get_num_threads()
    tool.torch.set_num_threads(1)
    assert tool.modules("cpu") == []
    tool.torch.set_num_threads(threads)


def test_the_default_device_is_as_it_was(tool, monkeypatch):
    monkeypatch.setattr(tool.pytest, "main", lambda arguments: tool.torch.ones(1).is_meta)
    assert tool.tests("meta") == 1
    assert tool.torch.get_default_device().type == "cpu"
