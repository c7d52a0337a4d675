"""tensorboard: a run as a file of events that TensorBoard shows."""

import io
from collections.abc import Iterable
from typing import Protocol

from descend.export.formats import optional
from descend.export.record import Point, RunRecord

FILE = "events.out.tfevents.descend"  # TensorBoard reads every file whose name holds "tfevents"
VERSION = "brain.Event:2"  # of the file's format, its first event


class Writable(Protocol):
    """What takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Take bytes."""


class Events:
    """A file of events that is being written; raises UsageError where TensorBoard is not installed.

    Args:
        file: what takes the bytes of each event.
        begun: seconds since 1970 in UTC at the begin of the run.
    """

    def __init__(self, file: Writable, begun: float) -> None:
        self._event = optional("tensorboard.compat.proto.event_pb2", "tensorboard").Event
        self._summary = optional("tensorboard.compat.proto.summary_pb2", "tensorboard").Summary
        self._writer = optional("tensorboard.summary.writer.record_writer", "tensorboard").RecordWriter(file)
        self._begun = begun
        self._writer.write(self._event(wall_time=begun, file_version=VERSION).SerializeToString())

    def write(self, points: Iterable[Point]) -> None:
        """Write an event for each point."""
        for point in points:
            summary = self._summary(value=[self._summary.Value(tag=point.name, simple_value=point.value)])
            event = self._event(wall_time=self._begun + point.seconds, step=point.step, summary=summary)
            self._writer.write(event.SerializeToString())


def render(record: RunRecord) -> bytes:
    """Return the events of a run; raises UsageError where TensorBoard is not installed."""
    file = io.BytesIO()
    events = Events(file, record.begun)
    events.write(record.points())
    events.write(record.scored())
    return file.getvalue()
