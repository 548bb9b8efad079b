from __future__ import annotations

import re
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.service.settings import NAMES, PREFIX, ServiceSettings, load_service_settings
from pipeline.settings import load_settings

SHIPPED = Path(__file__).parents[2] / "nabd.toml"
ROUTE = '[[route]]\nname = "all"\nqueue = "desk"\npriority = "normal"\nsla_minutes = 60\n'


def written(folder: Path, table: str) -> Path:
    path = folder / "nabd.toml"
    path.write_text(f"threads = 2\n{ROUTE}\n{table}", encoding="utf-8")
    return path


def test_without_a_table_everything_has_its_default(tmp_path: Path) -> None:
    assert load_service_settings(written(tmp_path, ""), environment={}) == ServiceSettings()
    assert load_service_settings(environment={}) == ServiceSettings()


def test_the_environment_beats_the_file_which_beats_the_default(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[service]\nstore_text = "none"\nretention_days = 0\nbatch_size = 8\nwebhook_urls = ["https://desk.example/in"]\n',
    )
    environment = {
        f"{PREFIX}BATCH_SIZE": "16", f"{PREFIX}WEBHOOK_URLS": "https://a.example, https://b.example",
        f"{PREFIX}DATABASE": "postgresql://nabd@db/nabd", f"{PREFIX}LOGINS": "", f"{PREFIX}HOST": "10.0.0.7",
    }  # fmt: skip
    found = load_service_settings(path, environment=environment)
    assert (found.store_text, found.retention_days, found.batch_size, found.logins) == ("none", 0, 16, "10/minute")
    assert found.webhook_urls == ("https://a.example", "https://b.example")
    assert found.database == "postgresql://nabd@db/nabd"
    assert load_service_settings(environment={"NABD_SETTINGS": str(path)}).batch_size == 8


def test_the_other_settings_leave_the_table_alone(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, "[service]\nbatch_size = 8\n"), environment={}).threads == 2


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("batchsize = 1", "unknown key 'batchsize' in [service], expected one of database, store_text"),
        ("batch_size = 0", "nabd.toml, [service]: batch_size is 0, expected 1 to"),
        ("retention_days = -1", "retention_days is -1, expected 0 to"),
        ("max_body = 1e6", "max_body must be a whole number"),
        ("max_body = true", "max_body must be a whole number"),
        ("queue_size = 9999999999999999999", "expected 1 to"),
        ('store_text = "all"', "store_text is 'all', expected one of masked, raw, none"),
        ('log_format = "xml"', "log_format is 'xml', expected one of json, text"),
        ("uploads = 5", "uploads must be text"),
        ('uploads = ""', "uploads is empty"),
        ('webhook_urls = "https://a.example"', "webhook_urls must be a list of addresses"),
        ('webhook_urls = ["file:///etc/passwd"]', "expected one that begins with https://"),
        ('webhook_urls = ["https://"]', "expected one that begins with https://"),
        ('webhook_urls = ["http://["]', "expected one that begins with https://"),
        ('trace_endpoint = "here"', "trace_endpoint holds what is no address"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(tmp_path: Path, table: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        load_service_settings(written(tmp_path, f"[service]\n{table}\n"), environment={})
    assert message in str(error.value)


def test_a_table_must_be_one(tmp_path: Path) -> None:
    path = tmp_path / "nabd.toml"
    path.write_text("service = 5\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"nabd.toml line 1: service must be a table"):
        load_service_settings(path, environment={})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("BATCH_SIZE", "many", "NABD_SERVICE_BATCH_SIZE must be a whole number, found 'many'"),
     ("STORE_TEXT", "all", "NABD_SERVICE_STORE_TEXT is 'all'"),
     ("WEBHOOK_URLS", "https://a.example,b", "NABD_SERVICE_WEBHOOK_URLS holds what is no address")],
)  # fmt: skip
def test_a_variable_that_cannot_be_used_is_named(name: str, value: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        load_service_settings(environment={f"{PREFIX}{name}": value})
    assert message in str(error.value)


def test_secrets_are_not_shown() -> None:
    names = [name for name in NAMES if name.endswith("_secret") or name == "database"]
    found = load_service_settings(environment={f"{PREFIX}{name.upper()}": f"hush-{name}" for name in names})
    assert len(names) == 6
    assert "hush" not in repr(found)
    assert all(asdict(found)[name] == f"hush-{name}" for name in names)


def test_the_shipped_file_shows_every_key_with_its_default() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    block = text[text.index("# [service]") :].partition("\n\n")[0]
    shown = tomllib.loads(re.sub(r"^# ?", "", block, flags=re.MULTILINE))["service"]
    default = {
        name: list(value) if isinstance(value, tuple) else value for name, value in asdict(ServiceSettings()).items()
    }
    assert shown == default
    assert list(shown) == list(NAMES)
    for entry in ServiceSettings.__dataclass_fields__.values():
        line = next(line for line in block.splitlines() if line.startswith(f"# {entry.name} "))
        assert entry.name == "database" or line.endswith(f"# {entry.metadata['help']}")
