"""seed: the tutorial's own example, its data, and the run it printed."""

from descend.demo_data.linear import Example, Line, example, faulty_run

__all__ = ["Example", "Line", "example", "faulty_run"]
