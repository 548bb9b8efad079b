"""Sources in, one file of training examples out: `make data`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pipeline.clean import clean
from pipeline.errors import InputError, OutputError, UsageError
from pipeline.training.prepare.dedupe import deduplicate, text_key
from pipeline.training.prepare.example import EMPTY, LANGUAGE, NO_LICENCE, SPLITS, Example, Tally
from pipeline.training.prepare.mapping import (
    Labels,
    Reviewed,
    load_label_maps,
    load_reviewed,
    map_public,
    own_labels,
)
from pipeline.training.prepare.report import Report, names, summarise
from pipeline.training.prepare.split import carve_dev
from pipeline.training.sources import (
    LANGUAGES,
    Located,
    Registry,
    Source,
    default_data_dir,
    fetch_missing,
    file_hash,
    find_data_dir,
    load_registry,
    locate,
    read_rows,
    write_lines,
)

ROWS = "rows.jsonl.gz"
REPORT = "report.json"
SUMMARY = "report.md"

Licence = Literal["any", "stated"]


def run(
    data_dir: Path | None, out_dir: Path, *, licence: str = "any", seed: int = 0, fetch: bool = False
) -> tuple[Report, list[str]]:
    """What `nabd data` does; also returns a line for each source that could not be fetched automatically."""
    if licence not in ("any", "stated"):
        raise UsageError(f"--licence is {licence!r}, expected 'any' or 'stated'")
    registry, notes = load_registry(), []
    if fetch:
        data_dir = data_dir or default_data_dir() or out_dir / "sources"
        notes = fetch_missing(registry, data_dir)
    chosen: Licence = "stated" if licence == "stated" else "any"
    return prepare(find_data_dir(data_dir), out_dir, licence=chosen, seed=seed, registry=registry), notes


def prepare(
    data_dir: Path, out_dir: Path, *, licence: Licence = "any", seed: int = 0, registry: Registry | None = None
) -> Report:
    """Writes `rows.jsonl.gz`, `report.md` and, last, `report.json`; equal input gives equal bytes.

    With licence "stated", rows whose authors state none leave train; dev and test stay, to be scored on.
    """
    registry = registry or load_registry()
    tally = Tally()
    present, missing = locate(registry, data_dir)
    examples: Iterable[Example] = read_examples(present, registry, tally)
    if licence == "stated":
        examples = keep_licensed(examples, registry, tally)
    examples = clean_texts(examples, tally)
    unique = deduplicate(examples, {name: rank for rank, name in enumerate(registry)}, tally)
    split = carve_dev(unique, {source.name for source in registry.values() if source.train_only}, seed=seed)
    return _write(split, out_dir, present, names(missing), (licence, seed), tally)


def read_examples(present: Iterable[Located], registry: Registry, tally: Tally) -> Iterator[Example]:
    """Rows with labels of ours. Raises InputError for a row without the fields or with unknown values."""
    seen: set[str] = set()
    for located in present:
        source = located.source
        for file, number, row in read_rows(located):
            where = f"{file}: row {number}"
            tally.read[source.name] += 1
            found = _example(row, source, registry, where) if row.get("lang") in LANGUAGES else LANGUAGE
            if isinstance(found, str):
                tally.drop(source.name, found)
                continue
            if found.id in seen:
                raise InputError(f"{where} repeats the id {found.id!r}; ids must be unique")
            seen.add(found.id)
            yield found


def keep_licensed(examples: Iterable[Example], registry: Registry, tally: Tally) -> Iterator[Example]:
    for example in examples:
        if example.split == "train" and not registry[example.origin].licensed:
            tally.drop(example.source, NO_LICENCE)
        else:
            yield example


def clean_texts(examples: Iterable[Example], tally: Tally) -> Iterator[Example]:
    """Texts as `score` sees them, with the key that tells copies apart; nothing but links and handles is empty."""
    for example in examples:
        text = clean(example.text)
        key = text_key(text)
        if key:
            yield replace(example, text=text, key=key)
        else:
            tally.drop(example.source, EMPTY)


def _example(row: Mapping[str, Any], source: Source, registry: Registry, where: str) -> Example | str:
    """The row as an example, or the reason to drop it."""
    try:
        reviewed = load_reviewed().get((source.name, row["id"])) if row["split"] == "train" else None
        own = source.labelled_for_us or reviewed is not None
        labels = _labels(row, source, reviewed, where)
        if isinstance(labels, str):
            return labels
        split = reviewed.split if reviewed else row["split"]
        example = Example(
            row["id"], source.name, row.get("source", source.name), row["lang"], row.get("dialect"), row.get("domain"),
            row["text"], split, bool(row.get("train_ok", source.train_ok == "yes")), labels,
            own, _intent(row, source),
        )  # fmt: skip
    except KeyError as error:
        raise InputError(f"{where} has no field {error.args[0]!r}") from None
    if example.split not in SPLITS:
        raise InputError(f"{where} has the split {example.split!r}; expected one of {', '.join(SPLITS)}")
    if example.origin not in registry:
        raise InputError(f"{where} has the origin {example.origin!r}; add it to registry.toml with its licence")
    if not isinstance(example.text, str):
        raise InputError(f"{where} has a text of type {type(example.text).__name__}, expected a string")
    return example


def _labels(row: Mapping[str, Any], source: Source, reviewed: Reviewed | None, where: str) -> Labels | str:
    """By our own guide where somebody read the row, else as the source's labels map to ours; or why there are none."""
    if reviewed:
        return reviewed.labels
    if source.labelled_for_us:
        return own_labels(row, where)
    return map_public(row, load_label_maps()[source.name], where)


def _intent(row: Mapping[str, Any], source: Source) -> str | None:
    """Sources of one set spell their labels differently: banking77 has card_arrival, its translation card arrival."""
    return f"{source.intents}/{row['label'].replace('_', ' ').lower()}" if source.intents else None


def _write(
    examples: list[Example], out_dir: Path, present: list[Located], missing: tuple[str, ...],
    options: tuple[Licence, int], tally: Tally,
) -> Report:  # fmt: skip
    """The marker `report.json` is removed first and written last."""
    by_source: dict[str, list[Example]] = {located.source.name: [] for located in present}
    for example in examples:
        by_source[example.source].append(example)
    try:
        (out_dir / REPORT).unlink(missing_ok=True)
        write_lines(out_dir / ROWS, (json.dumps(example.to_dict(), ensure_ascii=False) for example in examples))
        sources = tuple(summarise(located, by_source[located.source.name], tally) for located in present)
        report = Report(*options, file_hash(out_dir / ROWS), sources, missing)
        (out_dir / SUMMARY).write_text(report.to_markdown(), encoding="utf-8")
        (out_dir / REPORT).write_text(json.dumps(report.to_dict(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write to {out_dir}: {error.strerror}; name another folder with --out") from None
    return report
