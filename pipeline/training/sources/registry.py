"""The registry of training data: data in `registry.toml`, typed and checked here."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from pipeline.errors import InputError, UsageError

REGISTRY = Path(__file__).with_name("registry.toml")
LANGUAGES = ("ar", "fa", "en")
NO_LICENCE = "none stated"


@dataclass(frozen=True, slots=True)
class Hub:
    """Where the Hugging Face hub has a source; `splits` maps its split names to train, dev and test."""

    id: str
    text: str
    label: str
    splits: Mapping[str, str]
    config: str | None = None
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One set of labelled messages. `file` is relative to the data folder; None: only the origin of gold rows."""

    name: str
    task: str
    languages: tuple[str, ...]
    domain: str
    nature: str
    licence: str
    train_ok: str
    repository: str = ""
    citation: str = ""
    file: str | None = None
    sha256: str = ""
    packaged: str | None = None
    train_only: bool = False
    intents: str | None = None
    hub: Hub | None = None

    @property
    def licensed(self) -> bool:
        """Whether its authors state a licence at all."""
        return self.licence != NO_LICENCE

    @property
    def labelled_for_us(self) -> bool:
        """Whether its rows carry our own labels, all five tasks of them."""
        return self.task == "all"


Registry = Mapping[str, Source]


def load_registry(path: Path = REGISTRY) -> Registry:
    """Sources by name, in order of precedence. Raises InputError for a table that does not fit."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path.name}: cannot be read as TOML: {error}") from None
    return {name: _source(name, table, path.name) for name, table in tables.items()}


def get_source(registry: Registry, name: str) -> Source:
    """Raises UsageError, with the known names, for a source that is not registered."""
    if name not in registry:
        raise UsageError(f"unknown source {name!r}: expected one of {', '.join(registry)}")
    return registry[name]


def _source(name: str, table: Mapping[str, Any], file: str) -> Source:
    values = dict(table)
    hub = values.pop("hub", None)
    source: Source = _build(Source, {"name": name, **values}, f"{file}: [{name}]")
    if source.train_ok not in {"yes", "eval"}:
        raise InputError(f"{file}: [{name}] train_ok is {source.train_ok!r}, expected 'yes' or 'eval'")
    if source.file and len(source.sha256) != 64:
        raise InputError(f"{file}: [{name}] names a file but no sha256 of 64 hexadecimal digits")
    return source if hub is None else replace(source, hub=_build(Hub, hub, f"{file}: [{name}.hub]"))


def _build(kind: Any, values: dict[str, Any], where: str) -> Any:
    known = [field.name for field in fields(kind)]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InputError(f"{where}: unknown key {unknown[0]!r}; expected one of {', '.join(known)}")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise InputError(f"{where}: {error}") from None
