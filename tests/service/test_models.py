"""Which models there are, and how another takes the place of the one that is served."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from served import HERE, MakeApp

from pipeline.bundle import Bundle, load, save
from pipeline.encoder import FakeEncoder, Vectors
from pipeline.errors import BundleError
from pipeline.records import Message
from pipeline.service.holder import ModelHolder
from pipeline.settings import Settings, load_settings
from pipeline.taxonomy import DEFAULT

CERTIFIED = {"n": 9, "ece": 0.04, "ceiling": 0.05, "within": True, "brier": 0.3, "reliability": [], "risk_coverage": []}


@pytest.fixture
def models(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """A folder with the models `one`, `two` and `broken`; `one` has a certificate."""
    for name in ("one", "two", "broken"):
        save(replace(tiny_bundle, name=name), tmp_path / name)
    heads = tmp_path / "broken" / "heads.safetensors"
    heads.write_bytes(heads.read_bytes()[:-1] + b"\0")
    metrics = {
        "model": {"version": version(tmp_path / "one")},
        "certificate": {"languages": {"ar": {"topic": CERTIFIED}}},
    }
    (tmp_path / "one" / "metrics.json").write_text(json.dumps(metrics))
    return tmp_path


@pytest.fixture
def client(make_app: MakeApp, models: Path, settings: Settings) -> TestClient:
    app = make_app(
        bundle=opened(str(models / "one")), settings=replace(settings, model=str(models / "one")), loader=opened
    )
    return TestClient(app, base_url=HERE)


def opened(name: str) -> Bundle:
    return load(Path(name), encoder=FakeEncoder())


def version(folder: Path) -> str:
    return opened(str(folder)).version


def test_the_models_beside_the_one_that_is_served_are_listed_with_their_certificates(
    client: TestClient, models: Path
) -> None:
    found = client.get("/v1/models").json()["models"]
    assert [(each["name"], each["served"]) for each in found] == [("one", True), ("broken", False), ("two", False)]
    assert [each["version"] for each in found[::2]] == [version(models / "one"), version(models / "two")]
    expected = {"language": "ar", "task": "topic", "n": 9, "ece": 0.04, "ceiling": 0.05, "within": True, "brier": 0.3}
    assert found[0]["certificate"] == [expected]
    assert found[2]["certificate"] == []
    assert found[0]["tasks"]["topic"]
    assert found[2]["tasks"] == {}


def test_what_was_measured_of_another_version_is_not_shown(client: TestClient, models: Path) -> None:
    shutil.copy(models / "one" / "metrics.json", models / "two" / "metrics.json")
    (models / "broken" / "metrics.json").write_text("{")
    assert [len(each["certificate"]) for each in client.get("/v1/models").json()["models"]] == [1, 0, 0]


def test_another_model_is_served_from_then_on(client: TestClient, models: Path) -> None:
    answer = client.post("/v1/models/reload", json={"model": "two"})
    assert answer.json() == {"model": version(models / "two")}
    assert client.get("/ready").json()["model"] == version(models / "two")
    (result,) = client.post("/v1/score", json={"messages": [{"text": "hi"}]}).json()["results"]
    assert result["model"] == version(models / "two")
    assert [each["served"] for each in client.get("/v1/models").json()["models"]] == [True, False, False]


def test_the_same_model_is_read_from_disk_once_more(client: TestClient, models: Path, tiny_bundle: Bundle) -> None:
    before = client.get("/ready").json()["model"]
    save(replace(tiny_bundle, name="one", farthest=1.5), models / "one")
    assert client.post("/v1/models/reload").json()["model"] == version(models / "one") != before


def test_a_broken_model_is_refused_and_the_one_before_answers_on(client: TestClient, models: Path) -> None:
    answer = client.post("/v1/models/reload", json={"model": "broken"})
    assert answer.status_code == 409
    assert str(models) not in answer.text
    assert client.get("/ready").json()["model"] == version(models / "one")
    shutil.rmtree(models / "one")
    assert client.post("/v1/models/reload").status_code == 409
    assert client.post("/v1/score", json={"messages": [{"text": "hi"}]}).status_code == 200


def test_the_routes_follow_the_labels_of_the_model_or_it_is_refused(
    make_app: MakeApp, models: Path, tiny_bundle: Bundle
) -> None:
    first, *others = DEFAULT.topics
    table = replace(DEFAULT, topics=(replace(first, id="قفل شدن حساب"), *others))
    heads = replace(tiny_bundle.heads, labels=tiny_bundle.heads.labels | {"topic": table.topic_ids})
    save(replace(tiny_bundle, name="own", taxonomy=table, heads=heads), models / "own")
    rest = 'queue = "desk"\npriority = "normal"\nsla_minutes = 60\n'
    file = models / "nabd.toml"
    for text, code in (("", 200), (f'[[route]]\nname = "in"\nwhen = {{ topic = "{first.id}" }}\n{rest}', 409)):
        last = f'[[route]]\nname = "all"\n{rest}' if text else ""
        file.write_text(text + last, encoding="utf-8")
        settings = load_settings(file, environment={}, model=str(models / "one"))
        app = make_app(bundle=opened(str(models / "one")), settings=settings, loader=opened)
        answer = TestClient(app, base_url=HERE).post("/v1/models/reload", json={"model": "own"})
        assert answer.status_code == code
        asked = {value for rule in app.state.service.model.settings.routes for value in rule.when.get("topic", ())}
        assert (first.id in asked) == (code == 409)
        if code == 409:
            assert "has other labels than the routes" in answer.json()["detail"]
            assert app.state.service.model.version == version(models / "one")


@pytest.mark.parametrize("name", ["three", "../one", "/etc", "one/../two", ".", "", "two/manifest.json", "http://x/y"])
def test_no_path_that_a_client_names_is_opened(client: TestClient, name: str, models: Path) -> None:
    name = name.replace("/etc", str(models / "two"))
    answer = client.post("/v1/models/reload", json={"model": name})
    assert answer.status_code == (404 if name else 200)  # an empty name is none: the same model once more
    assert client.get("/ready").json()["model"] == version(models / "one")


def test_a_model_that_loads_but_cannot_score_is_refused(tiny_bundle: Bundle, settings: Settings) -> None:
    class Broken(FakeEncoder):
        def encode(self, texts: Sequence[str]) -> Vectors:
            raise RuntimeError("no")

    holder = ModelHolder(tiny_bundle, settings, lambda name: replace(tiny_bundle, encoder=Broken()))
    with pytest.raises(BundleError, match="cannot score"):
        holder.reload("other")
    assert holder.bundle is tiny_bundle
    assert holder.name == settings.model


def test_no_request_is_lost_or_answered_by_two_models_while_they_change(
    make_app: MakeApp, models: Path, settings: Settings
) -> None:
    app = make_app(
        bundle=opened(str(models / "one")), settings=replace(settings, model=str(models / "one")), loader=opened
    )
    batcher, holder, stop = app.state.service.batcher, app.state.service.model, threading.Event()
    texts = [Message(f"message {number}") for number in range(70)]
    known = {version(models / "one"), version(models / "two")}

    def job() -> list[set[str]]:
        seen = []
        while not stop.is_set():
            seen.append({each.model for each in batcher.score_sync(texts)})
        return seen

    def clients() -> list[set[str]]:
        seen = []
        client = TestClient(app, base_url=HERE)
        while not stop.is_set():
            answer = client.post("/v1/score", json={"messages": [{"text": each.text} for each in texts]})
            assert answer.status_code == 200
            seen.append({each["model"] for each in answer.json()["results"]})
        return seen

    with ThreadPoolExecutor() as pool:
        running = [pool.submit(job), pool.submit(clients)]
        for turn in range(12):
            assert holder.reload(str(models / ("two", "one")[turn % 2])) in known
        stop.set()
        seen = [each for future in running for each in future.result(30)]
    assert seen
    assert all(len(versions) == 1 and versions <= known for versions in seen)
