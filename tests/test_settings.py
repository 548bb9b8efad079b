from __future__ import annotations

from dataclasses import fields
from itertools import product
from pathlib import Path

import pytest

from pipeline.bundle import load
from pipeline.errors import UsageError
from pipeline.language import Language
from pipeline.risk import Weights
from pipeline.route import PRIORITIES, Rule, route
from pipeline.score import FLAGS, MAX_CHARACTERS, REVIEW_REASONS
from pipeline.settings import NAMES, Settings, home, load_settings, model_folder, override
from pipeline.taxonomy import CHURN, DEFAULT, EMOTIONS, OUT_OF_SCOPE, SENTIMENTS, URGENCIES

ROUTE = '[[route]]\nname = "all"\nqueue = "desk"\npriority = "normal"\nsla_minutes = 60\n'


def written(folder: Path, text: str, name: str = "nabd.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_without_routes_keeps_the_shipped_ones(tmp_path: Path) -> None:
    found = load_settings(written(tmp_path, "threads = 2\n"), environment={})
    assert found.threads == 2
    assert found.routes == load_settings(environment={}).routes


def test_a_flag_beats_the_environment_which_beats_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, f'model = "file"\nthreads = 1\nmax_characters = 100\n{ROUTE}')
    found = load_settings(path, environment={"NABD_MODEL": "environment", "NABD_THREADS": "2"})
    found = override(found, model="flag", threads=None)
    assert (found.model, found.threads, found.max_characters) == ("flag", 2, 100)
    assert [rule.queue for rule in found.routes] == ["desk"]


def test_the_settings_file_is_the_one_named_then_the_environments_then_the_folders_then_nabds_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named, env = (written(tmp_path, f"threads = {n}\n{ROUTE}", f"{n}.toml") for n in (1, 2))
    assert load_settings(environment={}).source == str(home() / "nabd.toml")
    written(tmp_path, f"threads = 3\n{ROUTE}")
    assert load_settings(environment={"NABD_SETTINGS": ""}).threads == 3
    assert load_settings(environment={"NABD_SETTINGS": str(env)}).threads == 2
    assert load_settings(named, environment={"NABD_SETTINGS": str(env)}).threads == 1


def test_an_empty_variable_is_an_unset_one() -> None:
    assert load_settings(environment={"NABD_MODEL": "", "NABD_THREADS": ""}).model == "nabd-base"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("modell = 'x'", "unknown key 'modell', expected one of model, threads, max_characters, tracking, replays"),
        ("source = 'x'", "unknown key 'source'"),
        ("[deep]\nmodel = 'x'", "unknown key 'deep'"),
        ("threads = 'four'", "threads must be a whole number, found 'four'"),
        ("threads = 2.5", "threads must be a whole number"),
        ("threads = true", "threads must be a whole number"),
        ("threads = []", "threads must be a whole number"),
        ("threads = -1", "threads is -1, expected 0 or more"),
        ("max_characters = 0", "max_characters is 0, expected 1 or more"),
        ("model = 5", "model must be text, found 5"),
        ("model = ['a']", "model must be text"),
        ("model = ", "is not valid TOML"),
        ("model = 'a'\nmodel = 'b'", "is not valid TOML"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, f"{text}\n{ROUTE}")
    with pytest.raises(UsageError) as error:
        load_settings(path, environment={})
    assert message in str(error.value)


@pytest.mark.parametrize("value", ["four", "2.5", "-1", "1e3"])
def test_a_variable_that_cannot_be_used_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match="threads"):
        load_settings(environment={"NABD_THREADS": value})


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        load_settings(tmp_path / "nowhere.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        load_settings(tmp_path)
    binary = tmp_path / "a.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is not valid TOML"):
        load_settings(binary)


def test_a_file_saved_by_notepad_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(f'model = "نبض"\n{ROUTE}'.encode("utf-8-sig").replace(b"\n", b"\r\n"))
    assert load_settings(path, environment={}).model == "نبض"


def test_the_shipped_file_states_every_setting_at_its_default() -> None:
    shipped, defaults = load_settings(environment={}), Settings()
    text = (home() / "nabd.toml").read_text("utf-8")
    for name in NAMES:
        assert getattr(shipped, name) == getattr(defaults, name)
        assert f"\n{name} = " in text
    assert defaults.max_characters == MAX_CHARACTERS


def test_every_setting_has_a_line_of_help_and_a_default() -> None:
    assert NAMES == ("model", "threads", "max_characters", "tracking", "replays")
    for entry in fields(Settings):
        if entry.name in NAMES:
            assert len(entry.metadata["help"]) > 10
            assert isinstance(entry.default, str | int)


def test_a_model_is_a_shipped_name_or_a_path(bundle_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bundle_folder.parent)
    assert model_folder("nabd-base") == home() / "models" / "nabd-base"
    assert model_folder(str(bundle_folder)) == bundle_folder
    assert model_folder("tiny").resolve() == bundle_folder
    assert (model_folder("nabd-base") / "manifest.json").exists()


