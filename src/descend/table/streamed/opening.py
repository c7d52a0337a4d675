"""opening: whether a table fits in memory, and if not, what it is streamed from.

Parquet is read as it is. Text and JSON lines are written as Parquet first, once, since only of Parquet a column can be read
without the others.
"""

import os
import zlib
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from descend.errors import DataError
from descend.memory import allowed_memory, size_text, spare_addresses
from descend.table import files
from descend.table.dialect import Dialect, faults, sniff
from descend.table.names import Chosen, choose
from descend.table.read import ENCODINGS, READERS, Format, stays_text
from descend.table.reading import Conventions
from descend.table.scaled_rows import LARGE_CELLS
from descend.table.strays import Scan, find_strays, scan
from descend.table.streamed.scratch import Scratch
from descend.table.streamed.source import StreamedTable, rows_that_fit
from descend.table.table import Source
from descend.table.text_table import castable, is_doubtful, look, odd_columns, query_of, unread, with_marks
from descend.table.texts import Engine, connect, floats, identifier, quoted

SHARE = 0.5  # of the memory that the system allows, which a table may take unless told (arbitrary)
CELL_BYTES = 24  # of a table that is read whole: a cell as it is read, as a feature, and of a copy (measured: 18 to 25)
COMPRESSION = (
    100  # times that a Parquet file is smaller than its cells, at most, for its size alone to tell that it fits
)
DUCKDB_SHARE, DUCKDB_LEAST = 0.2, 128_000_000  # of the memory, for DuckDB; below it reads few rows of a wide table
GROUP_FACTOR = 1.5  # times its bytes, that a row group takes while it is read (measured: 1.2)


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a table would take that is read whole, what it may take, and what it may take at most where it must, in bytes."""

    whole: int
    allowed: int
    most: int

    @property
    def fits(self) -> bool:
        """Whether it can be read whole."""
        return self.whole <= self.allowed


def opened(
    path: Path, how: Format, memory: int | None, threads: int, scratch: Scratch, world: int = 1
) -> tuple[StreamedTable, Need] | None:  # fmt: skip
    """Return a table to be streamed, and what it would take otherwise; None where it can be read whole.

    Args:
        path: of the file.
        how: to read it.
        memory: bytes that it may take; half of what the system allows when None.
        threads: that read.
        scratch: where a copy in Parquet is kept.
        world: processes that read it together. Of a Parquet file of so many cells that training does not copy it, each may take
            its part of what the whole would take, unless told.

    Raises DataError where it cannot be read, or only as a whole.
    """
    files.check(path)
    version, head = files.version(path), files.head_of(path)
    how = replace(how, format=files.format_of(path, how.format, head))
    spare_addresses()
    most = allowed_memory() if memory is None else memory
    allowed = int(SHARE * most) if memory is None else memory
    if how.format == "parquet":
        if version[0] * COMPRESSION * CELL_BYTES / 8 <= allowed and world == 1:
            return None
        rows, columns, group = _footer(path)
        need = Need(whole=rows * columns * CELL_BYTES, allowed=allowed, most=most)
        if world > 1 and rows * columns > LARGE_CELLS:
            allowed = need.whole // world if memory is None else memory
            need = Need(
                whole=need.whole, allowed=min(allowed, need.whole - 1), most=need.whole if memory is None else memory
            )
    elif world > 1 and memory is None:
        return None
    else:
        rows, columns = _estimated(path, head, how)
        need, group = Need(whole=rows * columns * CELL_BYTES, allowed=allowed, most=most), 0
    if need.fits:
        return None
    engine = _engine(allowed, group, threads, scratch)
    try:
        opening = _Opening(engine, path, version, how, allowed, scratch)
        return (opening.parquet() if how.format == "parquet" else opening.copied(head)), need
    except BaseException:
        engine.close()
        raise


def _footer(path: Path) -> tuple[int, int, int]:
    """Rows, columns, and bytes of the largest group of rows, as the file says."""
    import duckdb

    groups = "SELECT row_group_id, sum(total_uncompressed_size) AS size FROM parquet_metadata(?) GROUP BY 1"
    with Engine(connect({"threads": "1"})) as engine:
        try:
            query = engine.connection.execute
            rows = query("SELECT num_rows FROM parquet_file_metadata(?)", [str(path)]).fetchall()[0][0]
            columns = len(query("SELECT * FROM read_parquet(?) LIMIT 0", [str(path)]).description)
            size = query(f"SELECT max(size) FROM ({groups})", [str(path)]).fetchall()[0][0]
        except duckdb.Error as error:
            raise unread(path, error, fix="write it again, and whole") from error
    return int(rows), columns, int(size or 0)


def _estimated(path: Path, head: bytes, how: Format) -> tuple[int, int]:
    """About how many rows and columns a file of text has, by the length of its first lines."""
    size, lines = path.stat().st_size, head.count(b"\n") or 1
    if files.is_gzip(path):
        with path.open("rb") as file:
            piece = file.read(1 << 16)
        size = int(size * len(zlib.decompressobj(31).decompress(piece)) / len(piece))
    first = head.split(b"\n", 1)[0]
    if how.format == "csv":
        columns = max(first.count(d) for d in (b",", b";", b"\t", b"|", *([(how.delimiter or ",").encode()]))) + 1
    else:
        columns = first.count(b":") or 1
    return int(size / (len(head) / lines)), columns


def _engine(memory: int, group: int, threads: int, scratch: Scratch) -> Engine:
    """DuckDB under a memory limit, on half of the threads, and no more than have room for a group of rows each.

    The others make features and moments of the rows, which takes at least as long.
    """
    limit = max(int(DUCKDB_SHARE * memory), DUCKDB_LEAST)
    reading = max(1, min(threads // 2, int(limit / (GROUP_FACTOR * max(group, 1)))))
    folder = os.fspath(scratch.folder)
    return Engine(connect({"memory_limit": f"{limit}B", "threads": str(reading), "temp_directory": folder}))


@dataclass(frozen=True, eq=False)
class _Opening:
    """A file that is opened to be streamed."""

    engine: Engine
    path: Path
    version: tuple[int, int]
    how: Format
    memory: int
    scratch: Scratch

    @cached_property
    def copy(self) -> str:
        """The name of its copy, which no other copy has."""
        return f"table-{len(list(self.scratch.folder.glob('*.parquet')))}.parquet"

    @property
    def where(self) -> str:
        """The file, in sentences."""
        return f"the file {str(self.path)!r}"

    def parquet(self) -> StreamedTable:
        """A Parquet file, as it is."""
        names, types = self._described(f"SELECT * FROM {READERS['parquet']} LIMIT 0")
        chosen = choose(names, self.how.drop, self.where)
        stored = {name: names[at] for at, name in zip(chosen.at, chosen.names, strict=True)}
        typed = replace(self.how.conventions, typed=True)
        source = Source(name=self.path.name, format="parquet")
        return self._table(self.path, chosen, stored, dict(zip(names, types, strict=True)), typed, source)

    def copied(self, head: bytes) -> StreamedTable:
        """A file of text or of JSON lines, as a Parquet file that is written once."""
        if self.how.format == "csv":
            return self._text(head)
        query = f"SELECT * FROM {READERS[self.how.format]}"
        names, _ = self._described(f"{query} LIMIT 0")
        chosen = choose(names, self.how.drop, self.where)
        columns = ", ".join(f"{identifier(names[at])} AS c{at}" for at in chosen.at)
        copy = self._copy(f"SELECT {columns} FROM {READERS[self.how.format]}", [str(self.path)])
        source = Source(name=self.path.name, format=self.how.format)
        return self._of_copy(copy, chosen, replace(self.how.conventions, typed=True), source)

    def _text(self, head: bytes) -> StreamedTable:
        import duckdb

        dialect = sniff(self.path, head, self.how.delimiter, self.how.encoding, self.how.header, self.how.skip_rows)
        if dialect.encoding not in ("utf-8", "utf-8-sig"):
            raise self._whole(f"is {dialect.encoding} text", "write it as UTF-8, or as Parquet")
        chosen = choose(dialect.names, self.how.drop, self.where)
        conventions = replace(
            self.how.conventions, european=self.how.conventions.decimal == "," or dialect.delimiter != ",",
            grouped_points=dialect.delimiter == ";",
        )  # fmt: skip
        given = {at for at, name in zip(chosen.at, chosen.names, strict=True) if stays_text(conventions.reading(name))}
        try:
            with ThreadPoolExecutor(1) as pool:
                scanning = pool.submit(scan, self.path, dialect)
                failure, copy = None, self.path
                try:
                    copy = self._typed_text(dialect, chosen, given, conventions)
                except duckdb.Error as error:
                    failure = error
                bytes_ = scanning.result()
            notes = self._checked(bytes_, dialect)
            if failure is not None:
                raise failure
            numbers = [at for at in chosen.at if at not in given]
            if bytes_.odd and (odd := odd_columns(self.engine, self.path, dialect, numbers)):
                copy = self._typed_text(dialect, chosen, given.union(odd), conventions)
        except (EOFError, zlib.error) as error:
            raise files.damaged(self.path, error) from error
        except duckdb.Error as error:
            files.check_unchanged(self.path, self.version)
            raise faults(self.path, dialect) or unread(self.path, error) from error
        source = Source(
            name=self.path.name, format="csv", delimiter=dialect.delimiter, header=dialect.header,
            encoding=ENCODINGS.get(dialect.encoding, dialect.encoding),
        )  # fmt: skip
        table = self._of_copy(copy, chosen, conventions, source)
        return replace(table, notes=(*dialect.notes, *notes, *table.notes))

    def _checked(self, found: Scan, dialect: Dialect) -> tuple[str, ...]:
        """What the bytes show besides; raises DataError where the file must be rewritten to be read."""
        notes: tuple[str, ...] = ()
        if found.suspected:
            with_strays, notes = find_strays(self.path, dialect)
            if with_strays.strays:
                raise self._whole("has lines that are no data, such as comments or totals", "remove these lines")
        if found.mixed_line_ends:
            raise self._whole("has line ends of several kinds", "write it with one kind of line end")
        return notes

    def _typed_text(self, dialect: Dialect, chosen: Chosen, text: Collection[int], conventions: Conventions) -> Path:
        """A copy whose columns are numbers where all of their cells are, and text elsewhere."""
        import duckdb

        looks = look(self.path, dialect, conventions.null)
        numeric = [at for at in chosen.at if at in looks.numeric and at not in text]
        plain = {at: f"c{at}" for at in chosen.at}
        copy = None
        if castable(looks.words, conventions):
            try:
                copy = self._copy(*query_of(self.path, dialect, plain, cast=numeric, null={"", *looks.words}))
            except duckdb.Error:
                copy = None
        copy = copy or self._copy(*query_of(self.path, dialect, with_marks(chosen.at, numeric, conventions)))
        doubtful = [at for at in numeric if is_doubtful(self._numbers(copy, at), conventions)]
        return copy if not doubtful else self._typed_text(dialect, chosen, {*text, *doubtful}, conventions)

    def _numbers(self, copy: Path, at: int) -> Any:
        """A column of numbers of the copy."""
        return floats(self.engine.columns(f"SELECT c{at} FROM read_parquet(?)", [str(copy)], [])[f"c{at}"])

    def _copy(self, query: str, parameters: list[str]) -> Path:
        """Write what a query returns as Parquet."""
        path = self.scratch.room(self.copy, self.version[0], f"a copy of {self.where} in Parquet")
        columns = len(self.engine.connection.execute(f"{query} LIMIT 0", parameters).description)
        to = f"TO {quoted(str(path))} (FORMAT parquet, ROW_GROUP_SIZE {rows_that_fit(self.memory, columns)})"
        self.engine.connection.execute(f"COPY ({query}) {to}", parameters)
        return path

    def _of_copy(self, copy: Path, chosen: Chosen, conventions: Conventions, source: Source) -> StreamedTable:
        names, types = self._described("SELECT * FROM read_parquet(?) LIMIT 0", copy)
        stored = {name: f"c{at}" for at, name in zip(chosen.at, chosen.names, strict=True)}
        files.check_unchanged(self.path, self.version)
        return self._table(copy, chosen, stored, dict(zip(names, types, strict=True)), conventions, source)

    def _table(
        self, path: Path, chosen: Chosen, stored: dict[str, str], types: dict[str, str], conventions: Conventions, source: Source
    ) -> StreamedTable:  # fmt: skip
        counted = self.engine.connection.execute("SELECT num_rows FROM parquet_file_metadata(?)", [str(path)])
        rows = int(counted.fetchall()[0][0])
        if rows == 0:
            raise DataError(f"{self.where} has no rows", fix="bring a table with rows", code="no-rows")
        notes: tuple[str, ...] = ()
        if "" in stored:
            if chosen.names[0] or chosen.names.count("") > 1:
                at = next(at for at, name in zip(chosen.at, chosen.names, strict=True) if at and not name)
                raise DataError(
                    f"column {at + 1} of {self.where} has no name", fix="name it in the header", code="empty-name"
                )
            stored.pop("")
            notes = ("column 1 is left out: it has no name",)
        return StreamedTable(
            engine=self.engine, path=path, origin=self.path, version=self.version,
            source=replace(source, size=self.version[0]), names=tuple(stored), stored=stored,
            types={name: types[own] for name, own in stored.items()}, rows=rows, conventions=conventions,
            memory=self.memory, unread=chosen.unread, notes=notes,
        )  # fmt: skip

    def _described(self, query: str, path: Path | None = None) -> tuple[list[str], list[str]]:
        import duckdb

        try:
            found = self.engine.connection.execute(query, [str(path or self.path)]).description
        except duckdb.Error as error:
            files.check_unchanged(self.path, self.version)
            raise unread(self.path, error, fix="write it again, and whole") from error
        return [d[0] for d in found], [str(d[1]) for d in found]

    def _whole(self, why: str, fix: str) -> DataError:
        return DataError(
            f"{self.where} is larger than the memory that is allowed, {size_text(self.memory)}, and {why}, which only "
            f"reading it whole can mend",
            fix=f"{fix}, or raise --memory", code="not-streamed",
        )  # fmt: skip
