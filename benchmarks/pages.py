"""What benchmarks write into the pages: the text between the two marks of a page, and times as people read them."""

from pathlib import Path

ROOT = Path(__file__).parent.parent


def put(page: str, name: str, text: str) -> None:
    """Replace what stands between the marks `name: begin` and `name: end` of a page, by its path in the project."""
    path, begin, end = ROOT / page, f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = path.read_text().partition(begin)
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{rest.partition(end)[2]}")


def shown(seconds: float) -> str:
    """Return a time as people read it."""
    return (
        f"{seconds * 1e3:.2g} ms" if seconds < 0.1 else f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    )
