"""A report made of one name in every place, and how HTML and XML parsers read a page."""

import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np

from descend.evaluation import ClassificationEvaluation, RegressionEvaluation
from descend.evaluation.usage import Coefficient, Dependence, Importance
from descend.plots.curves import Curve
from descend.plots.layers import LayerSeries
from descend.plots.rates import RateCurve
from descend.plots.scatter import Scatter
from descend.plots.weight_paths import WeightPath
from descend.report.content import ColumnRow, FindingRow, Mark, ReportData, VariantRow

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "' onload='alert(1)",
    "</title></style><svg onload=alert(1)>",
    "</td></tr></table><iframe src=//example.org>",
    "</svg><foreignObject>",
    "<!-- ",
    "--><!--",
    "]]>",
    "<![CDATA[",
    "<?xml version='1.0'?>",
    "&lt;b&gt;&amp;&#60;",
    "a\nb\r\n\tc",
    "\u202egnp.exe",
    "\u2066\u2067\u2068",
    "\x00\x1b[31m\x7f\ufffe",
    "javascript:alert(1)",
    "</head>",
    "x" * 10_000,
]


def a_report(name="name", points=50):
    x = np.arange(float(points))
    return ReportData(
        title=name, data_name=name, date=name, version=name, mark=Mark.OK, status="converged", verdict=name,
        numbers=((name, name),) * 4, findings=(FindingRow(code=name, level=name, text=name, fixes=(name,)),),
        variants=(a_variant(name=name, batch=name, result=name),), metric=name,
        curves=(Curve(name, name[:1], x, np.exp(-x / points), np.exp(-x / points)),),
        measured=True, single_rows=True, held_out=of_classes((name, f"{name}2", f"{name}3")),
        curve_rows="validation", train_rows=273, history="epoch,loss\n0,1.0\n", weight_paths=(WeightPath(name, x, np.exp(-x / points)),), scatters=(Scatter(name, x, x * 2, x * 1.9),), target=name,
        data=((name, name),), columns=(ColumnRow(name, name, 3, name),), model=name,
        importances=(Importance(column=name, mean=2.0, std=0.1),),
        dependences=(
            Dependence(column=name, values=x[:5], mean=x[:5, None] * 2, outputs=()),
            Dependence(column=name, values=(name, f"{name}2"), mean=np.array([[0.2, 0.8], [0.6, 0.4]]), outputs=(name, f"{name}2")),
        ),
        references=(), schedule=LayerSeries(title="learning rate", epochs=x, values=np.exp(-x / 9)[None]),
        rates=(RateCurve(variant=name, rates=np.array([0.1, 1.0, 10.0]), losses=np.array([0.5, 0.2, np.inf]), start=1.0, chosen=1.0, limit=2.0),),
        layers=(LayerSeries(title="gradient norm", epochs=x, values=np.array([np.exp(-x), np.exp(-x / 9)])),),
        coefficients=(Coefficient(feature=name, output=name, value=1.5, standardised=0.5),), reproduce=((name, name),),
    )  # fmt: skip


def of_classes(names, rows=60):
    """An evaluation of classes with these names, each with as many rows."""
    y, rng = np.arange(rows) % len(names), np.random.default_rng(0)
    z = 1.5 * np.eye(len(names))[y] + rng.normal(size=(rows, len(names)))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return ClassificationEvaluation(
        y=y.astype(float), score=z if len(names) > 2 else z[:, 1] - z[:, 0], probabilities=p, predicted=z.argmax(axis=1),
        classes=tuple(names),
    )  # fmt: skip


def of_numbers(rows=60):
    """An evaluation of numbers."""
    y, rng = np.arange(rows, dtype=float), np.random.default_rng(0)
    return RegressionEvaluation(y=y, predicted=y + rng.normal(size=rows))


def a_variant(**fields):
    defaults = {"name": "adam", "letter": "D", "lr": 0.1, "batch": "full", "epochs": 3, "metric": 1.5, "spread": 0.1,
                "result": "best", "best": True}  # fmt: skip
    return VariantRow(**(defaults | fields))


def parsed(page):
    return ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


def shape(page):
    """Elements and attributes as XML sees them, and as the more forgiving HTML does."""
    seen = Seen()
    seen.feed(page)
    return [(e.tag, sorted(e.attrib)) for e in parsed(page).iter()], seen.parts


class Seen(HTMLParser):
    """What an HTML parser meets, text left out."""

    def __init__(self):
        super().__init__()
        self.parts = []

    def handle_starttag(self, tag, attrs):
        self.parts.append((tag, [name for name, _ in attrs]))

    def handle_endtag(self, tag):
        self.parts.append(tag)

    def handle_comment(self, data):
        self.parts.append("comment")

    handle_decl = handle_pi = unknown_decl = handle_comment
