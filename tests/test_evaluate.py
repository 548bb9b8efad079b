"""A tiny bundle judged on tiny data in three languages: the figures are those of `score()`, and the pages say them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import accuracy_score, f1_score

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.encoder import FakeEncoder
from pipeline.errors import InputError
from pipeline.records import Message, Prediction
from pipeline.score import score
from pipeline.settings import load_settings
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE, TASKS
from pipeline.training.card import render_card
from pipeline.training.evaluate import Judging, evaluate, publish
from pipeline.training.examples import Example
from pipeline.training.parity import FEW_SHOT, family, few_shot
from pipeline.training.results import render_results
from pipeline.training.scorecard import Case, difference, handed_over, scorecard
from pipeline.training.tables import figure, table
from pipeline.training.tracking import flat

MESSAGES = {
    "en": {
        "refund": "I want my money back for this order please",
        "fault": "the app crashes every time I open it",
        "praise": "thank you so much, lovely service",
        OUT_OF_SCOPE: "who won the football match last night",
    },
    "ar": {
        "refund": "أبغى فلوسي ترجع عن هذا الطلب لو سمحتوا",
        "fault": "التطبيق بيقفل كل ما أفتحه",
        "praise": "شكراً جزيلاً على الخدمة الممتازة",
        OUT_OF_SCOPE: "مين كسب ماتش إمبارح",
    },
    "fa": {
        "refund": "لطفاً پول این سفارش را برگردانید",
        "fault": "برنامه هر بار که باز می‌کنم بسته می‌شود",
        "praise": "خیلی ممنون از خدمات عالی شما",
        OUT_OF_SCOPE: "دیشب کدام تیم بازی را برد",
    },
}
FEELING = {"refund": "neutral", "fault": "negative", "praise": "positive", OUT_OF_SCOPE: None}
EMOTION = {"refund": "none", "fault": "anger", "praise": "joy", OUT_OF_SCOPE: "none"}
ORIGINS = {"en": "ibm_twitter_cc", "ar": "marsa", "fa": "snappfood"}
SPLITS = {"train": 3, "dev": 1, "test": 2}
INTENTS = {"card arrival": ("my new card is not here", "delivery"), "refund": ("give me back the fee", "refund")}
ROWS_SHA = "5eed" * 16


def gold(key: str, text: str, lang: str, topic: str, split: str) -> dict[str, Any]:
    return {
        "id": key, "source": "gold", "origin": ORIGINS[lang], "lang": lang, "dialect": None, "text": text,
        "split": split, "train_ok": True, "own": True, "intent": None, "topic": topic, "sentiment": FEELING[topic],
        "emotion": EMOTION[topic], "urgency": "high" if topic == "fault" else "normal",
        "churn": "yes" if topic == "refund" else "no",
    }  # fmt: skip


def public(source: str, lang: str, text: str, **labels: str) -> dict[str, Any]:
    empty = dict.fromkeys(("dialect", *TASKS))
    row = {
        "id": text,
        "source": source,
        "origin": source,
        "lang": lang,
        "text": text,
        "split": "test",
        "train_ok": True,
        "own": False,
        "intent": None,
    }
    return row | empty | labels


def rows() -> list[dict[str, Any]]:
    own = [
        gold(f"{lang}-{topic}-{split}-{i}", f"{text} {'!' * i}{'؟' * (split == 'test')} {split}", lang, topic, split)
        for lang, topics in MESSAGES.items()
        for topic, text in topics.items()
        for split, count in SPLITS.items()
        for i in range(count)
    ]
    return [
        *own,
        public("arbanking77", "ar", "وين الفلوس اللي رجعتوها", dialect="pal", topic="refund"),
        public("arbanking77", "ar", "أين المبلغ المسترد", dialect="msa", topic="refund"),
        public("snappfood", "fa", "غذا سرد و بدمزه بود", sentiment="negative"),
        public("snappfood", "fa", "عالی و خوشمزه بود", sentiment="positive"),
        public("churn_swisscom", "en", "I am switching to another operator", churn="yes"),
        public("churn_swisscom", "en", "which operator has coverage here", churn="no"),
        *(
            public("banking77", "en", f"{text} {split} {i}", split=split, intent=f"banking/{intent}", topic=topic)
            for intent, (text, topic) in INTENTS.items()
            for split, count in SPLITS.items()
            for i in range(count)
        ),
    ]


def write(folder: Path, content: Sequence[Mapping[str, Any]]) -> Path:
    folder.mkdir(parents=True)
    with gzip.open(folder / "rows.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in content)
    (folder / "report.json").write_text(json.dumps({"sha256": ROWS_SHA}), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def judged(tiny_bundle: Bundle) -> Bundle:
    """The tiny bundle, saying that it learnt from the tiny data."""
    sources = [
        {"name": "gold", "licence": "each row's origin", "train_ok": "yes", "rows": 36},
        {"name": "digikala-small", "licence": "none stated", "train_ok": "yes", "rows": 7},
    ]
    training = {
        "recipe": "heads", "per_group": 10, "seed": 0, "own_weight": 5.0, "C": dict.fromkeys(TASKS, 0.1),
        "rows": dict.fromkeys(TASKS, 36), "rows_sha256": ROWS_SHA, "licence": "any", "sources": sources, "dev": {},
        "max_error": 0.2,
    }  # fmt: skip
    return replace(tiny_bundle, training=training)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("prepared") / "data", rows())


@pytest.fixture(scope="module")
def metrics(judged: Bundle, data: Path) -> dict[str, Any]:
    found = evaluate(judged, data, Judging(data / "vectors"))
    return found | {"family": family(data, found)}


def test_gold_figures_are_those_of_score(judged: Bundle, metrics: dict[str, Any]) -> None:
    test = [row for row in rows() if row["source"] == "gold" and row["split"] == "test"]
    for language in ("all", "ar", "fa", "en"):
        chosen = [row for row in test if language in ("all", row["lang"])]
        said = score([Message(row["text"]) for row in chosen], judged, load_settings().routes)
        found = metrics["gold"][language]
        truth, given = [row["topic"] for row in chosen], [one.topic.label for one in said]
        held = sorted(set(truth))
        oracle = f1_score(truth, given, labels=held, average="macro", zero_division=0)
        assert found["topic"]["macro_f1"]["value"] == pytest.approx(oracle, abs=1e-4)
        truth, given = [DEFAULT.category_of[topic] for topic in truth], [one.category.label for one in said]
        assert found["category"]["accuracy"]["value"] == pytest.approx(accuracy_score(truth, given), abs=1e-4)
        in_scope = [pair for pair in zip(truth, given, strict=True) if pair[0] != OUT_OF_SCOPE]
        truth, given = zip(*in_scope, strict=True)
        oracle = f1_score(truth, given, labels=sorted(set(truth)), average="macro", zero_division=0)
        assert found["category"]["macro_f1"]["value"] == pytest.approx(oracle, abs=1e-4)
        assert found["category"]["n_in_scope"] == len(in_scope)


def test_intervals_hold_their_value(metrics: dict[str, Any]) -> None:
    for found in metrics["gold"].values():
        for measured in found.values():
            for name in ("macro_f1", "accuracy"):
                assert measured[name]["low"] <= measured[name]["value"] <= measured[name]["high"]


def test_public_sets_are_judged_on_their_own_tasks_and_dialects(metrics: dict[str, Any]) -> None:
    tasks = {
        source: {lang: set(found) for lang, found in langs.items()} for source, langs in metrics["sources"].items()
    }
    assert tasks == {
        "arbanking77": {"ar": {"category", "topic"}},
        "snappfood": {"fa": {"sentiment"}},
        "churn_swisscom": {"en": {"churn"}},
        "banking77": {"en": {"category", "topic"}},
    }
    assert metrics["intents"]["banking77"]["value"] == 1.0
    assert {source: set(found) for source, found in metrics["dialects"].items()} == {"arbanking77": {"msa", "pal"}}
    assert "head_macro_f1_neutral_masked" in metrics["sources"]["snappfood"]["fa"]["sentiment"]
    assert "head_macro_f1_neutral_masked" not in metrics["gold"]["all"]["sentiment"]


def test_baselines_learn_the_rows_and_stand_on_the_same_test(metrics: dict[str, Any]) -> None:
    learnt, constant = metrics["baselines"]["tfidf"]["all"], metrics["baselines"]["majority"]["all"]
    assert learnt["topic"]["macro_f1"]["value"] > 0.9  # the test texts are the train texts, slightly changed
    assert constant["topic"]["n"] == learnt["topic"]["n"] == metrics["gold"]["all"]["topic"]["n"] == 24
    assert constant["urgency"]["accuracy"]["value"] == 0.75  # `normal` is the label of three topics in four
    assert constant["urgency"]["macro_f1"]["value"] == pytest.approx((2 * 0.75 / 1.75) / 2, abs=1e-4)
    gap = metrics["difference"]["all"]
    ours, theirs = (
        side["all"]["category"]["macro_f1"]["value"] for side in (metrics["gold"], metrics["baselines"]["tfidf"])
    )
    assert gap["value"] == pytest.approx(ours - theirs, abs=2e-4)
    assert gap["low"] <= gap["value"] <= gap["high"]


def test_the_same_input_gives_the_same_figures_and_pages(judged: Bundle, data: Path, metrics: dict[str, Any]) -> None:
    again = evaluate(judged, data, Judging(data / "vectors"))
    again["family"] = family(data, again)
    assert json.dumps(again) == json.dumps(metrics)
    assert render_card(again) == render_card(metrics)
    assert render_results(again) == render_results(metrics)


def test_files_and_run_are_left_where_they_belong(judged: Bundle, metrics: dict[str, Any], tmp_path: Path) -> None:
    bundles.save(judged, tmp_path / "models" / "tiny")
    with chdir(tmp_path):
        said = publish(metrics, Path("models/tiny"), Path("docs/results.md"), tracking="sqlite:///build/mlflow.db")
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri="sqlite:///build/mlflow.db", registry_uri="sqlite:///build/mlflow.db")
        run = client.get_run(said.split()[-1])
        assert {each.path for each in client.list_artifacts(run.info.run_id)} == {"MODEL_CARD.md", "metrics.json"}
    assert {path.name for path in tmp_path.iterdir()} == {"models", "docs", "build"}
    assert {path.name for path in (tmp_path / "build").iterdir()} == {"mlflow.db", "mlartifacts"}
    assert not list(tmp_path.rglob("*.part"))
    assert json.loads((tmp_path / "models/tiny/metrics.json").read_text(encoding="utf-8")) == metrics
    assert run.info.status == "FINISHED"
    assert run.data.params["rows_sha256"] == ROWS_SHA
    assert run.data.metrics["gold/ar/topic/macro_f1/value"] == metrics["gold"]["ar"]["topic"]["macro_f1"]["value"]
    assert bundles.load(tmp_path / "models" / "tiny", encoder=FakeEncoder()).name == "tiny"


def test_the_pages_state_the_figures(metrics: dict[str, Any]) -> None:
    card, results = render_card(metrics), render_results(metrics)
    for page in (card, results):
        for language in ("all", "ar", "fa", "en"):
            assert figure(metrics["gold"][language]["category"]["macro_f1"]) in page
            assert figure(metrics["difference"][language]) in page
    assert all(f"`{topic}`" in card for topic in DEFAULT.topic_ids)
    assert "nan" not in (card + results).split()
    assert "| banking77, accuracy of 77 intents | 0.937 | RoBERTa-base |" in results
    assert "![Reliability diagrams and risk-coverage curves](certificate.svg)" in card
    for found in metrics["certificate"]["languages"]["all"].values():
        assert f"{found['ece']:.3f} / {found['ceiling']:.3f}" in card


def test_the_few_shot_table_is_read_from_beside_the_models(metrics: dict[str, Any], tmp_path: Path) -> None:
    assert few_shot(tmp_path) == []
    assert "Few examples a label" not in render_results(metrics | {"few_shot": []})
    spread = {"mean": 0.7521, "deviation": 0.0104}
    kept = {"set": "banking77", "model": "tiny", "seen": False, "examples": 5, "draws": 3, "accuracy": spread,
            "macro_f1": spread, "seconds": 1.5, "megabytes": 900}  # fmt: skip
    (tmp_path / FEW_SHOT).write_text(json.dumps([kept]), encoding="utf-8")
    page = render_results(metrics | {"few_shot": few_shot(tmp_path)})
    assert "Mean over 3 draws" in page
    assert "| banking77 | tiny | new | 5 | 0.752 ± 0.010 | 0.752 ± 0.010 | 1.5 | 900 |" in page


def test_the_card_names_sources_without_a_licence(metrics: dict[str, Any]) -> None:
    assert "**Sources that state no licence:** digikala-small, marsa (in gold), snappfood (in gold)." in render_card(
        metrics
    )
    licensed = metrics["training"] | {"sources": metrics["training"]["sources"][:1]}
    origins = {"ibm_twitter_cc": metrics["gold_train_origins"]["ibm_twitter_cc"]}
    assert "Every source states a licence." in render_card(
        metrics | {"training": licensed, "gold_train_origins": origins}
    )


def test_other_rows_than_the_bundle_learnt_from_are_refused(judged: Bundle, data: Path, tmp_path: Path) -> None:
    other = replace(judged, training={**judged.training, "rows_sha256": "0ther" * 12})
    with pytest.raises(InputError, match="tiny learnt from rows 0ther0ther0t"):
        evaluate(other, data, Judging(tmp_path))
    with pytest.raises(InputError, match="run `nabd data` first"):
        evaluate(judged, tmp_path, Judging(tmp_path))
    unjudged = write(tmp_path / "data", [row for row in rows() if row["split"] == "train"])
    with pytest.raises(InputError, match="holds no test row of 'gold'"):
        evaluate(judged, unjudged, Judging(tmp_path))


def sure(label: str, *others: str) -> Prediction:
    return Prediction(label, 0.9, {label: 0.9, **dict.fromkeys(others, 0.1)})


def case(topic: str | None, said: str, **changes: Any) -> Case:
    """A row whose category is judged; `changes` are its sentiment and the sentiment said of it."""
    labels = dict.fromkeys(TASKS) | {"topic": topic, "sentiment": changes.get("sentiment")}
    example = Example("1", "gold", "marsa", "ar", None, "نص", "test", True, own=True, intent=None, **labels)
    category = sure(DEFAULT.category_of[said])
    return Case.of(example, {"category": category, "topic": sure(said), "sentiment": changes.get("given")}, DEFAULT)


def test_out_of_scope_said_of_a_row_in_scope_is_wrong() -> None:
    found = scorecard([case("fault", "fault"), case("fault", OUT_OF_SCOPE), case(OUT_OF_SCOPE, "fault")], seed=0)
    category = found["category"]
    assert (category["n"], category["n_in_scope"]) == (3, 2)
    assert category["macro_f1"]["value"] == pytest.approx(
        2 / 3, abs=1e-4
    )  # one hit of two; the row out of scope is aside
    assert category["accuracy"]["value"] == pytest.approx(1 / 3, abs=1e-4)
    assert category["confusion"] == {
        OUT_OF_SCOPE: {"technical_fix": 1}, "technical_fix": {OUT_OF_SCOPE: 1, "technical_fix": 1}
    }  # fmt: skip
    assert "sentiment" not in found


def test_a_sentiment_not_given_is_wrong_and_neutral_can_be_masked() -> None:
    right = case("praise", "praise", sentiment="positive", given=sure("positive", "negative"))
    silent = case("praise", OUT_OF_SCOPE, sentiment="positive")
    leaning = Prediction("neutral", 0.5, {"neutral": 0.5, "negative": 0.4, "positive": 0.1})
    found = scorecard([right, silent, case("fault", "fault", sentiment="negative", given=leaning)], seed=0)["sentiment"]
    assert (found["n"], found["answered"]) == (3, 2)
    assert found["accuracy"]["value"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["macro_f1"]["value"] == pytest.approx((2 / 3 + 0) / 2, abs=1e-4)
    assert found["macro_f1_answered"]["value"] == pytest.approx((1 + 0) / 2)
    assert found["head_macro_f1_neutral_masked"]["value"] == pytest.approx((2 / 3 + 1) / 2, abs=1e-4)
    assert found["ece"] == pytest.approx((0.1 + 0.5) / 2)  # one right at 0.9, one wrong at 0.5, each a bin


def test_a_system_does_not_differ_from_itself() -> None:
    cases = [case("fault", "fault"), case("refund", "fault"), case(OUT_OF_SCOPE, "praise")]
    assert difference(cases, cases, seed=0) == {"n": 2, "value": 0.0, "low": 0.0, "high": 0.0}


def test_what_is_handed_over_is_counted_and_the_rest_judged() -> None:
    cases = [case("fault", "fault"), case("refund", "fault"), case("praise", "praise")]
    found = handed_over(cases, [(), ("ambiguous", "too_short"), ()], seed=0)
    assert (found["n"], found["handed_over"], found["reasons"]) == (3, 1, {"ambiguous": 1, "too_short": 1})
    assert found["accuracy_of_the_rest"]["value"] == 1.0


def test_tables_and_flat_names() -> None:
    assert table(["a", "b"], [["x", 1]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"
    assert figure({"value": None, "low": None, "high": None}) == figure(None) == "–"
    nested = {"ar": {"topic": {"n": 3, "ece": None, "labels": {"fault": {"n": 1}}, "macro_f1": {"value": 0.5}}}}
    assert dict(flat(nested)) == {"ar/topic/n": 3.0, "ar/topic/macro_f1/value": 0.5}
