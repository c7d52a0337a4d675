"""Pictures as SVG text, one a file, in one style, from plain values."""
