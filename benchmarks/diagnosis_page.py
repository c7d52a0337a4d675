"""What docs/diagnosis.md says of real tables, written from the result files.

python -m benchmarks.diagnosis_page
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.diagnosis import _of as counts_of
from benchmarks.diagnosis_tables import RESULTS, STRENGTHS, WAYS
from benchmarks.healthy_runs import judged, wrongly_alarmed
from benchmarks.pages import put
from descend.evaluation.intervals import clopper_pearson

COST = Path(__file__).parent / "diagnosis_cost.json"
RUNS = Path(__file__).parent / "random_commands.json"
LOOKED_AT = "2026-11-29"
Row = dict[str, Any]


def write() -> None:
    """Write the section of docs/diagnosis.md."""
    found = json.loads(RESULTS.read_text())
    put(
        "docs/diagnosis.md",
        "diagnosis tables",
        "\n".join([*_sets(found), *_order(found), *_earlier(found), *_runs(), *_cost()]),
    )


def _sets(found: dict[str, Any]) -> list[str]:
    titles = {
        "unseen": f"Tables not seen before, looked at once on {LOOKED_AT}",
        "pool": "Tables that thresholds were set with",
    }
    lines = []
    for name, title in titles.items():
        if name in found:
            lines += [f"### {title}", "", *_set(found[name], full=name == "unseen")]
    return lines


def _set(own: dict[str, Any], full: bool) -> list[str]:
    """Figures, curves and misses of one set of tables; not `full`, without the table."""
    cases = {k: r for k, r in own["planted"].items() if r.get("harm")}
    rows = list(cases.values())
    idle = sum(r.get("harm") is False for r in own["planted"].values())
    lines = []
    if rows:
        lines += [
            f"- {len(rows)} faults in {len({r.get('table') for r in rows})} tables; {idle} more did no harm and are left out.",
            f"- Among the findings: {share(rows, 'named')}.", f"- First: {share(rows, 'first')}.",
            f"- The right column, layer or row: {share(rows, 'place')}.",
            f"- The cure that is proposed first helps at full length: {share(rows, 'helps')}; none that was tried helped: "
            f"{sum(bool(r.get('none_helped')) for r in rows)}.",
            "- By strength: " + "; ".join(f"{s} {share([r for k, r in cases.items() if k.endswith(s)], 'named')}" for s in STRENGTHS) + ".",
        ]  # fmt: skip
    lines += [*_healthy(own["healthy"]), ""]
    if rows and full:
        lines += [*_table(cases), ""]
    missed = [
        f"{k} ({r.get('table', '')}: {', '.join(r.get('said', ())) or r.get('failed') or 'nothing'})"
        for k, r in cases.items()
        if not r["named"]
    ]
    return [*lines, *([f"Missed: {'; '.join(missed)}." if missed else "Nothing missed.", ""] if rows else [])]


def _healthy(runs: dict[str, Row]) -> list[str]:
    """Shares of healthy runs with a false alarm, before and after what was judged by eye, and each alarm."""
    named = {
        k: r | {"raw": wrongly_alarmed(r, by_eye=False), "judged": wrongly_alarmed(r, by_eye=True)}
        for k, r in runs.items()
    }
    reasons, lines = judged(), []
    for what, flag in (("nothing typed", False), ("sensibly typed", True)):
        rows = [r for r in named.values() if bool(r.get("typed")) == flag]
        alarmed = {r["table"] for r in rows if r["judged"]}
        lines.append(
            f"- False alarms, {what}: {share(rows, 'raw')}; with what was judged to be right left out {share(rows, 'judged')}, "
            f"in {len(alarmed)} of {len({r['table'] for r in rows})} tables."
        )
    for (table, code), reason in reasons.items():
        count = sum(r.get("table") == table and code in r["false"] for r in named.values())
        if count:
            lines.append(f"    - {table}, {code} ({count}×), right: {reason}")
    for key, r in named.items():
        if r["judged"]:
            wrong = [code for code in r["false"] if (r["table"], code) not in reasons]
            lines.append(f"    - {key}: {', '.join(wrong) or r.get('failed')}")
    return lines


def _table(cases: dict[str, Row]) -> list[str]:
    lines = [
        "| fault | cases | among | first | place | first cure helps | faint | plain | gross | also said |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for code in WAYS:
        mine = {k: r for k, r in cases.items() if r["code"] == code}
        by = [counts_of([r for k, r in mine.items() if k.endswith(s)], "named") for s in STRENGTHS]
        said = Counter(
            c.split()[0] for r in mine.values() for c in r.get("said", ()) if "note" not in c and c.split()[0] != code
        )
        also = ", ".join(f"{c} {n}×" for c, n in said.most_common(3))
        each = [counts_of(list(mine.values()), name) for name in ("named", "first", "place", "helps")]
        lines.append(f"| {code} | {len(mine)} | {' | '.join([*each, *by])} | {also} |")
    return lines


def _order(found: dict[str, Any]) -> list[str]:
    """Whether the first finding's cure helps most, of the cases with several that have one."""
    rows = list(found.get("order", {}).values())
    if not rows:
        return []
    several = [r for r in rows if r.get("cures", 0) > 1]
    wrong = Counter(f"{r['shown']} before {r['best']}" for r in several if not r["first_best"])
    return [
        "### First by cure", "",
        "Of runs with a planted fault and two or more findings whose first cure is a flag, each such cure is tried in a training of full "
        "length. The first finding is right when no other cure ends with a score on test rows that is better by more than a hundredth "
        "of the loss of the constant prediction.", "",
        f"- {len(several)} of {len(rows)} runs had two or more; the first finding's cure helps most: {share(several, 'first_best')}.",
        *([f"- Otherwise: {', '.join(f'{what} {n}×' for what, n in wrong.most_common())}."] if wrong else []), "",
    ]  # fmt: skip


