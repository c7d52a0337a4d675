"""Run whole jobs and kernels, print the tables, write results.json, and put the tables into the README.

python -m benchmarks            all of them
python -m benchmarks jobs       whole jobs alone; the kernels' rows stay as they were measured
python -m benchmarks CODE...    some rows, printed alone
"""

import json
import sys
import tempfile
from datetime import date
from pathlib import Path

from benchmarks import jobs
from benchmarks.pages import put, shown
from benchmarks.picture import draw
from benchmarks.timing import machine

HERE = Path(__file__).parent


def main(wanted: list[str]) -> int:
    """Run all jobs and rows, or those whose codes are given."""
    if wanted == ["jobs"]:
        results = json.loads((HERE / "results.json").read_text())
        with tempfile.TemporaryDirectory() as folder:
            results["jobs"] = jobs.all_jobs(Path(folder), [])
        results["jobs_machine"], results["jobs_date"] = machine(), date.today().isoformat()
        write(results)
        return 0
    from benchmarks.rows import ROWS  # with their rivals, which whole jobs do not need

    results = {"date": date.today().isoformat(), "machine": machine(), "jobs": [], "rows": []}
    results |= {"jobs_machine": results["machine"], "jobs_date": results["date"]}
    with tempfile.TemporaryDirectory() as folder:
        if not wanted or any(code.startswith("J") for code in wanted):
            results["jobs"] = jobs.all_jobs(Path(folder), wanted)
        for row in ROWS:
            if wanted and row.code not in wanted:
                continue
            print(f"{row.code} {row.work}", file=sys.stderr)
            try:
                contestants = [{"name": t.name, "seconds": t.seconds, "all": t.all} for t in row.run(Path(folder))]
                results["rows"].append(
                    {"code": row.code, "work": row.work, "goal": row.goal, "contestants": contestants}
                )
            except Exception as error:  # noqa: BLE001  a failure is a row
                results["rows"].append({"code": row.code, "work": row.work, "goal": row.goal, "failed": repr(error)})
    print(table(results))
    if not wanted:
        write(results)
    return 0


def write(results: dict) -> None:
    """Write results.json, the picture and the README's tables."""
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (HERE.parent / "docs" / "benchmarks.svg").write_text(draw(results))
    into_readme(results)


def table(results: dict) -> str:
    """Return the results as Markdown tables: whole jobs, then kernels."""
    lines = []
    if results.get("jobs"):
        m = results["jobs_machine"]
        about = f"Medians of {jobs.ROUNDS} runs on {results['jobs_date']}. {m['processor']}, {m['cores']} cores."
        lines = [jobs.table(results["jobs"]), "", about, ""]
    lines += ["| row | work | descend | best rival | ratio | goal |", "|---|---|---|---|---|---|"]
    for row in results["rows"]:
        if "failed" in row:
            lines.append(f"| {row['code']} | {row['work']} | failed: {row['failed']} | | | |")
            continue
        ours, *others = row["contestants"]
        if row["goal"] == 0:
            times = " · ".join(f"{c['name']} {shown(c['seconds'])}" for c in row["contestants"])
            lines.append(f"| {row['code']} | {row['work']} | {times} | | | |")
            continue
        rival = min(others, key=lambda c: c["seconds"])
        ratio = rival["seconds"] / ours["seconds"]
        lines.append(
            f"| {row['code']} | {row['work']} | {shown(ours['seconds'])} | {rival['name']} {shown(rival['seconds'])} "
            f"| {ratio:,.{1 if ratio >= 1 else 2}f}× | {row['goal']}× |"
        )
    m = results["machine"]
    lines.append(
        f"\nMedians. {m['processor']}, {m['cores']} cores; memory read {m['read_gb_per_s']} GB/s, "
        f"matrix product {m['matmul_gflops_float32']} GFLOP/s in float32, measured in the same run."
    )
    return "\n".join(lines)


def into_readme(results: dict) -> None:
    """Replace the table between the marks in the README."""
    picture = "![ratio to the best rival, row by row; the mark is the goal](docs/benchmarks.svg)"
    put("README.md", "benchmarks", f"{table(results)}\n\n{picture}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
