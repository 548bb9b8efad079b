"""Every setting: name, default, one line of help. Flag = environment = file key; an unknown key is refused."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.risk.weights import Weights, parse_weights
from pipeline.route import Rule
from pipeline.routing.lines import Document
from pipeline.routing.queues import Queue, parse_queues
from pipeline.routing.rules import parse_rules
from pipeline.taxonomy import DEFAULT, Taxonomy

FILE = "nabd.toml"
TRACKING = "sqlite:///build/mlflow.db"
REGISTERED = "models:/"  # opens the name of a model of the registry


def _setting(default: Any, help_line: str) -> Any:
    return field(default=default, metadata={"help": help_line})


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user can set in `nabd.toml`, as NABD_<NAME> in the environment, or by a flag."""

    model: str = _setting("nabd-base", "a folder in models/, a path to one, or models:/nabd@champion of the registry")
    threads: int = _setting(0, "processor threads for the encoder; 0: all cores")
    max_characters: int = _setting(20_000, "longer messages are read up to here and flagged `truncated`")
    tracking: str = _setting(TRACKING, "the MLflow store of models:/ names: an SQLite file or a server's address")
    routes: tuple[Rule, ...] = ()
    queues: tuple[Queue, ...] = ()
    risk: Weights = field(default_factory=Weights)
    source: str = ""


NAMES = tuple(entry.name for entry in fields(Settings) if entry.metadata)
TABLES = ("route", "queue", "risk", "service", "gates")


def load_settings(
    path: Path | None = None, *, environment: Mapping[str, str] = os.environ, table: Taxonomy = DEFAULT
) -> Settings:
    """The settings file named, else NABD_SETTINGS, else ./nabd.toml, else Nabd's own; then the environment.

    A file without routes gets Nabd's own. Routes are checked against the labels of `table`. Raises UsageError for
    what cannot be used.
    """
    path = settings_file(path, environment)
    content, document = read_file(path)
    own, owner = (content, document) if "route" in content else read_file(home() / FILE)
    rules = parse_rules(own.pop("route"), owner, table)
    queues = parse_queues(content.pop("queue", []), document, rules)
    weights = parse_weights(content.pop("risk", {}), path.name, topics=table.topic_ids)
    for name in ("service", "gates"):  # read where they are used
        content.pop(name, None)
    given = {name: content.pop(name) for name in NAMES if name in content}
    if content:
        key = next(iter(content))
        raise UsageError(f"{document.at(key)}: unknown key {key!r}, expected one of {', '.join((*NAMES, *TABLES))}")
    if environment.get("MLFLOW_TRACKING_URI"):  # MLflow's own name for it
        given["tracking"] = environment["MLFLOW_TRACKING_URI"]
    given |= {name: value for name in NAMES if (value := environment.get(f"NABD_{name.upper()}"))}
    return override(Settings(routes=rules, queues=queues, risk=weights, source=str(path)), **given)


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


def model_folder(name: str, tracking: str = TRACKING) -> Path:
    """The folder of a model: of the registry `tracking`, a path when it is one, else a folder of the shipped models.

    Raises UsageError for a name of the registry that it does not know, or without the `train` extra.
    """
    if name.startswith(REGISTERED):
        from pipeline.training.registry.resolve import resolve

        return resolve(name, tracking)
    given = Path(name)
    return given if (given / "manifest.json").exists() or given.is_absolute() else home() / "models" / name


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
