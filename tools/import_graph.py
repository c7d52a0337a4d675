"""import_graph: which file imports which, and that no file or folder of the package imports itself through others.

    python tools/import_graph.py            # prints what is wrong; exit 1 if anything is
    python tools/import_graph.py --folders  # prints which component imports which

Every import counts: at the top of a file, inside a function, and for type checkers alone. The components and their layers
are those of `[tool.importlinter]` in pyproject.toml, which `docs/architecture.md` explains.
"""

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "descend"
Graph = Mapping[str, frozenset[str]]


def modules(source: Path) -> dict[str, Path]:
    """Return every module of the package below `source`, by its dotted name."""
    names = {}
    for path in sorted((source / PACKAGE).rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imports(path: Path, known: Iterable[str]) -> Iterator[str]:
    """Yield the modules of the package that a file imports, wherever in the file."""
    known = set(known)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else node.module


def file_graph(source: Path) -> Graph:
    """Return which module imports which."""
    paths = modules(source)
    return {name: frozenset(imports(path, paths)) - {name} for name, path in paths.items()}


def component(module: str) -> str:
    """Return the component of a module: the folder or file at the top of the package; the package itself is "descend"."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def component_graph(files: Graph) -> Graph:
    """Return which component imports which."""
    components: dict[str, set[str]] = {}
    for name, targets in files.items():
        components.setdefault(component(name), set()).update(component(t) for t in targets)
    return {name: frozenset(targets - {name}) for name, targets in components.items()}


def circles(graph: Graph) -> list[list[str]]:
    """Return the groups of nodes that import each other, directly or through others (Tarjan 1972).

    >>> circles({"a": frozenset({"b"}), "b": frozenset({"a"}), "c": frozenset({"a"})})
    [['a', 'b']]
    """
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for target in sorted(graph.get(node, ())):
            if target not in order:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], order[target])
        if low[node] == order[node]:
            group = [stack.pop()]
            while group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                groups.append(sorted(group))

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return sorted(groups)


def layers(pyproject: Path) -> list[list[str]]:
    """Return the components from the top layer down, as import-linter reads them."""
    contracts = tomllib.loads(pyproject.read_text())["tool"]["importlinter"]["contracts"]
    rows = next(c["layers"] for c in contracts if c["type"] == "layers")
    return [[name.strip().removeprefix(f"{PACKAGE}.") for name in row.split("|")] for row in rows]


def upward(components: Graph, rows: list[list[str]]) -> list[str]:
    """Return what breaks the layers: an import upward or sideways, or a component without a layer.

    >>> upward({"a": frozenset({"b"}), "b": frozenset()}, [["b"], ["a"]])
    ['a imports b, which is not below it']
    """
    layer_of = {name: at for at, row in enumerate(rows) for name in row}
    entrances = {PACKAGE, "__main__"}  # the public list and the command's entrance, above all layers
    lines = [f"{name} has no layer" for name in sorted(components) if name not in layer_of and name not in entrances]
    for name, targets in sorted(components.items()):
        lines += [
            f"{name} imports {target}, which is not below it"
            for target in sorted(targets)
            if name in layer_of and layer_of.get(target, -1) <= layer_of[name]
        ]
    return lines


def main(arguments: list[str]) -> int:
    """Check the package of this checkout."""
    files = file_graph(ROOT / "src")
    components = component_graph(files)
    if "--folders" in arguments:
        sys.stdout.write(
            "".join(f"{name}: {' '.join(sorted(targets))}\n" for name, targets in sorted(components.items()))
        )
        return 0
    lines = [f"files in a circle: {' '.join(group)}" for group in circles(files)]
    lines += [f"components in a circle: {' '.join(group)}" for group in circles(components)]
    lines += upward(components, layers(ROOT / "pyproject.toml"))
    imports_between = sum(map(len, components.values()))
    lines.append(f"{len(files)} files, {len(components)} components, {imports_between} imports between components")
    sys.stdout.write("\n".join(lines) + "\n")
    return int(len(lines) > 1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
