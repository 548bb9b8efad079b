"""The bench: its arithmetic, its page, and a run of a few messages. Nothing here is timed against a limit."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.bundle import Bundle, save
from pipeline.encoder import OnnxEncoder
from pipeline.errors import UsageError
from pipeline.heads import Heads
from pipeline.manifest import read_bundle_manifest
from pipeline.readers import open_source
from pipeline.settings import home, model_folder
from pipeline.training.bench.alone import (
    ENCODER,
    EXACT,
    FASTTEXT,
    RIVAL,
    STUDENT,
    fasttext,
    has_fasttext,
)
from pipeline.training.bench.child import FIRST_ROW, Usage, run_fresh
from pipeline.training.bench.compare import Compared, compare_quick
from pipeline.training.bench.contenders import SBERT, TFIDF, TORCH
from pipeline.training.bench.figures import Spread, ratio, table, verdict
from pipeline.training.bench.machine import installed, processor_flags, processor_name
from pipeline.training.bench.measure import Measured, measure
from pipeline.training.bench.messages import Lengths, load_pool, write_messages
from pipeline.training.bench.page import render
from pipeline.training.bench.processes import Processes
from pipeline.training.bench.rounds import Contender, Rates, Slice, best_batch, interleave, one_line
from pipeline.training.bench.setting import BASE, CASCADE, FAST, Plan, Shape, load_setting

TINY = Plan(
    rows=40, long_rows=0, sample=8, quick=12, rounds=1, starts=1, single=3, taught=40, batches=(4,),
    rival=Shape(layers=1, width=16, heads=2, intermediate=8), buckets=1_000, threads=1,
)  # fmt: skip
PRINT_ROWS = "import sys, time; print('id', flush=True); print('1', flush=True); time.sleep(600)"
CPUINFO = """\
processor\t: 0
model name\t: An Honest Processor
flags\t\t: fpu avx avx2 avx512f avx512_vnni amx_tile amx_int8
processor\t: 1
model name\t: An Honest Processor
flags\t\t: fpu avx avx2 avx512f avx512_vnni amx_tile amx_int8
"""


def test_spread() -> None:
    assert Spread.of([3.0, 1.0, 2.0, 9.0, 4.0]) == Spread(3.0, 1.0, 9.0)
    assert Spread.of([5.0]) == Spread(5.0, 5.0, 5.0)
    assert Spread(1234.5, 2.25, 9000.0).show(1, " s") == "1,234.5 s (2.2 to 9,000.0)"


def test_ratios_are_taken_round_by_round() -> None:
    """The middle round was slow for both: the ratio of the medians would be 3, not 2."""
    assert Spread.of_ratios([20.0, 3.0, 30.0], [10.0, 1.5, 10.0]) == Spread(2.0, 2.0, 3.0)


def test_table() -> None:
    drawn = table(("what", "MB"), [("a file", "12"), ("another", "9")], right=1)
    assert drawn == "| what | MB |\n| --- | ---: |\n| a file | 12 |\n| another | 9 |\n"


@pytest.mark.parametrize(
    ("value", "limit", "at_least", "expected"),
    [
        (2.0, 2.0, True, "met"),
        (1.99, 2.0, True, "missed"),
        (3.0, 3.0, False, "missed"),
        (None, 1.1, False, "not measured"),
    ],
)
def test_verdict(value: float | None, limit: float, at_least: bool, expected: str) -> None:
    assert verdict(value, limit, at_least=at_least) == expected


def test_processor() -> None:
    assert processor_name(CPUINFO) == "An Honest Processor"
    assert processor_flags(CPUINFO) == ["avx2", "avx512f", "avx512_vnni", "amx_int8"]
    assert processor_name("") == ""
    assert processor_flags("") == []


def test_ratio_of_what_was_not_measured() -> None:
    rates = {"x": (20.0, 60.0), "y": (10.0, 20.0)}
    assert ratio(rates, "x", "y") == Spread(2.5, 2.0, 3.0)
    assert ratio(rates, "x", "z") is None
    assert ratio(rates, "z", "y") is None


def test_installed() -> None:
    assert installed("numpy").startswith("numpy 2")
    assert installed("no-such-distribution") == ""


def test_one_line() -> None:
    """What every model is given is the same, and fits fastText, which refuses line breaks."""
    texts = ["Where is\nmy   parcel?", "سلام\n\nبسته‌ام نرسید", "", "أين طلبي\t؟"]
    found = one_line(texts)
    assert len(found) == 4
    assert found[0].split() == ["where", "is", "my", "parcel?"] or found[0].split() == ["Where", "is", "my", "parcel?"]
    assert not any(len(text.splitlines()) > 1 or "  " in text for text in found)
    assert found[1]
    assert found[2] == ""


def test_slice(tmp_path: Path) -> None:
    part = Slice.of(["one\ntwo", "سه", "أربعة"], tmp_path / "in.csv")
    assert part.prepared == ["one two", "سه", one_line(["أربعة"])[0]]
    with open_source(part.path) as source:
        assert sum(1 for _ in source) == 3
    assert part.first(2).texts == ["one\ntwo", "سه"]
    assert part.first(2).prepared == part.prepared[:2]


def test_interleave_takes_turns(tmp_path: Path) -> None:
    heard: list[tuple[str, int]] = []

    def lane(name: str) -> Contender:
        return lambda part: heard.append((name, len(part.texts)))

    slices = [Slice(["a"] * size, tmp_path, []) for size in (1, 2, 3)]
    rates = interleave({"x": lane("x"), "y": lane("y")}, slices)
    assert heard == [("x", 1), ("y", 1), ("y", 2), ("x", 2), ("x", 3), ("y", 3)]
    assert {name: len(values) for name, values in rates.items()} == {"x": 3, "y": 3}
    assert all(rate > 0 for values in rates.values() for rate in values)


def test_best_batch(tmp_path: Path) -> None:
    part = Slice(["a"], tmp_path, ["a"])
    assert best_batch({8: lambda _: sum(range(3_000_000)), 16: lambda _: None}, part) == 16


def test_messages_come_from_the_demo_where_no_data_is(tmp_path: Path) -> None:
    pool = load_pool(tmp_path, home() / "data" / "demo.csv", count=50, taught=9, seed=0)
    assert len(pool.texts) == 50
    assert "demo" in pool.origin
    path = write_messages(tmp_path / "in.csv", pool.texts, 120)
    with open_source(path) as source:
        texts = [row.values["message"] for row in source]  # type: ignore[union-attr]
    assert texts == [pool.texts[i % 50] for i in range(120)]


def test_messages_come_from_the_test_split(tmp_path: Path) -> None:
    import gzip

    row = dict.fromkeys(("origin", "dialect", "topic", "sentiment", "emotion", "urgency", "churn"))
    row |= {"source": "authored", "lang": "fa", "train_ok": True, "own": True, "intent": None}
    splits = ["train", "test", "dev", "test", "train", "test"]
    with gzip.open(tmp_path / "rows.jsonl.gz", "wt", encoding="utf-8") as file:
        for number, split in enumerate(splits):
            print(json.dumps(row | {"id": str(number), "split": split, "text": f"پیام {number}"}), file=file)
    (tmp_path / "report.json").write_text("{}", encoding="utf-8")
    pool = load_pool(tmp_path, tmp_path / "absent.csv", count=2, taught=9, seed=0)
    assert len(pool.texts) == 2
    assert set(pool.texts) < {"پیام 1", "پیام 3", "پیام 5"}
    assert sorted(pool.taught) == ["پیام 0", "پیام 4"]
    assert pool == load_pool(tmp_path, tmp_path / "absent.csv", count=2, taught=9, seed=0)


def test_a_fresh_process_is_measured(tmp_path: Path) -> None:
    hungry = [sys.executable, "-c", "held = b'x' * 150_000_000"]
    usage = run_fresh(hungry, folder=tmp_path, environment=dict(os.environ))
    assert 150 < usage.peak_megabytes < 250
    modest = run_fresh([sys.executable, "-c", "pass"], folder=tmp_path, environment=dict(os.environ))
    assert modest.peak_megabytes < 100, "the memory of this process was counted"


def test_a_process_is_stopped_at_its_first_row(tmp_path: Path) -> None:
    usage = run_fresh(
        [sys.executable, "-c", PRINT_ROWS], folder=tmp_path, environment=dict(os.environ), until=FIRST_ROW
    )
    assert 0 < usage.seconds < 300


@pytest.mark.parametrize("until", ["whole", FIRST_ROW])
def test_a_failing_process_is_an_error(tmp_path: Path, until: str) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run_fresh(
            [sys.executable, "-c", "raise SystemExit(2)"], folder=tmp_path, environment=dict(os.environ), until=until
        )


def test_fasttext_learns_what_it_is_taught(tmp_path: Path) -> None:
    if not has_fasttext():
        pytest.skip("fastText is not installed: `make bench` installs it")
    texts = ["refund my money", "the app crashes"] * 200
    contender = fasttext(texts, [3, 5] * 200, tmp_path, buckets=1_000, seed=0, threads=1)
    labels, _ = contender(Slice([], tmp_path, ["refund my money", "the app crashes", ""]))  # type: ignore[misc]
    assert labels[:2] == [["__label__3"], ["__label__5"]]
    assert len(labels) == 3


QUICK: Rates = {ENCODER: (500.0, 400.0), STUDENT: (20_000.0, 24_000.0), FASTTEXT: (16_000.0, 16_000.0)}


def measured(
    *, torch_rates: Sequence[float] = (100.0, 110.0), long_peak: float | None = 420.0, quick: Rates = QUICK,
    others: Sequence[str] = (FAST, CASCADE),
) -> Measured:  # fmt: skip
    whole = {20_000: Usage(66.0, 400.0)} | ({} if long_peak is None else {200_000: Usage(650.0, long_peak)})
    flows = {BASE: (300.0, 330.0), TORCH: torch_rates, SBERT: (60.0, 60.0), TFIDF: (3000.0, 3300.0)}
    flows |= {name: (1500.0, 1650.0) for name in others}
    encoders = {ENCODER: (400.0, 440.0), EXACT: (100.0, 110.0), RIVAL: (20.0, 22.0)}
    singles = {BASE: (0.010, 0.012, 0.030)} | {name: (0.0006, 0.0005, 0.002) for name in others}
    return Measured(
        Plan(rounds=2), {"Processor": "An Honest Processor"}, "messages of no one", 20_000,
        Lengths(40.25, 31.0, 120.0, 900), Processes(whole, (1.0, 2.0), (2.0, 2.5, 2.25)),
        Compared(flows, encoders, quick, {EXACT: 16, RIVAL: 8}), singles,
        {name: f"{name}@00000000" for name in (BASE, *others)},
    )  # fmt: skip


def test_page() -> None:
    page = render(measured())
    assert "| `nabd score`, times the same heads in fp32 torch | at least 2 | 3.00 (3.00 to 3.00) | met |" in page
    assert "| encoder alone, times itself in fp32 torch | at least 2.5 | 4.00 (4.00 to 4.00) | met |" in page
    assert "shape in fp32 torch | at least 6 | 20.00 (20.00 to 20.00) | met |" in page
    assert "| student alone, times fastText | at least 1 | 1.38 (1.25 to 1.50) | met |" in page
    assert "| student alone, times the encoder | at least 20 | 50.00 (40.00 to 60.00) | met |" in page
    assert "nabd-base: half of them within | under 12 ms | 12.00 ms | missed |" in page, "not under, but at the limit"
    assert "nabd-fast: half of them within | under 1 ms | 0.60 ms | met |" in page
    assert "| peak memory, 200,000 messages | under 1,000 MB | 420 MB | met |" in page
    assert "| flat: under 1.1 | 1.05 | met |" in page
    assert "| first row out, cold process | under 3 s | 2.25 s (2.00 to 2.50) | met |" in page
    assert "| 20,000 | 66.0 | 303 |" in page
    assert "310 messages/s" in page, "19,999 messages in 66.0 - 1.5 seconds"
    assert "| `nabd score` with nabd-cascade@00000000 | 1,575 (1,500 to 1,650) | 0.20 (0.20 to 0.20) |" in page
    assert "XLM-R-base's shape, fp32 in torch, batches of 8 |" in page
    assert "An Honest Processor" in page
    assert "not measured" not in page
    assert page == render(measured())


def test_page_says_what_was_missed() -> None:
    slow = QUICK | {STUDENT: (8_000.0, 7_000.0)}
    page = render(measured(torch_rates=(200.0, 220.0), long_peak=4000.0, quick=slow))
    assert "| 1.50 (1.50 to 1.50) | missed |" in page
    assert "| 4,000 MB | missed |" in page
    assert "| 10.00 | missed |" in page
    assert "| student alone, times fastText | at least 1 | 0.47 (0.44 to 0.50) | missed |" in page
    assert "| student alone, times the encoder | at least 20 | 16.75 (16.00 to 17.50) | missed |" in page
    assert "not measured" in render(measured(long_peak=None))


def test_page_says_what_was_not_measured() -> None:
    page = render(measured(quick={ENCODER: (500.0, 400.0)}, others=()))
    assert "| student alone, times fastText | at least 1 |  | not measured |" in page
    assert "| student alone, times the encoder | at least 20 |  | not measured |" in page
    assert "nabd-fast: half of them within | under 1 ms |  | not measured |" in page
    assert "Not in the models folder, so not timed: nabd-fast, nabd-cascade." in page
    assert "fastText is not installed" in page
    page = render(measured(quick={name: rates for name, rates in QUICK.items() if name != FASTTEXT}))
    assert "| student alone, times fastText | at least 1 |  | not measured |" in page
    assert "| student alone, times the encoder | at least 20 | 50.00 (40.00 to 60.00) | met |" in page
    assert "Not in the models folder" not in page


def test_no_encoder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"config\.json"):
        measure(tmp_path, tmp_path, tmp_path, TINY)


def test_an_encoder_of_another_shape_is_refused(shipped: Bundle, tmp_path: Path) -> None:
    width = shipped.encoder.width
    (tmp_path / "config.json").write_text(json.dumps({"num_hidden_layers": 99, "hidden_size": width}), "utf-8")
    with pytest.raises(UsageError, match="99 layers"):
        measure(tmp_path, tmp_path, tmp_path, TINY)


@pytest.fixture(scope="module")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory, shipped: Bundle) -> Path:
    """A random BERT with as many layers and as wide as the shipped encoder, but thin inside."""
    import torch
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("encoder")
    encoder = shipped.encoder
    assert isinstance(encoder, OnnxEncoder)
    layers = encoder.manifest["layers"]
    tokenizer = json.loads((encoder.folder / "tokenizer.json").read_text(encoding="utf-8"))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer["model"]["vocab"]) + 8, hidden_size=encoder.width // len(layers),
        num_hidden_layers=max(layers), num_attention_heads=2, intermediate_size=8, pad_token_id=1,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).half().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, shipped: Bundle) -> Path:
    """The base model, a student of random numbers, and the cascade of the two."""
    import torch

    from pipeline.training.distil import Student, write_encoder

    folder = tmp_path_factory.mktemp("models")
    assert isinstance(shipped.encoder, OnnxEncoder)
    shutil.copytree(shipped.encoder.folder, folder / "encoder")
    shutil.copytree(model_folder(BASE), folder / BASE)
    labels = shipped.heads.labels
    torch.manual_seed(0)
    student = Student(32, sum(map(len, labels.values())))
    encoder = write_encoder(student, folder / "encoder-fast", source="random")
    weight, bias = (tensor.detach().numpy().copy() for tensor in (student.heads.weight.T, student.heads.bias))
    fast = replace(shipped, name=FAST, encoder=encoder, heads=Heads(weight, bias, labels), training={})
    fast = replace(fast, sha256=save(fast, folder / FAST))
    full = read_bundle_manifest(folder / BASE)["sha256"]
    save(replace(fast, name=CASCADE, fast=fast, accept=0.5, training={"full": full}), folder / CASCADE)
    return folder


def test_a_tiny_run(tiny_encoder: Path, models: Path, tmp_path: Path) -> None:
    found = measure(tiny_encoder, tmp_path / "no-data", tmp_path, TINY, models=models)
    compared = found.compared
    assert set(compared.flows) == {BASE, FAST, CASCADE, TORCH, SBERT, TFIDF}
    assert set(compared.encoders) == {ENCODER, EXACT, RIVAL}
    assert set(compared.quick) == {ENCODER, STUDENT} | ({FASTTEXT} if has_fasttext() else set())
    comparisons = (compared.flows, compared.encoders, compared.quick)
    assert all(math.isfinite(rate) and rate > 0 for each in comparisons for rates in each.values() for rate in rates)
    assert compared.batches == {EXACT: 4, RIVAL: 4}
    assert {name: len(taken) for name, taken in found.singles.items()} == {BASE: 3, FAST: 3, CASCADE: 3}
    assert found.distinct == 40
    assert list(found.processes.whole) == [40]
    assert 5 < found.lengths.median <= found.lengths.p95 <= found.lengths.longest
    with open_source(tmp_path / "40.scored.csv") as source:
        assert "nabd_topic" in source.columns
        assert sum(1 for _ in source) == 40
    page = render(found)
    assert page.count("not measured") == (1 if has_fasttext() else 3), "the growth of memory, and fastText twice"
    for folder in (tmp_path, tiny_encoder, models):
        assert str(folder) not in page


def test_the_base_model_is_enough(models: Path, tmp_path: Path) -> None:
    alone = tmp_path / "models"
    for name in ("encoder", BASE):
        shutil.copytree(models / name, alone / name)
    setting = load_setting(alone, tmp_path, tmp_path, TINY)
    assert list(setting.bundles) == [BASE]
    topics = np.eye(len(setting.pool.taught), 16, dtype=np.float32)
    found = compare_quick({"topic": topics}, setting)
    assert set(found) == {ENCODER} | ({FASTTEXT} if has_fasttext() else set())
    assert found[ENCODER][0] > 0
