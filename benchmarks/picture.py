"""The results as a picture: each row's ratio to its best rival on a logarithmic axis, with its goal."""

import math
from html import escape

WIDTH, ROW, LEFT, RIGHT, TOP = 760, 22, 150, 90, 34
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#222}.met{fill:#2a7d4f}.missed{fill:#b4562a}.goal{stroke:#222;stroke-width:2}"
    ".grid{stroke:#ddd}@media(prefers-color-scheme:dark){text{fill:#ddd}.goal{stroke:#eee}.grid{stroke:#444}}"
)


def draw(results: dict) -> str:
    """Return the picture as SVG; a bar reaches to the ratio, a tick marks the goal, and the number stands beside it."""
    shown = [_ratio(row) for row in results["rows"] if "failed" not in row and row["goal"] > 0]
    low = 10 ** math.floor(math.log10(min([1, *(min(r, goal) for _, r, goal in shown)])))
    high = 10 ** math.ceil(math.log10(max(max(r, goal) for _, r, goal in shown)))
    scale = (WIDTH - LEFT - RIGHT) / math.log10(high / low)

    def x(value: float) -> float:
        return round(LEFT + scale * math.log10(value / low), 1)

    height = TOP + ROW * len(shown) + 10
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
             f"<title>How many times faster than the best rival, row by row</title><style>{STYLE}</style>"]  # fmt: skip
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        at = x(10**power)
        parts.append(f'<line class="grid" x1="{at}" x2="{at}" y1="{TOP - 8}" y2="{height - 8}"/>')
        parts.append(f'<text x="{at}" y="{TOP - 14}" text-anchor="middle">{10**power:g}×</text>')
    for k, (code, ratio, goal) in enumerate(shown):
        y, word = TOP + ROW * k, "met" if ratio >= goal else "missed"
        begin, end = sorted((x(1), x(ratio)))
        parts.append(f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(code)}</text>')
        parts.append(
            f'<rect class="{word}" x="{begin}" y="{y + 2}" width="{max(end - begin, 1):.1f}" height="{ROW - 8}"/>'
        )
        parts.append(f'<line class="goal" x1="{x(goal)}" x2="{x(goal)}" y1="{y}" y2="{y + ROW - 4}"/>')
        parts.append(
            f'<text x="{max(end, x(goal)) + 8:.1f}" y="{y + 13}">{_short(ratio)}×{"" if word == "met" else " missed"}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _ratio(row: dict) -> tuple[str, float, float]:
    ours, *others = row["contestants"]
    return row["code"], min(c["seconds"] for c in others) / ours["seconds"], row["goal"]


def _short(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2f}"
