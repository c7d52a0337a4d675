"""Are faults of loops in torch named, and only faults? Planted faults, re-creations of published ones, and healthy loops.

    python -m benchmarks.diagnosis torch
    python -m benchmarks.diagnosis torch D102     # the cases of one code again; the others stay as they were measured

A fault counts as named when its code is among the findings; as repaired when the fix that the finding proposes was applied, the
loop has no finding, and the loss on all rows falls by half at least. A rate is lowered again where it is proposed again. Seed 1001
was not looked at while thresholds were set.
"""

import json
import logging
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks import planted_ranks, planted_torch
from benchmarks.pages import put
from benchmarks.planted_torch import (
    FAMILIES,
    NOT_SEEN,
    Case,
    Ran,
    Setup,
    healthy,
    kinds_of_autotrainer,
    planted,
    silent,
)
from benchmarks.timing import machine

HERE = Path(__file__).parent
SEEDS = (0, 1001)
MOST_RATES = 8  # times that a rate is lowered as proposed


def run(setup: Setup) -> Ran:
    """Train, watched, in one process or on two ranks."""
    return planted_ranks.run(setup) if setup.exchange else planted_torch.run(setup)


def judge(case: Case, seed: int) -> dict[str, Any]:
    """Train with the fault, look whether it is named, and train with the proposed fix."""
    ran = run(case.broken)
    row: dict[str, Any] = {
        "code": case.code, "family": case.broken.family, "way": case.way, "seed": seed, "said": ran.codes, "why": case.why,
        "named": case.code in ran.codes, "learned_before": ran.learned,
    }  # fmt: skip
    fixes = [fix for finding in ran.findings if finding.code == case.code for fix in finding.fix]
    if fixes and case.mended is not None:
        proposed = any(case.cure in fix for fix in fixes)
        again = run(case.mended) if case.cure != "lr=" else _at_lower_rates(case, fixes)
        row |= {"proposed": proposed, "after": again.codes, "repaired": proposed and not again.codes and again.learned}
    return row


def _at_lower_rates(case: Case, fixes: Sequence[str]) -> Ran:
    """The loop at the rate that is proposed, and at the next one where it fails again."""
    broken = case.broken
    for _ in range(MOST_RATES):
        rate = next((fix for fix in fixes if fix.startswith("lr=")), None)
        if rate is None:
            break
        broken = replace(broken, lr=float(rate.removeprefix("lr=")))
        ran = run(broken)
        fixes = [fix for finding in ran.findings for fix in finding.fix]
    return ran


SETS = {"planted": planted, "silent": silent, "kinds": kinds_of_autotrainer}


def measure(code: str | None = None) -> dict[str, Any]:
    """Run all cases of all families, or those of one code."""
    torch.set_num_threads(1)
    logging.disable(logging.CRITICAL)
    found: dict[str, Any] = {"machine": machine(), "torch": torch.__version__, "healthy": []}
    for name, cases in SETS.items():
        found[name] = [
            judge(case, seed) for seed in (SEEDS if name == "planted" else SEEDS[:1]) for family in FAMILIES
            for case in cases(family, seed) if code is None or case.code == code
        ]  # fmt: skip
        _progress(name, found[name])
    for family in FAMILIES if code is None else ():
        for way, setup in healthy(family):
            ran = run(setup)
            found["healthy"].append({"family": family, "way": way, "said": ran.codes, "learned": ran.learned})
            if ran.codes:
                print("alarm", json.dumps(found["healthy"][-1]), file=sys.stderr, flush=True)
    return found


def again(code: str) -> dict[str, Any]:
    """The result file with the cases of one code measured again."""
    found, new = json.loads((HERE / "diagnosis_torch.json").read_text()), measure(code)
    for name in SETS:
        fresh = {(row["way"], row["family"], row["seed"]): row for row in new[name]}
        found[name] = [fresh.get((row["way"], row["family"], row["seed"]), row) for row in found[name]]
    return found


