"""The check of imports finds every kind of circle and every import upward, and this checkout is clean."""

import importlib.util
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("import_graph", ROOT / "tools" / "import_graph.py")
graph = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(graph)


def package(folder, files):
    """A package "descend" of these files, below a folder "src"."""
    for name, text in files.items():
        path = folder / "src" / "descend" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return folder / "src"


def test_files_are_known_by_their_dotted_names(tmp_path):
    source = package(tmp_path, {"__init__.py": "", "a.py": "", "b/__init__.py": "", "b/c.py": ""})
    assert sorted(graph.modules(source)) == ["descend", "descend.a", "descend.b", "descend.b.c"]


@pytest.mark.parametrize(
    "statement",
    [
        "import descend.b",
        "from descend import b",
        "from descend.b import name",
        "def f():\n    from descend.b import name",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from descend.b import name",
    ],
    ids=["import", "from package", "from module", "inside a function", "for type checkers"],
)
def test_an_import_counts_wherever_it_is(tmp_path, statement):
    source = package(tmp_path, {"__init__.py": "", "a.py": statement, "b.py": "import os\n"})
    assert graph.file_graph(source)["descend.a"] == {"descend.b"}


def test_imports_from_outside_the_package_do_not_count(tmp_path):
    source = package(tmp_path, {"__init__.py": "", "a.py": "import numpy, os\nfrom math import sqrt\n"})
    assert graph.file_graph(source)["descend.a"] == frozenset()


def test_circles_of_two_of_three_and_of_one_inside_a_folder_are_found():
    edges = {"a": {"b"}, "b": {"a"}, "c": {"d"}, "d": {"e"}, "e": {"c", "a"}, "f": {"a", "e"}}
    assert graph.circles({name: frozenset(targets) for name, targets in edges.items()}) == [["a", "b"], ["c", "d", "e"]]
    assert graph.circles({"a": frozenset({"b", "c"}), "b": frozenset({"c"}), "c": frozenset()}) == []


def test_folders_can_form_a_circle_where_files_do_not(tmp_path):
    source = package(
        tmp_path,
        {
            "__init__.py": "", "x/__init__.py": "", "x/one.py": "from descend.y import two\n", "x/low.py": "",
            "y/__init__.py": "", "y/two.py": "from descend.x import low\n",
        },
    )  # fmt: skip
    files = graph.file_graph(source)
    assert graph.circles(files) == []
    assert graph.circles(graph.component_graph(files)) == [["x", "y"]]


LAYERS = [["top"], ["left", "right"], ["bottom"]]


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ({"top": {"left", "bottom"}, "left": {"bottom"}, "right": set(), "bottom": set()}, []),
        ({"bottom": {"top"}}, ["bottom imports top, which is not below it"]),
        ({"left": {"right"}}, ["left imports right, which is not below it"]),
        ({"new": {"bottom"}}, ["new has no layer"]),
        ({"descend": {"top"}, "__main__": {"top"}}, []),
    ],
    ids=["downward", "upward", "sideways", "without a layer", "entrances"],
)
def test_imports_go_down_the_layers_only(edges, expected):
    assert graph.upward({name: frozenset(targets) for name, targets in edges.items()}, LAYERS) == expected


def test_the_layers_are_those_of_import_linter(tmp_path):
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text('[[tool.importlinter.contracts]]\ntype = "layers"\nlayers = ["cli", "run | estimators"]\n')
    assert graph.layers(pyproject) == [["cli"], ["run", "estimators"]]


def test_this_checkout_is_clean(capsys):
    assert graph.main([]) == 0
    assert "circle" not in capsys.readouterr().out


def test_what_is_wrong_is_printed_and_is_exit_code_1(tmp_path, monkeypatch, capsys):
    package(tmp_path, {"__init__.py": "", "a.py": "import descend.b", "b.py": "import descend.a"})
    (tmp_path / "pyproject.toml").write_text('[[tool.importlinter.contracts]]\ntype = "layers"\nlayers = ["a", "b"]\n')
    monkeypatch.setattr(graph, "ROOT", tmp_path)
    assert graph.main([]) == 1
    assert capsys.readouterr().out == (
        "files in a circle: descend.a descend.b\ncomponents in a circle: a b\nb imports a, which is not below it\n"
        "3 files, 3 components, 2 imports between components\n"
    )
