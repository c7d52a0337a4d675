"""What training says on a terminal, in a log, and where it may say nothing."""

import io
import os
import pty
import select
from dataclasses import dataclass

import pytest

from descend.display import (
    Display,
    animated,
    clock_time,
    colored,
    default_display,
    four_digits,
    progress_fields,
    seconds_left,
)
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


@pytest.fixture
def timers():
    Timer.made = []
    return Timer.made


def shown(*heard, stream=None, **kwargs):
    stream = stream or io.StringIO()
    with Display(stream, timer=Timer, environ=kwargs.pop("environ", {}), **kwargs) as on_event:
        for one in heard:
            on_event(one)
    return stream.getvalue()


def test_a_topic_is_named_once_for_notes_that_follow_each_other():
    said = shown(Note("read", "a.csv · 3 rows"), Note("columns", "2 numeric"), Note("columns", "x: left out"))

    assert said == "read     a.csv · 3 rows\ncolumns  2 numeric\n         x: left out\n"


def test_text_of_the_users_cannot_move_the_cursor():
    assert shown(Note("target", "\x1b[2Ja\nb")) == "target   \\x1b[2Ja\\nb\n"


def test_quiet_says_nothing():
    assert shown(Note("read", "a.csv"), HALF, quiet=True) == ""


def test_a_log_gets_at_most_one_line_of_progress_in_ten_seconds():
    now = iter([0.0, 3.0, 11.0, 11.0, 12.0, 21.5, 21.5])

    said = shown(HALF, HALF, HALF, HALF, clock=lambda: next(now))

    line = "training 40 % · epoch 120 · loss 0.3124 · held out 0.3391 · 5 of 45 runs · lr 0.031 · 0:00:30 left\n"
    assert said == 2 * line


def test_the_compilation_is_mentioned_when_training_does_not_begin(timers):
    stream = io.StringIO()
    with Display(stream, timer=Timer, environ={}) as on_event:
        on_event(Note("read", "a.csv"))
        on_event(Note("curve", "steep"))
        assert [(t.seconds, t.daemon, t.cancelled) for t in timers] == [(1.0, True, True), (1.0, True, False)]
        timers[-1].call()
        on_event(HALF)

    assert timers[-1].cancelled
    assert stream.getvalue() == "read     a.csv\ncurve    steep\n         compiling kernels, once\n"


def test_the_timer_is_stopped_when_training_never_begins(timers):
    with Display(io.StringIO(), timer=Timer, environ={}) as on_event:
        on_event(Note("read", "a.csv"))

    assert timers[-1].cancelled


def test_a_real_timer_leaves_no_thread_behind():
    import threading

    with Display(io.StringIO(), environ={}) as on_event:
        on_event(Note("read", "a.csv"))
        assert threading.active_count() > 1

    assert [t.name for t in threading.enumerate() if isinstance(t, threading.Timer)] == []


def test_a_stream_that_breaks_is_left_alone():
    class Broken(io.StringIO):
        def write(self, text):
            raise BrokenPipeError(32, "Broken pipe")

    display = Display(Broken(), timer=Timer, environ={})
    with display as on_event:
        on_event(Note("read", "a.csv"))
        on_event(HALF)

    assert display.stream is None


def test_a_closed_terminal_is_left_alone():
    stream = Terminal()
    display = Display(stream, timer=Timer, environ={"TERM": "xterm"})
    with display as on_event:
        stream.close()
        on_event(HALF)

    assert display.stream is None


def test_the_bar_shows_all_there_is_room_for():
    said = shown(HALF, stream=Terminal(), environ={"TERM": "xterm", "COLUMNS": "100"})

    assert "━" in said
    assert "40 %  loss 0.3124  held out 0.3391  5 of 45 runs  lr 0.031  0:00:30 left" in said
    assert said.endswith(("\x1b[2K", "\x1b[?25h"))


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (55, "40 %  loss 0.3124  held out 0.3391  0:00:30 left"),
        (50, "40 %  loss 0.3124  held out 0.3391  0:00:30 left"),
        (40, "40 %  loss 0.3124  0:00:30 left"),
        (20, "40 %  0:00:30 left"),
    ],
)
def test_a_narrow_terminal_loses_words_never_a_line(columns, line):
    said = shown(HALF, HALF, stream=Terminal(), environ={"TERM": "xterm", "COLUMNS": str(columns)})

    drawn = [part for part in said.replace("\x1b[?25l", "").replace("\x1b[?25h", "").split("\x1b[2K") if "%" in part]
    assert {part.strip("\r\n \x1b[1A") for part in drawn} == {line}
    assert len(line) < columns


def test_a_note_takes_the_place_of_the_bar():
    said = shown(HALF, Note("saved", "here"), HALF, stream=Terminal(), environ={"TERM": "xterm"}, color=False)

    assert "saved    here\n" in said
    assert said.count("\x1b[?25l") == said.count("\x1b[?25h") == 2


@pytest.mark.parametrize(
    ("environ", "moves", "colors"),
    [
        ({}, True, True),
        ({"TERM": "dumb"}, False, False),
        ({"CI": "true"}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, False, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
    ],
)
def test_the_environment_decides_on_animation_and_colour(environ, moves, colors):
    assert (animated(Terminal(), environ), colored(Terminal(), environ)) == (moves, colors)


def test_force_color_in_a_pipe_is_colour_without_animation():
    said = shown(Note("read", "a.csv"), HALF, environ={"FORCE_COLOR": "1"})

    assert said == "\x1b[1mread\x1b[0m     a.csv\n"


def test_numbers_and_times():
    assert [clock_time(s) for s in (0.2, 59.6, 3723, 1e9)] == ["0:00:00", "0:01:00", "1:02:03", "99:59:59"]
    assert [four_digits(x) for x in (0.5, 12345.678, 1e-9)] == ["0.5", "1.235e+04", "1e-09"]
    assert seconds_left(HALF) == pytest.approx(30.0)
    assert seconds_left(WITHOUT) is None
    assert progress_fields(WITHOUT) == ["0 %", "loss 1.5", "5 of 45 runs", "lr 0.5"]


def test_python_draws_on_a_terminal_only_unless_forced():
    assert default_display(stream=io.StringIO()).stream is None
    assert default_display(stream=io.StringIO(), force=True).stream is not None


def test_the_bar_on_a_real_terminal():
    leader, follower = pty.openpty()
    with open(follower, "w", encoding="utf-8") as stream, Display(stream, environ={"TERM": "xterm"}) as on_event:
        assert stream.isatty()
        on_event(Note("read", "a.csv · 3 rows"))
        on_event(HALF)
    said = b""
    while select.select([leader], [], [], 0)[0]:
        try:
            said += os.read(leader, 65536)
        except OSError:
            break
    os.close(leader)

    text = said.decode()
    assert "read\x1b[0m     a.csv · 3 rows" in text
    assert "loss 0.3124" in text
    assert "\x1b[?25l" in text
    assert text.rindex("\x1b[?25h") > text.rindex("loss 0.3124")
