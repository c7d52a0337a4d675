"""Reports: a story of plain values to one page, or to a summary in Markdown."""
