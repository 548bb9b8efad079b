"""The registry: every bundle a version of one registered MLflow model; aliases say which one serves, never stages."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.errors import UsageError
from pipeline.manifest import read_bundle_manifest
from pipeline.route import Rule
from pipeline.training.registry.client import connect, folder_of
from pipeline.training.registry.pyfunc import save_model
from pipeline.training.tracking import BATCH, EXPERIMENT, artefact_place, as_key, flat

NAME = "nabd"
CHAMPION, CHALLENGER, FORMER = "champion", "challenger", "former"
PLACE = "model"  # of the MLflow model among the artefacts of its run
PAGES = ("MODEL_CARD.md", "metrics.json", "retrain.json", "routes.toml", "certificate.svg")
MEASURED = {"metrics.json": ("gold", "certificate", "parity", "difference"), "retrain.json": ("dev",)}
MOST_PARAMETERS, LONGEST_PARAMETER = 100, 6_000  # of one call, and of one value


@dataclass(frozen=True, slots=True)
class Version:
    """A registered bundle; `bundle` is its name and `sha256` that of its manifest."""

    number: int
    bundle: str
    sha256: str
    registered: datetime
    aliases: tuple[str, ...]
    tags: Mapping[str, str]

    @property
    def title(self) -> str:
        return f"version {self.number} ({self.bundle}@{self.sha256[:8]})"


class Registry:
    """The versions of the registered model `name` in the MLflow store `tracking`.

    With `create`, an SQLite store that is not there yet is made. Raises UsageError for a store that cannot be had.
    """

    def __init__(self, tracking: str, *, name: str = NAME, create: bool = False) -> None:
        self.tracking, self.name = tracking, name
        self._client = connect(tracking, create=create)

    def register(self, folder: Path, rules: Sequence[Rule]) -> Version:
        """The bundle in `folder`, with its encoder and `rules`, as a version of its own; one that is there is reused.

        Its run holds what it was made of and measured at, and its pages.
        """
        manifest = read_bundle_manifest(folder)
        if known := self.of_bundle(str(manifest["sha256"])):
            return known
        run = self._run(f"{manifest['name']}@{manifest['sha256'][:8]}")
        self._log(run, folder, manifest)
        with TemporaryDirectory(prefix="nabd-") as temporary:
            model = Path(temporary) / PLACE
            save_model(folder, model, rules=rules)
            self._client.log_artifacts(run, str(model), PLACE)
        self._client.set_terminated(run)
        source = f"{self._client.get_run(run).info.artifact_uri}/{PLACE}"
        self._create_model()
        tags = {"sha256": str(manifest["sha256"]), "bundle": folder.resolve().name}
        made = self._client.create_model_version(self.name, source, run_id=run, tags=tags)
        return self.version(int(made.version))

    def version(self, number: int) -> Version:
        """Raises UsageError for a number that is not registered."""
        from mlflow.exceptions import MlflowException

        try:
            return _version(self._client.get_model_version(self.name, str(number)))
        except MlflowException:
            raise UsageError(f"models:/{self.name}/{number} is not in {self.tracking}; {self._known()}") from None

    def alias(self, alias: str) -> Version | None:
        from mlflow.exceptions import MlflowException

        try:
            return self.version(int(self._client.get_model_version_by_alias(self.name, alias).version))
        except MlflowException:
            return None

    def named(self, wanted: str) -> Version:
        """A version by its number or alias. Raises UsageError for one that is not there."""
        if wanted.isdigit():
            return self.version(int(wanted))
        found = self.alias(wanted)
        if found is None:
            raise UsageError(f"models:/{self.name}@{wanted} is not in {self.tracking}; {self._known()}")
        return found

    def of_bundle(self, sha256: str) -> Version | None:
        return next((each for each in self.versions() if each.sha256 == sha256), None)

    def versions(self) -> list[Version]:
        """The newest first."""
        from mlflow.exceptions import MlflowException

        found, token = [], None
        with suppress(MlflowException):  # no model of this name yet
            while True:
                page = self._client.search_model_versions(f"name = '{self.name}'", max_results=200, page_token=token)
                found += [int(each.version) for each in page]
                if not (token := page.token):
                    break
        return [self.version(number) for number in sorted(found, reverse=True)]

    def point(self, alias: str, number: int | None) -> None:
        """Sets an alias; None takes it away."""
        if number is not None:
            self._client.set_registered_model_alias(self.name, alias, str(number))
        elif self.alias(alias):
            self._client.delete_registered_model_alias(self.name, alias)

    def tag(self, number: int, key: str, value: Mapping[str, Any]) -> None:
        """Writes a fact beside a version, as JSON."""
        self._client.set_model_version_tag(self.name, str(number), key, json.dumps(value, ensure_ascii=False))

    def note(self, key: str, value: Mapping[str, Any]) -> None:
        """Writes a fact beside the model of all versions, as JSON."""
        self._create_model()
        self._client.set_registered_model_tag(self.name, key, json.dumps(value, ensure_ascii=False))

    def notes(self) -> dict[str, str]:
        from mlflow.exceptions import MlflowException

        try:
            return dict(self._client.get_registered_model(self.name).tags)
        except MlflowException:
            return {}

    def attach(self, number: int, file: Path, metrics: Mapping[str, Any]) -> None:
        """Adds a file and figures to the run of a version."""
        run = self._client.get_model_version(self.name, str(number)).run_id
        self._client.log_artifact(run, str(file))
        self._measure(run, metrics)

    def folder(self, version: Version) -> Path:
        """The bundle of a version on this machine, fetched if the store is elsewhere."""
        uri = self._client.get_model_version_download_uri(self.name, str(version.number))
        return folder_of(uri, version.sha256, tracking=self.tracking) / version.bundle

    def _create_model(self) -> None:
        from mlflow.exceptions import MlflowException

        with suppress(MlflowException):  # it is there
            self._client.create_registered_model(self.name)

    def _run(self, title: str) -> str:
        found = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = (
            found.experiment_id
            if found
            else self._client.create_experiment(EXPERIMENT, artifact_location=artefact_place(self.tracking))
        )
        return str(self._client.create_run(experiment, run_name=title).info.run_id)

    def _log(self, run: str, folder: Path, manifest: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        given = list(dict(_parameters(manifest)).items())  # a name may be in both parts of the manifest
        for start in range(0, len(given), MOST_PARAMETERS):
            part = given[start : start + MOST_PARAMETERS]
            self._client.log_batch(run, params=[Param(as_key(key), value[:LONGEST_PARAMETER]) for key, value in part])
        for name in (name for name in ("manifest.json", *PAGES) if (folder / name).exists()):
            self._client.log_artifact(run, str(folder / name))
        for name, kinds in MEASURED.items():
            if (folder / name).exists():
                content = json.loads((folder / name).read_text(encoding="utf-8"))
                self._measure(run, {kind: content[kind] for kind in kinds if kind in content})

    def _measure(self, run: str, metrics: Mapping[str, Any]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        values = [Metric(name, value, now, 0) for name, value in flat(metrics)]
        for start in range(0, len(values), BATCH):
            self._client.log_batch(run, metrics=values[start : start + BATCH])

    def _known(self) -> str:
        numbers = ", ".join(str(each.number) for each in self.versions())
        return f"it holds the versions {numbers}" if numbers else "it holds none: register one by `nabd promote`"


def _version(found: Any) -> Version:
    tags = dict(found.tags)
    at = datetime.fromtimestamp(found.creation_timestamp / 1000, UTC)
    aliases = tuple(sorted(found.aliases))
    return Version(int(found.version), tags.get("bundle", ""), tags.get("sha256", ""), at, aliases, tags)


def _parameters(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the bundle is and learnt from; lists stay in the manifest."""
    for name in ("name", "sha256", "encoder", "normaliser"):
        if name in manifest:
            yield name, str(manifest[name])
    for name, value in manifest["training"].items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{key}", str(each)) for key, each in value.items())
        elif name not in manifest and not isinstance(value, list):  # a retrained one names its encoder here, too
            yield name, str(value)
