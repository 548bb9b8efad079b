from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest

from pipeline.errors import BundleError
from pipeline.taxonomy import (
    CHURN,
    DEFAULT,
    EMOTIONS,
    LABELS,
    OUT_OF_SCOPE,
    SENTIMENTS,
    TASKS,
    URGENCIES,
    Label,
    Taxonomy,
)  # fmt: skip

OUT = Label(OUT_OF_SCOPE, "Out", "خارج", "خارج", parent=OUT_OF_SCOPE)
ALL = [*DEFAULT.categories, *DEFAULT.topics, *(label for labels in LABELS.values() for label in labels)]


def test_sixteen_topics_four_a_category_and_out_of_scope() -> None:
    counts = Counter(label.parent for label in DEFAULT.topics)
    assert counts == {"technical_fix": 4, "billing": 4, "inquiry": 4, "relationship": 4, OUT_OF_SCOPE: 1}
    assert DEFAULT.domain_of == {
        "technical_fix": "support", "billing": "support", "inquiry": "service", "relationship": "service",
        OUT_OF_SCOPE: OUT_OF_SCOPE,
    }  # fmt: skip


def test_the_other_tasks() -> None:
    assert TASKS == ("topic", "sentiment", "emotion", "urgency", "churn")
    assert SENTIMENTS == ("negative", "neutral", "positive")
    assert EMOTIONS == ("anger", "sadness", "fear", "joy", "surprise", "none")
    assert URGENCIES == ("high", "normal", "low")
    assert CHURN == ("no", "yes")
    assert [DEFAULT.labels(task) for task in TASKS[1:]] == [SENTIMENTS, EMOTIONS, URGENCIES, CHURN]
    assert DEFAULT.labels("topic") == DEFAULT.topic_ids


@pytest.mark.parametrize("label", ALL, ids=lambda label: label.id)
def test_every_label_is_named_in_three_languages_and_explained(label: Label) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", label.id)
    assert label.en.isascii()
    assert label.meaning
    for name in (label.ar, label.fa):
        assert re.fullmatch("[\u0621-\u064a\u064b-\u0652\u067e\u0686\u0698\u06a9\u06af\u06cc\u200c ]+", name)
    assert not set(label.ar) & set("پچژگکی")
    assert not set(label.fa) & set("كيةى")


@pytest.mark.parametrize("language", ["en", "ar", "fa"])
def test_no_two_labels_of_a_task_share_a_name(language: str) -> None:
    for labels in (DEFAULT.categories, DEFAULT.topics, *LABELS.values()):
        names = [getattr(label, language) for label in labels]
        assert len(set(names)) == len(names)


def test_a_dictionary_brings_the_same_taxonomy_back() -> None:
    assert Taxonomy.from_dict(DEFAULT.to_dict()) == DEFAULT


def test_a_users_own_grid_is_taken() -> None:
    grid = Taxonomy(
        (Label("sales", "Sales", "مبيعات", "فروش", parent="shop"), OUT),
        (Label("quote", "Quote", "عرض سعر", "پیش‌فاکتور", parent="sales"), OUT),
    )
    assert grid.labels("topic") == ("quote", OUT_OF_SCOPE)
    assert (grid.category_of["quote"], grid.domain_of["sales"]) == ("sales", "shop")
    assert Taxonomy.from_dict(grid.to_dict()) == grid


TOPIC = DEFAULT.topics[0]
FAULTY = {
    "topic of no category": (DEFAULT.categories, (replace(TOPIC, parent="nowhere"), *DEFAULT.topics[1:])),
    "topic twice": (DEFAULT.categories, (TOPIC, *DEFAULT.topics)),
    "category twice": ((DEFAULT.categories[0], *DEFAULT.categories), DEFAULT.topics),
    "no out_of_scope topic": (DEFAULT.categories, DEFAULT.topics[:-1]),
    "no out_of_scope category": (DEFAULT.categories[:-1], DEFAULT.topics[:-1]),
    "out_of_scope inside a category": (
        DEFAULT.categories, (*DEFAULT.topics[:-1], replace(DEFAULT.topics[-1], parent="billing")),
    ),
    "out_of_scope inside a domain": (
        (*DEFAULT.categories[:-1], replace(DEFAULT.categories[-1], parent="support")), DEFAULT.topics,
    ),
    "nothing": ((), ()),
}  # fmt: skip


@pytest.mark.parametrize(("categories", "topics"), FAULTY.values(), ids=FAULTY)
def test_what_is_no_two_level_label_set_is_refused(categories: tuple[Label, ...], topics: tuple[Label, ...]) -> None:
    with pytest.raises(BundleError):
        Taxonomy(categories, topics)


@pytest.mark.parametrize(
    "data",
    [{}, {"categories": []}, {"categories": 5, "topics": 5}, [], {"categories": [5], "topics": []},
     {"categories": [{"id": "a", "colour": "red"}], "topics": []}, {"categories": [{"id": "a"}], "topics": []}],
)  # fmt: skip
def test_a_dictionary_of_another_shape_is_refused(data: object) -> None:
    with pytest.raises(BundleError, match=r"taxonomy|topics and categories"):
        Taxonomy.from_dict(data)  # type: ignore[arg-type]
