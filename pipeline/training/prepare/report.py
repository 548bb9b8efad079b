"""What preparation kept and dropped, as data and as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.taxonomy import TASKS
from pipeline.training.prepare.example import SPLITS, Example, Tally
from pipeline.training.sources import Located, Source
from pipeline.training.tables import table

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SourceReport:
    """Of one source. `read` is the sum of `kept` and `dropped`; `tasks` counts labels by task, then split."""

    name: str
    licence: str
    train_ok: str
    sha256: str
    read: int
    kept: Counts
    tasks: Mapping[str, Counts]
    evaluation_only: int
    dropped: Counts


@dataclass(frozen=True, slots=True)
class Report:
    """`sha256` is of `rows.jsonl.gz`; `missing` names registered sources that were not there."""

    licence: str
    seed: int
    sha256: str
    sources: tuple[SourceReport, ...]
    missing: tuple[str, ...]

    def kept(self, split: str) -> int:
        return sum(source.kept[split] for source in self.sources)

    def dropped(self) -> Counts:
        """By reason, over all sources, the most frequent first."""
        total: Counter[str] = Counter()
        for source in self.sources:
            total.update(source.dropped)
        return dict(total.most_common())

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def to_markdown(self) -> str:
        lines = [f"# Training data\n\nLicences: {self.licence}. Seed: {self.seed}. Rows: sha256 `{self.sha256}`.\n"]
        head = ["source", "read", *SPLITS, "eval. only", *TASKS, "dropped"]
        lines.append(table(head, [_row(source) for source in self._with_sum()]))
        lines.append("\nThe columns of the five tasks count labels in train. *eval. only* rows of train are scored on "
                     "and never train the shipped model.\n\n## Dropped\n")  # fmt: skip
        lines.append(table(["why", "source", "rows"], self._drops()))
        lines.append(f"\nMissing sources: {', '.join(self.missing) or 'none'}.")
        return "\n".join(lines) + "\n"

    def _drops(self) -> list[tuple[str, str, str]]:
        return [
            (reason, source.name, str(source.dropped[reason]))
            for reason in self.dropped()
            for source in self.sources
            if reason in source.dropped
        ]

    def _with_sum(self) -> Sequence[SourceReport]:
        return [*self.sources, _sum(self.sources)]


def summarise(located: Located, examples: Sequence[Example], tally: Tally) -> SourceReport:
    """`examples` are those of this source that were kept."""
    source = located.source
    splits = Counter(example.split for example in examples)
    tasks = {
        task: _by_split(Counter(e.split for e in examples if e.labels[column])) for column, task in enumerate(TASKS)
    }
    barred = sum(example.split == "train" and not example.train_ok for example in examples)
    return SourceReport(
        source.name, source.licence, source.train_ok, located.sha256, tally.read[source.name], _by_split(splits), tasks,
        barred, tally.drops(source.name),
    )  # fmt: skip


def names(sources: Sequence[Source]) -> tuple[str, ...]:
    return tuple(source.name for source in sources)


def _by_split(counts: Counts) -> Counts:
    return {split: counts.get(split, 0) for split in SPLITS}


def _sum(sources: Sequence[SourceReport]) -> SourceReport:
    def add(counts: Sequence[Counts]) -> Counts:
        return _by_split({split: sum(count[split] for count in counts) for split in SPLITS})

    return SourceReport(
        "**sum**", "", "", "", sum(s.read for s in sources), add([s.kept for s in sources]),
        {task: add([s.tasks[task] for s in sources]) for task in TASKS}, sum(s.evaluation_only for s in sources),
        {"all": sum(sum(s.dropped.values()) for s in sources)},
    )  # fmt: skip


def _row(source: SourceReport) -> list[str]:
    counts = [source.read, *(source.kept[split] for split in SPLITS), source.evaluation_only]
    counts += [source.tasks[task]["train"] for task in TASKS] + [sum(source.dropped.values())]
    return [source.name, *(str(count) for count in counts)]
