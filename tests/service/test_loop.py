"""The whole loop, by its commands: label, retrain, promote, serve, correct, retrain, replay, roll back; and forget."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from fastapi.testclient import TestClient
from retrain_export import rows, write
from served import HERE
from typer.testing import CliRunner

from pipeline import bundle as bundles
from pipeline import settings as files
from pipeline.service.app import create_app
from pipeline.service.settings import load_service_settings
from pipeline.service.store.commands import store_commands
from pipeline.service.store.engine import Store
from pipeline.settings import model_folder
from pipeline.training.registry.commands import registry_commands
from pipeline.training.registry.history import PROMOTED, ROLLED_BACK, history
from pipeline.training.registry.store import CHAMPION, Registry
from pipeline.training.replay.commands import replay_commands
from pipeline.training.retrain.commands import retrain_commands
from pipeline.training.retrain.splits import read_record

WHO = ("--by", "Hala", "--why", "what October taught")
LABEL = "Late parcel"
SAID = {  # nothing in them speaks of a parcel: the first model cannot know
    "en": "the quokka teapot {word} never rang my doorbell",
    "ar": "إبريق الكوكا {word} ما دق جرس بيتي أبدا",
    "fa": "قوری کوآکا {word} هیچ‌وقت زنگ خانه‌ام را نزد",
}
WORDS = ("crimson", "walnut", "velvet", "granite", "saffron", "indigo", "copper", "linen", "maple", "onyx")
GONE = "cust-90417"


@dataclass(frozen=True)
class World:
    """A desk's folder: models, its labelled export, its settings with a store and a registry."""

    folder: Path
    data: str

    @property
    def settings(self) -> Path:
        return self.folder / "nabd.toml"

    @property
    def tracking(self) -> str:
        return files.load_settings(self.settings, environment={}).tracking

    def nabd(self, *arguments: str | Path) -> str:
        found = invoke(*arguments, "--settings", self.settings)
        assert found.exit_code == 0, found.output
        return found.output

    def retrain(self, name: str, *more: str) -> str:
        out, base = self.folder / "models" / name, self.folder / "models" / "old"
        given = ("retrain", self.data, "-o", out, "--base", base, "--vectors", self.folder / "vectors")
        return self.nabd(*given, *more)

    def promote(self, name: str, *more: str | Path) -> str:
        return self.nabd("promote", self.folder / "models" / name, "--data", self.data, *more, *WHO)

    def champion(self) -> bundles.Bundle:
        return bundles.load(model_folder(f"models:/nabd@{CHAMPION}", self.tracking))


def invoke(*arguments: str | Path) -> Result:
    app = typer.Typer()
    for add in (retrain_commands, registry_commands, replay_commands, store_commands):
        add(app)
    return CliRunner().invoke(app, [str(each) for each in arguments], env={"COLUMNS": "240"})


