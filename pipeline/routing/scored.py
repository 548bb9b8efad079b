"""A scored file, opened for its routes: each row with the facts that they ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from pipeline.columns import Roles, find_roles
from pipeline.columns.cells import as_text
from pipeline.errors import ColumnError, InputError, UsageError
from pipeline.origin import most_common, settings_of
from pipeline.output import COLUMNS
from pipeline.readers import Source
from pipeline.records import Reject, Row
from pipeline.routing.bands import read_bands
from pipeline.routing.facts import NEEDED, facts
from pipeline.settings import Settings

SAMPLE = 200
_STANDS_FOR_TEXT = "nabd_topic"


@dataclass(frozen=True, slots=True)
class Job:
    """`reading` are the options of `open_source`, `columns` the roles the user named; `-` is stdin or stdout.

    `risk` is the table that `nabd risk` wrote, `group` the column with the export's own queues.
    """

    source: str
    out: str | None = None
    risk: str | None = None
    reading: Mapping[str, str | None] = field(default_factory=dict)
    columns: Mapping[str, str | None] = field(default_factory=dict)
    group: str | None = None
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """Rows of a scored file in order, with their facts; `bands` are of customers."""

    roles: Roles
    bands: Mapping[str, str]

    def facts(self, row: Row) -> dict[str, tuple[str, ...]]:
        customer = as_text(row.values.get(self.roles.customer)) if self.roles.customer else ""
        return facts(row, self.roles, band=self.bands.get(customer, ""))


def is_scored(columns: Sequence[str]) -> bool:
    return set(NEEDED) <= set(columns)


def refuse_unscored(columns: Sequence[str], path: str) -> None:
    """Raises UsageError for a file that `nabd score` did not write."""
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise UsageError(f"{path} has no column {missing[0]}: run `nabd score {path} -o scored.csv` first")


def settings_for(source: Source, settings: Settings, errors: Console) -> Settings:
    """Those with the labels of the model that scored the file, as its first rows name it."""
    rows = [row.values for row in source.sample(SAMPLE)]
    topics = {str(values.get("nabd_topic") or "") for values in rows} - {""}
    version = most_common(str(values.get("nabd_model") or "") for values in rows)
    return settings_of(version, topics, settings, errors)


def scored_rows(source: Source, job: Job) -> ScoredRows:
    """Raises ColumnError when bands are given and no column holds the customer."""
    roles = _roles(source, job.columns)
    if job.risk and not roles.customer:
        raise ColumnError(f"no column of {job.source} holds the customer, whom --risk is of; name it with --customer")
    return ScoredRows(roles, read_bands(job.risk) if job.risk else {})


def readable(items: Iterable[Row | Reject], path: str) -> Iterator[Row]:
    """Raises InputError for a row that cannot be read: all were, when the file was scored."""
    for item in items:
        if isinstance(item, Reject):
            raise InputError(f"{path} was damaged since it was scored: {item.reason}; run `nabd score` again")
        yield item


def without_risk(settings: Settings, job: Job) -> str:
    """A note on the routes that ask for risk and, without its table, never match; "" where there is none."""
    asking = sum("risk" in rule.when for rule in settings.routes)
    return f"routes that ask for `risk` match nothing without --risk: {asking:,}" if asking and not job.risk else ""


def _roles(source: Source, named: Mapping[str, str | None]) -> Roles:
    """The columns that `nabd score` found; a scored file may have lost its text since, which routes do not ask for."""
    columns = [name for name in source.columns if name not in COLUMNS]
    sample = source.sample(SAMPLE)
    given: dict[str, Any] = dict(named)
    try:
        return find_roles(columns, sample, **given)
    except ColumnError:
        if given.get("text"):
            raise
        return find_roles([*columns, _STANDS_FOR_TEXT], sample, **(given | {"text": _STANDS_FOR_TEXT}))
