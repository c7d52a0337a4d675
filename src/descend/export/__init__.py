"""export: a model in other formats, each read by its own runtime; one file a format, all from one `Exportable`."""
