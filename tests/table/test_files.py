"""A path is named for what it is before anybody parses it."""

import gzip
import io

import pytest

from descend.errors import DataError
from descend.table import files


def test_formats_go_by_first_bytes_then_suffix(tmp_path):
    assert files.format_of(tmp_path / "a.csv", "auto", b"PAR1....") == "parquet"
    assert files.format_of(tmp_path / "a.ndjson", "auto", b"{}") == "jsonl"
    assert files.format_of(tmp_path / "a.csv.gz", "auto", b"a,b") == "csv"
    assert files.format_of(tmp_path / "a", "auto", b"a,b") == "csv"


@pytest.mark.parametrize(
    ("told", "head", "what"),
    [("csv", b"PAR1", "is a Parquet file, but was said to be csv; use --input-format parquet"),
     ("parquet", b"a,b", "is no Parquet file; use --input-format csv if it is text"),
     ("arrow", b"ARROW1", "is an Arrow file; write it as Parquet, or pass the frame from Python"),
     ("auto", b"SQLite format 3\x00", "is an SQLite database, no table of text; export it as CSV or Parquet")],
)  # fmt: skip
def test_what_is_told_must_be_true(tmp_path, told, head, what):
    with pytest.raises(DataError) as caught:
        files.format_of(tmp_path / "a", told, head)
    assert str(caught.value) == f"the file {str(tmp_path / 'a')!r} {what}"


def test_the_head_of_gzip_is_its_contents(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert files.head_of(tmp_path / "a.gz") == b"a,b\n1,2\n"
    (tmp_path / "b.gz").write_bytes(b"\x1f\x8bnot gzip at all")
    with pytest.raises(DataError, match="is gzip data that cannot be read"):
        files.head_of(tmp_path / "b.gz")


def test_a_stream_is_spooled_whole():
    path = files.spool(io.BytesIO(b"x" * 3_000_000))
    assert path.stat().st_size == 3_000_000
    path.unlink()


def refused(path):
    with pytest.raises(DataError) as caught:
        files.check(path)
    return str(caught.value).replace(str(path), "FILE")


def test_paths_that_lead_nowhere(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    assert refused(tmp_path / "link") == "the file 'FILE' does not exist; check the path"
    assert refused(tmp_path / ("x" * 300)) == "the file 'FILE' cannot be found (File name too long); check the path"
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty") == "the file 'FILE' is a folder; name a file"


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("a\n1\n")
    monkeypatch.setattr(files.os, "access", lambda path, mode: False)
    assert refused(tmp_path / "a.csv") == "the file 'FILE' may not be read; change its permissions"
