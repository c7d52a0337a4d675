"""A random search for wrong answers: the product against independent solvers, and against itself under changes that must not matter."""
