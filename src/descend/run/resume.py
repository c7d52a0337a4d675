"""resume: a training that was killed, gone on with from its folder alone."""

import os
from pathlib import Path
from typing import Any

from descend.cluster.group import LIMIT
from descend.errors import ResumeError
from descend.options.flags import in_keywords
from descend.run.call import read_call
from descend.run.job import OnEvent, train
from descend.run.record import Run
from descend.store.reading import DOCUMENT
from descend.training.checkpoint import CALL, SUFFIX


@in_keywords()
def resume(
    folder: str | os.PathLike[str], *, on_event: OnEvent | None = None, progress: Any = "auto", rank_timeout: float = LIMIT
) -> Run:  # fmt: skip
    """Go on with a training that was killed, from the last checkpoint; the result has the bits of one that was never stopped.

    The data are read again from their file, and the options are those of the call. The run is saved in its folder. Several processes
    go on by `train(..., resume=True)` on each: the folder lies where rank 0 ran.

    Args:
        folder: the run folder that the training was to write, or its checkpoint, `<run folder>.search`.
        on_event, progress, rank_timeout: as `train` takes them.

    Raises ResumeError where there is nothing to go on from, where the data or the versions have changed since, and where the
    training was given what no file holds, such as a data frame.
    """
    place = Path(os.path.abspath(folder))  # "." has no name, and a checkpoint may be where one stands
    is_checkpoint = place.name.endswith(SUFFIX) or (place / CALL).is_file()
    checkpoint = place if is_checkpoint else place.parent / (place.name + SUFFIX)
    call = read_call(checkpoint)
    if call is None:
        raise _nothing_there(place, checkpoint)
    if call.objects or call.data is None or call.target is None:
        raise ResumeError(
            f"the training of {os.fspath(checkpoint)!r} was given {' and '.join(call.objects)} as an object, which no file holds",
            fix="call train with the same arguments and resume=True", code="not-in-a-file",
        )  # fmt: skip
    run_dir = checkpoint.with_name(checkpoint.name.removesuffix(SUFFIX)) if checkpoint.name.endswith(SUFFIX) else None
    return train(
        call.data, call.target, on_event=on_event, progress=progress, run_dir=run_dir, checkpoint=checkpoint, resume=True,
        rank_timeout=rank_timeout, **call.options,
    )  # fmt: skip


def _nothing_there(place: Path, checkpoint: Path) -> ResumeError:
    """The error for a folder without a checkpoint, which says what is there instead."""
    if (place / DOCUMENT).is_file():
        what = f"there is nothing to go on from: the training of {os.fspath(place)!r} has ended"
        return ResumeError(what, fix=f"read the run by load({os.fspath(place)!r})", code="no-checkpoint")
    return ResumeError(
        f"there is nothing to go on from: {os.fspath(checkpoint)!r} holds no checkpoint",
        fix="train with run_dir, which leaves one every five seconds", code="no-checkpoint",
    )  # fmt: skip
