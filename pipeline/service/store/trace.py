"""What gives an erased customer away in a document or a row that is not their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipeline.columns.cells import as_text

ERASED = "[erased]"
DISTINCT = re.compile(r"(?=.{6})(?=.*[\d@])(?=.*[^\d])", re.DOTALL)  # not 17, 100000 or a word


@dataclass(frozen=True)
class Trace:
    """The customer's id and the ids of their messages."""

    customer: str
    messages: frozenset[str] = frozenset()

    @property
    def is_distinct(self) -> bool:
        """Whether the id within a text is surely the customer, such as C-1042 or an address."""
        return DISTINCT.match(self.customer) is not None

    @cached_property
    def _word(self) -> re.Pattern[str] | None:
        """The id as a whole word, for one that is distinct."""
        if not self.is_distinct:
            return None
        return re.compile(rf"(?<!\w){re.escape(self.customer)}(?!\w)", re.IGNORECASE)

    def within(self, value: Any) -> bool:
        """Whether a document of JSON, or a cell, names the customer or one of their messages."""
        if isinstance(value, Mapping):
            return any(self.within(part) for pair in value.items() for part in pair)
        if isinstance(value, list | tuple):
            return any(self.within(part) for part in value)
        text = as_text(value)
        return text == self.customer or text in self.messages or bool(self._word and self._word.search(text))

    def cleaned(self, value: Any) -> Any:
        """`value` with the id, where it is distinct, taken out of its texts."""
        if self._word is None:
            return value
        if isinstance(value, Mapping):
            return {key: self.cleaned(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.cleaned(part) for part in value]
        if self.customer == as_text(value):
            return ERASED
        return self._word.sub(ERASED, value) if isinstance(value, str) else value

    def row(self, values: Mapping[str, Any], column: str | None) -> Mapping[str, Any] | None:
        """A row of a file without the customer, None if it is theirs; `column` holds customers, None for unknown."""
        if column is None:
            return None if self.within(values) else values
        if as_text(values.get(column)) == self.customer:
            return None
        found: Mapping[str, Any] = self.cleaned(values)
        return found