def _progress(name: str, rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        if row["code"] and not (row["named"] and row.get("repaired", True)):
            print(name, json.dumps(row), file=sys.stderr, flush=True)


def summary(found: dict[str, Any]) -> str:
    """Return shares and tables as Markdown."""
    plain, silents, kinds, sound = (found[name] for name in ("planted", "silent", "kinds", "healthy"))
    unseen = [row for row in plain if row["seed"] == SEEDS[-1]]
    alarms = [row for row in sound if row["said"]]
    lines = [
        f"- {len(plain)} planted faults in {len(FAMILIES)} families of modules: {_of(plain, 'named')} named, {_of(unseen, 'named')} of "
        f"those with the unseen seed; {_of(plain, 'repaired')} of the named ones repaired by the fix that is proposed.",
        f"- {len({row['way'] for row in silents})} of the 18 silent errors that TrainCheck was tried on, re-created: "
        f"{_of(silents, 'named')} loops named, {_of(silents, 'repaired')} repaired.",
        f"- {len({row['way'] for row in kinds})} kinds of training problems after AutoTrainer: "
        f"{_of([row for row in kinds if row['code']], 'named')} loops named, {_of(kinds, 'repaired')} repaired.",
        f"- {len(sound)} healthy loops: {len(alarms)} with a false alarm.",
        *(f"    - {row['family']}, {row['way']}: {', '.join(row['said'])}" for row in alarms),
        *(f"- Missed: {row['code']} {row['way']}, {row['family']}, seed {row['seed']} (said: {', '.join(row['said']) or 'nothing'})."
          for row in (*plain, *silents, *kinds) if row["code"] and not row["named"]),
        *(f"- Not repaired: {row['code']} {row['way']}, {row['family']}, seed {row['seed']}."
          for row in (*plain, *silents, *kinds) if row.get("repaired") is False),
        "", "| planted | loops | named | repaired | also said |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for code in dict.fromkeys(row["code"] for row in plain):
        own = [row for row in plain if row["code"] == code]
        beside = Counter(said for row in own for said in set(row["said"]) if said != code)
        also = ", ".join(f"{said} {n}×" for said, n in beside.most_common(3))
        lines.append(f"| {code} | {len(own)} | {_of(own, 'named')} | {_of(own, 'repaired')} | {also} |")
    lines += ["", "| silent error | code | named | repaired |", "|---|---|---|---|"]
    for way in dict.fromkeys(row["way"] for row in silents):
        own = [row for row in silents if row["way"] == way]
        lines.append(f"| {way} | {own[0]['code']} | {_of(own, 'named')} | {_of(own, 'repaired')} |")
    lines += [f"| {name} | – | not seen | {why} |" for name, why in NOT_SEEN.items()]
    lines += ["", "| kind of problem | code | named | repaired |", "|---|---|---|---|"]
    for way in dict.fromkeys(row["way"] for row in kinds):
        own = [row for row in kinds if row["way"] == way]
        code = own[0]["code"]
        named = _of(own, "named") if code else "not seen"
        lines.append(f"| {way} | {code or '–'} | {named} | {_of(own, 'repaired') if code else own[0]['why']} |")
    return "\n".join(lines)


def _of(rows: list[dict[str, Any]], name: str) -> str:
    known = [row[name] for row in rows if row.get(name) is not None]
    return f"{sum(known)} of {len(known)}"


def write() -> None:
    """Write the part of docs/torch.md from the result file."""
    put("docs/torch.md", "diagnosis of loops", summary(json.loads((HERE / "diagnosis_torch.json").read_text())))


def main(arguments: list[str]) -> int:
    """Measure, and write file and page."""
    found = again(arguments[0]) if arguments else measure()
    (HERE / "diagnosis_torch.json").write_text(json.dumps(found, indent=1) + "\n")
    write()
    return 0
