"""MLflow, kept at arm's length: imported only here and below, silent, and never through its global state."""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse
from urllib.request import url2pathname

from pipeline.errors import StoreError, UsageError
from pipeline.telemetry import switch_off
from pipeline.training.registry.pyfunc import MODELS

SQLITE = "sqlite:///"


def connect(tracking: str, *, create: bool) -> Any:
    """A client of the store. Raises UsageError without MLflow, or where there is no such store and none may be made.

    Raises StoreError for one that cannot be reached.
    """
    quieten()
    try:
        from mlflow import MlflowClient
    except ModuleNotFoundError as error:
        fault = f"the registry needs {error.name}, which is not installed: pip install 'nabd[train]'"
        raise UsageError(fault) from None
    if tracking.startswith(SQLITE):
        _check_file(Path(tracking.removeprefix(SQLITE)), create=create)
    try:
        client = MlflowClient(tracking_uri=tracking, registry_uri=tracking)
        client.search_registered_models(max_results=1)
    except Exception as error:  # of requests, of SQLAlchemy, or of MLflow itself
        fault = f"the registry {tracking} cannot be reached ({type(error).__name__}); check `tracking` of nabd.toml"
        raise StoreError(fault) from error
    return client


def folder_of(uri: str, sha256: str, *, tracking: str) -> Path:
    """The folder of models inside the MLflow model at `uri`: in place on this machine, else fetched once and kept."""
    parsed = urlparse(uri)
    if parsed.scheme in ("", "file"):
        return Path(url2pathname(unquote(parsed.path)) if parsed.scheme else uri) / "artifacts" / MODELS
    kept = _cache() / sha256
    if not kept.exists():
        from mlflow.artifacts import download_artifacts

        part = kept.with_name(f"{kept.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        fetched = download_artifacts(
            artifact_uri=f"{uri.rstrip('/')}/artifacts/{MODELS}", dst_path=str(part), tracking_uri=tracking
        )
        Path(fetched).replace(kept)
        shutil.rmtree(part, ignore_errors=True)
    return kept


def quieten() -> None:
    """Before MLflow is used: its notes on its own workings and its progress bars are for its developers."""
    switch_off()
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    warnings.filterwarnings("ignore", module=r"mlflow(\.|$)")
    warnings.filterwarnings("ignore", "The ``noload`` loader strategy", DeprecationWarning)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nabd" / MODELS


def _check_file(path: Path, *, create: bool) -> None:
    if path.exists():
        return
    if not create:
        raise UsageError(
            f"there is no registry at {path}; name one by `tracking` in nabd.toml or MLFLOW_TRACKING_URI, "
            "or promote a model first"
        )
    path.resolve().parent.mkdir(parents=True, exist_ok=True)
