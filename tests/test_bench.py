"""The bench: its arithmetic, its page, and a run of a few messages. Nothing here is timed against a limit."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.readers import open_source
from pipeline.settings import home
from pipeline.training.bench.child import FIRST_ROW, Usage, run_fresh
from pipeline.training.bench.contenders import NABD, SBERT, TFIDF, TORCH, Slice, best_batch, interleave
from pipeline.training.bench.machine import processor_flags, processor_name
from pipeline.training.bench.measure import Measured, Plan, Processes, measure
from pipeline.training.bench.messages import Lengths, load_pool, write_messages
from pipeline.training.bench.page import Spread, render, table, verdict

TINY = Plan(rows=40, long_rows=0, sample=8, rounds=1, starts=1, single=3, taught=40, batches=(4,))
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


def test_interleave_takes_turns(tmp_path: Path) -> None:
    heard: list[tuple[str, int]] = []

    def lane(name: str) -> object:
        return lambda part: heard.append((name, len(part.texts)))

    slices = [Slice(["a"] * size, tmp_path) for size in (1, 2, 3)]
    rates = interleave({"x": lane("x"), "y": lane("y")}, slices)  # type: ignore[dict-item]
    assert heard == [("x", 1), ("y", 1), ("y", 2), ("x", 2), ("x", 3), ("y", 3)]
    assert {name: len(values) for name, values in rates.items()} == {"x": 3, "y": 3}
    assert all(rate > 0 for values in rates.values() for rate in values)


def test_best_batch(tmp_path: Path) -> None:
    part = Slice(["a"], tmp_path)
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
    row |= {"source": "authored", "lang": "fa", "train_ok": True}
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


def measured(*, torch_rates: Sequence[float] = (100.0, 110.0), long_peak: float | None = 420.0) -> Measured:
    whole = {20_000: Usage(66.0, 400.0)} | ({} if long_peak is None else {200_000: Usage(650.0, long_peak)})
    rates = {NABD: (300.0, 330.0), TORCH: torch_rates, SBERT: (60.0, 60.0), TFIDF: (3000.0, 3300.0)}
    return Measured(
        Plan(rounds=2), {"Processor": "An Honest Processor"}, "messages of no one", 20_000,
        Lengths(40.25, 31.0, 120.0, 900), Processes(whole, (1.0, 2.0), (2.0, 2.5, 2.25)), rates, 16,
        (0.010, 0.012, 0.030), "nabd-base@00000000",
    )  # fmt: skip


def test_page() -> None:
    page = render(measured())
    assert "| messages/s, times those of fp32 torch | at least 2 | 3.00 (3.00 to 3.00) | met |" in page
    assert "| peak memory, 200,000 messages | under 1,000 MB | 420 MB | met |" in page
    assert "| flat: under 1.1 | 1.05 | met |" in page
    assert "| first row out, cold process | under 3 s | 2.25 s (2.00 to 2.50) | met |" in page
    assert "| 20,000 | 66.0 | 303 |" in page
    assert "310 messages/s" in page, "19,999 messages in 66.0 - 1.5 seconds"
    assert "12.0 ms" in page
    assert "An Honest Processor" in page
    assert page == render(measured())


def test_page_says_what_was_missed() -> None:
    page = render(measured(torch_rates=(200.0, 220.0), long_peak=4000.0))
    assert "| 1.50 (1.50 to 1.50) | missed |" in page
    assert "| 4,000 MB | missed |" in page
    assert "| 10.00 | missed |" in page
    assert "not measured" in render(measured(long_peak=None))


def test_no_encoder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"config\.json"):
        measure(tmp_path, tmp_path, tmp_path, TINY)


@pytest.fixture(scope="module")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT with the layers that are read, as wide as the shipped heads ask for, with the shipped tokenizer."""
    import torch
    from transformers import BertConfig, BertModel

    from pipeline.training.export import LAYERS

    folder = tmp_path_factory.mktemp("encoder")
    shipped = home() / "models" / "encoder"
    width = json.loads((shipped / "encoder.json").read_text(encoding="utf-8"))["width"]
    tokenizer = (shipped / "tokenizer.json").read_text(encoding="utf-8")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(json.loads(tokenizer)["model"]["vocab"]) + 8, hidden_size=width // len(LAYERS),
        num_hidden_layers=max(LAYERS),
        num_attention_heads=2, intermediate_size=8, pad_token_id=1,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).half().save_pretrained(folder)
    (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
    names = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(names), encoding="utf-8")
    return folder


def test_a_tiny_run(tiny_encoder: Path, tmp_path: Path) -> None:
    found = measure(tiny_encoder, tmp_path / "no-data", tmp_path, TINY)
    assert set(found.rates) == {NABD, TORCH, SBERT, TFIDF}
    assert all(math.isfinite(rate) and rate > 0 for rates in found.rates.values() for rate in rates)
    assert found.batch == 4
    assert found.distinct == 40
    assert list(found.processes.whole) == [40]
    assert 5 < found.lengths.median <= found.lengths.p95 <= found.lengths.longest
    with open_source(tmp_path / "40.scored.csv") as source:
        assert "nabd_topic" in source.columns
        assert sum(1 for _ in source) == 40
    page = render(found)
    assert page.count("not measured") == 1
    assert str(tmp_path) not in page
    assert str(tiny_encoder) not in page
