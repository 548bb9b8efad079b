"""What a retraining makes of an export before it learns: columns, labels, taxonomies, checks and splits."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from retrain_export import rows, write

from pipeline.columns.names import closest
from pipeline.errors import BundleError, ColumnError, InputError, UsageError
from pipeline.settings import load_settings
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE
from pipeline.training.retrain.authored import authored
from pipeline.training.retrain.examine import findings, label_table
from pipeline.training.retrain.gather import gather
from pipeline.training.retrain.labels import OTHER, label_set
from pipeline.training.retrain.names import near_duplicates, several
from pipeline.training.retrain.routes import render_routes
from pipeline.training.retrain.rows import NO_TEXT, Export, Labelled, read_export
from pipeline.training.retrain.splits import DEV, GATE, split_rows
from pipeline.training.retrain.survey import Request, survey
from pipeline.training.retrain.taxonomies import draft

WIDE = ("id", "message", "label", "sentiment", "customer", "created_at")


def export_of(path: Path, given: list[dict[str, str]], **columns: str) -> Export:
    names = [name for name in WIDE if any(name in row for row in given)]
    return read_export(write(path / "export.csv", given, names), columns=columns)


def labelled(number: int, **others: object) -> Labelled:
    known = {"label": f"label {number % 3}", "key": str(number).encode(), "language": "en"}
    return Labelled(number, str(number), "text", "text", **(known | others))  # type: ignore[arg-type]


def test_the_columns_of_an_export_are_found_and_its_labels_kept_as_they_are(tmp_path: Path) -> None:
    given = rows(2)
    found = export_of(tmp_path, [*given, {"id": "x", "message": "no label here", "label": " "}])
    assert found.found == {"text": "message", "id": "id", "label": "label", "sentiment": "sentiment"}
    assert found.unlabelled == 1
    assert [row.label for row in found.rows] == [row["label"] for row in given]
    assert {row.language for row in found.rows} == {"en", "ar", "fa"}
    assert [row.number for row in found.rows] == list(range(1, len(given) + 1))
    assert found.rows[0].tasks == {"sentiment": "negative"}


@pytest.mark.parametrize("name", ["Ticket Category", "التصنيف", "دسته‌بندی", "contact_reason"])
def test_a_label_column_is_known_by_its_name_in_three_languages(tmp_path: Path, name: str) -> None:
    given = [{**row, name: row["label"]} for row in rows(2)]
    assert read_export(write(tmp_path / "x.csv", given, ("id", "message", name))).found["label"] == name


def test_a_label_column_that_cannot_be_found_is_asked_for(tmp_path: Path) -> None:
    given = [{**row, "Verdict": row["label"]} for row in rows(2)]
    path = write(tmp_path / "x.csv", given, ("id", "message", "Verdict"))
    with pytest.raises(ColumnError, match=r"'Verdict' would do\. Name it with --label"):
        read_export(path)
    assert read_export(path, columns={"label": "verdict"}).found["label"] == "Verdict"
    with pytest.raises(ColumnError, match="--label: there is no column 'kind'"):
        read_export(path, columns={"label": "kind"})
    with pytest.raises(UsageError, match="is not a file"):
        read_export(str(tmp_path))


def test_a_column_of_another_meaning_is_no_sentiment(tmp_path: Path) -> None:
    given = [{**row, "sentiment": f"level {place % 3}"} for place, row in enumerate(rows(2))]
    assert "sentiment" not in export_of(tmp_path, given).found


def test_rows_that_cannot_be_read_are_rejects_with_their_reason(tmp_path: Path) -> None:
    german = "Ich möchte bitte sofort mein Geld zurück haben, danke"
    odd = [{"id": "a", "message": "", "label": "App bug"}, {"id": "b", "message": german, "label": "App bug"}]
    found = export_of(tmp_path, [*rows(2), *odd])
    assert [reject.reason for reject in found.rejects] == [NO_TEXT, "its language is none that Nabd reads"]


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        ("Refund", "refund", "spelling"), ("log in", "Login", "spelling"), ("refund", "refunds", "plural"),
        ("delivery", "deliveries", "plural"), ("كارت", "کارت", "spelling"), ("شكوي", "شکوی", "spelling"),
        ("الفاتورة", "فاتورات", "plural"), ("برداشت", "برداشت‌ها", "plural"), ("complaint", "complain", "close"),
        ("payment", "delivery", None), ("refund", "repaid", None), ("level 1 issue", "level 2 issue", None),
        ("شكوى", "شكر", None), ("access", "acces", "close"),
    ],
)  # fmt: skip
def test_near_duplicate_labels_are_suggested(one: str, other: str, how: str | None) -> None:
    found = near_duplicates({one: 5, other: 3})
    assert [(each.keep, each.other, each.how) for each in found] == ([(one, other, how)] if how else [])


def test_a_cell_of_several_labels_holds_labels_that_stand_alone_elsewhere() -> None:
    assert several(["a", "b", "a;b", "a | b", "c;d", "a;"]) == {"a;b", "a | b"}


def test_the_closest_label_is_named_for_one_that_is_unknown() -> None:
    assert closest("Refnd", {"refund": "Refund", "delivery": "Delivery"}) == "Refund"
    assert closest("zzz", {"refund": "Refund"}) is None


def test_names_of_our_own_labels_mean_the_base_models(tmp_path: Path) -> None:
    found = label_set(["Refund", "عطل", "تحویل"], DEFAULT)
    assert found.taxonomy is DEFAULT
    assert [found.topic(name) for name in ("refund", "عطل", "تحويل")] == ["refund", "fault", "delivery"]
    assert found.taught == set(DEFAULT.topic_ids)


def test_own_names_become_topics_that_are_their_own_categories() -> None:
    found = label_set(["Money back", "Out of scope"], DEFAULT)
    assert found.taxonomy.topic_ids == ("Money back", OUT_OF_SCOPE)
    assert found.taxonomy.category_of == {"Money back": "Money back", OUT_OF_SCOPE: OUT_OF_SCOPE}
    assert (found.topic("Money back"), found.topic("Out of scope"), found.topic("money back")) == (
        "Money back", OUT_OF_SCOPE, None,
    )  # fmt: skip
    assert found.taught == {OUT_OF_SCOPE}
    assert found.described() == [], "a name that is its id says nothing, and rows of ours teach what is out of scope"


TAXONOMY = """
[[category]]
name = "money"
en = "Money"
domain = "support"
[[label]]
name = "refund"
fa = "بازگشت پول"
description = "wants the money back"
category = "money"
queue = "cash desk"
aliases = ["Money back", "Rückzahlung"]
[[label]]
name = "bug"
queue = "tech"
aliases = ["App bug"]
"""


def test_a_file_names_labels_in_three_languages_and_sorts_them(tmp_path: Path) -> None:
    path = tmp_path / "labels.toml"
    path.write_text(TAXONOMY, encoding="utf-8")
    found = label_set(["Money back"], DEFAULT, path)
    assert found.taxonomy.topic_ids == ("refund", "bug", OUT_OF_SCOPE)
    assert found.taxonomy.category_of == {"refund": "money", "bug": "bug", OUT_OF_SCOPE: OUT_OF_SCOPE}
    assert found.taxonomy.domain_of["money"] == "support"
    assert (found.taxonomy.topics[0].fa, found.taxonomy.topics[0].ar) == ("بازگشت پول", "refund")
    assert [found.topic(name) for name in ("MONEY BACK", "بازگشت پول", "refund", "else")] == ["refund"] * 3 + [None]
    assert ("refund", "wants the money back") in found.described()
    assert found.queues == {"refund": "cash desk", "bug": "tech"}


def test_a_file_may_add_labels_to_the_base_models(tmp_path: Path) -> None:
    path = tmp_path / "labels.toml"
    path.write_text('extend = true\n[[label]]\nname = "warranty"\ncategory = "technical_fix"\n', encoding="utf-8")
    found = label_set(["warranty", "refund"], DEFAULT, path)
    assert set(found.taxonomy.topic_ids) == {*DEFAULT.topic_ids, "warranty"}
    assert found.taxonomy.category_of["warranty"] == "technical_fix"
    assert found.taught == set(DEFAULT.topic_ids)
    path.write_text('extend = true\n[[label]]\nname = "warranty"\ncategory = "nowhere"\n', encoding="utf-8")
    with pytest.raises(BundleError, match="belongs to category 'nowhere'"):
        label_set(["warranty"], DEFAULT, path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[label]]\nname = 5\n", "labels.toml line 2, label 1 .5.: name must be str, found int"),
        ('[[label]]\nname = "a"\ncolour = "red"\n', "line 3, label 1 .'a'.: unknown key 'colour'"),
        ('[[label]]\nname = "a"\n[[label]]\nname = "a"\n', "line 4, label 2 .'a'.: the name 'a' is empty or taken"),
        ("[[labels]]\n", "unknown key 'labels', expected one of extend, label, category"),
        ("", "expected .*label.* tables"), ("label = [", "is not valid TOML"),
    ],
)  # fmt: skip
def test_a_file_of_labels_that_cannot_be_used_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "labels.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        label_set(["a"], DEFAULT, path)
    with pytest.raises(UsageError, match="cannot be read"):
        label_set(["a"], DEFAULT, tmp_path / "none.toml")


def test_all_messages_that_come_with_nabd_teach_its_own_labels(tmp_path: Path) -> None:
    ours = {"Money back": "استرداد المال", "App bug": "خرابی", "Late parcel": "Delivery", "Thank you": "praise"}
    data = write(tmp_path / "x.csv", [{**row, "label": ours[row["label"]]} for row in rows(3)])
    found = survey(Request(data, tmp_path / "mine", tmp_path), DEFAULT)
    assert found.found.labels.taxonomy == DEFAULT
    assert {row.label for row in found.found.rows} == {"refund", "fault", "delivery", "praise"}
    assert sum(row.number == 0 for row in found.lessons) > 3000
    assert {row.label for row in found.lessons} == set(DEFAULT.topic_ids)


def test_the_draft_of_a_file_is_read_back(tmp_path: Path) -> None:
    counts = {'شكوى "عاجلة"': 9, "refund": 4, "refunds": 2}
    path = tmp_path / "draft.toml"
    path.write_text(draft(counts, near_duplicates(counts), "mine"), encoding="utf-8")
    assert '# aliases = ["refunds"]' in path.read_text(encoding="utf-8")
    assert label_set(counts, DEFAULT, path).taxonomy.topic_ids == (*counts, OUT_OF_SCOPE)


def test_routes_of_own_labels_are_taken_by_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "labels.toml"
    path.write_text(TAXONOMY, encoding="utf-8")
    labels = label_set([], DEFAULT, path)
    settings = tmp_path / "nabd.toml"
    settings.write_text(render_routes(labels.queues, labels.taxonomy, "mine"), encoding="utf-8")
    routes = load_settings(settings, environment={}, table=labels.taxonomy).routes
    own = [(rule.queue, dict(rule.when)) for rule in routes if "topic" in rule.when]
    assert own == [("cash desk", {"topic": ("refund",)}), ("tech", {"topic": ("bug",)})]
    assert routes[-1].when == {}
    assert any(rule.when.get("review") == ("unsupported_language",) for rule in routes)


def test_copies_contradictions_and_rare_labels_are_left_out_and_counted(tmp_path: Path) -> None:
    given = rows(2)
    twice = [{**given[0], "id": "copy", "message": given[0]["message"].upper() + "!!"},
             {**given[1], "id": "rival", "label": "App bug"}]  # fmt: skip
    rare = [{"id": f"r{i}", "message": f"a question about invoice {i}", "label": "Invoice"} for i in range(3)]
    export = export_of(tmp_path, [*given, *twice, *rare])
    found = gather(export, label_set([row.label for row in export.rows], DEFAULT))
    assert (found.copies, found.conflicts, found.rare) == (1, 2, {"Invoice": 3})
    assert len(found.rows) == len(given) - 1
    assert "Invoice" not in found.labels.taxonomy.topic_ids
    reasons = {reject.number: reject.reason for reject in found.rejects}
    assert reasons[len(given) + 1] == "it is a copy of row 1"
    assert reasons[2] == "the same text also has the label 'App bug'"
    assert reasons[len(given) + 3] == "its label 'Invoice' has only 3 rows"
    assert len(found.rows) + len(found.rejects) == len(given) + 5


def test_rare_labels_can_be_kept_as_one(tmp_path: Path) -> None:
    rare = [{"id": f"r{i}", "message": f"a question about invoice {i}", "label": f"Rare {i % 2}"} for i in range(10)]
    export = export_of(tmp_path, [*rows(2), *rare])
    labels = label_set([row.label for row in export.rows], DEFAULT)
    found = gather(export, labels, rare="other")
    assert Counter(row.label for row in found.rows)[OTHER.id] == 10
    assert OTHER.id in found.labels.taxonomy.topic_ids
    assert not found.rejects
    with pytest.raises(UsageError, match="expected one of leave, other"):
        gather(export, labels, rare="drop")


def test_an_export_without_two_labels_is_refused(tmp_path: Path) -> None:
    export = export_of(tmp_path, [*rows(2, ["App bug"]), *rows(1, ["Thank you"], ["en"])])
    with pytest.raises(InputError, match="fewer than two labels have 8 rows"):
        gather(export, label_set([row.label for row in export.rows], DEFAULT))


def test_the_findings_say_it_in_plain_words(tmp_path: Path) -> None:
    given = rows(3)
    given += [{**row, "id": f"z{row['id']}", "label": "App bugs", "message": "now " + row["message"]}
              for row in rows(3, ["App bug"])[:8]]  # fmt: skip
    given += [{"id": "q", "message": "hello there my friend", "label": "App bug;Thank you"}]
    export = export_of(tmp_path, given)
    names = [row.label for row in export.rows]
    found = gather(export, label_set(names, DEFAULT))
    said = "\n".join(findings(export, found, near_duplicates(Counter(names)), split_rows(found.rows, seed=0)))
    assert "The labels 'App bug' and 'App bugs' differ in number alone." in said
    assert "1 rows have several labels in one cell" in said
    assert "Split by text: train" in said
    assert "| Money back | 6 | 6 | 6 | 18 |" in label_table(found)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 500)), min_size=1, max_size=120),
    st.booleans(),
    st.integers(0, 9),
)
def test_no_customer_is_in_two_splits(pairs: list[tuple[int, int]], dated: bool, seed: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    given = [
        labelled(i + 1, customer=f"c{who}", time=start + timedelta(hours=when) if dated else None)
        for i, (who, when) in enumerate(pairs)
    ]
    split = split_rows(given, seed=seed)
    assert split.of.keys() == {row.number for row in given}
    if split.customers:
        for who in {row.customer for row in given}:
            assert len({split.of[row.number] for row in given if row.customer == who}) == 1


def test_dates_split_the_rows_by_time() -> None:
    start, rng = datetime(2026, 1, 1, tzinfo=UTC), random.Random(0)
    given = [labelled(i + 1, time=start + timedelta(hours=i)) for i in range(200)]
    rng.shuffle(given)
    split = split_rows(given, seed=0)
    assert split.by == "time"
    times = {name: [row.time for row in split.rows(given, name) if row.time] for name in ("train", "dev", "gate")}
    assert max(times["train"]) < min(times["dev"]) < max(times["dev"]) < min(times["gate"])
    assert [len(times[name]) for name in ("gate", "dev")] == [200 * GATE, 200 * DEV]


def test_without_dates_a_row_keeps_its_split_when_others_are_added() -> None:
    given = [labelled(i + 1) for i in range(600)]
    before, after = split_rows(given[:300], seed=3), split_rows(given, seed=3)
    assert all(before.of[row.number] == after.of[row.number] for row in given[:300])
    assert before.by == "text"
    assert Counter(after.of.values())["gate"] == pytest.approx(600 * GATE, rel=0.25)
    assert split_rows(given, seed=4).of != after.of
    assert split_rows(given[::-1], seed=3).of == after.of


def test_a_small_label_has_rows_in_every_split() -> None:
    given = [labelled(i + 1, label=f"label {i % 10}") for i in range(100)]
    split = split_rows(given, seed=1)
    for label in range(10):
        counts = Counter(split.of[row.number] for row in given if row.label == f"label {label}")
        assert counts == {"gate": 2, "dev": 2, "train": 6} or counts == {"gate": 2, "dev": 1, "train": 7}


def test_a_few_customers_do_not_decide_the_split() -> None:
    given = [labelled(i + 1, customer=f"c{i % 5}") for i in range(100)]
    assert not split_rows(given, seed=0).customers
    assert split_rows([replace(row, customer=f"c{row.number % 30}") for row in given], seed=0).by == "customer"


def test_the_messages_that_come_with_nabd_teach_what_is_out_of_scope() -> None:
    ours = authored([OUT_OF_SCOPE])
    assert {row.label for row in ours} == {OUT_OF_SCOPE}
    assert {row.language for row in ours} == {"ar", "fa", "en"}
    assert {row.number for row in ours} == {0}
    assert len(authored([OUT_OF_SCOPE], apart_from={ours[0].key})) == len(ours) - 1
