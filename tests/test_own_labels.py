"""What we labelled ourselves: public rows read by our guide, and messages that we wrote."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.clean import clean
from pipeline.errors import InputError
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE, TASKS
from pipeline.training.prepare.dedupe import text_key
from pipeline.training.prepare.mapping import LABELS, REVIEWED, Reviewed, load_reviewed, own_labels
from pipeline.training.sources import LANGUAGES, load_registry

AUTHORED = sorted((LABELS.parent / "authored").glob("*.jsonl.gz"))


def messages(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_the_reviewed_rows_are_unique_hold_no_text_and_follow_our_guide() -> None:
    with (LABELS / REVIEWED).open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        found = list(reader)
        assert reader.fieldnames == ["source", "id", "split", *TASKS]
    assert len(found) >= 4000
    assert len({(row["source"], row["id"]) for row in found}) == len(found) == len(load_reviewed())
    assert found == sorted(found, key=lambda row: (row["source"], row["id"])), "a change shows as the rows it changes"
    assert all(re.fullmatch(r"[\w.-]+", row["id"], re.ASCII) for row in found), "an id, not a message"
    registry = load_registry()
    assert {row["source"] for row in found} <= {
        name for name, source in registry.items() if source.file and not source.labelled_for_us
    }
    assert {row["split"] for row in found} == {"train", "dev"}
    for row in found:
        for task in TASKS:
            absent = not row[task] and task == "sentiment" and row["topic"] == OUT_OF_SCOPE
            assert absent or row[task] in DEFAULT.labels(task), row


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("marsa,m1,test,fault,negative,anger,normal,no", "row 1 has the split 'test'; expected train or dev"),
        ("marsa,m1,train,faults,negative,anger,normal,no", "row 1 has the topic 'faults'"),
        ("marsa,m1,train,fault,,anger,normal,no", "row 1 has the sentiment None"),
        ("marsa,m1,train,fault,negative,anger,normal,", "row 1 has the churn None"),
    ],
)
def test_a_reviewed_row_that_is_not_of_our_guide_is_refused(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "reviewed.csv"
    path.write_text("\n".join([",".join(["source", "id", "split", *TASKS]), row, ""]), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        load_reviewed(path)


def test_only_an_out_of_scope_reviewed_row_has_no_sentiment(tmp_path: Path) -> None:
    path = tmp_path / "reviewed.csv"
    lines = [",".join(["source", "id", "split", *TASKS]), "marsa,m1,dev,out_of_scope,,none,low,no", ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert load_reviewed(path) == {("marsa", "m1"): Reviewed("dev", ("out_of_scope", None, "none", "low", "no"))}


def test_the_authored_messages_are_for_training_and_follow_our_guide() -> None:
    found = [row for path in AUTHORED for row in messages(path)]
    assert len(found) >= 3500
    assert Counter(row["lang"] for row in found).keys() == set(LANGUAGES)
    assert min(Counter(row["lang"] for row in found).values()) >= 900
    assert len({row["id"] for row in found}) == len(found)
    for row in found:
        assert (row["source"], row["split"]) == ("authored", "train"), row["id"]
        own_labels(row, row["id"])
        assert row.get("category") in (None, DEFAULT.category_of[row["topic"]]), row["id"]
    assert {row["topic"] for row in found} == set(DEFAULT.topic_ids)


def test_the_authored_messages_are_unique_and_have_something_to_read() -> None:
    keys = [text_key(clean(row["text"])) for path in AUTHORED for row in messages(path)]
    assert all(keys)
    assert len(keys) - len(set(keys)) <= 1  # one was written twice, with two urgencies: preparing drops both
