"""What every reader returns: a stream of rows that knows its columns and how far it has come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pipeline.records import Reject, Row, Values

MAX_CELL = 1_000_000
KEPT_OF_LONG_CELL = 1_000


@dataclass(frozen=True, slots=True)
class Layout:
    """What a writer needs to write the same kind of file back.

    `types` maps columns to "string", "int", "float" or "bool" where the source has types of its own;
    `schema` is a pyarrow schema. `bom` asks for UTF-8 with a byte order mark.
    """

    delimiter: str = ","
    bom: bool = False
    sheet: str | None = None
    schema: Any = None
    types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a reader says of its input: `description` is for people, `skipped` counts reason -> messages."""

    format: str
    columns: tuple[str, ...]
    description: str
    layout: Layout = field(default_factory=Layout)
    skipped: dict[str, int] = field(default_factory=dict)


class Source:
    """Rows and rejects of one input, once, in order; a context manager that closes the input.

    `skipped` grows while rows are read. `path` is None for standard input.
    """

    def __init__(
        self, rows: Iterable[Row | Reject], facts: Facts, *, fraction: Callable[[], float], close: Callable[[], None]
    ) -> None:
        self.format = facts.format
        self.columns = facts.columns
        self.description = facts.description
        self.layout = facts.layout
        self.skipped = facts.skipped
        self.path: Path | None = None
        self._rows = iter(rows)
        self._ahead: deque[Row | Reject] = deque()
        self._fraction = fraction
        self._close = close

    def __iter__(self) -> Iterator[Row | Reject]:
        return self

    def __next__(self) -> Row | Reject:
        return self._ahead.popleft() if self._ahead else _bounded(next(self._rows))

    def peek(self, count: int) -> tuple[Row | Reject, ...]:
        """Up to `count` of the next items, which stay to be read."""
        while len(self._ahead) < count:
            item = next(self._rows, None)
            if item is None:
                break
            self._ahead.append(_bounded(item))
        return tuple(list(self._ahead)[:count])

    def sample(self, count: int) -> tuple[Row, ...]:
        """The readable ones among the next `count` items, which stay to be read."""
        return tuple(item for item in self.peek(count) if isinstance(item, Row))

    def fraction(self) -> float:
        """Share of the input consumed so far, in [0, 1]."""
        return self._fraction()

    def close(self) -> None:
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _bounded(item: Row | Reject) -> Row | Reject:
    if isinstance(item, Reject):
        return item
    long = [name for name, value in item.values.items() if isinstance(value, str) and len(value) > MAX_CELL]
    if not long:
        return item
    size = len(item.values[long[0]])
    reason = (
        f"row {item.number}: column '{long[0]}' holds {size:,} characters, the limit is {MAX_CELL:,}; "
        f"the first {KEPT_OF_LONG_CELL:,} are kept here"
    )
    return Reject(item.number, reason, _shortened(item.values, long))


def _shortened(values: Values, long: list[str]) -> Values:
    return {name: value[:KEPT_OF_LONG_CELL] if name in long else value for name, value in values.items()}
