"""Write a folder of pages that show what the project draws: reports of runs of all kinds, a check, what commands print, what a
notebook shows, and plots.

    python tools/gallery.py build/gallery

The picture of the README, docs/penguins.svg, is drawn with them.

Tables are made here or ship with the project; seeds are fixed.
"""

import contextlib
import io
import shlex
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

import descend as ds
from descend.cli import main as command
from descend.plots import curves
from descend.run.report_data import report_data

ROOT = Path(__file__).resolve().parent.parent
PENGUINS = ROOT / "examples" / "data" / "penguins.csv"


def reports() -> Iterator[tuple[str, str, str]]:
    """Yield (file, title, page): one report for each kind of run."""
    rng = np.random.default_rng(0)
    rare = pd.DataFrame(rng.normal(size=(2000, 4)), columns=list("abcd"))
    rare["fraud"] = np.where(rare["a"] + rng.normal(size=2000) > 3.0, "yes", "no")
    wide = pd.DataFrame(rng.normal(size=(300, 200)), columns=[f"measurement_number_{k:03d}" for k in range(200)])
    wide["y"] = wide.iloc[:, :5].sum(axis=1) + rng.normal(size=300)
    runs = {
        "regression": ("A number: the mass of penguins, all eight variants", PENGUINS, "body_mass_g", {}),
        "classes": ("Three classes: the species of penguins", PENGUINS, "species", {"time_budget": 10, "trees": True}),
        "rare": ("A rare class, weighed like the frequent one", rare, "fraud", {"class_weight": "balanced", "threshold": "auto"}),
        "network": ("A network", PENGUINS, "sex", {"hidden_layer_sizes": (32, 16), "optimizer": "adam", "time_budget": 10}),
        "failed": ("A training that diverged", PENGUINS, "body_mass_g", {"optimizer": "gd", "lr": 50}),
        "wide": ("Two hundred columns, five of which matter", wide, "y", {"l1": 0.02, "time_budget": 10}),
    }  # fmt: skip
    for name, (title, data, target, options) in runs.items():
        yield f"{name}.html", title, ds.train(data, target, progress=False, **options).report()


def checks() -> Iterator[tuple[str, str, str]]:
    """Yield (file, title, page): the check of a raw table."""
    raw = ROOT / "examples" / "data" / "penguins_raw.csv"
    yield "check.html", "A raw table before training", ds.check(raw, "Body Mass (g)").html()


COMMANDS = (
    f"descend -v train {PENGUINS} -t species --optimizer nesterov --seed 7 --time 5s",
    f"descend train {PENGUINS} -t body_mass_g --optimizer nesterov --seed 7 --trees",
    f"descend train {PENGUINS} -t body_mass_g --optimizer nesterov --seed 7 --features sex --features flipper_length_mm",
    "descend runs",
    "descend diff runs/penguins-2 runs/penguins-3",
    f"descend eval runs/penguins-2 {PENGUINS} --no-rows",
    f"descend check {PENGUINS} -t body_mass_g",
)


def terminal() -> Iterator[tuple[str, str, str]]:
    """Yield (file, title, page): what commands print."""
    parts = []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for line in COMMANDS:
            said = io.StringIO()
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                command(shlex.split(line)[1:])
            shown = line.replace(f"{PENGUINS}", "penguins.csv")
            parts.append(f"<h2>$ {escape(shown)}</h2><pre>{escape(said.getvalue())}</pre>")
    yield "terminal.html", "On a terminal: train, runs, diff, eval, check", html("On a terminal", "".join(parts))


CELLS = (
    f'import descend as ds\n\nrun = ds.train({str(PENGUINS)!r}, "body_mass_g", optimizer="nesterov")\nrun',
    f'ds.compare({str(PENGUINS)!r}, "body_mass_g", variants="gd,nesterov,adam", progress=False)',
    f'ds.find_lr({str(PENGUINS)!r}, "body_mass_g", variant="gd,adam")',
    f'ds.check({str(PENGUINS)!r}, "body_mass_g")',
    'run.plot("actual")',
    "run.history.to_pandas().iloc[:5, :5]",
)


def notebook() -> Iterator[tuple[str, str, str]]:
    """Yield (file, title, page): what results show of themselves in a notebook."""
    import nbclient
    import nbconvert
    import nbformat

    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3", coalesce_streams=True).execute()
    body, _ = nbconvert.HTMLExporter(template_name="basic").from_notebook_node(book)
    yield (
        "notebook.html",
        "In a notebook: a run, a comparison, learning rates, a check, a plot",
        html("In a notebook", body),
    )


def html(title: str, body: str) -> str:
    """Return a plain page."""
    style = (
        "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1200px;padding:0 1rem}h2{font-size:1rem}"
    )
    style += "pre{overflow-x:auto;background:#f6f7f9;padding:.5rem}img{max-width:100%;height:auto}.jp-OutputPrompt{display:none}"
    style += ".descend{overflow-x:auto}th,td{text-align:left;padding:2px 12px 2px 0}figure{margin:1rem 0}"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>{escape(title)}</title>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}<style>{style}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>\n'


def plots(folder: Path) -> Iterator[tuple[str, str]]:
    """Write one picture by matplotlib for each kind of plot, and yield (file, title)."""
    import matplotlib as mpl

    mpl.use("Agg")
    mass = ds.train(PENGUINS, "body_mass_g", optimizer="gd,nesterov,adam", progress=False)
    species = ds.train(PENGUINS, "species", optimizer="nesterov", max_epochs=300, progress=False)
    of_numbers = ("loss", "weights", "lr", "actual", "residuals", "distribution")
    of_classes = ("confusion", "roc", "precision_recall", "calibration")
    for run, kinds in ((mass, of_numbers), (species, of_classes)):
        for kind in kinds:
            run.plot(kind).figure.savefig(folder / f"{kind}.png", dpi=90)
            yield f"{kind}.png", f'run.plot("{kind}")'
    ds.find_lr(PENGUINS, "body_mass_g").plot().figure.savefig(folder / "rates.png", dpi=90)
    yield "rates.png", "find_lr(...).plot()"


def picture() -> str:
    """Return the picture of the README: the loss of eight variants on the penguins."""
    run = ds.train(PENGUINS, "body_mass_g", progress=False)
    return str(curves.draw(report_data(run).curves))


def main(folder: Path) -> int:
    """Write the pages, and an index of them."""
    folder.mkdir(parents=True, exist_ok=True)
    links = []
    for file, title, page in (*reports(), *checks(), *terminal(), *notebook()):
        (folder / file).write_text(page, encoding="utf-8")
        links.append(f'<li><a href="{file}">{escape(title)}</a></li>')
    pictures = [f'<figure><img src="{file}" alt="{escape(title)}" width="480"><figcaption><code>{escape(title)}</code>'
                f"</figcaption></figure>" for file, title in plots(folder)]  # fmt: skip
    index = html("descend: gallery", f"<ul>{''.join(links)}</ul>{''.join(pictures)}")
    (folder / "index.html").write_text(index, encoding="utf-8")
    sys.stdout.write(f"{folder / 'index.html'}\n")
    return 0


if __name__ == "__main__":
    (ROOT / "docs" / "penguins.svg").write_text(picture() + "\n", encoding="utf-8")
    sys.exit(main(Path(sys.argv[1])))
