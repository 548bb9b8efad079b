"""Every row is kept or counted, no text is in two splits, and the same input gives the same bytes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError, OutputError, UsageError
from pipeline.taxonomy import TASKS
from pipeline.training.prepare import Report, prepare, run
from pipeline.training.prepare.dedupe import deduplicate, fold, text_key
from pipeline.training.prepare.example import (
    ACROSS,
    AMBIGUOUS,
    CONFLICT,
    EMPTY,
    HELD_OUT,
    LANGUAGE,
    NO_COUNTERPART,
    NO_LICENCE,
    WITHIN,
    Example,
    Tally,
)
from pipeline.training.prepare.mapping import Reviewed, load_label_maps, load_reviewed
from pipeline.training.prepare.split import carve_dev
from pipeline.training.sources import Registry, file_hash, load_registry, write_lines

Row = dict[str, Any]
FILES = {"gold": "gold/gold.jsonl.gz", "authored": "gold/authored.jsonl.gz"}
OWN = {"topic": "delivery", "sentiment": "negative", "emotion": "anger", "urgency": "normal", "churn": "no"}


def own(key: str, text: str, lang: str, split: str, **changes: Any) -> Row:
    return {"id": key, "source": "authored", "lang": lang, "text": text, "split": split, **OWN, **changes}


def public(key: str, text: str, label: str, split: str = "train", lang: str = "en") -> Row:
    return {"id": key, "text": text, "lang": lang, "label": label, "split": split}


ROWS: dict[str, list[Row]] = {
    "gold": [
        own("g1", "My parcel never came, where is it?", "en", "test", source="airline", train_ok=False),
        own("g2", "اپلیکیشن بعد از به‌روزرسانی باز نمی‌شود", "fa", "train", source="snappfood", train_ok=True,
            topic="fault"),
        own("g3", "مين هيكسب المباراة النهارده؟", "ar", "dev", source="marsa", train_ok=True,
            topic="out_of_scope", sentiment=None),
        own("g4", "The crew was rude to my mother", "en", "train", source="airline", train_ok=False, topic="complaint"),
    ],
    "authored": [own("a1", "وصلني الطلب مكسور وأبغى بدل عنه", "ar", "train", topic="defect"),
                 own("a2", "You charged me twice for one ride", "en", "train", topic="charge")],
    "banking77": [
        public("b1", "MY PARCEL NEVER CAME -- where is it", "card_arrival"),
        public("b2", "How do I link my card?", "card_linking"),
        public("b3", "how do i link my card", "card_linking"),
        public("b4", "Is the fee back yet", "request_refund"),
        public("b5", "Is the fee back yet?", "card_payment_fee_charged"),
        public("b6", "you charged me twice for one ride!", "transaction_charged_twice"),
        public("b7", "@bank https://bank.example/help", "card_arrival"),
        public("b8", "What is the top up limit", "top_up_limits", "test"),
    ],
    "clinc150": [public("c1", "put lunch on my calendar", "calendar")],
    "marsa": [public("m1", "الشبكة ممتازة هالأيام", "pos", "train", "ar"),
              public("m2", "النت طايح من الصبح", "neg", "dev", "ar")],
    "parsinlu-sentiment": [public("p1", "غذا خیلی سرد و بی‌مزه بود", "very_negative", "train", "fa")],
    "goemotions": [
        public("e1", "I am livid and also amused", "anger|amusement"),
        public("e2", "This is disgusting and it annoys me", "disgust|annoyance"),
    ],
    "semeval18": [public("s1", "ما توقعت هالشي أبدا", "surprise;trust", "train", "ar")],
    "churn_swisscom": [
        public("w1", "ich möchte kündigen", "churn", "train", "de"),
        public("w2", "I am switching to another provider", "churn", "test"),
    ],
}  # fmt: skip


def data_folder(folder: Path, rows: Mapping[str, Sequence[Row]] = ROWS) -> Registry:
    """Writes the rows as a data folder; returns the shipped registry with the hashes of these files."""
    hashes = {}
    for name, found in rows.items():
        path = folder / FILES.get(name, f"data/{name}.jsonl.gz")
        write_lines(path, (json.dumps(row, ensure_ascii=False) for row in found))
        hashes[name] = file_hash(path)
    tables = []
    for source in load_registry().values():
        table = {"task": source.task, "languages": list(source.languages), "domain": "", "nature": "",
                 "licence": source.licence, "train_ok": source.train_ok}  # fmt: skip
        if source.name in hashes:
            table |= {"file": FILES.get(source.name, f"data/{source.name}.jsonl.gz"), "sha256": hashes[source.name]}
        if source.intents:
            table["intents"] = source.intents
        lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        tables.append("\n".join([f"[{source.name}]", *lines, f"train_only = {str(source.train_only).lower()}"]))
    (folder / "registry.toml").write_text("\n".join(tables), encoding="utf-8")
    return load_registry(folder / "registry.toml")


def prepared(folder: Path, rows: Mapping[str, Sequence[Row]] = ROWS, **options: Any) -> tuple[Report, dict[str, Row]]:
    registry = data_folder(folder / "in", rows)
    report = prepare(folder / "in", folder / "out", registry=registry, **options)
    with gzip.open(folder / "out" / "rows.jsonl.gz", "rt", encoding="utf-8") as lines:
        return report, {row["id"]: row for row in map(json.loads, lines)}


def example(key: str, text: str, split: str = "train", source: str = "b", **changes: Any) -> Example:
    labels = changes.pop("labels", (None, "neutral", None, None, None))
    values = {"origin": source, "lang": "en", "dialect": None, "domain": None, "train_ok": True, **changes}
    return Example(id=key, source=source, text=text, split=split, labels=labels, key=text_key(text), **values)


def test_every_dropped_row_is_counted_under_its_reason(tmp_path: Path) -> None:
    report, rows = prepared(tmp_path)
    assert report.dropped() == {
        CONFLICT: 2, NO_COUNTERPART: 1, AMBIGUOUS: 1, LANGUAGE: 1, EMPTY: 1, HELD_OUT: 1, WITHIN: 1, ACROSS: 1,
    }  # fmt: skip
    assert dict(report.sources[2].dropped) == {EMPTY: 1, HELD_OUT: 1, WITHIN: 1, ACROSS: 1, CONFLICT: 2}
    assert set(rows) == {"g1", "g2", "g3", "g4", "a1", "a2", "b2", "b8", "m1", "m2", "p1", "e2", "s1", "w2"}
    for source in report.sources:
        assert source.read == sum(source.kept.values()) + sum(source.dropped.values())


def test_rows_carry_labels_origin_and_permission(tmp_path: Path) -> None:
    report, rows = prepared(tmp_path)
    labels = {key: [row[task] for task in TASKS] for key, row in rows.items()}
    assert labels["g2"] == ["fault", "negative", "anger", "normal", "no"]
    assert labels["g3"] == ["out_of_scope", None, "anger", "normal", "no"]
    assert labels["b2"] == ["how_to", None, None, None, None]
    assert labels["m1"] == [None, "positive", None, None, None]
    assert labels["e2"] == [None, None, "anger", None, None]
    assert labels["s1"] == [None, None, "surprise", None, None]
    assert labels["w2"] == [None, None, None, None, "yes"]
    assert (rows["g1"]["source"], rows["g1"]["origin"], rows["m1"]["origin"]) == ("gold", "airline", "marsa")
    assert {key for key, row in rows.items() if not row["train_ok"]} == {"g1", "g4", "p1"}
    assert sum(source.evaluation_only for source in report.sources) == 2


def test_rows_say_who_labelled_them_and_what_the_source_called_them(tmp_path: Path) -> None:
    clinc = public("c2", "what's the limit on my card", "credit_limit")
    arabic = public("n1", "بطاقتي ما وصلت للحين", "card arrival", "train", "ar")
    _, rows = prepared(tmp_path, {**ROWS, "clinc150": [clinc], "arbanking77": [arabic]})
    assert {key for key, row in rows.items() if row["own"]} == {"g1", "g2", "g3", "g4", "a1", "a2"}
    intents = {key: row["intent"] for key, row in rows.items() if row["intent"]}
    assert intents == {
        "b2": "banking/card linking", "b8": "banking/top up limits", "n1": "banking/card arrival",
        "c2": "clinc150/credit limit",
    }  # fmt: skip


def reviewed(source: str, split: str) -> tuple[str, Reviewed]:
    """The id of a row that was read for `split`, and what was made of it."""
    return next((key, row) for (name, key), row in load_reviewed().items() if (name, row.split) == (source, split))


def test_a_row_that_was_read_by_our_guide_has_its_labels_and_its_split(tmp_path: Path) -> None:
    (learnt, first), (held, second) = (reviewed("marsa", split) for split in ("train", "dev"))
    marsa = [
        public(learnt, "الشبكة ممتازة هالأيام", "neu", "train", "ar"),
        public(held, "النت طايح من الصبح", "neu", "train", "ar"),
        public("unread", "باقتي خلصت بدري", "neg", "train", "ar"),
    ]
    _, rows = prepared(tmp_path, {"marsa": marsa})
    for key, split, labels in ((learnt, "train", first.labels), (held, "dev", second.labels)):
        assert (rows[key]["own"], rows[key]["split"], rows[key]["origin"]) == (True, split, "marsa")
        assert tuple(rows[key][task] for task in TASKS) == labels
    assert (rows["unread"]["own"], rows["unread"]["sentiment"], rows["unread"]["topic"]) == (False, "negative", None)


@pytest.mark.parametrize("split", ["dev", "test"])
def test_a_row_that_its_source_holds_out_is_never_taken_for_a_reviewed_one(tmp_path: Path, split: str) -> None:
    """Whatever was read, the test rows of a source stay as they are."""
    key, _ = reviewed("marsa", "train")
    _, rows = prepared(tmp_path, {"marsa": [public(key, "الشبكة ممتازة هالأيام", "pos", split, "ar")]})
    assert (rows[key]["own"], rows[key]["split"], rows[key]["sentiment"]) == (False, split, "positive")


def test_stated_licences_only_takes_the_others_out_of_train(tmp_path: Path) -> None:
    report, rows = prepared(tmp_path, licence="stated")
    assert report.dropped()[NO_LICENCE] == 2
    assert {"m1", "g2"}.isdisjoint(rows), "marsa states none, nor does the origin of g2"
    assert {"m2", "g3"} <= set(rows), "dev is still scored on"


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    prepared(first)
    prepared(second)
    for name in ("rows.jsonl.gz", "report.json", "report.md"):
        assert (first / "out" / name).read_bytes() == (second / "out" / name).read_bytes()
    report = json.loads((first / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["sha256"] == file_hash(first / "out" / "rows.jsonl.gz")


def test_the_summary_shows_each_source_and_each_reason(tmp_path: Path) -> None:
    report, _ = prepared(tmp_path)
    summary = report.to_markdown()
    assert "| banking77 | 8 | 1 | 0 | 1 | 0 | 1 | 0 | 0 | 0 | 0 | 6 |" in summary
    assert f"| {CONFLICT} | banking77 | 2 |" in summary
    assert "Missing sources: none." in summary


def test_a_missing_source_is_reported(tmp_path: Path) -> None:
    registry = data_folder(tmp_path / "in")
    (tmp_path / "in" / "data" / "marsa.jsonl.gz").unlink()
    report = prepare(tmp_path / "in", tmp_path / "out", registry=registry)
    assert report.missing == ("marsa",)
    assert "marsa" not in {source.name for source in report.sources}


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("banking77", public("x", "secret words", "card_arival"), "77.jsonl.gz: row 1 has the label 'card_arival'"),
        ("goemotions", public("x", "secret words", "joy|glee"), "row 1 has the label 'glee'"),
        ("gold", own("x", "secret words", "en", "train", topic="deliveries"), "row 1 has the topic 'deliveries';"),
        ("gold", own("x", "secret words", "en", "train", sentiment=None), "row 1 has the sentiment None"),
        ("gold", own("x", "secret words", "en", "train", source="nobody"), "row 1 has the origin 'nobody'; add it"),
        ("marsa", public("x", "secret words", "pos", "valid", "ar"), "row 1 has the split 'valid'"),
        ("marsa", {"id": "x", "lang": "ar", "label": "pos", "split": "dev"}, "row 1 has no field 'text'"),
        ("marsa", {**public("x", "", "pos", "dev", "ar"), "text": None}, "row 1 has a text of type NoneType"),
    ],
)  # fmt: skip
def test_an_unknown_value_names_file_row_and_value(tmp_path: Path, name: str, row: Row, message: str) -> None:
    registry = data_folder(tmp_path, {name: [row]})
    with pytest.raises(InputError, match=message) as error:
        prepare(tmp_path, tmp_path / "out", registry=registry)
    assert "secret words" not in str(error.value)
    assert not (tmp_path / "out" / "report.json").exists()


def test_a_repeated_id_is_refused(tmp_path: Path) -> None:
    rows = [public("b1", "first text", "card_arrival"), public("b1", "second text", "card_arrival")]
    registry = data_folder(tmp_path, {"banking77": rows})
    with pytest.raises(InputError, match="row 2 repeats the id 'b1'"):
        prepare(tmp_path, tmp_path / "out", registry=registry)


def test_a_label_table_may_only_name_labels_of_the_taxonomy(tmp_path: Path) -> None:
    (tmp_path / "topics.csv").write_text("dataset,label,topic\nbanking77,card_arrival,parcel\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"topics.csv: row 1 has the topic 'parcel'; expected one of access"):
        load_label_maps(tmp_path)


def test_bad_use_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--licence is 'free', expected 'any' or 'stated'"):
        run(tmp_path, tmp_path / "out", licence="free")
    registry = data_folder(tmp_path / "in")
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    with pytest.raises(OutputError, match="name another folder with --out"):
        prepare(tmp_path / "in", tmp_path / "out", registry=registry)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where IS my order?!", "where is my order"),
        ("@shop وين طلبي؟ https://t.example/x", "وين طلبي"),
        ("سفارش من كجاست؟", "سفارش من کجاست"),
        ("كتـاب ١٢", "كتاب 12"),
    ],
)
def test_copies_fold_to_the_same_key(one: str, other: str) -> None:
    assert text_key(one) == text_key(other)


@pytest.mark.parametrize(("one", "other"), [("good 😀", "good 😡"), ("?!", "..."), ("لا أريد", "أريد"), ("5 €", "5 $")])
def test_what_changes_the_meaning_stays_apart(one: str, other: str) -> None:
    assert fold(one) != fold(other)


NEGATIVE = (None, "negative", None, None, None)
POSITIVE = (None, "positive", None, None, None)
TOPIC = ("fault", None, None, None, None)


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        ([("gold", "dev", True), ("gold", "test", True)], 1),
        ([("b", "test", True), ("gold", "dev", True)], 1),
        ([("gold", "train", True), ("b", "dev", True)], 1),
        ([("b", "dev", True), ("c", "test", True)], 1),
        ([("authored", "train", True), ("gold", "train", True)], 1),
        ([("b", "train", True), ("authored", "train", True)], 1),
        ([("gold", "train", False), ("c", "train", True)], 1),
    ],
)
def test_precedence(rows: list[tuple[str, str, bool]], kept: int) -> None:
    examples = [
        example(str(n), "same", split, source, train_ok=train_ok) for n, (source, split, train_ok) in enumerate(rows)
    ]
    ranks = {"gold": 0, "authored": 1, "b": 2, "c": 3}
    assert [row.id for row in deduplicate(examples, ranks, Tally())] == [str(kept)]


def test_train_rows_that_contradict_each_other_both_go() -> None:
    def kept(*rows: Example) -> list[str]:
        return [row.id for row in deduplicate(rows, {"b": 0}, Tally())]

    assert kept(example("1", "x", labels=NEGATIVE), example("2", "x", labels=POSITIVE)) == []
    assert kept(example("1", "x", labels=NEGATIVE), example("2", "x", labels=TOPIC)) == ["1"]
    assert kept(example("1", "x", "test", labels=NEGATIVE), example("2", "x", labels=POSITIVE)) == ["1"]
    barred = example("2", "x", labels=POSITIVE, train_ok=False)
    assert kept(example("1", "x", labels=NEGATIVE), barred) == ["1"], "data that may not train takes nothing away"


def test_dev_is_five_per_cent_of_train_and_at_most_500() -> None:
    small = [example(f"s{n}", f"small {n}", source="s") for n in range(100)]
    large = [example(f"l{n}", f"large {n}", source="l") for n in range(11_000)]
    given_dev = [example(f"d{n}", f"own {n}", "train" if n else "dev", "d") for n in range(50)]
    authored = [example(f"a{n}", f"ours {n}", source="a") for n in range(50)]
    rows = carve_dev(small + large + given_dev + authored, ["a"], seed=1)
    dev = [row for row in rows if row.split == "dev"]
    assert {name: sum(row.source == name for row in dev) for name in "slda"} == {"s": 5, "l": 500, "d": 1, "a": 0}
    again = carve_dev(list(reversed(small)), [], seed=1)
    assert {row.id for row in again if row.split == "dev"} == {row.id for row in dev if row.source == "s"}
    other = carve_dev(small, [], seed=2)
    assert {row.id for row in other if row.split == "dev"} != {row.id for row in dev if row.source == "s"}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Where is it?", "where is it", "وين طلبي", "وين طلبي؟", "سفارش کو", "سفارش كو!", "😀"]),
            st.sampled_from(["train", "dev", "test"]),
            st.sampled_from(["gold", "b", "c"]),
            st.sampled_from([NEGATIVE, POSITIVE, TOPIC]),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_no_text_is_in_two_splits_and_nothing_is_lost_uncounted(rows: list[tuple[str, str, str, Any, bool]]) -> None:
    tally = Tally()
    examples = [
        example(str(n), text, split, source, labels=labels, train_ok=train_ok)
        for n, (text, split, source, labels, train_ok) in enumerate(rows)
    ]
    kept = carve_dev(deduplicate(examples, {"gold": 0, "b": 1, "c": 2}, tally), [], seed=0)
    assert len({row.key for row in kept}) == len(kept)
    held = {row.key for row in examples if row.split != "train"}
    assert not held & {row.key for row in kept if row.split == "train"}
    assert held <= {row.key for row in kept}, "no held-out text is lost"
    assert len(kept) + sum(sum(reasons.values()) for reasons in tally.dropped.values()) == len(examples)
