"""engines: ways to train the runs of a plan, which all agree with `plain`; see `contract` and `choose`."""

from descend.engines.choose import Engine, choose
from descend.engines.contract import Advance, Measure
from descend.engines.state import State, start

__all__ = ["Advance", "Engine", "Measure", "State", "choose", "start"]
