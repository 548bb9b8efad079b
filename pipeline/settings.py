"""Every setting: name, default, one line of help. Flag = environment = file key; an unknown key is refused.

Routes and weights name labels, so they are read with those of the model that is used.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from pipeline.errors import NabdError, UsageError
from pipeline.manifest import read_bundle_manifest
from pipeline.risk.weights import Weights, only_topics, parse_weights
from pipeline.route import Rule
from pipeline.routing.lines import Document
from pipeline.routing.queues import Queue, parse_queues
from pipeline.routing.rules import parse_rules
from pipeline.routing.standard import standard_rules
from pipeline.taxonomy import DEFAULT, Taxonomy

FILE = "nabd.toml"
ROUTES = "routes.toml"  # of a model's own folder
TRACKING = "sqlite:///build/mlflow.db"
REGISTERED = "models:/"  # opens the name of a model of the registry
Found = TypeVar("Found")


def _setting(default: Any, help_line: str) -> Any:
    return field(default=default, metadata={"help": help_line})


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user can set in `nabd.toml`, as NABD_<NAME> in the environment, or by a flag."""

    model: str = _setting(
        "nabd-base", "a shipped model, one of ./models, a path to one, or models:/nabd@champion of the registry"
    )
    threads: int = _setting(0, "processor threads for the encoder; 0: all cores")
    max_characters: int = _setting(20_000, "longer messages are read up to here and flagged `truncated`")
    tracking: str = _setting(TRACKING, "the MLflow store of models:/ names: an SQLite file or a server's address")
    replays: str = _setting("replays", "the folder of replays, which the console shows and `nabd promote` reads")
    routes: tuple[Rule, ...] = ()
    queues: tuple[Queue, ...] = ()
    risk: Weights = field(default_factory=Weights)
    labels: Taxonomy = DEFAULT
    source: str = ""


NAMES = tuple(entry.name for entry in fields(Settings) if entry.metadata)
TABLES = ("route", "queue", "risk", "service", "gates")


def load_settings(
    path: Path | None = None,
    *,
    environment: Mapping[str, str] = os.environ,
    table: Taxonomy | None = None,
    **flags: Any,
) -> Settings:
    """The settings file named, else NABD_SETTINGS, else ./nabd.toml, else Nabd's own; then the environment; then flags.

    A file without routes gets those of the model, or Nabd's own. Routes and weights may name the labels of `table`,
    None: of the model. Raises UsageError for what cannot be used.
    """
    path = settings_file(path, environment)
    content, document = read_file(path)
    if unknown := [key for key in content if key not in (*NAMES, *TABLES)]:
        key = unknown[0]
        raise UsageError(f"{document.at(key)}: unknown key {key!r}, expected one of {', '.join((*NAMES, *TABLES))}")
    given = {name: content[name] for name in NAMES if name in content}
    if environment.get("MLFLOW_TRACKING_URI"):  # MLflow's own name for it
        given["tracking"] = environment["MLFLOW_TRACKING_URI"]
    given |= {name: value for name in NAMES if (value := environment.get(f"NABD_{name.upper()}"))}
    plain = override(override(Settings(source=str(path)), **given), **flags)
    return for_model(plain, plain.model, table=table)


def for_model(settings: Settings, model: str, *, table: Taxonomy | None = None) -> Settings:
    """With another model: the routes, queues and weights of the settings' file read with its labels, those of `table`.

    Without `table` they are read from the model's folder. A model that is not there is taken for one with Nabd's own
    labels: whoever loads it says what is wrong. Raises UsageError for a file that names other labels.
    """
    chosen = replace(settings, model=model, labels=table or DEFAULT)
    folder, fault = None, None
    try:
        folder = model_folder(model, settings.tracking)
        chosen = replace(chosen, labels=table or labels_of(folder))
    except NabdError as error:
        fault = error
    try:
        return _checked(chosen, folder)
    except UsageError:
        if fault and table is None:
            raise fault from None
        raise


def _checked(settings: Settings, folder: Path | None) -> Settings:
    """With what its file says of labels; `folder` is that of the model."""
    content, document = read_file(Path(settings.source))
    rules = _rules(settings, folder, content, document)
    queues = parse_queues(content.get("queue", []), document, rules)
    return replace(settings, routes=rules, queues=queues, risk=_weights(settings, content.get("risk", {}), document))


