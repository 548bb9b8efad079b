from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from levels import level

from pipeline.bundle import HEADS, Bundle, load, save
from pipeline.calibrate import ANY
from pipeline.encoder import FakeEncoder, OnnxEncoder, manifest_id
from pipeline.errors import BundleError
from pipeline.manifest import file_hash
from pipeline.taxonomy import DEFAULT, TASKS


def loaded(folder: Path) -> Bundle:
    return load(folder, encoder=FakeEncoder())


def change(folder: Path, edit: Callable[[dict[str, Any]], object], *, sign: bool) -> None:
    """Edits the manifest; `sign` also states the right sha256, as a tool of another version would."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    edit(manifest)
    if sign:
        content = {key: value for key, value in manifest.items() if key not in ("sha256", "built")}
        text = json.dumps(content, sort_keys=True, ensure_ascii=False)
        manifest["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(json.dumps(manifest, ensure_ascii=False), "utf-8")


def test_a_saved_bundle_comes_back(bundle_folder: Path, tiny_bundle: Bundle) -> None:
    back = loaded(bundle_folder)
    texts, languages = ["سفارشم نرسیده", "وين طلبي", "where is it", "fin talabi"], ["fa", "ar", "en", "ar-Latn"]
    said, again = tiny_bundle.judge(texts, languages), back.judge(texts, languages)
    assert list(said.probabilities) == list(TASKS)
    for task, values in said.probabilities.items():
        assert np.array_equal(values, again.probabilities[task])
    assert np.array_equal(said.strange, again.strange)
    assert replace(back, heads=tiny_bundle.heads, sha256="unsaved") == tiny_bundle
    assert back.version == f"tiny@{back.sha256[:8]}"
    assert {path.name for path in bundle_folder.iterdir()} == {"manifest.json", HEADS}


def test_the_hash_follows_the_content_and_not_the_build(tiny_bundle: Bundle, tmp_path: Path) -> None:
    first = save(tiny_bundle, tmp_path / "a", built={"on": "2026-01-01"})
    assert first == save(tiny_bundle, tmp_path / "b", built={"on": "2026-02-02"}) == loaded(tmp_path / "a").sha256
    assert first != save(replace(tiny_bundle, thresholds=level(0.9)), tmp_path / "b")
    assert first != save(replace(tiny_bundle, farthest=0.9), tmp_path / "b")


def test_what_belongs_to_a_language_comes_back(tiny_bundle: Bundle, tmp_path: Path) -> None:
    temperatures = {**tiny_bundle.temperatures, "churn": {ANY: 2.0, "fa": 0.5}}
    thresholds = {**level(0.6), "ar": dict.fromkeys(DEFAULT.category_ids, 1.01)}
    saved = replace(tiny_bundle, temperatures=temperatures, thresholds=thresholds, farthest=0.75)
    save(saved, tmp_path / "tiny")
    back = loaded(tmp_path / "tiny")
    assert (back.temperatures, back.thresholds, back.farthest) == (temperatures, thresholds, 0.75)


def test_saving_over_a_bundle_replaces_it(bundle_folder: Path, tiny_bundle: Bundle) -> None:
    save(replace(tiny_bundle, name="new"), bundle_folder)
    assert loaded(bundle_folder).name == "new"


TAMPERED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte of the heads": (lambda f: flip(f / HEADS), "heads.safetensors was altered"),
    "heads cut short": (lambda f: (f / HEADS).write_bytes((f / HEADS).read_bytes()[:-1]), "altered or is cut short"),
    "empty heads": (lambda f: (f / HEADS).write_bytes(b""), "altered or is cut short"),
    "no heads": (lambda f: (f / HEADS).unlink(), "heads.safetensors is missing"),
    "a folder for heads": (lambda f: ((f / HEADS).unlink(), (f / HEADS).mkdir()), "cannot be read"),
    "a link to other heads": (lambda f: link(f / HEADS, f / "manifest.json"), "was altered"),
    "a link to nothing": (lambda f: link(f / HEADS, f / "nowhere"), "is missing"),
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "holds no manifest.json"),
    "no folder": (lambda f: shutil.rmtree(f), "holds no manifest.json"),
    "a folder for a manifest": (lambda f: ((f / "manifest.json").unlink(), (f / "manifest.json").mkdir()), "cannot"),
    "a byte of the manifest": (lambda f: flip(f / "manifest.json"), "manifest.json"),
    "half a manifest": (lambda f: (f / "manifest.json").write_text("{"), "is not JSON"),
    "a binary manifest": (lambda f: (f / "manifest.json").write_bytes(b"\xff\x00"), "is not JSON"),
    "a list for a manifest": (lambda f: (f / "manifest.json").write_text("[]"), "schema 2"),
}


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def link(path: Path, target: Path) -> None:
    path.unlink()
    path.symlink_to(target)


@pytest.mark.parametrize(("tamper", "message"), TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_folder_is_refused(bundle_folder: Path, tamper: Callable[[Path], object], message: str) -> None:
    tamper(bundle_folder)
    with pytest.raises(BundleError, match=message.replace(".", r"\.")):
        loaded(bundle_folder)


EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "threshold": lambda m: m["thresholds"]["*"].update(billing=0.1),
    "temperature": lambda m: m["temperatures"]["topic"].update(fa=9.0),
    "farthest": lambda m: m.update(farthest=1.9),
    "label": lambda m: m["tasks"]["topic"].reverse(),
    "name": lambda m: m.update(name="other"),
    "licence of the data": lambda m: m["training"].update(licence="MIT"),
    "hash of the heads": lambda m: m["files"].update({HEADS: "0" * 64}),
    "hash of all": lambda m: m.update(sha256="0" * 64),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edited_manifest_is_refused(bundle_folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    change(bundle_folder, edit, sign=False)
    with pytest.raises(BundleError, match=r"manifest\.json was altered"):
        loaded(bundle_folder)


SIGNED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "schema 1": (lambda m: m.update(schema=1), "schema 2"),
    "schema 3": (lambda m: m.update(schema=3), "schema 2"),
    "no schema": (lambda m: m.pop("schema"), "schema 2"),
    "unknown key": (lambda m: m.update(colour="red"), "schema 2"),
    "missing key": (lambda m: m.pop("training"), "schema 2"),
    "half a cascade": (lambda m: m.update(fast="0" * 64), "schema 2"),
    "other normaliser": (lambda m: m.update(normaliser="0"), "trained with normaliser 0"),
    "other encoder": (lambda m: m.update(encoder="fake-65"), "needs encoder fake-65"),
    "unknown file": (lambda m: m["files"].update({"code.pkl": "0"}), "names files"),
    "path outside": (lambda m: m.update(files={"../../x": "0"}), "names files"),
    "no files": (lambda m: m.update(files={}), "names files"),
    "files as a list": (lambda m: m.update(files=[HEADS]), "files is list"),
    "tasks as a list": (lambda m: m.update(tasks=[]), "tasks is list"),
    "labels in another order": (lambda m: m["tasks"]["topic"].reverse(), "do not follow its taxonomy"),
    "labels as a number": (lambda m: m["tasks"].update(topic=5), "do not follow its taxonomy"),
    "missing task": (lambda m: m["tasks"].pop("churn"), "do not follow its taxonomy"),
    "no taxonomy": (lambda m: m.update(taxonomy={}), "taxonomy"),
    "no temperature": (lambda m: m["temperatures"].pop("churn"), "temperatures"),
    "temperature of a task we lack": (lambda m: m["temperatures"].update(mood={"*": 1.0}), "temperatures"),
    "temperature of one language only": (lambda m: m["temperatures"].update(churn={"fa": 1.0}), "temperatures"),
    "temperature of no language": (lambda m: m["temperatures"].update(churn=1.0), "temperatures"),
    "temperature 0": (lambda m: m["temperatures"]["churn"].update(ar=0), "temperatures"),
    "temperature NaN": (lambda m: m["temperatures"]["churn"].update({"*": float("nan")}), "temperatures"),
    "temperature as text": (lambda m: m["temperatures"]["churn"].update({"*": "1"}), "temperatures"),
    "no threshold": (lambda m: m.update(thresholds={}), "thresholds"),
    "thresholds of one language only": (lambda m: m.update(thresholds={"fa": m["thresholds"]["*"]}), "thresholds"),
    "threshold of an unknown category": (lambda m: m["thresholds"]["*"].update(colour=0.5), "thresholds"),
    "a category without a threshold": (lambda m: m["thresholds"].update(fa={"billing": 0.5}), "thresholds"),
    "threshold of no category": (lambda m: m["thresholds"].update(fa=0.5), "thresholds"),
    "threshold 0": (lambda m: m["thresholds"]["*"].update(billing=0), "thresholds"),
    "threshold NaN": (lambda m: m["thresholds"]["*"].update(billing=float("nan")), "thresholds"),
    "farthest as text": (lambda m: m.update(farthest="far"), "farthest is str"),
    "farthest NaN": (lambda m: m.update(farthest=float("nan")), "farthest is nan"),
    "farthest below 0": (lambda m: m.update(farthest=-0.1), "farthest is -0.1"),
}


@pytest.mark.parametrize(("edit", "message"), SIGNED.values(), ids=SIGNED)
def test_what_this_version_does_not_know_is_refused_even_when_signed(
    bundle_folder: Path, edit: Callable[[dict[str, Any]], object], message: str
) -> None:
    change(bundle_folder, edit, sign=True)
    with pytest.raises(BundleError, match=message):
        loaded(bundle_folder)


def test_tasks_in_another_order_would_swap_the_heads_and_are_refused(bundle_folder: Path) -> None:
    change(bundle_folder, lambda m: m.update(tasks={task: m["tasks"][task] for task in reversed(TASKS)}), sign=True)
    with pytest.raises(BundleError, match="do not follow its taxonomy"):
        loaded(bundle_folder)


def test_heads_for_an_encoder_of_another_width_are_refused(bundle_folder: Path) -> None:
    class Wide(FakeEncoder):
        id = "fake-64"

    with pytest.raises(BundleError, match="read 64 numbers, its encoder gives 65"):
        load(bundle_folder, encoder=Wide(65))


@pytest.fixture
def models(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """A folder of one bundle and its encoder, whose graph is never run here."""
    folder = tmp_path / "models"
    (folder / "encoder").mkdir(parents=True)
    files = {"model.onnx": b"a graph", "tokenizer.json": b"{}"}
    for name, content in files.items():
        (folder / "encoder" / name).write_bytes(content)
    hashes = {name: file_hash(folder / "encoder" / name) for name in files}
    content = {"kind": "onnx", "files": hashes, "width": 64, "window_tokens": 8, "prefix": "query: ", "pad_id": 1}
    (folder / "encoder" / "encoder.json").write_text(json.dumps({**content, "id": manifest_id(content)}))
    save(replace(tiny_bundle, encoder=OnnxEncoder(folder / "encoder")), folder / "tiny")
    return folder


def test_the_encoder_is_found_by_its_hash_whatever_lies_beside_it(models: Path) -> None:
    (models / "another").mkdir()
    (models / "another" / "encoder.json").write_text("half a fi")
    (models / "encoder").rename(models / "renamed")
    found = load(models / "tiny", threads=3).encoder
    assert found == OnnxEncoder(models / "renamed", 3)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing encoder": (lambda f: shutil.rmtree(f), "no encoder"),
    "missing graph": (lambda f: (f / "model.onnx").unlink(), "model.onnx is missing"),
    "a byte of the graph": (lambda f: flip(f / "model.onnx"), "model.onnx was altered"),
    "tokenizer cut short": (lambda f: (f / "tokenizer.json").write_text("{"), "tokenizer.json was altered"),
    "altered encoder.json": (
        lambda f: (f / "encoder.json").write_text((f / "encoder.json").read_text().replace("query", "passage")),
        "encoder.json was altered",
    ),
    "missing encoder.json": (lambda f: (f / "encoder.json").unlink(), "no encoder"),
}


@pytest.mark.parametrize(("tamper", "message"), BROKEN.values(), ids=BROKEN)
def test_a_tampered_encoder_is_refused(models: Path, tamper: Callable[[Path], object], message: str) -> None:
    load(models / "tiny")
    tamper(models / "encoder")
    with pytest.raises(BundleError, match=message.replace(".", r"\.")):
        load(models / "tiny")


def test_the_shipped_bundle_is_whole(shipped: Bundle) -> None:
    assert shipped.heads.weight.shape == (shipped.encoder.width, sum(map(len, shipped.heads.labels.values())))
    assert np.isfinite(shipped.heads.weight).all()
    assert shipped.taxonomy == DEFAULT
    for levels in shipped.thresholds.values():
        assert levels.keys() == set(DEFAULT.category_ids)
        assert 0 < min(levels.values()) < 1, "some messages need no person"
    assert all(0.05 <= value <= 20 for values in shipped.temperatures.values() for value in values.values())
    assert 0 < shipped.farthest <= 2