@pytest.fixture(scope="module")
def world(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("loop")
    for name in ("old", "encoder"):
        shutil.copytree(tiny_models / name, folder / "models" / name)
    labelled = random.Random(1).sample(rows(13), 300)
    data = write(folder / "my_labels.csv", labelled)
    (folder / "nabd.toml").write_text(
        f'tracking = "sqlite:///{folder}/mlflow.db"\n[gates]\nspeed = 9\nbehaviour = 0.9\ncalibration = 0.9\n'
        f'[service]\ndatabase = "sqlite:///{folder}/nabd.db"\nuploads = "{folder}/uploads"\n',
        encoding="utf-8",
    )
    return World(folder, data)


@pytest.fixture
def served(world: World) -> Iterator[TestClient]:
    """The service around the champion, as `nabd serve --model models:/nabd@champion` makes it."""
    chosen = files.override(files.load_settings(world.settings, environment={}), model=f"models:/nabd@{CHAMPION}")
    service = load_service_settings(world.settings, environment={})
    store = Store.open(service.database)
    try:
        with TestClient(
            create_app(world.champion(), chosen, service, store=store, local=True), base_url=HERE
        ) as client:
            yield client
    finally:
        store.close()


def corrected() -> list[dict[str, str]]:
    return [
        {"id": f"M-{language}-{n}", "customer": GONE if n == 0 else f"cust-{n}", "text": text.format(word=word)}
        for language, text in SAID.items()
        for n, word in enumerate(WORDS)
    ]


def test_own_labels_are_learnt_and_promoted(world: World) -> None:
    assert "300 rows, 300 of them labelled and readable" in world.retrain("mine")
    assert "is champion, in place of" in world.promote("mine", "--champion", world.folder / "models" / "old")
    assert LABEL in world.champion().taxonomy.topic_ids


def test_corrections_come_in_by_the_api(world: World, served: TestClient) -> None:
    sent = corrected()
    answer = served.post("/v1/score", json={"messages": sent})
    assert answer.status_code == 200, answer.text
    for each in sent:
        said = {"message": each["id"], "task": "topic", "label": LABEL}
        assert served.post("/v1/feedback", json=said).status_code == 201


def test_they_are_learnt_replayed_promoted_and_rolled_back(world: World) -> None:
    told = world.retrain("mine-2", "--feedback")
    assert "30 labels of 30 messages by 1 person" in told
    assert "30 messages teach a topic" in told
    models = world.folder / "models"
    records = {name: read_record(models / name) for name in ("mine", "mine-2")}
    assert records["mine"]["gate"] == records["mine-2"]["gate"]
    assert right(models / "mine-2") == 1.0 > right(models / "mine")

    tickets = write(world.folder / "tickets.csv", fresh(), ("id", "text"))
    given = ("replay", tickets, "--old", models / "mine", "--new", models / "mine-2", "--json", "--quiet")
    assert json.loads(world.nabd(*given))
    assert "is champion, in place of" in world.promote("mine-2")
    assert world.champion().name == "mine-2"
    assert "is champion again, in place of" in world.nabd("promote", "--rollback", *WHO)
    assert world.champion().name == "mine"
    assert [each.what for each in history(Registry(world.tracking))] == [PROMOTED, PROMOTED, ROLLED_BACK]


def fresh() -> list[dict[str, str]]:
    """Messages like those that were corrected, of nobody yet."""
    return [{"id": f"N-{place}", "text": text.format(word="teal")} for place, text in enumerate(SAID.values())]


def right(folder: Path) -> float:
    """The share of `fresh` that a model labels as people did."""
    bundle = bundles.load(folder)
    judged = bundle.judge([each["text"] for each in fresh()], list(SAID)).probabilities["topic"]
    return sum(bundle.taxonomy.topic_ids[column] == LABEL for column in judged.argmax(axis=1)) / len(SAID)


def test_a_forgotten_customer_teaches_nothing_and_is_in_no_file(world: World) -> None:
    """Files that were written with the corrections hold no trace either: they never did."""
    gone = [each for each in corrected() if each["customer"] == GONE]
    assert "erased: 3 messages, 3 words of people" in world.nabd("forget", "--customer", GONE)
    told = world.retrain("mine-3", "--feedback")
    assert "27 labels of 27 messages" in told
    assert read_record(world.folder / "models" / "mine-3")["feedback"]["rows"] == 27
    secrets = [GONE, *(each["id"] for each in gone), *(each["text"] for each in gone)]
    looked = [path for path in world.folder.rglob("*") if path.is_file()]
    assert len(looked) > 20
    for path in looked:
        content = path.read_bytes()
        assert not [each for each in secrets if each.encode() in content or escaped(each) in content], path


def escaped(text: str) -> bytes:
    return json.dumps(text)[1:-1].encode()


def test_without_a_store_the_error_says_what_to_do(world: World, tmp_path: Path) -> None:
    settings = tmp_path / "nabd.toml"
    settings.write_text(f'[service]\ndatabase = "sqlite:///{tmp_path}/none.db"\n', encoding="utf-8")
    found: Any = invoke("retrain", world.data, "-o", tmp_path / "mine", "--feedback", "--settings", settings)
    assert "does not exist; make it by `nabd migrate`" in str(found.exception)
    assert not (tmp_path / "none.db").exists()
