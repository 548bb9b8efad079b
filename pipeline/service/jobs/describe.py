"""What an upload is, without any of its rows: its format, its columns, and which of them serve which role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.columns import Roles, find_roles
from pipeline.columns.desk import find_desk
from pipeline.columns.roles import find_given
from pipeline.errors import ColumnError
from pipeline.readers import Source, open_source

SAMPLE = 200  # rows looked at to tell the columns apart
ROLES = ("text", "subject", "customer", "time", "id", "channel")
NAMED = ("text", "customer", "time", "id", "ticket")  # the roles whose column a client may name


@dataclass(frozen=True, slots=True)
class Description:
    """`roles` is the column of each role that was found, `how` by what; `problem` says why there is none for text."""

    format: str
    description: str
    columns: tuple[str, ...]
    roles: Mapping[str, str]
    how: Mapping[str, str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Mapped:
    """The columns that a job reads: those of `nabd score`, and what the desk recorded, by role."""

    roles: Roles
    desk: Mapping[str, str]


def describe(path: Path) -> Description:
    """Raises InputError for a file that cannot be read or holds no row."""
    with open_source(path) as source:
        try:
            found = mapped(source, {})
        except ColumnError:
            problem = "no column was recognised as the messages; name it as `text`"
            return Description(source.format, source.description, source.columns, {}, {}, problem)
        roles = {role: name for role in ROLES if (name := getattr(found.roles, role))}
        how = {role: said.partition(";")[0] for role, said in found.roles.how.items()}
        desk = {role: name for role, name in found.desk.items() if role not in roles}
        how |= dict.fromkeys(desk, "by name")
        return Description(source.format, source.description, source.columns, roles | desk, how)


def mapped(source: Source, named: Mapping[str, str]) -> Mapped:
    """The columns of an open source; `named` are those that the client named.

    Raises ColumnError when one of those is missing, or no column holds text.
    """
    given = {role: name for role, name in named.items() if role != "ticket"}
    roles = find_roles(source.columns, source.sample(SAMPLE), **given)
    ticket = {"ticket": find_given(source.columns, "ticket", named["ticket"])} if "ticket" in named else {}
    return Mapped(roles, find_desk(source.columns, named=ticket))
