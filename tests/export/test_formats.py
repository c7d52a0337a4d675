"""The formats by name, and what is said where one cannot be."""

import sys

import pytest
from tests.export.made import export

from descend.errors import UsageError
from descend.export.formats import SUFFIXES, check_format, optional, rendered


def said(call, *arguments):
    with pytest.raises(UsageError) as caught:
        call(*arguments)
    return str(caught.value), caught.value.code


def test_every_format_is_allowed():
    assert list(SUFFIXES) == ["onnx", "torch", "sklearn", "json", "sql"]
    for to in SUFFIXES:
        check_format(to, {})
    check_format("sql", {"table": "penguins"})


def test_an_unknown_format():
    assert said(check_format, "onx", {}) == (
        "there is no format 'onx'; there are onnx, torch, sklearn, json, sql, mlflow, tensorboard; try 'onnx'", "unknown-format"
    )  # fmt: skip


def test_names_of_a_query_where_there_is_none():
    assert said(check_format, "json", {"table": "penguins"}) == (
        "a table or columns of a query were named, and json is no query; leave them out", "contradiction"
    )  # fmt: skip


def test_a_package_that_is_missing():
    assert said(optional, "no_such_package.io", "onnx") == (
        "no_such_package is not installed; pip install 'descend[onnx]'", "missing-package"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("to", "package", "extra"),
    [
        ("onnx", "onnx", "onnx"),
        ("torch", "torch", "torch"),
        ("sklearn", "skops", "sklearn"),
        ("sklearn", "pandas", "sklearn"),
    ],
)
def test_each_format_says_what_it_needs(monkeypatch, to, package, extra):
    model = export("number")
    for name in (package, f"{package}.io"):
        monkeypatch.setitem(sys.modules, name, None)
    assert said(rendered, model, to, {}) == (
        f"{package} is not installed; pip install 'descend[{extra}]'", "missing-package"
    )  # fmt: skip


def test_the_bytes_are_those_of_the_format():
    assert rendered(export("number"), "json", {}).startswith(b'{\n"schema": "descend.export/1",\n')
