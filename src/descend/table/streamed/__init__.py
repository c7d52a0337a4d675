"""streamed: tables larger than memory, read from disk piece by piece, several times, by the code that reads them whole."""
