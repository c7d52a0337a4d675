"""search: which setting trains best."""