@pytest.fixture(scope="module")
def routes() -> tuple[Rule, ...]:
    return load_settings(environment={}).routes


def facts(topic: str, **others: str) -> dict[str, tuple[str, ...]]:
    category = DEFAULT.category_of[topic]
    plain = {"language": "en", "sentiment": "neutral", "emotion": "none", "urgency": "normal", "churn": "no"}
    known = {"topic": topic, "category": category, "domain": DEFAULT.domain_of[category], **plain, **others}
    found = {key: (value,) for key, value in known.items()}
    return {"review": (), "flags": (), **found}


QUEUES = {
    "access": "account-access", "fault": "technical", "defect": "orders", "delivery": "orders",
    "charge": "billing", "refund": "billing", "payment": "billing", "plan": "billing",
    "how_to": "front-desk", "status": "front-desk", "information": "front-desk", "account_change": "front-desk",
    "complaint": "customer-care", "praise": "feedback", "leaving": "retention", "suggestion": "feedback",
    OUT_OF_SCOPE: "unsorted",
}  # fmt: skip


def test_every_topic_reaches_its_queue(routes: tuple[Rule, ...]) -> None:
    assert {topic: route(facts(topic), routes).queue for topic in DEFAULT.topic_ids} == QUEUES


@pytest.mark.parametrize("reason", sorted(set(REVIEW_REASONS) - {OUT_OF_SCOPE}))
def test_what_a_person_must_see_reaches_triage(routes: tuple[Rule, ...], reason: str) -> None:
    for topic in set(DEFAULT.topic_ids) - {OUT_OF_SCOPE, "leaving"}:
        assert route(facts(topic, review=reason), routes).queue == "triage"


def test_no_combination_of_labels_is_left_without_a_sound_decision(routes: tuple[Rule, ...]) -> None:
    reached = set()
    for topic, *rest in product(DEFAULT.topic_ids, SENTIMENTS, EMOTIONS, URGENCIES, CHURN, ("", *REVIEW_REASONS)):
        names = ("sentiment", "emotion", "urgency", "churn", "review")
        decision = route(facts(topic, **dict(zip(names, rest, strict=True))), routes)
        assert decision.priority in PRIORITIES
        reached.add(decision.reason.split(":")[0])
    assert reached == {rule.name for rule in routes} - {"everything else"}


def test_a_customer_who_leaves_waits_least(routes: tuple[Rule, ...]) -> None:
    leaving = route(facts("leaving"), routes)
    assert (leaving.queue, leaving.priority, leaving.tags) == ("retention", "urgent", ("churn",))
    assert route(facts("charge", churn="yes", sentiment="negative"), routes).queue == "retention"
    for topic in DEFAULT.topic_ids:
        calm, pressing = (route(facts(topic, urgency=urgency), routes) for urgency in ("normal", "high"))
        assert pressing.sla_minutes <= calm.sla_minutes


def test_the_shipped_routes_may_use_every_field(tmp_path: Path) -> None:
    values = {"language": [each.value for each in Language], "flags": FLAGS, "review": REVIEW_REASONS}
    for key, allowed in {**values, "domain": set(DEFAULT.domain_of.values()), "category": DEFAULT.category_ids}.items():
        for value in allowed:
            first = f'[[route]]\nname="x"\nqueue="q"\npriority="low"\nsla_minutes=1\nwhen={{{key}="{value}"}}\n'
            assert load_settings(written(tmp_path, first + ROUTE), environment={}).routes[0].when == {key: (value,)}


def test_the_default_model_loads() -> None:
    assert load(model_folder(Settings().model)).name == "nabd-base"


def test_the_weights_of_risk_are_a_table_of_their_own(tmp_path: Path) -> None:
    assert (
        load_settings(environment={}).risk == Weights() == load_settings(written(tmp_path, ROUTE), environment={}).risk
    )
    assert load_settings(written(tmp_path, f"{ROUTE}[risk]\nanger = 3\n"), environment={}).risk == Weights(anger=3.0)
    with pytest.raises(UsageError, match=r"nabd.toml: unknown key 'angr' in \[risk\], expected one of half_life_days"):
        load_settings(written(tmp_path, f"{ROUTE}[risk]\nangr = 3\n"), environment={})
    with pytest.raises(UsageError, match=r"risk must be a table written as \[risk\]"):
        load_settings(written(tmp_path, f"risk = 3\n{ROUTE}"), environment={})


def test_a_name_of_the_registry_is_looked_up_where_the_settings_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("NABD_TRACKING", f"sqlite:///{tmp_path / 'ours.db'}")
    with pytest.raises(UsageError, match=r"ours\.db"):
        model_folder("models:/nabd@champion")
