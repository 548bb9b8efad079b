from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.service.auth import keys
from pipeline.service.doctor import Finding, examine
from pipeline.service.settings import ServiceSettings
from pipeline.service.store.engine import Store
from pipeline.settings import Settings

Examine = Callable[..., dict[str, Finding]]


@pytest.fixture
def sound(tmp_path: Path) -> ServiceSettings:
    """Settings of which everything is in order."""
    found = ServiceSettings(database=f"sqlite:///{tmp_path / 'nabd.db'}", uploads=str(tmp_path / "uploads"))
    Store.open(found.database).close()
    return found


@pytest.fixture
def look(settings: Settings, sound: ServiceSettings) -> Examine:
    def examined(
        host: str = "127.0.0.1", model: str = "nabd-fast", **changes: str | tuple[str, ...]
    ) -> dict[str, Finding]:
        service = replace(sound, **changes)  # type: ignore[arg-type]
        return {each.what: each for each in examine(replace(settings, model=model), service, host=host)}

    return examined


def faults(found: dict[str, Finding]) -> list[str]:
    return [what for what, each in found.items() if not each.good]


def test_a_service_in_order_has_no_fault_and_nothing_was_made(look: Examine, sound: ServiceSettings) -> None:
    found = look()
    assert faults(found) == []
    assert list(found) == ["settings", "model", "store", "uploads", "access"]
    assert not Path(sound.uploads).exists()


def test_a_model_that_was_altered_or_is_not_there_is_named(look: Examine) -> None:
    found = look(model="no-such-model")
    assert faults(found) == ["model"]
    assert "no-such-model" in found["model"].detail


def test_a_store_that_is_missing_is_not_made(look: Examine, tmp_path: Path) -> None:
    found = look(database=f"sqlite:///{tmp_path / 'other.db'}")
    assert faults(found) == ["store", "access"]
    assert "nabd migrate" in found["store"].detail
    assert not (tmp_path / "other.db").exists()


def test_uploads_that_others_may_read_or_that_cannot_be_written_are_told(look: Examine, sound: ServiceSettings) -> None:
    folder = Path(sound.uploads)
    folder.mkdir(mode=0o755)
    found = look()
    assert faults(found) == ["uploads"]
    assert f"chmod 700 {folder}" in found["uploads"].detail
    folder.chmod(0o700)
    assert faults(look()) == []
    folder.rmdir()
    folder.write_text("")
    assert "not a folder" in look()["uploads"].detail


def test_a_service_without_a_key_says_so(look: Examine, sound: ServiceSettings) -> None:
    assert "nabd keys create" in look()["access"].detail
    store = Store.open(sound.database)
    with store.begin() as session:
        keys.create(session, "desk", ["score"], None)
    store.close()
    assert "nabd keys create" not in look()["access"].detail


def test_a_public_address_needs_a_key(look: Examine, sound: ServiceSettings) -> None:
    found = look(host="0.0.0.0")
    assert faults(found) == ["access"]
    assert "nabd keys create" in found["access"].detail
    store = Store.open(sound.database)
    with store.begin() as session:
        keys.create(session, "desk", ["score"], None)
    store.close()
    assert faults(look(host="0.0.0.0")) == []
    assert faults(look(host="desk.example")) == ["access"]


def test_events_that_could_not_be_signed_are_a_fault(look: Examine) -> None:
    found = look(webhook_urls=("https://desk.example/hook",))
    assert faults(found) == ["settings"]
    assert "webhook_secret" in found["settings"].detail


def test_the_command_shows_a_table_and_ends_with_1_when_something_is_wrong(
    sound: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NABD_SERVICE_DATABASE", sound.database)
    monkeypatch.setenv("NABD_SERVICE_UPLOADS", sound.uploads)
    good = CliRunner().invoke(app, ["doctor", "--model", "nabd-fast"])
    assert good.exit_code == 0
    assert good.stdout.count("good") == 5
    bad = CliRunner().invoke(app, ["doctor", "--model", "nabd-fast", "--host", "0.0.0.0"])
    assert bad.exit_code == 1
    assert "fault" in bad.stdout
    assert "nabd keys create" in bad.stdout
