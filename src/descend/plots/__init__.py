"""plots: charts as SVG, one kind a file, in one style, from plain values."""
