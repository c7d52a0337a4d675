"""Files, frames and arrays to columns, and columns to numbers."""
