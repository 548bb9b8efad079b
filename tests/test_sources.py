"""The registry is complete and strict; a data folder is found, checked and read; downloads land in the same layout."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from pipeline.errors import InputError, UsageError
from pipeline.training.prepare.mapping import load_label_maps
from pipeline.training.sources import (
    Hub,
    Source,
    fetch,
    fetch_missing,
    file_hash,
    find_data_dir,
    get_source,
    load_registry,
    locate,
    read_rows,
    write_lines,
)
from pipeline.training.sources.folder import VARIABLE


def source(name: str = "banking77", **changes: object) -> Source:
    values = {"name": name, "task": "topic", "languages": ("en",), "domain": "banking", "nature": "made up",
              "licence": "MIT", "train_ok": "yes", "file": f"data/{name}.jsonl.gz", "sha256": "0" * 64}  # fmt: skip
    return Source(**{**values, **changes})  # type: ignore[arg-type]


def lines_of(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_the_registry_holds_every_source_with_licence_and_hash() -> None:
    registry = load_registry()
    with_files = [entry for entry in registry.values() if entry.file]
    assert list(registry)[:2] == ["gold", "authored"], "precedence follows the order of the tables"
    assert len(with_files) == 27
    assert all(entry.licence and len(entry.sha256) == 64 for entry in with_files)
    assert {entry.name for entry in registry.values() if entry.train_ok == "eval"} == {
        "parsinlu-sentiment", "armanemo", "airline", "twcs_topics",
    }  # fmt: skip


def test_every_public_source_has_a_label_map() -> None:
    public = {entry.name for entry in load_registry().values() if entry.file and not entry.labelled_for_us}
    assert set(load_label_maps()) == public


def test_sources_of_one_set_of_intents_share_its_name() -> None:
    sets: dict[str, set[str]] = {}
    for entry in load_registry().values():
        if entry.intents:
            sets.setdefault(entry.intents, set()).add(entry.name)
    assert sets == {"banking": {"banking77", "arbanking77"}, "clinc150": {"clinc150"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[a]\nlicense = "MIT"\n', r"\[a\]: unknown key 'license'; expected one of name, task"),
        ('[a]\ntask = "topic"\n', r"\[a\]: .*missing"),
        ("[a\n", "cannot be read as TOML"),
    ],
)
def test_a_registry_that_does_not_fit_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "r.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        load_registry(tmp_path / "r.toml")


def test_an_unknown_hub_key_and_an_unknown_permission_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    table = '[a]\ntask = "topic"\nlanguages = ["fa"]\ndomain = ""\nnature = ""\nlicence = "MIT"\ntrain_ok = "{}"\n{}'
    path.write_text(table.format("maybe", ""), encoding="utf-8")
    with pytest.raises(InputError, match="train_ok is 'maybe'"):
        load_registry(path)
    path.write_text(table.format("yes", '[a.hub]\nname = "x/y"\n'), encoding="utf-8")
    with pytest.raises(InputError, match=r"\[a.hub\]: unknown key 'name'"):
        load_registry(path)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="unknown source 'banking78': expected one of gold, authored, banking77"):
        get_source(load_registry(), "banking78")


def test_the_folder_given_wins_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "elsewhere"))
    assert find_data_dir(tmp_path) == tmp_path
    with pytest.raises(UsageError, match=r"elsewhere does not exist: name another with --data-dir or NABD_DATA_DIR"):
        find_data_dir()


def test_a_changed_file_is_refused_with_both_hashes(tmp_path: Path) -> None:
    path = tmp_path / "data" / "banking77.jsonl.gz"
    write_lines(path, iter(['{"text": "where is my card"}']))
    good = source(sha256=file_hash(path))
    assert locate({"banking77": good}, tmp_path)[0][0].sha256 == good.sha256
    write_lines(path, iter(['{"text": "where is my cat"}']))
    with pytest.raises(InputError) as error:
        locate({"banking77": good}, tmp_path)
    message = str(error.value)
    assert "banking77.jsonl.gz has changed" in message
    assert f"found sha256 {file_hash(path)}, expected {good.sha256}" in message
    assert "set sha256 of [banking77]" in message


def test_a_missing_source_is_a_warning_and_none_at_all_an_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "data" / "banking77.jsonl.gz"
    write_lines(path, iter(["{}"]))
    registry = {"banking77": source(sha256=file_hash(path)), "marsa": source("marsa")}
    present, missing = locate(registry, tmp_path)
    assert [found.source.name for found in present] == ["banking77"]
    assert [entry.name for entry in missing] == ["marsa"]
    assert "1 sources are missing and left out: marsa" in caplog.text
    path.unlink()
    with pytest.raises(InputError, match="no training data in"):
        locate(registry, tmp_path)


@pytest.mark.parametrize("line", ["not json", "[1, 2]"])
def test_a_row_that_is_no_object_names_file_and_row_and_not_its_text(tmp_path: Path, line: str) -> None:
    path = tmp_path / "data" / "banking77.jsonl.gz"
    write_lines(path, iter(["{}", line]))
    (located,), _ = locate({"banking77": source(sha256=file_hash(path))}, tmp_path)
    with pytest.raises(InputError, match=r"^banking77.jsonl.gz: row 2 is not a JSON object") as error:
        list(read_rows(located))
    assert line not in str(error.value)


def test_a_truncated_file_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "data" / "banking77.jsonl.gz"
    write_lines(path, (f'{{"n": {n}}}' for n in range(1000)))
    path.write_bytes(path.read_bytes()[:-100])
    (located,), _ = locate({"banking77": source(sha256=file_hash(path))}, tmp_path)
    with pytest.raises(InputError, match="not a readable gzip file"):
        list(read_rows(located))


def test_what_the_hub_lacks_is_named_with_its_repository(tmp_path: Path) -> None:
    registry = {"marsa": source("marsa", repository="https://github.com/imamu-asa/ASA")}
    assert fetch_missing(registry, tmp_path) == [
        "marsa: not on the hub; get it from https://github.com/imamu-asa/ASA",
    ]
    with pytest.raises(UsageError, match=r"marsa cannot be fetched: get it from https://github.com/imamu-asa/ASA"):
        fetch(registry["marsa"], tmp_path)


def test_a_download_writes_label_names_and_is_accepted_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets = pytest.importorskip("datasets")
    names = datasets.ClassLabel(names=["anger", "joy", "neutral"])
    features = datasets.Features({"text": datasets.Value("string"), "labels": datasets.List(names)})
    tables = {"train": [("So kind, thanks", [1]), ("Kind but late", [0, 1])], "validation": [("Ok", [2])]}
    for split, rows in tables.items():
        table = datasets.Dataset.from_dict({"text": [t for t, _ in rows], "labels": [n for _, n in rows]}, features)
        table.to_parquet(tmp_path / "hub" / f"{split}.parquet")
    hub = Hub(str(tmp_path / "hub"), text="text", label="labels", splits={"train": "train", "validation": "dev"})
    entry = source("goemotions", task="emotion", hub=hub)

    path = fetch(entry, tmp_path / "data dir")

    assert path == tmp_path / "data dir" / "data" / "goemotions.jsonl.gz"
    assert [(row["id"], row["split"], row["label"], row["text"], row["lang"]) for row in lines_of(path)] == [
        ("goemotions-train-0", "train", "joy", "So kind, thanks", "en"),
        ("goemotions-train-1", "train", "anger|joy", "Kind but late", "en"),
        ("goemotions-dev-0", "dev", "neutral", "Ok", "en"),
    ]
    assert locate({"goemotions": entry}, tmp_path / "data dir")[0][0].sha256 == file_hash(path)
    assert fetch_missing({"goemotions": entry}, tmp_path / "data dir") == []
    with pytest.raises(InputError, match="no column 'intent'; found text, labels"):
        fetch(source("goemotions", hub=Hub(hub.id, "text", "intent", {"train": "train"})), tmp_path)
