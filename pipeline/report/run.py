"""One `nabd report`: a scored file, and if wanted a risk file and embeddings, in; one page out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline.errors import InputError
from pipeline.history import History, read_history
from pipeline.history.run import tell
from pipeline.origin import folder_of, most_common
from pipeline.report.locale import Locale
from pipeline.report.page import render
from pipeline.report.view import View
from pipeline.report.words import Words
from pipeline.settings import labels_of
from pipeline.taxonomy import DEFAULT
from pipeline.writers.target import Target


@dataclass(frozen=True, slots=True)
class Report:
    """What to report on: `scored`, and the files that `nabd risk` and `nabd score --embeddings` wrote of it.

    `model` is the folder of the one that scored it, None to look for it by its name.
    """

    scored: str
    out: str
    risk: str | None = None
    embeddings: str | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)
    model: Path | None = None


def run(report: Report, locale: Locale, errors: Console) -> int:
    """Writes the page; returns how many rows were rejects."""
    history = read_history(report.scored, columns=report.columns)
    tell(history, report.out, errors)
    write_page(history, report, locale, errors)
    return len(history.rejects)


def write_page(history: History, report: Report, locale: Locale, errors: Console) -> None:
    """The page on a history read from `report.scored`. Raises InputError when no message can be reported on."""
    if not history.contacts:
        raise InputError(f"{report.scored} holds no message with a time that can be read")
    page = render(view_of(history, report, locale))
    target = Target(report.out)
    with target.reporting():
        target.stream.write(page.encode("utf-8"))
    target.commit()
    errors.print(f"{len(history.contacts):,} messages reported on in {report.out}")


def view_of(history: History, report: Report, locale: Locale) -> View:
    """Reads what stands beside the scored file, each only when it was named."""
    from pipeline.emerging.run import issues_of
    from pipeline.risk.table import read_risk

    version = most_common(each.model for each in history.contacts)
    folder = folder_of(version, report.model)
    return View(
        history.contacts,
        Words(locale, labels_of(folder) if folder else DEFAULT),
        risks=read_risk(report.risk) if report.risk else None,
        emerging=issues_of(history.contacts, report.embeddings) if report.embeddings else None,
        certificate=certificate_of(version, folder),
        synthetic=history.synthetic,
    )


def certificate_of(version: str, folder: Path | None) -> Mapping[str, Any] | None:
    """Of the model that scored most messages, if it is at hand in that very version and was certified."""
    path = folder / "metrics.json" if folder else None
    if path is None or not path.exists():
        return None
    metrics = json.loads(path.read_text(encoding="utf-8"))
    found: Mapping[str, Any] | None = metrics["certificate"] if metrics["model"]["version"] == version else None
    return found
