from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bundle import Bundle
from pipeline.encoder import BATCH_TOKENS, PADDING, FakeEncoder, OnnxEncoder, _batches, manifest_id, read_manifest
from pipeline.errors import BundleError

TEXTS = (
    "",
    "؟",
    "سلام",
    "طلبي تأخر أسبوعا كاملا ولا أحد يرد على اتصالاتي",
    "I was charged twice for one order and would like one of the two back",
    "بسته ای که دیروز رسید خالی بود و پشتیبانی جواب نمی دهد " * 40,
    "😂😂😂",
)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=8))
def test_a_fake_vector_depends_on_its_text_alone(texts: list[str]) -> None:
    encoder = FakeEncoder()
    vectors = encoder.encode(texts)
    assert vectors.shape == (len(texts), encoder.width)
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors, np.concatenate([encoder.encode([text]) for text in texts] or [vectors]))


def test_fake_vectors_of_near_texts_are_near() -> None:
    one, near, far = FakeEncoder().encode(["where is my order", "where is my orders", "كيف أغير كلمة السر"])
    assert one @ near > 0.9 > 0.5 > one @ far
    assert FakeEncoder(32).id != FakeEncoder(64).id


def test_a_real_vector_is_the_same_alone_and_in_a_list(shipped: Bundle) -> None:
    encoder = shipped.encoder
    together = encoder.encode(TEXTS)
    assert together.shape == (len(TEXTS), encoder.width)
    assert together.dtype == np.float32
    assert np.isfinite(together).all()
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert np.abs(together - alone).max() < 1e-3
    assert encoder.encode([]).shape == (0, encoder.width)


def test_real_vectors_know_the_meaning_across_languages(shipped: Bundle) -> None:
    vectors = shipped.encoder.encode(["متى يصل طلبي؟", "سفارش من کی می رسد؟", "I forgot my password"])
    arabic, persian, other = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert arabic @ persian > max(arabic @ other, persian @ other)


def test_a_text_longer_than_a_window_is_read_to_its_end(shipped: Bundle) -> None:
    start = "the parcel came late and the box was open " * 40
    one, other = shipped.encoder.encode([start + "I want my money back " * 40, start + "thank you so much " * 40])
    assert np.abs(one - other).max() > 0.01


def test_the_runtime_leaves_no_telemetry(tmp_path: Path) -> None:
    code = (
        "from pipeline import bundle, settings\nbundle.load(settings.model_folder('nabd-base')).encoder.encode(['ok'])"
    )
    environment = {**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.integers(1, 256), max_size=60))
def test_batches_hold_every_text_once_and_bounded_tokens(lengths: list[int]) -> None:
    batches = list(_batches(lengths))
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for found in ([lengths[index] for index in batch] for batch in batches):
        assert len(found) * max(found) <= BATCH_TOKENS
        assert len(found) * max(found) - sum(found) <= PADDING


def encoder_folder(folder: Path, **changes: object) -> Path:
    content = {"kind": "onnx", "files": {}, "width": 4, "window_tokens": 8, "prefix": "query: ", "pad_id": 1}
    folder.mkdir()
    (folder / "encoder.json").write_text(json.dumps({**content, "id": manifest_id(content), "fidelity": {}, **changes}))
    return folder


def test_the_measured_fidelity_is_no_part_of_an_encoders_id(tmp_path: Path) -> None:
    plain = OnnxEncoder(encoder_folder(tmp_path / "a"))
    measured = OnnxEncoder(encoder_folder(tmp_path / "b", fidelity={"cosine_min": 0.99}))
    assert plain.id == measured.id
    assert plain.width == 4


@pytest.mark.parametrize(
    "change",
    [{"width": 5}, {"pad_id": 0}, {"prefix": ""}, {"id": "0"}, {"kind": "static"}, {"files": {"model.onnx": "0"}}],
)
def test_an_altered_encoder_manifest_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(BundleError, match=r"encoder\.json was altered"):
        read_manifest(encoder_folder(tmp_path / "a", **change))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"5", b"null", b'{"id": "x"}'])
def test_what_is_no_encoder_manifest_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "encoder.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"encoder\.json"):
        read_manifest(tmp_path)
    with pytest.raises(BundleError, match="FileNotFoundError"):
        read_manifest(tmp_path / "nowhere")


@pytest.mark.parametrize("field", ["id", "kind", "files", "width"])
def test_a_manifest_that_lacks_a_field_says_which(tmp_path: Path, field: str) -> None:
    path = encoder_folder(tmp_path / "a") / "encoder.json"
    content = json.loads(path.read_text())
    del content[field]
    path.write_text(json.dumps(content))
    with pytest.raises(BundleError, match=rf"lacks \['{field}'\]; it was written by another version"):
        read_manifest(tmp_path / "a")
