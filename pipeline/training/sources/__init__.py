"""Where training data comes from: a registry (data), a local folder, the Hugging Face hub."""

from pipeline.training.sources.fetch import fetch, fetch_missing
from pipeline.training.sources.folder import (
    Located,
    default_data_dir,
    file_hash,
    find_data_dir,
    locate,
    read_rows,
    write_lines,
)
from pipeline.training.sources.registry import LANGUAGES, Hub, Registry, Source, get_source, load_registry

__all__ = [
    "LANGUAGES",
    "Hub",
    "Located",
    "Registry",
    "Source",
    "default_data_dir",
    "fetch",
    "fetch_missing",
    "file_hash",
    "find_data_dir",
    "get_source",
    "load_registry",
    "locate",
    "read_rows",
    "write_lines",
]
