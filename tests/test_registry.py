"""The registry: versions, aliases, history; promotion and rollback; a registered model used, served and in Spark."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from pipeline import bundle as bundles
from pipeline.errors import UsageError
from pipeline.records import Message
from pipeline.score import score
from pipeline.settings import load_settings, model_folder
from pipeline.training.registry import history
from pipeline.training.registry.commands import registry_commands
from pipeline.training.registry.history import PROMOTED, REFUSED, ROLLED_BACK, Event, reigns
from pipeline.training.registry.pyfunc import parts, size
from pipeline.training.registry.store import CHALLENGER, CHAMPION, FORMER, Registry
from pipeline.training.registry.view import render_history, render_versions
from pipeline.training.replay.commands import replay_commands
from pipeline.training.tracking import flat

TEXTS = ["please give my money back for the order", "التطبيق يعلق كل ما أفتح الملف", "پیک هنوز نیاورده است", ""]
SLOW = "NABD_TEST_SLOW"  # set to run what takes a minute
WHO = ("--by", "Hala", "--why", "learnt October")


@dataclass(frozen=True)
class World:
    """A registry after a promotion of `new` over `old` and a refusal of `deaf`, with what was printed."""

    models: Path
    tracking: str
    promoted: Result
    refused: Result

    @property
    def registry(self) -> Registry:
        return Registry(self.tracking)


def nabd(*arguments: str | Path) -> Result:
    app = typer.Typer()
    registry_commands(app)
    replay_commands(app)
    return CliRunner().invoke(app, [str(each) for each in arguments], env={"COLUMNS": "240"})


@pytest.fixture(scope="module")
def world(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    place = tmp_path_factory.mktemp("registry")
    settings = place / "nabd.toml"
    settings.write_text("[gates]\nspeed = 9\nbehaviour = 0.5\n", encoding="utf-8")
    tracking = f"sqlite:///{place / 'store' / 'mlflow.db'}"
    common = ("--data", tiny_models / "gate.csv", "--tracking", tracking, "--settings", settings, *WHO)
    promoted = nabd("promote", tiny_models / "new", "--champion", tiny_models / "old", *common)
    refused = nabd("promote", tiny_models / "deaf", *common)
    return World(tiny_models, tracking, promoted, refused)


def test_a_good_challenger_becomes_champion(world: World) -> None:
    assert world.promoted.exit_code == 0, world.promoted.output
    assert re.search(r"version 1 \(new@\w{8}\) is champion, in place of version 2 \(old@\w{8}\)", world.promoted.output)
    champion = world.registry.alias(CHAMPION)
    assert champion is not None
    assert champion.bundle == "new"
    assert set(json.loads(champion.tags["gates"]).values()) == {True}
    former = world.registry.alias(FORMER)
    assert former is not None
    assert former.bundle == "old"


def test_a_worse_challenger_is_refused_by_the_names_of_its_gates(world: World) -> None:
    assert world.refused.exit_code == 1, world.refused.output
    assert re.search(r"Refused: .*language slices.*\. version 1 \(new@\w{8}\) stays champion", world.refused.output)
    challenger = world.registry.alias(CHALLENGER)
    assert challenger is not None
    assert challenger.bundle == "deaf"
    assert json.loads(challenger.tags["gates"])["language slices"] is False


def test_the_history_says_who_and_why_and_which_gate(world: World) -> None:
    first, second = history.history(world.registry)
    assert (first.what, first.version, first.former, first.by, first.why) == (PROMOTED, 1, 2, "Hala", "learnt October")
    assert (second.what, second.version) == (REFUSED, 3)
    assert "language slices" in second.gates
    shown = as_text(render_history([first, second]))
    assert "promoted, in place of 2" in shown
    assert re.search(r"refused by .*language slices", shown)
    versions = as_text(render_versions(world.registry.versions()))
    assert re.search(r"3 +deaf@\w{8} +\S+ \S+ +challenger", versions)


def as_text(table: Any) -> str:
    from rich.console import Console

    written = io.StringIO()
    Console(file=written, width=300).print(table)
    return written.getvalue()


def test_the_run_of_a_version_holds_what_it_is_made_of(world: World) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=world.tracking, registry_uri=world.tracking)
    run = client.get_run(client.get_model_version("nabd", "1").run_id)
    assert run.data.params["rows_sha256"] == "5eed" * 16
    assert run.data.params["sha256"] == bundles.load(world.models / "new").sha256
    assert 0 <= run.data.metrics["gate/all/category/ece"] <= 1
    files = {Path(each.path).name for each in client.list_artifacts(run.info.run_id)}
    assert {"manifest.json", "MODEL_CARD.md", "gate_certificate.json", "model"} <= files


def test_a_registered_model_is_used_by_its_alias(world: World) -> None:
    for name in ("models:/nabd@champion", "models:/nabd/1"):
        bundle = bundles.load(model_folder(name, world.tracking))
        assert bundle.sha256 == bundles.load(world.models / "new").sha256


def test_a_second_registration_of_a_bundle_is_the_same_version(world: World) -> None:
    assert world.registry.register(world.models / "new", ()).number == 1


def test_a_champion_cannot_be_promoted_again(world: World) -> None:
    found = nabd(
        "promote", world.models / "new", "--data", world.models / "gate.csv", "--tracking", world.tracking, *WHO
    )
    assert isinstance(found.exception, UsageError)
    assert re.match(r"new@\w{8} is the champion already", str(found.exception))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("models:/nabd@nobody", r"models:/nabd@nobody is not in .*; it holds the versions 3, 2, 1"),
        ("models:/nabd/99", r"models:/nabd/99 is not in .*; it holds the versions"),
        ("models:/other@champion", r"it holds none: register one by `nabd promote`"),
        ("models:/nabd", r"'models:/nabd' is no model of the registry, expected such as models:/nabd@champion"),
    ],
)
def test_a_name_that_is_not_registered_is_an_error(world: World, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        model_folder(name, world.tracking)


def test_a_store_that_is_not_there_is_an_error_and_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no registry at .*mlflow.db; name one by `tracking`"):
        model_folder("models:/nabd@champion", f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert not list(tmp_path.iterdir())


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(UsageError, match=r"the registry needs mlflow.*pip install 'nabd\[train\]'"):
        model_folder("models:/nabd@champion", "sqlite:///nowhere.db")


def test_the_store_is_a_setting_with_a_name_in_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "nabd.toml"
    file.write_text('tracking = "sqlite:///a.db"\n', encoding="utf-8")
    assert load_settings(file, environment={}).tracking == "sqlite:///a.db"
    given = {"MLFLOW_TRACKING_URI": "http://one"}
    assert load_settings(file, environment=given).tracking == "http://one"
    assert load_settings(file, environment=given | {"NABD_TRACKING": "http://two"}).tracking == "http://two"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a", "--data", "b"), "--by and --why are needed"),
        (("a", *WHO), "name the CHALLENGER, and by --data"),
        (("a", "--rollback", *WHO), "--rollback goes back to the former champion; it takes no CHALLENGER"),
    ],
)
def test_what_is_asked_must_be_whole(arguments: tuple[str, ...], message: str) -> None:
    found = nabd("promote", *arguments)
    assert isinstance(found.exception, UsageError)
    assert str(found.exception).startswith(message)


def test_a_name_that_mlflow_refuses_is_changed() -> None:
    found = dict(flat({"sources": {"aetd (ar)": {"n": 7}}, "labels of ours": {"استرداد & refund": {"f1": 0.5}}}))
    assert found == {"sources/aetd _ar_/n": 7.0, "labels of ours/استرداد _ refund/f1": 0.5}


def event(what: str, version: int, former: int | None = None) -> Event:
    return Event("", what, version, former, "", "")


def test_the_reigns_follow_promotions_and_rollbacks() -> None:
    assert reigns([]) == []
    assert reigns([event(PROMOTED, 2, 1), event(REFUSED, 3, 2), event(PROMOTED, 4, 2)]) == [1, 2, 4]
    assert reigns([event(PROMOTED, 2, 1), event(PROMOTED, 4, 2), event(ROLLED_BACK, 2, 4)]) == [1, 2]
    back_twice = [event(PROMOTED, 2, 1), event(PROMOTED, 4, 2), event(ROLLED_BACK, 2, 4), event(ROLLED_BACK, 1, 2)]
    assert reigns(back_twice) == [1]
    assert reigns([*back_twice, event(PROMOTED, 4, 1)]) == [1, 4]


def test_a_rollback_is_one_command_and_stops_at_the_first_champion(world: World, tmp_path: Path) -> None:
    tracking = copied(world, tmp_path)
    found = nabd("promote", "--rollback", "--tracking", tracking, *WHO)
    assert found.exit_code == 0, found.output
    assert re.search(r"version 2 \(old@\w{8}\) is champion again, in place of version 1", found.output)
    assert bundles.load(model_folder("models:/nabd@champion", tracking)).name == "old"
    again = nabd("promote", "--rollback", "--tracking", tracking, *WHO)
    assert isinstance(again.exception, UsageError)
    assert "is the first champion: there is none to go back to" in str(again.exception)
    assert [each.what for each in history.history(Registry(tracking))] == [PROMOTED, REFUSED, ROLLED_BACK]


def copied(world: World, folder: Path) -> str:
    """The same registry, to be changed."""
    shutil.copy(world.tracking.removeprefix("sqlite:///"), folder / "mlflow.db")
    return f"sqlite:///{folder / 'mlflow.db'}"


def test_a_cascade_is_packed_with_both_its_models(tiny_models: Path) -> None:
    models = Path(__file__).parent.parent / "models"
    names = {path.name for path in parts(models / "nabd-cascade")}
    assert names == {"nabd-cascade", "nabd-base", "nabd-fast", "encoder", "encoder-fast"}
    whole, fast = size(models / "nabd-cascade"), size(models / "nabd-fast")
    assert fast < size(models / "nabd-base") < whole < 2 * size(models / "nabd-base")


def expected(world: World) -> list[dict[str, Any]]:
    """What `score()` says of `TEXTS`."""
    rules = load_settings(environment={}).routes
    found = score([Message(text) for text in TEXTS], bundles.load(world.models / "new"), rules)
    return [{"nabd_topic": one.topic.label, "nabd_queue": one.decision.queue, "nabd_model": one.model} for one in found]


@pytest.fixture
def champion(world: World) -> str:
    """The folder of the MLflow model, which is complete in itself."""
    return str(world.registry.folder(world.registry.named(CHAMPION)).parents[2])


@contextmanager
def mlflow(*arguments: str, environment: Mapping[str, str], log: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """An `mlflow` command that serves, on a free port; its address. It and its children end with the block."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "mlflow", *arguments, "-p", str(port)]
    with log.open("w") as written:
        given = {**os.environ, "PATH": path, **environment}
        server = subprocess.Popen(command, env=given, stdout=written, stderr=written, start_new_session=True)
    try:
        yield f"http://127.0.0.1:{port}", server
    except TimeoutError:
        pytest.fail(log.read_text(encoding="utf-8")[-3000:])
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)


