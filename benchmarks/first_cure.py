"""Is the first finding the one whose cure helps most? Asked of planted faults in the known tables, each cure tried at full length.

    python -m benchmarks.first_cure [--minutes M] [--again]

Of each run with two or more errors or warnings whose first cure is a flag, every such cure is trained with, and scored on test rows by the
share of the constant prediction's loss that is removed. The first finding is right where no other cure ends higher by more than CLOSE.
Results go into diagnosis_tables.json, and `page` of diagnosis_page.py shows them.
"""

import argparse
import json
import sys
import time
import warnings
from typing import Any

from benchmarks.diagnosis_tables import RESULTS, case_of, planted
from benchmarks.healthy_runs import gain, trained
from benchmarks.planted import Case
from benchmarks.real_tables import hashed

CLOSE = 0.01  # of the loss of the constant prediction: cures that end as near to each other are alike
WORST = -1.0  # a score on test rows below which runs are equally useless


def compared(case: Case) -> dict[str, Any]:
    """Train with the first cure of each finding, and say whether the first finding's helps most."""
    from descend.diagnosis.proof import NOT_OF_LOSS
    from descend.options import options_of_flags

    run = trained(case.data, case.target, case.options)
    cures = {
        f.code: next((change for fix in f.fix if (change := options_of_flags(fix))), {})
        for f in run.findings
        if f.level != "note" and f.code not in NOT_OF_LOSS
    }
    cures = {code: change for code, change in cures.items() if change}
    row: dict[str, Any] = {"cures": len(cures)}
    if len(cures) > 1:
        scores = {code: _score(case, change) for code, change in cures.items()}
        first, best = next(iter(scores)), max(scores, key=lambda code: scores[code])
        row |= {"before": _bounded(gain(run, "test")), "scores": scores, "shown": first, "best": best}
        row["first_best"] = scores[first] >= scores[best] - CLOSE
    return row


def _score(case: Case, change: dict[str, Any]) -> float:
    return _bounded(gain(trained(case.data, case.target, {**case.options, **change}), "test"))


def _bounded(score: float) -> float:
    return round(max(score, WORST), 4)


def main() -> int:
    from benchmarks.diagnosis_page import write

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--again", action="store_true", help="compare again what is in the file")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    deadline = time.monotonic() + 60 * given.minutes
    for key, *rest in sorted(planted("known"), key=lambda case: hashed(case[0])):
        kept = json.loads(RESULTS.read_text())
        own = kept.setdefault("order", {})
        if time.monotonic() > deadline or (key in own and not given.again):
            continue
        made = case_of(key, "known", *rest)
        if made is None or not isinstance(made[1].target, str):
            continue
        own[key] = {"table": made[0].name, **compared(made[1])}
        print(key, json.dumps(own[key]), file=sys.stderr, flush=True)
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
