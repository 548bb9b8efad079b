"""What a replay leaves for people to judge and what they said: one folder, which the command line, the console and the
gates of a promotion read alike.

`replay.json` holds the sums, `judge.csv` the changed messages that were drawn, `judge.html` shows them, `judged.csv`
has a verdict for each that was judged in the console; a sheet that was filled in elsewhere has the same columns.
`changes.csv` and `customers.csv` are for people alone. A customer's rows name the customer, so that an erasure finds
them.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.columns.names import fold
from pipeline.errors import InputError, UsageError
from pipeline.readers import open_source
from pipeline.writers import open_writer

SUMS, SHEET, PAGE, JUDGED = "replay.json", "judge.csv", "judge.html", "judged.csv"
CHANGES, CUSTOMERS = "changes.csv", "customers.csv"
CUSTOMER = "customer"  # a column of the sheet and of the two above
OLD, NEW = "old", "new"
KINDS = ("queue", "priority", "category", "topic", "sentiment", "emotion", "urgency", "churn")  # the gravest first
BETTER, WORSE, SAME = "better", "worse", "same"
BOTH_FINE, BOTH_WRONG = "both fine", "both wrong"  # neither is for or against the new model
VERDICTS = (WORSE, BETTER, BOTH_FINE, BOTH_WRONG)  # of the console: the old one, the new one, both, none
WORDS = {
    BETTER: ("better", "new", "أفضل", "بهتر"),
    WORSE: ("worse", "old", "أسوأ", "بدتر"),
    SAME: ("same", "equal", BOTH_FINE, BOTH_WRONG, "سواء", "مثل هم", "یکسان"),
}
NUMBER, VERDICT, BY, MODELS = "number", "verdict", "by", ("old_model", "new_model")


@dataclass(frozen=True, slots=True)
class Judgement:
    """Counts of changed messages that a person judged; `old` and `new` are the sha256 of the two bundles."""

    old: str
    new: str
    better: int
    worse: int
    same: int
    by: str = ""

    @property
    def judged(self) -> int:
        return self.better + self.worse + self.same

    def chance(self) -> float:
        """The one-sided sign test: the probability of so many worse ones, were better and worse equally likely."""
        from scipy.stats import binomtest

        decided = self.better + self.worse
        return float(binomtest(self.worse, decided, 0.5, alternative="greater").pvalue) if decided else 1.0


@dataclass(frozen=True)
class Replay:
    """`rows` are those of the sheet, `verdicts` number -> verdict of those that were judged."""

    folder: Path
    sums: Mapping[str, Any]
    rows: Sequence[Mapping[str, str]]
    verdicts: Mapping[str, str]


def replays(folder: Path) -> dict[str, Path]:
    """Name -> folder of every replay in `folder`, by name."""
    return {path.parent.name: path.parent for path in sorted(folder.glob(f"*/{SHEET}"))}


def read_replay(folder: Path) -> Replay:
    """Raises InputError for a folder whose files are not those of a replay."""
    try:
        sums = json.loads((folder / SUMS).read_text(encoding="utf-8"))
        rows = _rows(folder / SHEET)
        judged = _rows(folder / JUDGED) if (folder / JUDGED).exists() else []
        numbers = {row[NUMBER] for row in rows}
        return Replay(folder, sums, rows, {row[NUMBER]: row[VERDICT] for row in judged if row[NUMBER] in numbers})
    except (OSError, ValueError, KeyError):
        raise InputError(f"{folder.name} is not what `nabd replay` wrote, or only in part; run it again") from None


def judge(folder: Path, number: str, verdict: str, *, by: str) -> None:
    """Writes one verdict beside those before; the file is written whole. One at a time.

    Raises UsageError for a message that is not on the sheet and for a verdict that is none of VERDICTS.
    """
    row = next((row for row in _rows(folder / SHEET) if row[NUMBER] == number), None)
    if row is None or verdict not in VERDICTS:
        raise UsageError(f"expected a row of {folder.name}/{SHEET} and one of {', '.join(VERDICTS)}")
    kept = {each[NUMBER]: each for each in (_rows(folder / JUDGED) if (folder / JUDGED).exists() else [])}
    kept[number] = {NUMBER: number, VERDICT: verdict, BY: by, **{name: row[name] for name in MODELS}}
    with open_writer(folder / JUDGED, columns=(NUMBER, VERDICT, BY, *MODELS)) as writer:
        writer.write(list(kept.values()))


def read_judged(path: str, *, by: str = "") -> Judgement:
    """A sheet with its column `verdict` filled in; rows left empty are not judged. Without `by`, it says who judged.

    Raises InputError for another file, for rows of several pairs of models, and for a word that is no verdict.
    """
    known = {fold(word): verdict for verdict, words in WORDS.items() for word in words}
    counts: Counter[str] = Counter()
    pairs, people = set(), set()
    with open_source(path) as source:
        if missing := [name for name in (VERDICT, *MODELS) if name not in source.columns]:
            raise InputError(f"{path} has no column {missing[0]}: it is no sheet that `nabd replay` wrote")
        for item in source:
            pairs.add(tuple(str(item.values.get(name) or "") for name in MODELS))
            people.add(str(item.values.get(BY) or ""))
            said = fold(str(item.values.get(VERDICT) or ""))
            if said and said not in known:
                expected = ", ".join(WORDS)
                raise InputError(
                    f"{path}, row {item.number}: the verdict is none of {expected}; correct it or empty it"
                )
            counts[known.get(said, "")] += 1
    if len(pairs) != 1:
        raise InputError(f"{path} compares {len(pairs)} pairs of models, expected one; judge one replay at a time")
    old, new = pairs.pop()
    return Judgement(old, new, counts[BETTER], counts[WORSE], counts[SAME], by or ", ".join(sorted(people - {""})))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
