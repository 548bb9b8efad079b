"""Train, dev and gate: by time where there are dates, else by customer, else by text; gate is for promotion alone."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.manifest import file_hash, read_bundle_manifest
from pipeline.taxonomy import Taxonomy
from pipeline.training import assemble
from pipeline.training.retrain.rows import Labelled, read_export

RECORD = "retrain.json"
GATE, DEV = 0.20, 0.15  # shares of the rows
DATED = 0.95  # share of rows with a date, from which on the split is by time
SMALL = 50  # rows of a label
FEWEST_CUSTOMERS, LARGEST_CUSTOMER = 20, 0.10  # else the column tells too few customers apart to split by it


@dataclass(frozen=True, slots=True)
class Split:
    """`of` gives train, dev or gate for each row number; `by` is time, customer or text.

    `together` counts the rows that another row of the same customer keeps in its split; `customers` says whether they
    do.
    """

    of: Mapping[int, str]
    by: str
    customers: bool
    together: int

    def rows(self, rows: Sequence[Labelled], name: str) -> list[Labelled]:
        return [row for row in rows if self.of[row.number] == name]


@dataclass(frozen=True, slots=True)
class GateRow(assemble.Labelled):
    """One row that a promotion is judged by; `tasks` are its labels of sentiment, emotion, urgency and churn.

    Where a row may have several topics, `topics` are all of them and `topic` is the first.
    """

    number: int
    id: str
    topic: str
    tasks: Mapping[str, str]
    topics: tuple[str, ...] = ()


def split_rows(rows: Sequence[Labelled], *, seed: int) -> Split:
    """The rows of one customer, and the copies of one text, are all in one split, whatever else holds.

    By time, a group stands where its last row does: train knows nothing later than its end. Without dates a group's
    place follows from its name and the seed alone, so that it stays when rows are added; but the groups of a label
    with fewer than `SMALL` rows are dealt out by their share.
    """
    customers = _has_customers(rows)
    group = {row.number: _group(row, customers=customers) for row in rows}
    places = _by_time(rows, group, seed) if _has_dates(rows) else _by_draw(rows, group, seed)
    sizes = Counter(group.values())
    together = sum(size for name, size in sizes.items() if size > 1 and name.startswith(b"customer"))
    by = "time" if _has_dates(rows) else "customer" if customers else "text"
    return Split({number: places[name] for number, name in group.items()}, by, customers, together)


def gate_rows(data: str, bundle_folder: Path) -> list[GateRow]:
    """The gate rows of the export that the model in `bundle_folder` was retrained on.

    Raises InputError when the model was not retrained, or `data` is another file than it was retrained on.
    """
    record = read_record(bundle_folder)
    stated = record["export"]
    if not Path(data).is_file() or file_hash(Path(data)) != stated["sha256"]:
        raise InputError(
            f"{data} is not the file that {bundle_folder.name} was retrained on (sha256 {stated['sha256'][:12]}); "
            "give that file, or retrain on this one"
        )
    table = Taxonomy.from_dict(read_bundle_manifest(bundle_folder)["taxonomy"])
    wanted = {number: topics if isinstance(topics, list) else [topics] for number, topics in record["gate"]}
    rows = (row for row in read_export(data, columns=stated["columns"]).rows if row.number in wanted)
    return [gate_row(row, wanted[row.number], table) for row in rows]


def gate_row(row: Labelled, topics: Sequence[str], table: Taxonomy) -> GateRow:
    """`topics` are the row's own, the first of them for what can only take one."""
    first, *others = (table.category_of[topic] for topic in topics)
    several = tuple(topics) if table.multilabel else ()
    return GateRow(
        row.text, row.language, first, row.number, row.id, topics[0], row.tasks or {}, several, others=tuple(others)
    )


def read_record(bundle_folder: Path) -> dict[str, Any]:
    """What `nabd retrain` wrote of its run. Raises InputError when there is none."""
    path = bundle_folder / RECORD
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{bundle_folder} holds no {RECORD}: it was not made by `nabd retrain`") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({type(error).__name__}); retrain the model again") from None
    return found


def _has_dates(rows: Sequence[Labelled]) -> bool:
    moments = [row.time for row in rows if row.time is not None]
    return len(moments) >= DATED * len(rows) and len(set(moments)) >= len(moments) * GATE


def _has_customers(rows: Sequence[Labelled]) -> bool:
    counts = Counter(row.customer for row in rows if row.customer)
    return len(counts) >= FEWEST_CUSTOMERS and max(counts.values()) <= LARGEST_CUSTOMER * len(rows)


def _group(row: Labelled, *, customers: bool) -> bytes:
    return b"customer " + row.customer.encode() if customers and row.customer else b"text " + row.key


def _draw(name: bytes, seed: int) -> float:
    """In [0, 1)."""
    found = hashlib.blake2b(name, digest_size=8, salt=seed.to_bytes(8, "big", signed=True)).digest()
    return int.from_bytes(found, "big") / 2**64


def _by_draw(rows: Sequence[Labelled], group: Mapping[int, bytes], seed: int) -> dict[bytes, str]:
    """A group is of the label of its first row, of several the rarest, so that each label comes into every part."""
    counts = Counter(topic for row in rows for topic in row.topics)
    rarest = {row.number: min(row.topics, key=lambda topic: (counts[topic], topic)) for row in rows}
    labels = {group[row.number]: rarest[row.number] for row in sorted(rows, key=lambda row: -row.number)}
    places = {}
    for label in sorted(counts):
        drawn = sorted((_draw(name, seed), name) for name, mine in labels.items() if mine == label)
        for rank, (draw, name) in enumerate(drawn):
            places[name] = _part((rank + 0.5) / len(drawn) if counts[label] < SMALL else draw)
    return places


def _by_time(rows: Sequence[Labelled], group: Mapping[int, bytes], seed: int) -> dict[bytes, str]:
    """The latest groups are the gate, those before them dev; a group without any date is as early as can be."""
    last: dict[bytes, float] = {}
    for row in rows:
        moment = row.time.timestamp() if row.time else float("-inf")
        last[group[row.number]] = max(last.get(group[row.number], moment), moment)
    sizes, seen, places = Counter(group.values()), 0, {}
    for name in sorted(last, key=lambda each: (-last[each], _draw(each, seed))):
        places[name] = _part(seen / len(rows))
        seen += sizes[name]
    return places


def _part(place: float) -> str:
    return "gate" if place < GATE else "dev" if place < GATE + DEV else "train"
