"""One evaluation -> one MLflow run: parameters, flat metrics, artefacts."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.telemetry import switch_off

EXPERIMENT = "nabd"
SQLITE = "sqlite:///"
LOGGED = ("gold", "sources", "dialects", "intents", "certificate", "parity", "baselines", "difference")
BATCH = 1_000  # metrics that one call may log


def record_run(metrics: Mapping[str, Any], artefacts: Sequence[Path], *, store: str) -> str:
    """Logs `metrics`, the training curve and the files into `store`; returns the run's id.

    For an SQLite store the artefacts go to `mlartifacts` beside its file; another store keeps them where it does.
    """
    switch_off()
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "The ``noload`` loader strategy", DeprecationWarning
        )  # MLflow on SQLAlchemy 2.1
        return _record(metrics, artefacts, store)


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Every number below `values` by its path, `gold/ar/topic/macro_f1/value`; tables a label are left out.

    What MLflow does not allow in a name is an underscore.
    """
    for name, value in values.items():
        if isinstance(value, Mapping):
            if name not in ("confusion", "labels"):
                yield from flat(value, f"{prefix}{name}/")
        elif isinstance(value, int | float):
            yield as_key(f"{prefix}{name}"), float(value)


def as_key(name: str) -> str:
    """A name that MLflow takes."""
    return re.sub(r"[^\w./: -]", "_", name)


def _record(metrics: Mapping[str, Any], artefacts: Sequence[Path], store: str) -> str:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    place = artefact_place(store)
    client = MlflowClient(tracking_uri=store, registry_uri=store)
    known = client.get_experiment_by_name(EXPERIMENT)
    experiment = known.experiment_id if known else client.create_experiment(EXPERIMENT, artifact_location=place)
    run: str = client.create_run(experiment, run_name=metrics["model"]["version"]).info.run_id
    now = int(time.time() * 1000)
    logged = {kind: metrics[kind] for kind in LOGGED if kind in metrics}
    values = [Metric(name, value, now, 0) for name, value in flat(logged)]
    for point in metrics["training"].get("curve", ()):
        values += [Metric(f"curve/{name}", value, now, point["chunk"]) for name, value in flat(point)]
    client.log_batch(run, params=[Param(name, value) for name, value in _parameters(metrics).items()])
    for start in range(0, len(values), BATCH):
        client.log_batch(run, metrics=values[start : start + BATCH])
    for path in artefacts:
        client.log_artifact(run, str(path))
    client.set_terminated(run)
    return run


def _parameters(metrics: Mapping[str, Any]) -> dict[str, str]:
    """What the bundle is and learnt from; lists stay in the artefacts."""
    found = {
        "model": metrics["model"]["version"],
        "sha256": metrics["model"]["sha256"],
        "encoder": metrics["model"]["encoder"],
    }
    for name, value in metrics["training"].items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{key}": str(each) for key, each in value.items()}
        elif not isinstance(value, list):
            found[name] = str(value)
    return found


def artefact_place(store: str) -> str | None:
    """Where the artefacts of an SQLite store go: beside its file; None for another store, which knows its own place."""
    if not store.startswith(SQLITE):
        return None
    folder = Path(store.removeprefix(SQLITE)).resolve().parent
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / "mlartifacts").as_uri()
