"""Routes, weights and names for labels of the user's own: whose they are, and what a file may say of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.errors import BundleError, UsageError
from pipeline.heads import Heads
from pipeline.origin import folder_of, settings_of, taxonomy_of, version_of
from pipeline.output import read_topics
from pipeline.route import Rule, route
from pipeline.routing.standard import standard_rules
from pipeline.settings import ROUTES, Settings, for_model, home, load_settings, model_folder
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE, TASKS, Label, Taxonomy
from pipeline.training.retrain.routes import render_routes
from pipeline.training.retrain.taxonomies import read_file

OWN = {"Money back": "Money", "شكوى": "Money", "پیگیری سفارش": "پیگیری سفارش"}
SHIPPED = load_settings(environment={}).routes
ALL = '[[route]]\nname = "all"\nqueue = "desk"\npriority = "normal"\nsla_minutes = 60\n'


def labels_of(above: dict[str, str]) -> Taxonomy:
    """A label set of topic -> category."""
    categories = tuple(Label(each, each, each, each, parent=each) for each in dict.fromkeys(above.values()))
    topics = tuple(Label(each, each, each, each, parent=parent) for each, parent in above.items())
    return Taxonomy((*categories, DEFAULT.categories[-1]), (*topics, DEFAULT.topics[-1]))


TABLE = labels_of(OWN)


def saved(tiny_bundle: Bundle, models: Path, name: str, table: Taxonomy) -> Path:
    labels = {task: table.labels(task) for task in TASKS}
    columns = sum(map(len, labels.values()))
    heads = Heads(tiny_bundle.heads.weight[:, :columns], tiny_bundle.heads.bias[:columns], labels)
    levels = {"*": dict.fromkeys(table.category_ids, 0.5)}
    bundles.save(replace(tiny_bundle, name=name, heads=heads, taxonomy=table, thresholds=levels), models / name)
    return models / name


@pytest.fixture
def mine(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    return saved(tiny_bundle, tmp_path / "models", "mine", TABLE)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def queue_of(topic: str, table: Taxonomy, rules: tuple[Rule, ...]) -> str:
    """Of a message that says nothing else of itself."""
    category = table.category_of[topic]
    plain = {"topic": (topic,), "category": (category,), "domain": (table.domain_of[category],), "churn": ("no",)}
    return route(plain | {"urgency": ("normal",), "language": ("fa",)}, rules).queue


def test_nabds_own_labels_keep_nabds_own_routes() -> None:
    assert standard_rules(SHIPPED, DEFAULT) == SHIPPED


def test_every_own_label_has_the_queue_that_it_was_given_or_that_of_its_category() -> None:
    rules = standard_rules(SHIPPED, TABLE, {"شكوى": "رعاية العملاء"})
    said = {topic: queue_of(topic, TABLE, rules) for topic in TABLE.topic_ids}
    assert said == {
        "Money back": "Money", "شكوى": "رعاية العملاء", "پیگیری سفارش": "پیگیری سفارش", OUT_OF_SCOPE: "unsorted",
    }  # fmt: skip
    assert route({"review": ("ambiguous",), "topic": ("شكوى",), "urgency": ("high",)}, rules).queue == "triage"


def test_a_given_queue_beats_the_one_that_nabd_would_choose() -> None:
    billing = next(each for each in DEFAULT.topics if each.id == "refund").parent
    extra = Label("warranty", "Warranty", "الضمان", "ضمانت", parent=billing)
    table = replace(DEFAULT, topics=(*DEFAULT.topics[:-1], extra, DEFAULT.topics[-1]))
    rules = standard_rules(SHIPPED, table, {"refund": "refunds"})
    assert queue_of("refund", table, rules) == "refunds"
    assert queue_of("warranty", table, rules) == queue_of("charge", table, rules) == "billing"
    assert queue_of("access", table, rules) == "account-access"


NAME = st.text(st.sampled_from("ab رلی\u200cک;:\"'\\#[]"), min_size=1, max_size=6).filter(
    lambda name: bool(name.strip())
)


def test_a_topic_that_is_called_as_its_category_leaves_the_other_topics_their_queue() -> None:
    table = labels_of({"پرداخت": "پرداخت", "فاکتور": "پرداخت"})
    rules = standard_rules(SHIPPED, table, {"پرداخت": "صندوق"})
    assert queue_of("پرداخت", table, rules) == "صندوق"
    assert queue_of("فاکتور", table, rules) == "پرداخت"


@given(st.dictionaries(NAME, NAME, min_size=1, max_size=6), st.data())
def test_rendered_routes_are_read_back_as_they_were_and_leave_no_label_behind(
    tmp_path_factory: pytest.TempPathFactory, above: dict[str, str], data: st.DataObject
) -> None:
    table = labels_of(above)
    queues = data.draw(st.dictionaries(st.sampled_from(sorted(above)), NAME))
    path = written(tmp_path_factory.mktemp("routes") / "nabd.toml", render_routes(queues, table, "mine"))
    rules = load_settings(path, environment={}, table=table).routes
    assert rules == standard_rules(SHIPPED, table, queues)
    for topic in above:
        assert queue_of(topic, table, rules) == queues.get(topic, above[topic])


def test_a_model_brings_its_own_routes_where_the_file_has_none(mine: Path, tmp_path: Path) -> None:
    bare = written(tmp_path / "bare.toml", "threads = 1\n")
    made = load_settings(bare, environment={}, model=str(mine))
    assert made.labels == TABLE
    assert queue_of("شكوى", TABLE, made.routes) == "Money"
    written(mine / ROUTES, render_routes({"شكوى": "رعاية"}, TABLE, "mine"))
    for path in (bare, None):
        found = load_settings(path, environment={"NABD_MODEL": str(mine)})
        assert queue_of("شكوى", TABLE, found.routes) == "رعاية"
    assert load_settings(bare, environment={}).routes == SHIPPED


def test_the_routes_of_the_users_file_beat_those_of_the_model(mine: Path, tmp_path: Path) -> None:
    first = '[[route]]\nname="x"\nqueue="q"\npriority="low"\nsla_minutes=1\nwhen={topic="پیگیری سفارش"}\n'
    path = written(tmp_path / "nabd.toml", f'model = "{mine}"\n{first}{ALL}')
    assert [rule.queue for rule in load_settings(path, environment={}).routes] == ["q", "desk"]


@pytest.mark.parametrize(
    ("key", "value", "near"),
    [("topic", "Mony back", "Money back"), ("topic", "شكوي", "شكوى"), ("category", "پیگیری سفارس", "پیگیری سفارش")],
)
def test_a_route_on_a_label_that_the_model_does_not_have_is_refused(
    mine: Path, tmp_path: Path, key: str, value: str, near: str
) -> None:
    first = f'[[route]]\nname="x"\nqueue="q"\npriority="low"\nsla_minutes=1\nwhen={{{key}="{value}"}}\n'
    path = written(tmp_path / "nabd.toml", first + ALL)
    with pytest.raises(UsageError) as error:
        load_settings(path, environment={}, model=str(mine))
    message = str(error.value)
    assert (
        f"nabd.toml line 6, route 1 ('x'): {key} is never {value!r} with the model {mine}, expected one of" in message
    )
    assert all(label in message for label in (TABLE.topic_ids if key == "topic" else TABLE.category_ids))
    assert message.endswith(f"; the closest is {near!r}")


def test_routes_on_nabds_labels_do_not_fit_a_model_without_them(mine: Path, tmp_path: Path) -> None:
    copied = written(tmp_path / "nabd.toml", (home() / "nabd.toml").read_text(encoding="utf-8"))
    assert load_settings(copied, environment={}).routes == SHIPPED
    with pytest.raises(UsageError, match=f"topic is never 'leaving' with the model {mine}"):
        load_settings(copied, environment={}, model=str(mine))


def test_a_model_that_is_not_there_is_named_rather_than_its_labels(tmp_path: Path) -> None:
    first = '[[route]]\nname="x"\nqueue="q"\npriority="low"\nsla_minutes=1\nwhen={topic="شكوى"}\n'
    path = written(tmp_path / "nabd.toml", f'model = "{tmp_path / "gone"}"\n{first}{ALL}')
    with pytest.raises(BundleError, match="gone is no model"):
        load_settings(path, environment={})
    assert load_settings(written(tmp_path / "b.toml", 'model = "gone"\n'), environment={}).routes == SHIPPED


def test_weights_name_topics_of_the_model(mine: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "nabd.toml", '[risk]\nmoney_topics = ["شكوى", "Money back"]\n')
    found = load_settings(path, environment={}, model=str(mine)).risk
    assert (found.money_topics, found.praise_topics) == (("شكوى", "Money back"), ())
    with pytest.raises(UsageError, match="money_topics has no topic 'شكوى' of the model nabd-base to hold"):
        load_settings(path, environment={})
    near = written(tmp_path / "near.toml", '[risk]\npraise_topics = ["Money bak"]\n')
    with pytest.raises(UsageError, match=f"of the model {mine} to hold, expected one of .*the closest is 'Money back'"):
        load_settings(near, environment={}, model=str(mine))
    own = load_settings(environment={}, model=str(mine)).risk
    assert (own.money_topics, own.praise_topics, own.anger) == ((), (), 2.0)


def test_another_model_takes_its_own_labels_along(mine: Path) -> None:
    first = load_settings(environment={})
    second = for_model(first, str(mine))
    assert (second.labels, second.threads, second.source) == (TABLE, first.threads, first.source)
    assert for_model(second, first.model) == first


def test_a_scored_file_leads_to_its_model(mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = version_of(mine)
    assert folder_of(version) is None
    assert folder_of(version, mine) == mine
    assert taxonomy_of(version) == DEFAULT
    monkeypatch.chdir(tmp_path)
    assert folder_of(version) == Path("models/mine")
    assert taxonomy_of(version) == TABLE
    assert model_folder("mine") == Path("models/mine")
    assert folder_of("mine@00000000") is folder_of("") is folder_of(f"../models/{version}") is None
    assert folder_of(version_of(model_folder("nabd-base"))) == model_folder("nabd-base")


def test_settings_follow_the_model_of_a_scored_file(
    mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    console, version = Console(stderr=True), version_of(mine)
    settings = load_settings(home() / "nabd.toml", environment={})
    assert settings_of(version, ["شكوى"], settings, console) is settings
    assert "which is not at hand" in capsys.readouterr().err
    assert settings_of(version, ["refund"], settings, console) is settings
    assert settings_of(version_of(model_folder("nabd-fast")), ["refund"], settings, console) is settings
    monkeypatch.chdir(tmp_path)
    found = settings_of(version, ["شكوى"], settings, console)
    assert (found.labels, queue_of("شكوى", TABLE, found.routes)) == (TABLE, "Money")
    assert settings_of(version, [], found, console) is found
    assert capsys.readouterr().err == ""


def test_labels_that_hold_the_marks_of_a_list_are_read_back() -> None:
    assert read_topics("Thanks; praise:0.61;ساعت 9:30:0.22;شكوى:0.01") == {
        "Thanks; praise": 0.61, "ساعت 9:30": 0.22, "شكوى": 0.01,
    }  # fmt: skip


def test_a_domain_of_ones_own_is_called_as_its_category() -> None:
    money = Label("Money", "Money", "مال", "پول", parent="Money")
    table = replace(TABLE, categories=(money, *TABLE.categories[1:]))
    assert [each.fa for each in table.named["domain"]][:1] == ["پول"]
    assert json.dumps(table.to_dict()) == json.dumps(Taxonomy.from_dict(table.to_dict()).to_dict())


def test_the_settings_alone_have_nabds_labels() -> None:
    assert Settings().labels == DEFAULT


def test_the_documented_file_of_labels_is_read(tmp_path: Path) -> None:
    page = (home() / "docs" / "own-labels.md").read_text(encoding="utf-8")
    found = read_file(written(tmp_path / "labels.toml", page.split("```toml\n")[1].split("```")[0]))
    assert (found.queues, found.aliases) == ({"money back": "cash desk"}, {"refunds": "money back"})
    assert [(each.id, each.fa, each.parent) for each in found.categories] == [("money", "پول", "support")]


def test_a_category_gives_its_labels_its_queue_and_its_names(tmp_path: Path) -> None:
    labels = '[[label]]\nname = "a"\nfa = "آ"\n[[label]]\nname = "b"\ncategory = "m"\n'
    text = f'{labels}[[category]]\nname = "m"\nqueue = "q"\n'
    found = read_file(written(tmp_path / "labels.toml", text))
    assert found.queues == {"b": "q"}
    assert {each.id: each.fa for each in found.categories} == {"m": "m", "a": "آ"}
