"""display: notes and progress of training, on a terminal, in a notebook, and in logs."""

from descend.display.display import Display as Display
from descend.display.display import Listener as Listener
from descend.display.display import NoteEvent as NoteEvent
from descend.display.display import default_display as default_display
from descend.display.terminal import animated as animated
from descend.display.terminal import colored as colored
from descend.display.terminal import paint as paint
