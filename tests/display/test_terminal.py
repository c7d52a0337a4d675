"""The bar on a terminal, and what the environment says of it."""

import os
import pty
import select

import pytest
from tests.display.made import HALF, Note, Terminal, shown

from descend.display import Display, animated, colored


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
