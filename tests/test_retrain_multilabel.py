"""`nabd retrain` on rows of several labels each: read, checked, split, learnt, calibrated, compared, judged."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st
from many_topics import LABELS, ROWS, TOPICS, build, messages
from retrain_export import rows as single_rows
from retrain_export import write
from sklearn.metrics import average_precision_score, f1_score
from typer.testing import CliRunner

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.calibrate import calibration_error
from pipeline.cli import app
from pipeline.columns.names import labels_in
from pipeline.encoder import FakeEncoder
from pipeline.errors import UsageError
from pipeline.records import Message
from pipeline.score import score
from pipeline.settings import load_settings
from pipeline.taxonomy import DEFAULT, EVEN, OUT_OF_SCOPE
from pipeline.training.linear import Head
from pipeline.training.retrain.labels import label_set
from pipeline.training.retrain.multilabel.compare import MEASURES, Sets, compare_sets, render_sets
from pipeline.training.retrain.multilabel.heads import Candidate, candidates, fit_head, fit_sets, mean_precision
from pipeline.training.retrain.multilabel.judged import JudgedSets, calibrated, levels_of, set_suspects
from pipeline.training.retrain.multilabel.lessons import SetLessons
from pipeline.training.retrain.names import several
from pipeline.training.retrain.rows import Labelled, read_export
from pipeline.training.retrain.run import Retrained, check, retrain
from pipeline.training.retrain.sets import has_several, parts
from pipeline.training.retrain.splits import gate_rows, read_record, split_rows
from pipeline.training.retrain.survey import Request, survey

Nabd = Callable[..., Result]
COLUMNS = ("id", "message", "label")


# Cells


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("refund; charge", ("refund", "charge")), ("refund|charge |", ("refund", "charge")),
        ("استرداد؛ رسوم", ("استرداد", "رسوم")), ("بازگشت پول | خرابی برنامه", ("بازگشت پول", "خرابی برنامه")),
        ('["refund", "شكوى عاجلة"]', ("refund", "شكوى عاجلة")),
        ("['پیگیری', 'refund; late']", ("پیگیری", "refund; late")),
        ("refund", ("refund",)), ("[broken; cell]", ("[broken", "cell]")), ("a; a ;b", ("a", "b")), ("[]", ()),
        (";", ()),
    ],
)  # fmt: skip
def test_labels_of_a_cell(cell: str, labels: tuple[str, ...]) -> None:
    assert labels_in(cell) == labels


@given(
    st.lists(st.text(st.sampled_from("ab رلی'\"\\"), min_size=1).map(str.strip).filter(bool), min_size=1, unique=True)
)
def test_lists_are_read_back_as_json_and_as_python_write_them(labels: list[str]) -> None:
    wanted = tuple(dict.fromkeys(" ".join(label.split()) for label in labels))
    assert labels_in(json.dumps(labels, ensure_ascii=False)) == labels_in(str(labels)) == wanted


def test_several_labels_are_told_from_names_that_hold_a_mark() -> None:
    assert several(["a;b", "b|c", "c", "x; y", "a"]) == {"a;b", "b|c"}
    assert several(["['a']", "a"]) == {"['a']"}
    assert several(["a;b", "b|c", "c", "x; y", "a;z"], sure=False) == {"a;b", "b|c", "a;z"}
    assert parts(["a;b", "a", "b", "x; y"], multilabel=True)["x; y"] == ("x; y",)
    assert parts(["a;b", "a", "b"], multilabel=False)["a;b"] == ("a;b",)
    assert parts(["['a']", '["a", "b"]'], multilabel=False) == {"['a']": ("a",), '["a", "b"]': ('["a", "b"]',)}


def test_a_few_rows_of_several_labels_are_a_mistake_and_many_are_not() -> None:
    singles = ["a", "b"] * 50
    assert not has_several(singles)
    assert not has_several([*singles, "a;b"])
    assert has_several([*singles, *["a;b"] * 10])
    assert not has_several(["x; y"] * 50 + ["a", "b"])


# Rows


def gathered(folder: Path, given_rows: list[dict[str, str]], **options: Any) -> Any:
    data = write(folder / "rows.csv", given_rows, COLUMNS)
    return survey(Request(data, folder / "mine", folder, **options), DEFAULT)


def test_rows_keep_all_their_labels(tmp_path: Path) -> None:
    found = gathered(tmp_path, messages())
    table = found.found.labels.taxonomy
    assert table.multilabel
    assert set(table.topic_ids) == {*TOPICS, OUT_OF_SCOPE}
    truth = {row["id"]: labels_in(row["label"]) for row in messages()}
    assert all(row.topics == truth[row.id] and row.label == truth[row.id][0] for row in found.found.rows)
    assert "Several labels a row are learnt" in found.report
    assert found.counts == dict(Counter(label for labels in truth.values() for label in labels))


def test_every_label_comes_into_every_part(tmp_path: Path) -> None:
    rare = [{"id": f"r{n}", "message": f"warranty question {n}", "label": "ضمان; Money back"} for n in range(9)]
    split = gathered(tmp_path, [*messages(), *rare])
    for name in ("train", "dev", "gate"):
        topics = {topic for row in split.split.rows(split.found.rows, name) for topic in row.topics}
        assert topics == {*TOPICS, "ضمان"}, name


def test_copies_are_joined_and_rare_labels_dropped(tmp_path: Path) -> None:
    extra = [
        {"id": "one", "message": "the very same text", "label": "Money back"},
        {"id": "two", "message": "The very same text!", "label": "Thank you"},
        {"id": "rare", "message": "a rare matter", "label": "نادر; Money back"},
        {"id": "rarer", "message": "another rare matter", "label": "نادر"},
        {"id": "spam", "message": "buy gold now", "label": "out of scope; Money back"},
    ]
    found = gathered(tmp_path, [*messages(), *extra]).found
    rows = {row.id: row.topics for row in found.rows}
    assert rows["one"] == ("Money back", "Thank you")
    assert rows["rare"] == rows["spam"] == ("Money back",)
    assert {"two", "rarer"}.isdisjoint(rows)
    assert (found.copies, found.conflicts, dict(found.rare)) == (1, 0, {"نادر": 2})
    reasons = {reject.values["id"]: reject.reason for reject in found.rejects}
    assert "a copy of row" in reasons["two"]
    assert "too rare to learn" in reasons["rarer"]


def test_a_label_that_a_file_does_not_know_leaves_its_row_out(tmp_path: Path) -> None:
    (tmp_path / "labels.toml").write_text(LABELS, encoding="utf-8")
    wrong = {"id": "x", "message": "a text of its own", "label": "Money back; Mony bak"}
    found = gathered(tmp_path, [*messages(), wrong], taxonomy=tmp_path / "labels.toml").found
    assert [reject.reason for reject in found.rejects] == [
        "its label 'Mony bak' is none to learn; the closest is 'Money back'"
    ]
    assert dict(found.unknown) == {"Mony bak": 1}


def test_what_rows_may_have_is_as_the_user_says(tmp_path: Path) -> None:
    one = gathered(tmp_path, messages(), multilabel=False).found
    assert not one.labels.taxonomy.multilabel
    assert one.several == sum(";" in row["label"] for row in messages())
    assert all(len(row.topics) == 1 for row in one.rows)
    assert gathered(tmp_path, single_rows(), multilabel=True).found.labels.taxonomy.multilabel
    assert not gathered(tmp_path, single_rows()).found.labels.taxonomy.multilabel


def test_other_ways_to_write_them(tmp_path: Path) -> None:
    plain = gathered(tmp_path, messages()).found.rows
    for mark in ("|", "؛"):
        found = gathered(tmp_path, messages(mark=mark)).found.rows
        assert [row.topics for row in found] == [row.topics for row in plain]
    listed = [{**row, "label": json.dumps(labels_in(row["label"]), ensure_ascii=False)} for row in messages()]
    assert [row.topics for row in gathered(tmp_path, listed).found.rows] == [row.topics for row in plain]


def test_own_labels_of_nabd_may_be_several_too(tmp_path: Path) -> None:
    names = {"Money back": "refund", "عطل في التطبيق": "fault", "تأخیر در تحویل": "delivery", "Thank you": "praise"}
    given_rows = [{**row, "label": ";".join(names[label] for label in labels_in(row["label"]))} for row in messages(20)]
    found = gathered(tmp_path, given_rows).found
    assert found.labels.taxonomy.multilabel
    assert found.labels.taxonomy.topics == DEFAULT.topics
    assert found.labels.taught == set(DEFAULT.topic_ids)


# Heads and calibration


def toy(count: int = 400, *, seed: int = 0, whole: float = 0.0) -> SetLessons:
    """Three labels, each of a direction of its own; the third has no row, and of the rows a share has none.

    `whole` is the share of those that get the first.
    """
    draw = np.random.default_rng(seed)
    truth = np.stack([draw.random(count) < 0.5, draw.random(count) < 0.1, np.zeros(count, bool)], axis=1)
    truth[:, 0] |= ~truth.any(axis=1) & (draw.random(count) < whole)
    vectors = (draw.normal(size=(count, 8)) + 3.0 * truth @ np.eye(3, 8)).astype(np.float32)
    folds = draw.integers(0, 5, count)
    none = np.zeros((0, 8), np.float32), np.zeros(0, np.int64)
    return SetLessons(("a", "b", "c"), vectors, truth, np.ones(count), folds, none)


@pytest.mark.parametrize("candidate", list(candidates(toy())), ids=str)
def test_each_head_finds_its_own_label(candidate: Candidate) -> None:
    lessons = toy()
    head = fit_head(lessons, candidate, np.full(400, True))
    fresh = toy(seed=1)
    scores = head.logits(fresh.vectors)
    for column in (0, 1):
        assert average_precision_score(fresh.truth[:, column], scores[:, column]) > 0.75
    assert (scores[:, 2] < -1000).all()


def test_the_best_candidate_is_chosen_on_rows_unseen() -> None:
    fitted = fit_sets(toy())
    assert len(fitted.judged) == 400
    assert max(fitted.tried.values()) == pytest.approx(mean_precision(toy().truth, fitted.scores), abs=1e-4)
    expected = [average_precision_score(toy().truth[:, k], fitted.scores[:, k]) for k in (0, 1)]
    assert mean_precision(toy().truth, fitted.scores) == pytest.approx(np.mean(expected))


def rows_of(truth: Any, *, number: int = 1) -> list[Labelled]:
    languages = ("en", "ar", "fa")
    names = np.array(["a", "b", "c"])
    return [
        Labelled(number * (n + 1), str(n), "", "", b"", languages[n % 3], "a", labels=tuple(names[row]))
        for n, row in enumerate(truth)
    ]


def test_scores_become_probabilities_that_mean_what_they_say() -> None:
    lessons = toy(2000)
    fitted = fit_sets(lessons)
    raw = JudgedSets(rows_of(lessons.truth), lessons.truth, fitted.scores)
    head, judged = calibrated(fitted.head, raw, lessons.labels)
    chances = judged.probabilities({"*": 1.0})
    for column in (0, 1):
        sure, truth = chances[:, column], lessons.truth[:, column]
        assert calibration_error(np.where(sure > 0.5, sure, 1 - sure), (sure > 0.5) == truth) < 0.03
        assert sure.mean() == pytest.approx(truth.mean(), abs=0.01)
    assert (chances[:, 2] == 0).all()
    seen = JudgedSets(raw.rows, raw.truth, fitted.head.logits(lessons.vectors))
    _, same = calibrated(fitted.head, seen, lessons.labels)
    refitted, _ = calibrated(fitted.head, seen, lessons.labels)
    assert np.allclose(refitted.logits(lessons.vectors)[:, :2], same.logits[:, :2], atol=1e-2)
    assert (np.diff(head.logits(lessons.vectors)[np.argsort(seen.logits[:, 0]), 0]) > -1e-3).all()


def test_a_score_that_means_nothing_is_no_reason() -> None:
    truth = np.tile([[True, False, False], [False, True, False]], (50, 1))
    reversed_scores = np.where(truth, -1.0, 1.0).astype(np.float32)
    head = Head(np.ones((4, 3), np.float32), np.zeros(3, np.float32), 1.0, 0.0)
    _, judged = calibrated(head, JudgedSets(rows_of(truth), truth, reversed_scores), ("a", "b", "c"))
    assert np.allclose(judged.probabilities({"*": 1.0})[:, :2], 0.5, atol=0.01)


def test_levels_are_the_best_f1_of_each_label() -> None:
    truth = np.array([[True]] * 60 + [[False]] * 60)
    chances = np.concatenate([np.full(60, 0.35), np.full(60, 0.2)])[:, None]
    assert 0.2 < levels_of(truth, chances)[0] <= 0.35
    assert levels_of(truth, np.where(truth, 0.99, 0.01))[0] == EVEN
    assert levels_of(np.zeros((5, 1), bool), np.ones((5, 1)))[0] == EVEN


def test_wrong_labels_are_suspected() -> None:
    lessons, wrong = toy(600, whole=1.0), range(5, 45)
    truth = lessons.truth.copy()
    truth[wrong] = np.stack([~truth[wrong, 0], truth[wrong, 0], truth[wrong, 2]], axis=1)
    raw = JudgedSets(rows_of(truth), truth, np.where(lessons.truth, 6.0, -6.0).astype(np.float32))
    found = set_suspects(raw, lessons.labels)
    assert len(found) >= 30
    assert {int(each.row.id) for each in found} <= set(wrong)
    for each in found:
        assert each.suggested == ";".join(np.array(["a", "b", "c"])[lessons.truth[int(each.row.id)]])
        assert each.sure > 0.8


# Comparison


SET_LISTS = st.lists(st.tuples(*[st.booleans()] * 6, *[st.floats(0, 1)] * 3), min_size=2, max_size=12)


@given(SET_LISTS)
def test_measures_are_those_of_scikit_learn(given_rows: list[Any]) -> None:
    table = np.array([row[:6] for row in given_rows], bool)
    truth, said = table[:, :3], Sets(table[:, 3:], np.array([row[6:] for row in given_rows]))
    once, held = np.ones((1, len(truth))), truth.any(axis=0)
    if not held.any():
        return
    pairs = [(truth[:, k], said.given[:, k], said.chances[:, k]) for k in np.flatnonzero(held)]
    expected = {
        "micro_f1": f1_score(truth, said.given, average="micro", zero_division=0),
        "macro_f1": np.mean([f1_score(true, given, zero_division=0) for true, given, _ in pairs]),
        "average_precision": np.mean([average_precision_score(true, chance) for true, _, chance in pairs]),
    }
    for name, value in expected.items():
        assert MEASURES[name](truth, said, once)[0] == pytest.approx(value), name


def test_the_comparison_is_by_language_with_paired_intervals() -> None:
    truth = np.random.default_rng(0).random((90, 3)) < 0.4
    perfect, reverse = (Sets(given_sets, given_sets.astype(float)) for given_sets in (truth, ~truth))
    found = compare_sets(truth, perfect, reverse, np.array(["ar", "fa", "en"] * 30), seed=0)
    assert found.keys() == {"all", "ar", "fa", "en"}
    assert found["ar"]["n"] == 30
    assert found["all"]["macro_f1"]["recipe"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert found["all"]["micro_f1"]["difference"]["low"] > 0.9
    assert "mean average precision" in render_sets(found, "heads")


# The whole


def made(
    tiny_bundle: Bundle, folder: Path, given_rows: list[dict[str, str]] | None = None, **options: Any
) -> Retrained:
    bundles.save(tiny_bundle, folder / "models" / "tiny")
    data = write(folder / "export.csv", messages(), COLUMNS)
    options = {"vectors": folder / "vectors", "encoder": FakeEncoder()} | options
    return retrain(data, folder / "models" / "many", base=folder / "models" / "tiny", **options)


@pytest.fixture(scope="module")
def learnt(tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> tuple[Retrained, Path]:
    folder = tmp_path_factory.mktemp("sets")
    return made(tiny_bundle, folder), folder


def test_several_topics_are_learnt_and_given_in_three_languages(learnt: tuple[Retrained, Path]) -> None:
    bundle = bundles.load(learnt[0].bundle_folder, encoder=FakeEncoder())
    assert bundle.taxonomy.multilabel
    assert bundle.applies.keys() == set(bundle.taxonomy.topic_ids)
    fresh = messages(30, seed=11)
    said = score([Message(row["message"]) for row in fresh], bundle, load_settings(table=bundle.taxonomy).routes)
    right = [set(one.topics or ()) == set(labels_in(row["label"])) for one, row in zip(said, fresh, strict=True)]
    assert np.mean(right) > 0.8
    assert {len(one.topics or ()) for one in said} >= {1, 2, 3}


def test_the_same_inputs_give_the_same_model(
    learnt: tuple[Retrained, Path], tiny_bundle: Bundle, tmp_path: Path
) -> None:
    assert made(tiny_bundle, tmp_path).digest == learnt[0].digest
    assert made(tiny_bundle, tmp_path, seed=1).digest != learnt[0].digest


def test_a_file_held_out_is_judged_by_label_sets(
    learnt: tuple[Retrained, Path], tiny_bundle: Bundle, tmp_path: Path
) -> None:
    fresh = messages(30, seed=11)
    data = write(tmp_path / "held.csv", fresh, COLUMNS)
    found = made(tiny_bundle, tmp_path, held_out=data)
    assert found.digest == learnt[0].digest
    assert len(fresh) / 2 < found.held_out["all"]["n"] <= len(fresh)
    assert found.held_out["all"]["micro_f1"]["recipe"]["value"] > 0.8
    assert any("| rows of held.csv | measure |" in note for note in found.notes)


def test_it_is_compared_and_recorded(learnt: tuple[Retrained, Path]) -> None:
    found, folder = learnt
    record = read_record(found.bundle_folder)
    assert record["dev"] == found.metrics
    assert found.metrics["all"]["macro_f1"]["recipe"]["value"] > 0.9
    assert set(found.metrics["all"]) == {"n", "micro_f1", "macro_f1", "average_precision"}
    manifest = json.loads((found.bundle_folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["training"]["dev"].keys() == {"micro_f1", "macro_f1", "average_precision"}
    card = (found.bundle_folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "as many of the topics below as apply, or none" in card
    assert "## Several topics a message" in card
    assert not any(row["message"] in card for row in messages())
    assert any("micro-F1" in note for note in found.notes)
    assert folder.exists()


def test_the_gate_rows_have_all_their_topics(learnt: tuple[Retrained, Path]) -> None:
    found, folder = learnt
    truth = {row["id"]: labels_in(row["label"]) for row in messages()}
    gate = gate_rows(str(folder / "export.csv"), found.bundle_folder)
    assert gate
    for row in gate:
        assert (row.topics, row.topic, row.category) == (truth[row.id], truth[row.id][0], truth[row.id][0])
        assert row.others == truth[row.id][1:]


def test_labels_that_look_wrong_are_corrected_as_sets(tiny_bundle: Bundle, tmp_path: Path) -> None:
    given_rows = messages()
    for row in given_rows[:4]:
        row["label"] = "Thank you" if "Thank you" not in row["label"] else "Money back"
    bundles.save(tiny_bundle, tmp_path / "models" / "tiny")
    data = write(tmp_path / "export.csv", given_rows, COLUMNS)
    request = Request(
        data, tmp_path / "models" / "many", tmp_path / "models" / "tiny", vectors=tmp_path / "v", encoder=FakeEncoder()
    )
    assert "labels that look wrong" in check(request)[1]
    path = tmp_path / "models" / "many.suspects.csv"
    with path.open(encoding="utf-8", newline="") as file:
        suspects = list(csv.DictReader(file))
    assert suspects
    suspects[0]["corrected"] = "Money back; عطل في التطبيق"
    write(path, suspects, tuple(suspects[0]))
    found = survey(Request(data, tmp_path / "x", tmp_path, corrections=path), DEFAULT).found
    rows = {row.id: row.topics for row in found.rows}
    assert rows[suspects[0]["id"]] == ("Money back", "عطل في التطبيق")


def test_one_label_a_row_is_normal_where_a_base_gives_several(learnt: tuple[Retrained, Path], tmp_path: Path) -> None:
    base = bundles.load(learnt[0].bundle_folder, encoder=FakeEncoder()).taxonomy
    single = [row for row in messages(40, seed=5) if ";" not in row["label"]]
    export = read_export(write(tmp_path / "single.csv", single, COLUMNS))
    assert label_set({row.label for row in export.rows}, base).kind == "base"
    found = survey(Request(export.path, tmp_path / "x", tmp_path), base).found
    assert found.labels.taxonomy == base
    request = Request(export.path, tmp_path / "x", tmp_path, multilabel=False)
    assert not survey(request, base).found.labels.taxonomy.multilabel


def test_fine_tuning_learns_one_label_a_row(tiny_bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="learns one label a row; rows with several need --recipe heads"):
        made(tiny_bundle, tmp_path, recipe="finetune", source=tmp_path)


def test_splits_of_single_labels_are_as_ever() -> None:
    given_rows = [Labelled(n, str(n), "", "", str(n).encode(), "en", "ab"[n % 2]) for n in range(1, 60)]
    of = split_rows(given_rows, seed=0).of
    assert Counter(of.values()) == Counter({"train": 39, "dev": 8, "gate": 12})


# The command line


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    build(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        words = "score export.csv -o scored.csv --model many --embeddings v.parquet -q"
        result = CliRunner().invoke(app, words.split())
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def nabd(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Nabd:
    monkeypatch.chdir(desk)

    def run(words: str, *more: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, [*words.split(), *more])
        assert result.exit_code == code, result.output
        return result

    return run


def cells_of(path: Path) -> list[Mapping[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_scored_file_lists_the_topics(desk: Path) -> None:
    found, truth = cells_of(desk / "scored.csv"), messages(ROWS)
    listed = [{part.rpartition(":")[0] for part in row["nabd_topics"].split(";") if part} for row in found]
    right = [each == set(labels_in(row["label"])) for each, row in zip(listed, truth, strict=True)]
    assert np.mean(right) > 0.8
    assert all(not each or row["nabd_topic"] in each for each, row in zip(listed, found, strict=True))
    assert {row["nabd_queue"] for row in found} >= {"فريق المال", "Things", "Thank you"}


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("thanks a lot, lovely service from agent 5. the app crashes every time I open page 3", {TOPICS[3], TOPICS[1]}),
        ("الشحنة 8 لم تصل حتى الآن والمندوب متأخر. رجعوا لي فلوسي حق الطلب 8 لو سمحتوا", {TOPICS[2], TOPICS[0]}),
        ("خیلی ممنون از کارشناس 4 بابت برخورد عالی. بسته 7 هنوز نرسیده و پیک دیر کرده", {TOPICS[3], TOPICS[2]}),
    ],
)
def test_a_message_of_two_topics_is_explained(nabd: Nabd, text: str, topics: set[str]) -> None:
    assert set(json.loads(nabd("explain --model many --json", text).stdout)["topics"]) == topics
    shown = nabd("explain --model many", text).stdout
    assert all(topic in shown for topic in topics)


def test_every_verb_takes_such_a_model(nabd: Nabd, desk: Path) -> None:
    tried = json.loads(nabd("route scored.csv --dry-run --json").stdout)
    assert tried["misroutes"]["all"]["messages"] == 3 * ROWS
    assert "0 (0%) to another queue" in nabd("route scored.csv -o again.csv").stdout
    nabd("risk scored.csv -o risk.csv")
    nabd("report scored.csv -o page.html --lang fa --risk risk.csv --embeddings v.parquet")
    assert "بازگشت پول" in (desk / "page.html").read_text(encoding="utf-8")
    nabd("emerging scored.csv --embeddings v.parquet")
    nabd("drift scored.csv --reference scored.csv --label label")
    nabd("run export.csv -o pulse --model many --lang ar -q")
    words = "calibrate --max-misroutes 5% --labelled export.csv --category label --text message"
    nabd(f"{words} --model many -o models/strict")
    nabd("replay export.csv --old old --new many -o replayed -q")
    assert "many@" in nabd("models").stdout


def test_it_is_judged_by_the_topic_that_it_gives_first(nabd: Nabd) -> None:
    words = "promote many --data export.csv --champion old --tracking sqlite:///m.db --by me --why own"
    result = CliRunner().invoke(app, words.split())
    assert result.exit_code in (0, 1), result.output
    assert "quality: topic" in result.output
    assert nabd
