"""Tables larger than memory: seconds and peak memory of training and predicting, beside DuckDB's own scan of the same file.

    python -m benchmarks.larger_than_memory                        400 MB and 4 GB, in a folder of temporary files
    python -m benchmarks.larger_than_memory --rows 2000000         one table of so many rows of 50 columns, float32
    python -m benchmarks.larger_than_memory --one WORK FILE MEMORY one piece of work in this process, as JSON

Each piece of work is a process of its own under a limit of addresses (RLIMIT_AS). Its peak memory is what the operating
system counted, mapped files and libraries included. "of DuckDB's scan" compares the reading that takes the moments with
`SELECT sum(c1), sum(c2), ...` on as many threads without a limit.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pages import put, shown
from benchmarks.timing import machine

HERE = Path(__file__).parent
COLUMNS = 50
SIZES = {
    2_000_000: (1_000_000_000, "250MB"),
    20_000_000: (1_500_000_000, "1GB"),
}  # rows: limit of addresses, and --memory
BLOCK = 500_000
HEAD = "| work | limit of addresses | seconds | of processors | peak memory | reading | of DuckDB's scan |"
TITLES = {"scan": "DuckDB, `SELECT sum(...)`", "train": "`descend train`, squared loss", "predict": "`descend predict`"}


def write_table(path: Path, rows: int) -> None:
    """Write a table of normal numbers and a target that follows them, float32."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    w, names = rng.normal(size=COLUMNS), [*(f"x{j}" for j in range(COLUMNS)), "y"]
    schema = pa.schema([(name, pa.float32()) for name in names])
    with pq.ParquetWriter(path, schema, use_dictionary=False) as file:
        for lo in range(0, rows, BLOCK):
            X = rng.standard_normal((min(BLOCK, rows - lo), COLUMNS), dtype=np.float32)
            y = (X @ w + rng.normal(size=len(X))).astype(np.float32)
            columns = [pa.array(np.ascontiguousarray(column)) for column in (*X.T, y)]
            file.write_table(pa.table(columns, schema=schema), row_group_size=122_880)


def scan(path: str, memory: str) -> dict[str, float]:
    """Add up every column with DuckDB."""
    import duckdb

    connection = duckdb.connect()
    names = [d[0] for d in connection.execute("SELECT * FROM read_parquet(?) LIMIT 0", [path]).description]
    begun, cpu = time.perf_counter(), time.process_time()
    connection.execute(f"SELECT {', '.join(f'sum({n})' for n in names)} FROM read_parquet(?)", [path]).fetchall()
    return {"reading": time.perf_counter() - begun, "reading_cpu": time.process_time() - cpu}


def train(path: str, memory: str) -> dict[str, float]:
    """Train, and time the reading that takes the moments: from what is said of the target to what is said of the columns."""
    import descend as ds

    at: dict[str, tuple[float, float]] = {}

    def heard(event: Any) -> None:
        if hasattr(event, "topic"):
            at.setdefault(event.topic, (time.perf_counter(), time.process_time()))

    run = ds.train(path, "y", memory=memory, time_budget=3600, on_event=heard, run_dir=f"{path}.run")
    reading, cpu = (b - a for a, b in zip(at["target"], at["columns"], strict=True))
    return {"reading": reading, "reading_cpu": cpu, "gap": run.gap or 0.0, "rmse": run.metrics["test"]["rmse"]}


def predict(path: str, memory: str) -> dict[str, float]:
    """Predict every row with what was trained."""
    from descend.cli import main

    sys.argv = ["descend", "predict", f"{path}.run", path, "--memory", memory, "-o", f"{path}.csv"]
    try:
        main()
    except SystemExit as error:
        if error.code:
            raise
    return {}


WORK = {"scan": scan, "train": train, "predict": predict}


def measured(work: str, path: Path, limit: int | None, memory: str) -> dict[str, Any]:
    """Do a piece of work in a process of its own, and return its seconds, those of its processors, and its peak memory."""
    command = [sys.executable, "-m", "benchmarks.larger_than_memory", "--one", work, str(path), memory]

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limited)
    out, errors = process.communicate()
    seconds = time.perf_counter() - begun
    found = {"work": work, "seconds": seconds, "limit": limit}
    if process.returncode:
        return {**found, "failed": errors.strip().splitlines()[-1]}
    return {**found, **json.loads(out.splitlines()[-1])}


def one(work: str, path: str, memory: str) -> None:
    """Do a piece of work in this process, and print what it took."""
    found = WORK[work](path, memory)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({**found, "cpu": used.ru_utime + used.ru_stime, "peak": 1024 * used.ru_maxrss}))


def results(sizes: list[int], folder: Path) -> dict[str, Any]:
    """Measure tables of so many rows, one after the other; each is removed when it is done."""
    tables = []
    for rows in sizes:
        path = folder / f"{rows}.parquet"
        write_table(path, rows)
        limit, memory = SIZES.get(rows, (1_500_000_000, "1GB"))
        work = [measured(name, path, None if name == "scan" else limit, memory) for name in WORK]
        tables.append({"rows": rows, "bytes": path.stat().st_size, "memory": memory, "work": work})
        for left in folder.glob(f"{path.name}*"):
            subprocess.run(["rm", "-r", str(left)], check=True)
    return {"machine": machine(), "load": os.getloadavg()[1], "tables": tables}


def page(found: dict[str, Any]) -> str:
    """Return the tables of the page."""
    lines = []
    for table in found["tables"]:
        scanned = table["work"][0]
        size = f"{table['rows']:,} × {COLUMNS + 1}, {table['bytes'] / 1e9:.2g} GB of Parquet"
        lines += [f"**{size}, `--memory {table['memory']}`**", "", HEAD, f"|{'---|' * HEAD.count(' | ')}---|"]
        for w in table["work"]:
            limit = "none" if w["limit"] is None else f"{w['limit'] / 1e9:.2g} GB"
            if "failed" in w:
                lines.append(f"| {TITLES[w['work']]} | {limit} | failed: {w['failed']} | | | | |")
                continue
            reading, share = "", ""
            if "reading" in w:
                reading = f"{shown(w['reading'])}, {shown(w['reading_cpu'])} of processors"
                share = "" if w is scanned else f"{scanned['reading'] / w['reading']:.0%}"
            lines.append(
                f"| {TITLES[w['work']]} | {limit} | {shown(w['seconds'])} | {shown(w['cpu'])} | {w['peak'] / 1e6:,.0f} MB | {reading} "
                f"| {share} |"
            )
        lines.append("")
    m, cores = found["machine"], found["machine"]["cores"]
    busy = f" A busy machine: {found['load']:.1f} processes were waiting or running." if found["load"] > cores else ""
    lines.append(f"{m['processor']}, {cores} cores.{busy}")
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(*sys.argv[2:5])
    else:
        parser = argparse.ArgumentParser()
        parser.add_argument("--rows", type=int, nargs="*", default=list(SIZES))
        parser.add_argument("--folder", default=None)
        given = parser.parse_args()
        with tempfile.TemporaryDirectory(dir=given.folder) as own:
            answer = results(given.rows, Path(own))
        (HERE / "larger_than_memory.json").write_text(json.dumps(answer, indent=1) + "\n")
        put("docs/larger-than-memory.md", "larger-than-memory", page(answer))
