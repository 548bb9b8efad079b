"""The search for the column of each role."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pipeline.columns.content import looks_like, text_fitness
from pipeline.columns.names import NAMES, NEVER_TEXT, fold
from pipeline.errors import ColumnError
from pipeline.records import Row

_OPTIONS = {"left": "churned"}  # that do not have the name of their role
_TEXT_LIMIT = 2.0
_LONGEST_NAME = 12  # words; more than that is a message where a header should be
_AS_GOOD = 0.9


@dataclass(frozen=True, slots=True)
class Roles:
    """The column of each role, None where there is none.

    `how` says of each role found: "named", "by name" or "by content", and after a semicolon what else would do.
    """

    text: str
    subject: str | None
    customer: str | None
    time: str | None
    id: str | None
    channel: str | None
    how: Mapping[str, str]


def find_roles(
    columns: Sequence[str],
    sample: Sequence[Row],
    *,
    text: str | None = None,
    customer: str | None = None,
    time: str | None = None,
    id: str | None = None,
) -> Roles:
    """`sample` is some of the first rows.

    Raises ColumnError when a named column is missing or no column holds text.
    """
    named = {"text": text, "customer": customer, "time": time, "id": id}
    found = _Finder(columns, sample, {role: name for role, name in named.items() if name is not None})
    return found.roles()


def find_given(columns: Sequence[str], role: str, name: str) -> str:
    """The column that a user named, by any spelling. Raises ColumnError, with the nearest names, when there is none."""
    if name in columns:
        return name
    same = [column for column in columns if fold(column) == fold(name)]
    if len(same) == 1:
        return same[0]
    near = difflib.get_close_matches(fold(name), [fold(column) for column in columns], n=3, cutoff=0.5)
    nearest = [column for column in columns if fold(column) in near]
    hint = f" Did you mean {_listed(nearest)}?" if nearest else ""
    option = _OPTIONS.get(role, role)
    raise ColumnError(f"--{option}: there is no column '{name}'.{hint} The columns are: {_listed(columns)}")


class _Finder:
    """One search; a column serves one role only, in the order in which roles are asked for."""

    def __init__(self, columns: Sequence[str], sample: Sequence[Row], named: Mapping[str, str]) -> None:
        _refuse_messages(columns)
        self._columns = columns
        self._values = {name: [row.values.get(name) for row in sample] for name in columns}
        self._how: dict[str, str] = {}
        self._taken: dict[str, str] = {}
        for role, name in named.items():
            self._settle(role, find_given(columns, role, name), "named")

    def roles(self) -> Roles:
        text = self._taken.get("text") or self._text()
        for role in ("id", "time", "customer", "subject", "channel"):
            if role not in self._taken:
                self._optional(role)
        others = {role: self._taken.get(role) for role in ("subject", "customer", "time", "id", "channel")}
        return Roles(text=text, **others, how=MappingProxyType(self._how))

    def _settle(self, role: str, column: str, how: str) -> str:
        self._taken[role] = column
        self._how[role] = how
        return column

    def _free(self) -> list[str]:
        return [column for column in self._columns if column not in self._taken.values()]

    def _by_name(self, role: str) -> list[str]:
        """Columns with one of the role's names, the best name first; then those that contain one as whole words.

        For roles other than text only names of two words or more count within another: `customer type` is no customer.
        """
        ranks = {name: rank for rank, name in enumerate(NAMES[role])}
        ranked = [(_rank(fold(column), ranks, shortest=1 if role == "text" else 2), column) for column in self._free()]
        return [column for rank, column in sorted(ranked, key=lambda pair: pair[0]) if rank < 2 * len(ranks)]

    def _text(self) -> str:
        fitness = {name: text_fitness(self._values[name]) for name in self._free() if fold(name) not in NEVER_TEXT}
        for column in self._by_name("text"):
            if fitness.get(column, 0.0) > 0:
                others = [name for name in self._by_name("text") if name != column and fitness.get(name, 0.0) > 0]
                return self._settle("text", column, _also("by name", others))
        best = max(fitness, key=lambda name: fitness[name], default=None)
        if best is None or fitness[best] < _TEXT_LIMIT:
            raise ColumnError(self._no_text(best if best is not None and fitness[best] > 0 else None))
        others = [name for name in fitness if name != best and fitness[name] >= _AS_GOOD * fitness[best]]
        return self._settle("text", best, _also("by content", others))

    def _no_text(self, guess: str | None) -> str:
        closest = f" The closest is '{guess}'." if guess else ""
        columns = _listed(self._columns)
        return f"no column holds messages.{closest} The columns are: {columns}. Name it with --text COLUMN"

    def _optional(self, role: str) -> None:
        for column in self._by_name(role):
            if looks_like(role, column, self._values[column]):
                self._settle(role, column, "by name")
                return
        if role in ("time", "customer"):
            matching = [name for name in self._free() if looks_like(f"{role} content", name, self._values[name])]
            if matching:
                self._settle(role, matching[0], _also("by content", matching[1:]))


def _rank(name: str, ranks: Mapping[str, int], *, shortest: int) -> int:
    """Below len(ranks) for the name itself, then for containing it; at least twice that for neither."""
    if name in ranks:
        return ranks[name]
    long = [known for known in ranks if len(known.split()) >= shortest]
    within = [ranks[known] for known in long if f" {known} " in f" {name} "]
    return len(ranks) + min(within) if within and name not in NEVER_TEXT else 2 * len(ranks)


def _also(how: str, others: Sequence[str]) -> str:
    return f"{how}; {_listed(others)} would do as well" if others else how


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(f"'{column}'" for column in columns)


def _refuse_messages(columns: Sequence[str]) -> None:
    for number, name in enumerate(columns, 1):
        if len(name.split()) > _LONGEST_NAME:
            raise ColumnError(
                f"the name of column {number} has {len(name.split())} words, so the first row looks like data; "
                "add a header row, such as id,text"
            )