def _earlier(found: dict[str, Any]) -> list[str]:
    """The figures of earlier looks."""

    def of(counts: list[int]) -> str:
        return f"{counts[0] / counts[1]:.1%} of {counts[1]}" if counts[1] else ""

    lines = [
        "### Earlier looks", "", "As they were, before what they showed was mended.", "",
        "| tables | date | faults | among | first | place | first cure helps | false alarms, nothing typed | sensibly typed |",
        "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for look in found.get("earlier", ()):
        shares = " | ".join(of(look[name]) for name in ("named", "first", "place", "helps", "free", "typed"))
        lines.append(f"| {look['tables']} | {look['date']} | {look['faults']} | {shares} |")
    return [*lines, ""]


def _runs() -> list[str]:
    if not RUNS.exists():
        return []
    kept = json.loads(RUNS.read_text())
    faults = "; ".join(f"`{f['command']}`: {f['what']}" for f in kept["faults"]) or "none"
    return [
        "### Random commands", "",
        f"`python -m benchmarks.random_commands` draws tables and flags of `descend train` and turns warnings of libraries into errors: "
        f"{kept['runs']:,} runs, {kept['trained']:,} trained and diagnosed with {kept['findings']:,} findings of {kept['codes']} codes, "
        f"{kept['refused']:,} refused in one sentence. Crashes: {len(kept['faults'])} ({faults}); "
        f"{len(kept.get('mended', ()))} commands that warned of overflow were mended and tried again.",
        "",
    ]  # fmt: skip


def _cost() -> list[str]:
    if not COST.exists():
        return []
    rows = json.loads(COST.read_text())["rows"]
    over = [r for r in rows if r["diagnosis"] > max(0.2, 0.05 * r["training"])]
    lines = [
        "### What it costs", "",
        "User CPU seconds of the findings about a run with nothing typed, and of all the rest of that run, the smaller of two.", "",
        f"- {len(rows)} tables: median {_median(rows, lambda r: r['diagnosis']) * 1e3:.0f} ms, "
        f"{_median(rows, lambda r: r['diagnosis'] / r['training']):.1%} of the training; above both 5 % and 0.2 s: {len(over)}.",
    ]  # fmt: skip
    lines += [
        f"    - {r['table']}: {r['diagnosis']:.2f} s of {r['training']:.2f} s ({r['diagnosis'] / r['training']:.1%})"
        for r in rows
        if r in over or "/" not in r["table"]  # large ones are named in any case
    ]
    return [*lines, ""]


def _median(rows: list[Row], of: Any) -> float:
    values = sorted(of(r) for r in rows)
    return float(values[len(values) // 2])


def share(rows: list[Row], name: str) -> str:
    """Return a share with its counts and its 95 % interval."""
    known = [r[name] for r in rows if r.get(name) is not None]
    if not known:
        return "none"
    e = clopper_pearson(float(sum(known)), float(len(known)))
    return f"{e.value:.1%} ({sum(known)} of {len(known)}, {e.low:.0%} to {e.high:.0%})"


if __name__ == "__main__":
    write()
