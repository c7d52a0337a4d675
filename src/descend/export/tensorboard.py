"""tensorboard: a run as a file of events that TensorBoard shows."""

import io

from descend.export.formats import optional
from descend.export.record import RunRecord

FILE = "events.out.tfevents.descend"  # TensorBoard reads every file whose name holds "tfevents"
VERSION = "brain.Event:2"  # of the file's format, its first event


def render(record: RunRecord) -> bytes:
    """Return the events of a run; raises UsageError where TensorBoard is not installed."""
    events = optional("tensorboard.compat.proto.event_pb2", "tensorboard")
    summaries = optional("tensorboard.compat.proto.summary_pb2", "tensorboard")
    file = io.BytesIO()
    writer = optional("tensorboard.summary.writer.record_writer", "tensorboard").RecordWriter(file)
    writer.write(events.Event(wall_time=record.begun, file_version=VERSION).SerializeToString())

    def scalar(name: str, value: float, step: int, seconds: float) -> None:
        summary = summaries.Summary(value=[summaries.Summary.Value(tag=name, simple_value=value)])
        at = record.begun + seconds
        writer.write(events.Event(wall_time=at, step=step, summary=summary).SerializeToString())

    for point in record.points():
        scalar(point.name, point.value, point.step, point.seconds)
    for name, value in record.scores.items():
        scalar(name, value, max(record.steps, default=0), record.seconds)
    return file.getvalue()
