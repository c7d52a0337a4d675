"""Write a folder of pages that show what the project draws: reports of runs of all kinds, checks, and plots.

    python tools/gallery.py build/gallery

The picture of the README, docs/penguins.svg, is drawn with them.

Tables are made here or ship with the project; seeds are fixed.
"""

import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

import descend as ds
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
        "rare": ("A rare class, weighed like the frequent one", rare, "fraud", {"class_weight": "balanced"}),
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
    for file, title, page in (*reports(), *checks()):
        (folder / file).write_text(page, encoding="utf-8")
        links.append(f'<li><a href="{file}">{escape(title)}</a></li>')
    pictures = [f'<figure><img src="{file}" alt="{escape(title)}" width="480"><figcaption><code>{escape(title)}</code>'
                f"</figcaption></figure>" for file, title in plots(folder)]  # fmt: skip
    index = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>descend: gallery</title></head><body>'
        f"<h1>Gallery</h1><ul>{''.join(links)}</ul>{''.join(pictures)}</body></html>\n"
    )
    (folder / "index.html").write_text(index, encoding="utf-8")
    sys.stdout.write(f"{folder / 'index.html'}\n")
    return 0


if __name__ == "__main__":
    (ROOT / "docs" / "penguins.svg").write_text(picture() + "\n", encoding="utf-8")
    sys.exit(main(Path(sys.argv[1])))
