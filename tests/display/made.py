"""Events, a terminal, and a timer that fires when it is told to."""

import io
from dataclasses import dataclass

from descend.display import Display
from descend.training import Progress

HALF = Progress(
    epoch=120, epochs=240, seconds=20.0, share=0.4, loss=0.3124, held_out=0.3391, lr=0.031, running=5, runs=45
)
WITHOUT = Progress(
    epoch=0, epochs=240, seconds=0.0, share=0.0, loss=1.5, held_out=float("nan"), lr=0.5, running=5, runs=45
)


@dataclass
class Note:
    topic: str
    text: str


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Timer:
    """A timer that fires when it is told to."""

    made: list["Timer"] = []

    def __init__(self, seconds, call):
        self.seconds, self.call, self.daemon, self.cancelled = seconds, call, False, False
        Timer.made.append(self)

    def start(self):
        pass

    def cancel(self):
        self.cancelled = True

    def join(self):
        pass


def shown(*heard, stream=None, **kwargs):
    stream = stream or io.StringIO()
    with Display(stream, timer=Timer, environ=kwargs.pop("environ", {}), **kwargs) as on_event:
        for one in heard:
            on_event(one)
    return stream.getvalue()
