"""An export through two models, window by window; of each message only its `Fact` stays in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console

from pipeline.batch import message, windows
from pipeline.columns import Roles, find_roles
from pipeline.columns.desk import find_desk
from pipeline.columns.names import fold
from pipeline.columns.roles import find_given
from pipeline.history.scales import is_outbound
from pipeline.output import COLUMNS
from pipeline.progress import progress_bar
from pipeline.readers import open_source
from pipeline.records import Row
from pipeline.score import score
from pipeline.training.replay.fact import Fact, Model, said
from pipeline.training.replay.sample import Sample

SAMPLE = 200  # rows looked at to tell the columns apart
MAIL = ("message_id", "in_reply_to", "references")  # by which e-mails are joined to tickets


@dataclass(frozen=True, slots=True)
class Job:
    """`columns` are the roles that the user named."""

    export: str
    columns: Mapping[str, str | None] = field(default_factory=dict)
    max_characters: int = 20_000
    quiet: bool = False


@dataclass(frozen=True)
class Replayed:
    """Every message in the order of the export; `unread` rows could not be read, `outbound` ones are the desk's own."""

    facts: Sequence[Fact]
    roles: Roles
    desk: Mapping[str, str]
    unread: int
    outbound: int
    sample: Sample


def replay(job: Job, old: Model, new: Model, sample: Sample, console: Console) -> Replayed:
    """Raises ColumnError for an export without messages."""
    found: list[Fact] = []
    unread = outbound = 0
    with open_source(job.export) as source, progress_bar(console, source, disable=job.quiet) as advance:
        columns = [name for name in source.columns if name not in COLUMNS]
        roles, desk = _roles(columns, source.sample(SAMPLE), job.columns)
        kept = _kept(columns, roles, desk)
        for window in windows(source):
            rows = [item for item in window if isinstance(item, Row)]
            inbound = [
                row for row in rows if not ("direction" in desk and is_outbound(row.values.get(desk["direction"])))
            ]
            unread, outbound = unread + len(window) - len(rows), outbound + len(rows) - len(inbound)
            for row, fact in zip(inbound, _facts(inbound, roles, kept, (old, new), job.max_characters), strict=True):
                found.append(fact)
                sample.offer(fact, message(row, roles).text)
            advance(len(window))
    return Replayed(found, roles, desk, unread, outbound, sample)


def _facts(
    rows: Sequence[Row], roles: Roles, kept: Sequence[str], models: tuple[Model, Model], most: int
) -> Iterator[Fact]:
    messages = [message(row, roles) for row in rows]
    both, languages = [], []
    for model in models:
        scored = score(messages, model.bundle, model.rules, max_characters=most)
        both.append([said(one, row, roles, model) for one, row in zip(scored, rows, strict=True)])
        languages = [one.language for one in scored]
    for row, language, old, new in zip(rows, languages, *both, strict=True):
        yield Fact(row.number, language, {name: row.values.get(name) for name in kept}, old, new)


def _roles(
    columns: Sequence[str], sample: Sequence[Row], given: Mapping[str, str | None]
) -> tuple[Roles, dict[str, str]]:
    named = {role: given.get(role) for role in ("text", "customer", "time", "id")}
    ticket = given.get("ticket")
    desk = find_desk(columns, named={"ticket": find_given(columns, "ticket", ticket)} if ticket else {})
    return find_roles(columns, sample, **named), desk


def _kept(columns: Sequence[str], roles: Roles, desk: Mapping[str, str]) -> list[str]:
    own = [name for name in (roles.customer, roles.time, roles.id) if name]
    mail = [name for name in columns if fold(name) in {fold(each) for each in MAIL}]
    return list(dict.fromkeys([*own, *desk.values(), *mail]))
