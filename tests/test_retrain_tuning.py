"""Recipe `finetune` on own labels: a tiny random encoder, a handful of synthetic rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from levels import level
from retrain_export import TEXTS, rows, write

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.calibrate import ANY
from pipeline.encoder import OnnxEncoder
from pipeline.heads import Heads
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE, TASKS
from pipeline.training import draw as draws
from pipeline.training import finetune
from pipeline.training.export import export_encoder
from pipeline.training.retrain import tuning
from pipeline.training.retrain.run import retrain
from pipeline.training.retrain.splits import read_record


@pytest.fixture
def source(tmp_path: Path, shipped: Bundle) -> Path:
    """A random BERT of twelve thin layers that reads the pieces of the shipped tokenizer."""
    from transformers import BertConfig, BertModel

    folder = tmp_path / "source"
    folder.mkdir()
    assert isinstance(shipped.encoder, OnnxEncoder)
    tokenizer = (shipped.encoder.folder / "tokenizer.json").read_text(encoding="utf-8")
    (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(json.loads(tokenizer)["model"]["vocab"]) + 8, hidden_size=16, num_hidden_layers=12,
        num_attention_heads=2, intermediate_size=16, pad_token_id=1,
    )  # fmt: skip
    model = BertModel(config, add_pooling_layer=False)
    with torch.no_grad():
        for parameter in model.parameters():  # biases that are all zero would be one constant in the export
            parameter += 0.02 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def base(tmp_path: Path, source: Path) -> Path:
    """A bundle of random heads on the int8 export of `source`."""
    models = tmp_path / "models"
    texts = [row["message"] for row in rows(1)]
    export_encoder(source, models / "encoder", texts=texts, held_out=texts)
    encoder, labels = OnnxEncoder(models / "encoder", 1), {task: DEFAULT.labels(task) for task in TASKS}
    shape = (encoder.width, sum(map(len, labels.values())))
    random = np.random.default_rng(3)
    heads = Heads(random.normal(0, 1, shape).astype(np.float32), np.zeros(shape[1], np.float32), labels)
    bundles.save(
        Bundle("base", encoder, heads, DEFAULT, {task: {ANY: 1.0} for task in TASKS}, level(0.3)), models / "base"
    )
    return models / "base"


def test_an_encoder_is_tuned_on_own_labels(
    base: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (draws, finetune):
        monkeypatch.setattr(module, "CHUNK_ROWS", 64)
    monkeypatch.setattr(tuning, "FEWEST_PASSES", 128)
    monkeypatch.setattr(tuning, "PASSES_A_ROW", 1)
    data = write(tmp_path / "export.csv", rows(3))
    folder = base.parent / "mine"
    found = retrain(data, folder, base=base, recipe="finetune", source=source, vectors=tmp_path / "vectors")
    bundle = bundles.load(folder)
    assert set(bundle.taxonomy.topic_ids) == {*TEXTS, OUT_OF_SCOPE}
    assert bundle.encoder.id != bundles.load(base).encoder.id
    said = bundle.judge(["رجعوا لي فلوسي", "پولم را پس بدهید", "money back please"], ["ar", "fa", "en"])
    for task in TASKS:
        assert said.probabilities[task].shape == (3, len(bundle.taxonomy.labels(task)))
        assert np.allclose(said.probabilities[task].sum(axis=1), 1)
    record = read_record(folder)
    assert record["parameters"]["recipe"] == "finetune"
    assert record["parameters"]["learnt"] == {"topic": record["splits"]["train"]["rows"]} | dict.fromkeys(TASKS[1:], 0)
    assert found.metrics["all"]["n"] == record["splits"]["dev"]["rows"]
    work = base.parent / ".mine.finetune"
    assert not (work / "data").exists(), "no message stays behind"
    assert retrain(data, folder, base=base, recipe="finetune", source=source, vectors=tmp_path / "vectors").digest == (
        found.digest
    )
