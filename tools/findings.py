"""Write docs/findings.md from the texts of `descend explain`."""

from pathlib import Path

from descend.diagnosis import ENTRIES

PLACE = Path(__file__).parent.parent / "docs" / "findings.md"
FAMILIES = {
    "D1": "Divergence", "D2": "Too slow", "D3": "Fit", "D4": "Data", "D5": "Numerics", "D6": "Torch wiring",
}  # fmt: skip


def page() -> str:
    """Return the page."""
    lines = ["# Findings", "", "Made by `python tools/findings.py`; `descend explain CODE` prints the same words.", ""]
    for family, title in FAMILIES.items():
        lines += [f"## {family}xx {title}", ""]
        for code in sorted(c for c in ENTRIES if c.startswith(family)):
            e = ENTRIES[code]
            lines += [f"### {code} {e.title}", "", e.meaning, "", f"- Detected: {e.detected}", f"- Helps: {e.fixes}",
                      f"- Read: {e.reference}", ""]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    PLACE.write_text(page())
