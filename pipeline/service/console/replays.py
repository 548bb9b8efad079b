"""*Replays*, under *Models*: what a new model would change; the changed messages, old labels beside new, to judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from pipeline.errors import InputError
from pipeline.judging import KINDS, MODELS, NEW, NUMBER, OLD, VERDICTS, Replay, judge, read_replay
from pipeline.judging import replays as kept
from pipeline.report.blocks import Cell, Note, Section, Table, Tile, Tiles, num
from pipeline.service.console.entry import Posted, Reader, Writer
from pipeline.service.console.pages import Page, render, see
from pipeline.service.console.visitors import Denied, Visitor

SHOWN = 3  # moves of one kind
NAMED = ("category", "topic", "sentiment", "emotion", "urgency", "churn")  # kinds whose labels have names
router = APIRouter(route_class=Page)
_turn = Lock()  # one verdict is written at a time


@dataclass(frozen=True, slots=True)
class Pair:
    """A changed message: `changes` are (kind, by the old model, by the new), `alike` (kind, by both)."""

    number: str
    language: str
    text: str
    changes: list[tuple[str, str, str]]
    alike: list[tuple[str, str]]
    verdict: str


@router.get("/console/models/replays/{name}")
def replay(visitor: Reader, name: str) -> HTMLResponse:
    """One replay: the sums, then message by message."""
    found = read_replay(_folder(visitor, name))
    return render(
        visitor, "replay.html", place="models", folder=name, sums=_sums(visitor, found),
        pairs=[_pair(visitor, found, row) for row in found.rows], verdicts=list(enumerate(VERDICTS, 1)),
        done=len(found.verdicts), next=_next(found), models=[found.sums[each] for each in MODELS],
    )  # fmt: skip


@router.post("/console/models/replays/{name}")
def judged(visitor: Writer, form: Posted, name: str) -> Response:
    """Keeps one verdict, and goes on to the next message."""
    folder, number = _folder(visitor, name), str(form.get(NUMBER, ""))
    with _turn:
        judge(folder, number, str(form.get("verdict", "")), by=visitor.known.name)
        after = _next(read_replay(folder), number)
    return see(f"/console/models/replays/{quote(name)}#row-{after}")


def section(visitor: Visitor) -> Section:
    """Every replay of the folder that the settings name."""
    words = visitor.words
    folders = kept(visitor.service.replays)
    keys = ("replay", "old_model", "new_model", "messages", "changed", "judged_count")
    rows, blocks = [], [Note(words("replays_note"))]
    for name, folder in folders.items():
        try:
            rows.append(_row(visitor, name, read_replay(folder)))
        except InputError:
            blocks.append(Note(words("replay_broken", name=name)))
    table = [Table(words("replays"), [words(key) for key in keys], rows)] if rows else []
    return Section("replays", words("replays"), [*blocks, *table])


def _row(visitor: Visitor, name: str, found: Replay) -> list[Cell]:
    number = visitor.locale.number
    told = visitor.words("part_of", part=number(len(found.verdicts)), whole=number(len(found.rows)))
    return [
        Cell(name, "id", link=f"/console/models/replays/{quote(name)}"), *(Cell(found.sums[each]) for each in MODELS),
        num(number(found.sums["messages"])), num(number(found.sums["changed"])), num(told),
    ]  # fmt: skip


def _folder(visitor: Visitor, name: str) -> Path:
    """Raises Denied for a name that is no replay's; no other path is ever opened."""
    folder = kept(visitor.service.replays).get(name)
    if folder is None:
        raise Denied(HTTPStatus.NOT_FOUND, "no_replay")
    return folder


def _next(found: Replay, after: str = "") -> str:
    """The first message behind `after` that is not judged, else the first of all such, else `after` itself."""
    numbers = [row[NUMBER] for row in found.rows]
    place = numbers.index(after) + 1 if after in numbers else 0
    return next((each for each in numbers[place:] + numbers[:place] if each not in found.verdicts), after)


def _pair(visitor: Visitor, found: Replay, row: Mapping[str, str]) -> Pair:
    said = [
        (kind, _label(visitor, kind, row[f"{OLD}_{kind}"]), _label(visitor, kind, row[f"{NEW}_{kind}"]))
        for kind in KINDS
    ]
    return Pair(
        row[NUMBER], row["language"], row["text"], [each for each in said if each[1] != each[2]],
        [(kind, old) for kind, old, new in said if old == new], found.verdicts.get(row[NUMBER], ""),
    )  # fmt: skip


def _label(visitor: Visitor, kind: str, value: str) -> str:
    if not value:
        return "–"
    if kind in NAMED:
        return visitor.words.label(kind, value)
    return visitor.words.known(f"priority_{value}") if kind == "priority" else value


def _apart(visitor: Visitor, kind: str, value: str) -> str:
    """The label within a sentence that may run the other way."""
    return f"\u2068{_label(visitor, kind, value)}\u2069"


def _sums(visitor: Visitor, found: Replay) -> Section:
    words, locale, sums = visitor.words, visitor.locale, found.sums
    share = sums["changed"] / sums["messages"] if sums["messages"] else 0.0
    tiles = [
        Tile(words("changed"), locale.number(sums["changed"]),
             words("of_messages", count=locale.number(sums["messages"]), share=locale.percent(share))),
        Tile(words("misroutes"), locale.number(sums["misroutes"]["all"][1]["expected"]),
             words("before_it", value=locale.number(sums["misroutes"]["all"][0]["expected"]))),
    ]  # fmt: skip
    if sums["bands"] is not None:
        count = words("of_customers", count=locale.number(sums["customers"]))
        moved = sum(number for *_, number in sums["bands"])
        tiles.append(Tile(words("bands_moved"), locale.number(moved), count))
    tiles.append(Tile(words("judged_count"), locale.number(len(found.verdicts)), _verdicts(visitor, found)))
    keys = ("what_changes", "messages", "most_often")
    moves = Table(words("changes"), [words(key) for key in keys], list(_moves(visitor, sums)))
    return Section("sums", words("changes"), [Tiles(tiles), moves])


def _verdicts(visitor: Visitor, found: Replay) -> str:
    """Each verdict and how often it was given."""
    words, counts = visitor.words, Counter(found.verdicts.values())
    told = [f"{words(_key(each))} {visitor.locale.number(counts[each])}" for each in VERDICTS if counts[each]]
    return words("joint").join(told)


def _key(verdict: str) -> str:
    """By which a verdict's words go."""
    return f"verdict_{verdict.replace(' ', '_')}"


def _moves(visitor: Visitor, sums: Mapping[str, Any]) -> Iterator[list[Cell]]:
    words, number = visitor.words, visitor.locale.number
    for kind in KINDS:
        found = sums["moves"][kind]
        told = [
            words("move", before=_apart(visitor, kind, before), after=_apart(visitor, kind, after), count=number(count))
            for before, after, count in found[:SHOWN]
        ]
        yield [Cell(words(kind)), num(number(sum(count for *_, count in found))),
               Cell(words("joint").join(told) or "–")]  # fmt: skip
