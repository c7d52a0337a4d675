"""store: run folders and model files, written whole or not at all, without pickle."""

from descend.store.folder import atomic_write, check_folder, next_run_folder, write_folder
from descend.store.formats import pack_model, pack_trace, unpack_model, unpack_trace
from descend.store.paths import check_file
from descend.store.reading import read_document, read_model, read_trace

__all__ = [
    "atomic_write", "check_file", "check_folder", "next_run_folder", "pack_model", "pack_trace", "read_document", "read_model",
    "read_trace", "unpack_model", "unpack_trace", "write_folder",
]  # fmt: skip
