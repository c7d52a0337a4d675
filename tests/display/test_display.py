"""What training says on a terminal, in a log, and where it may say nothing."""

import io

import pytest
from tests.display.made import HALF, Note, Terminal, Timer, shown

from descend.display import Display, default_display


@pytest.fixture
def timers():
    Timer.made = []
    return Timer.made


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


def test_a_note_takes_the_place_of_the_bar():
    said = shown(HALF, Note("saved", "here"), HALF, stream=Terminal(), environ={"TERM": "xterm"}, color=False)

    assert "saved    here\n" in said
    assert said.count("\x1b[?25l") == said.count("\x1b[?25h") == 2


def test_python_draws_on_a_terminal_only_unless_forced():
    assert default_display(stream=io.StringIO()).stream is None
    assert default_display(stream=io.StringIO(), force=True).stream is not None
