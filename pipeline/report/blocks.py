"""What the page is made of: sections of notes, tiles, tables and charts. The template knows nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table. `meter` is a share in [0, 1] drawn as a bar; `kind` is num, quote, id, or a risk band.

    `link` is where its text leads, on a page that is served.
    """

    text: str
    kind: str = ""
    meter: float | None = None
    link: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """`caption` names it for those who do not see it."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    template: str = "table"


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing in SVG, and its figures as a table."""

    title: str
    svg: str
    table: Table
    template: str = "chart"


@dataclass(frozen=True, slots=True)
class Note:
    text: str
    template: str = "note"


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure that matters, and what to compare it with."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Tiles:
    tiles: Sequence[Tile]
    template: str = "tiles"


Block = Table | Chart | Note | Tiles


@dataclass(frozen=True, slots=True)
class Section:
    """`id` is its anchor."""

    id: str
    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)


def num(text: str) -> Cell:
    return Cell(text, "num")
