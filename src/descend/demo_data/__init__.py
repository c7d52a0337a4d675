"""demo_data: the example of a PyTorch tutorial, its data, and the run that it printed."""

from descend.demo_data.linear import Example, Line, example, faulty_run

__all__ = ["Example", "Line", "example", "faulty_run"]
