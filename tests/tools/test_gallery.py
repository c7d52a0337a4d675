"""The gallery lists every page and picture that it writes."""

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("gallery", ROOT / "tools" / "gallery.py")
gallery = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(gallery)


def test_the_index_has_every_page_and_picture(tmp_path, monkeypatch, capsys):
    def plots(folder):
        (folder / "loss.png").write_bytes(b"")
        yield "loss.png", 'run.plot("loss")'

    monkeypatch.setattr(gallery, "reports", lambda: iter([("a.html", "A <number>", "<!DOCTYPE html>a")]))
    monkeypatch.setattr(gallery, "checks", lambda: iter([("check.html", "A check", "<!DOCTYPE html>c")]))
    monkeypatch.setattr(
        gallery, "terminal", lambda: iter([("terminal.html", "Commands", gallery.html("Commands", ""))])
    )
    monkeypatch.setattr(gallery, "notebook", lambda: iter([]))
    monkeypatch.setattr(gallery, "plots", plots)

    assert gallery.main(tmp_path / "gallery") == 0

    index = (tmp_path / "gallery" / "index.html").read_text()
    named = re.findall(r'(?:href|src)="([^"]+)"', index)
    assert set(named) == {p.name for p in (tmp_path / "gallery").iterdir()} - {"index.html"}
    assert "A &lt;number&gt;" in index
    assert capsys.readouterr().out == f"{tmp_path / 'gallery' / 'index.html'}\n"


def test_what_commands_print_stands_below_them(monkeypatch):
    monkeypatch.setattr(gallery, "COMMANDS", ("descend info adam", "descend explain D101"))
    [(file, _, page)] = gallery.terminal()
    assert (file, page.count("<pre>")) == ("terminal.html", 2)
    assert "<h2>$ descend explain D101</h2><pre>D101 " in page