def test_mlflow_serves_a_registered_model(world: World, tmp_path: Path) -> None:
    serve = ("models", "serve", "-m", "models:/nabd@champion", "--env-manager", "local")
    store = {"MLFLOW_TRACKING_URI": world.tracking}
    with mlflow(*serve, environment=store, log=tmp_path / "log") as (url, server):
        body = {"dataframe_split": {"columns": ["text"], "data": [[text] for text in TEXTS]}}
        found = ask(f"{url}/invocations", server, body)
    said = [{key: row[key] for key in ("nabd_topic", "nabd_queue", "nabd_model")} for row in found["predictions"]]
    assert said == expected(world)


@pytest.mark.skipif(not os.environ.get(SLOW), reason=f"{SLOW} is not set: starts an MLflow server")
def test_a_registry_may_be_a_server(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store = f"sqlite:///{tmp_path / 'server.db'}"
    serve = (
        "server",
        "--backend-store-uri",
        store,
        "--artifacts-destination",
        str(tmp_path / "artefacts"),
        "--workers",
        "1",
    )
    with mlflow(*serve, environment={}, log=tmp_path / "log") as (url, server):
        ask(f"{url}/health", server)
        registry = Registry(url)
        registry.point(CHAMPION, registry.register(world.models / "new", ()).number)
        folder = model_folder("models:/nabd@champion", url)
    assert folder.is_relative_to(tmp_path / "cache")
    assert bundles.load(folder).sha256 == bundles.load(world.models / "new").sha256
    assert not list((tmp_path / "cache").rglob("*.part"))


def ask(url: str, server: subprocess.Popen[bytes], body: Any = None) -> Any:
    """Tries until the server answers. Raises TimeoutError when it ended, or after three minutes."""
    given = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, given, {"Content-Type": "application/json"})
    until = time.monotonic() + 180
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                content = answer.read()
                return content if body is None else json.loads(content)
        except urllib.error.HTTPError as error:
            pytest.fail(error.read().decode())
        except OSError:
            time.sleep(0.5)
    raise TimeoutError


@pytest.mark.skipif(not os.environ.get(SLOW), reason=f"{SLOW} is not set: needs Java and pyspark, and a minute")
def test_spark_applies_a_registered_model(world: World, champion: str, tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text(JOB, encoding="utf-8")
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": world.tracking, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable,
        "NABD_THREADS": "1",
    }  # fmt: skip
    run = [sys.executable, str(script), champion, json.dumps(TEXTS)]
    done = subprocess.run(run, env=environment, capture_output=True, encoding="utf-8", timeout=560, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == expected(world)


JOB = """
import json
import sys

import mlflow
from pyspark.sql import SparkSession
from pyspark.sql.functions import struct

place = "127.0.0.1"
builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
spark = builder.config("spark.driver.bindAddress", place).config("spark.driver.host", place).getOrCreate()
label = mlflow.pyfunc.spark_udf(spark, sys.argv[1], env_manager="local")
frame = spark.createDataFrame([(text,) for text in json.loads(sys.argv[2])], ["text"])
names = ["nabd_topic", "nabd_queue", "nabd_model"]
rows = frame.withColumn("said", label(struct("text"))).select(*[f"said.{name}" for name in names]).collect()
spark.stop()
print(json.dumps([row.asDict() for row in rows]))
"""
