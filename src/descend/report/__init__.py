"""report: plain values to one HTML page, or to a summary in Markdown."""