def labels_of(folder: Path) -> Taxonomy:
    """The label set of the model in `folder`. Raises BundleError where there is none."""
    return Taxonomy.from_dict(read_bundle_manifest(folder)["taxonomy"])


def _rules(settings: Settings, folder: Path | None, content: Mapping[str, Any], document: Document) -> tuple[Rule, ...]:
    """Those of the file. Those of Nabd's own file are for Nabd's labels: a model with others brings its own."""
    ours = _is_ours(settings)
    if "route" not in content:
        ours, (content, document) = True, read_file(home() / FILE)
    tables, labels = content["route"], settings.labels
    shipped = _fitting(lambda: parse_rules(tables, document)) if ours else None
    if shipped is None:
        return parse_rules(tables, document, labels, model=settings.model)
    if folder and (folder / ROUTES).exists():
        own, lines = read_file(folder / ROUTES)
        return parse_rules(own.get("route", []), replace(lines, name=str(folder / ROUTES)), labels, model=folder.name)
    return shipped if labels == DEFAULT else standard_rules(shipped, labels)


def _weights(settings: Settings, table: Any, document: Document) -> Weights:
    """As for the rules; of Nabd's own topics those that the model has."""
    topics, name = settings.labels.topic_ids, document.name
    shipped = _fitting(lambda: parse_weights(table, name, topics=DEFAULT.topic_ids)) if _is_ours(settings) else None
    if shipped is None:
        return parse_weights(table, name, topics=topics, model=settings.model)
    return only_topics(shipped, topics)


def _is_ours(settings: Settings) -> bool:
    return Path(settings.source).resolve() == (home() / FILE).resolve()


def _fitting(parse: Callable[[], Found]) -> Found | None:
    """What it gives, None when it refuses."""
    try:
        return parse()
    except UsageError:
        return None


def settings_file(path: Path | None, environment: Mapping[str, str]) -> Path:
    """The file that the settings are read from."""
    return path or Path(environment.get("NABD_SETTINGS") or (FILE if Path(FILE).exists() else home() / FILE))


def override(settings: Settings, **values: Any) -> Settings:
    """`settings` with the values that are not None, each checked and brought to its type."""
    kinds = {name: type(Settings.__dataclass_fields__[name].default) for name in NAMES}
    return replace(settings, **{k: _typed(k, v, kinds[k]) for k, v in values.items() if v is not None})


def home() -> Path:
    """Where the shipped models and settings lie: inside an installed package, else the root of the checkout."""
    inside = Path(__file__).parent / "shipped"
    return inside if inside.exists() else Path(__file__).parent.parent


def model_folder(name: str, tracking: str | None = None) -> Path:
    """The folder of a model: of the registry `tracking`, a path if it is one, else a shipped model or one of ./models.

    Without `tracking` the registry is that of the settings.

    Raises UsageError for a name of the registry that it does not know, or without the `train` extra.
    """
    if name.startswith(REGISTERED):
        from pipeline.training.registry.resolve import resolve

        return resolve(name, tracking or load_settings().tracking)
    shipped = home() / "models" / name
    found = (folder for folder in (Path(name), shipped, Path("models") / name) if (folder / "manifest.json").exists())
    return next(found, Path(name) if Path(name).is_absolute() else shipped)


def read_file(path: Path) -> tuple[dict[str, Any], Document]:
    """What a settings file holds, and its lines. Raises UsageError for one that cannot be read."""
    try:
        document = Document(path.name, path.read_text(encoding="utf-8-sig"))
        return tomllib.loads(document.text), document
    except FileNotFoundError:
        raise UsageError(f"settings file {path} does not exist") from None
    except OSError as error:
        raise UsageError(f"settings file {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path.name} is not valid TOML: {error}") from None


def _typed(name: str, value: Any, kind: type) -> Any:
    if kind is str:
        if not isinstance(value, str):
            raise UsageError(f"{name} must be text, found {value!r}")
        return value
    try:
        if isinstance(value, bool | float):
            raise ValueError
        number = int(value)
    except (TypeError, ValueError):
        raise UsageError(f"{name} must be a whole number, found {value!r}") from None
    least = 0 if name == "threads" else 1
    if number < least:
        raise UsageError(f"{name} is {number}, expected {least} or more")
    return number
