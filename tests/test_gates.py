"""Each gate lets a good challenger pass and refuses by its own name the one that is worse in its way."""

from __future__ import annotations

import io
import json
import random
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_models as tiny
from rich.console import Console

from pipeline import bundle as bundles
from pipeline.bundle import Bundle
from pipeline.drift.reference import save_reference
from pipeline.drift.sample import Sample
from pipeline.encoder import Vectors
from pipeline.errors import InputError, UsageError
from pipeline.heads import Heads
from pipeline.judging import Judgement
from pipeline.manifest import file_hash
from pipeline.records import Prediction
from pipeline.settings import home, load_settings, read_file
from pipeline.static import StaticEncoder
from pipeline.taxonomy import DEFAULT, LABELS, Taxonomy
from pipeline.training.certificate import certificate
from pipeline.training.registry import gates
from pipeline.training.registry.behaviour import behaviour
from pipeline.training.registry.complete import complete, covered, replayed
from pipeline.training.registry.cost import speed, weight
from pipeline.training.registry.gates import Gate, resampled
from pipeline.training.registry.margins import NAMES, Margins, load_margins, parse_margins
from pipeline.training.registry.trial import Side, Trial, read_gate, side
from pipeline.training.scorecard import Case

QUIET = Console(file=io.StringIO())


@pytest.fixture(scope="module")
def sides(tiny_models: Path) -> Mapping[str, Side]:
    rows, line = read_gate(str(tiny_models / "gate.csv"), tiny_models / "new")
    assert line.startswith("144 gate rows: all that are labelled")
    found = {}
    for name in ("old", "new", "shuffled", "deaf"):
        folder = tiny_models / name
        found[name] = side(folder, bundles.load(folder), rows, QUIET)
    return found


@pytest.fixture(scope="module")
def certified(sides: Mapping[str, Side]) -> Mapping[str, Any]:
    """Of `new`."""
    return certificate(sides["new"].cases, seed=0)


def trial(sides: Mapping[str, Side], new: str, **margins: Any) -> Trial:
    return Trial(sides[new], sides["old"], Margins(**margins))


def judged(trial: Trial) -> dict[str, Gate]:
    found = [*gates.quality(trial), gates.languages(trial), gates.topics(trial), gates.parity(trial)]
    return {gate.name: gate for gate in found}


def test_a_good_challenger_passes_every_gate_of_figures(sides: Mapping[str, Side]) -> None:
    found = judged(trial(sides, "new"))
    assert list(found) == [
        "quality: topic", "quality: category", "quality: sentiment", "language slices", "topic slices", "parity",
    ]  # fmt: skip
    assert all(gate.passed for gate in found.values()), found


def test_shuffled_labels_are_refused_by_quality(sides: Mapping[str, Side]) -> None:
    found = judged(trial(sides, "shuffled"))
    assert not found["quality: topic"].passed
    assert not found["quality: category"].passed
    assert "rows would tell" not in found["quality: topic"].found, "it is worse, not merely undecided"


def test_a_language_removed_is_refused_by_its_slice_and_by_parity(sides: Mapping[str, Side]) -> None:
    found = judged(trial(sides, "deaf"))
    assert not found["language slices"].passed
    assert found["language slices"].found.startswith("fa -")
    assert not {"ar", "en"} & set(found["language slices"].found.split())
    assert not found["parity"].passed


def test_a_small_loss_on_few_rows_is_refused_with_the_rows_that_would_tell(sides: Mapping[str, Side]) -> None:
    known = sides["old"].cases
    wrong = Prediction("plan", 0.9, {"plan": 0.9})
    worse = [
        replace(case, answer={**case.answer, "topic": wrong}) if place == 0 else case
        for place, case in enumerate(known)
    ]
    side = replace(sides["old"], cases=worse)
    gate = judged(Trial(side, sides["old"], Margins(quality=0.01)))["quality: topic"]
    assert not gate.passed
    assert "00 rows would tell" in gate.found
    assert judged(Trial(side, sides["old"], Margins(quality=0.05)))["quality: topic"].passed


def test_slices_and_gaps_of_few_rows_are_not_judged(sides: Mapping[str, Side]) -> None:
    found = judged(trial(sides, "deaf", language_rows=49, topic_rows=37))
    assert found["language slices"].passed
    assert found["language slices"].found == "3 of fewer than 49 rows not judged"
    assert found["topic slices"].passed
    assert "not judged" in found["parity"].found


def test_a_loss_within_its_margin_is_no_refusal(sides: Mapping[str, Side]) -> None:
    assert judged(trial(sides, "deaf", language=0.95))["language slices"].passed
    assert judged(trial(sides, "deaf", topic=0.95))["topic slices"].passed
    assert judged(trial(sides, "deaf", parity=0.95))["parity"].passed


def test_the_bounds_of_a_difference_that_is_known(sides: Mapping[str, Side]) -> None:
    """40 of 100 rows lost: the bound is that of a mean of 0 and -1, by the normal distribution."""
    gained = np.array([-1.0] * 40 + [0.0] * 60)
    draws = resampled(lambda counts: counts @ gained / counts.sum(axis=1), 100, seed=5)
    assert draws[0] == pytest.approx(-0.4)
    assert len(draws) == 2001
    assert np.quantile(draws[1:], 0.05) == pytest.approx(-0.4 - 1.645 * np.sqrt(0.24 / 100), abs=0.01)


def test_probabilities_that_lie_are_refused_by_calibration(
    sides: Mapping[str, Side], certified: Mapping[str, Any]
) -> None:
    assert gates.calibration(trial(sides, "new"), certified).passed
    deaf = sides["deaf"].cases
    sure = [replace(case, answer={**case.answer, "category": _sure(case.answer["category"])}) for case in deaf]
    bad = Trial(replace(sides["deaf"], cases=sure), sides["old"], Margins())
    gate = gates.calibration(bad, certificate(sure, seed=0))
    assert not gate.passed
    assert gate.found.startswith("fa: ECE ")


def _sure(said: Prediction | None) -> Prediction:
    assert said is not None
    return Prediction(said.label, 0.999, said.probabilities | {said.label: 0.999})


def test_labels_that_the_champion_does_not_know_are_said_so_and_no_parity_is_made_up(sides: Mapping[str, Side]) -> None:
    renamed = {topic: f"my {topic}" for topic in tiny.FEELING}
    topics = tuple(replace(topic, id=renamed.get(topic.id, topic.id)) for topic in DEFAULT.topics)
    table = Taxonomy(DEFAULT.categories, topics)
    cases = [_renamed(case, renamed) for case in sides["deaf"].cases]
    bundle = replace(sides["deaf"].bundle, taxonomy=table)
    found = judged(Trial(Side(sides["deaf"].folder, bundle, cases), sides["old"], Margins()))
    assert found["quality: topic"].passed
    assert "the champion does not know all these labels" in found["quality: topic"].found
    assert "by chance with p = 0.001" in found["quality: topic"].found
    shuffled = random.Random(0).sample([case.answer for case in cases], len(cases))
    bad = [replace(case, answer=answer) for case, answer in zip(cases, shuffled, strict=True)]
    refused = judged(Trial(Side(sides["deaf"].folder, bundle, bad), sides["old"], Margins()))["quality: topic"]
    assert not refused.passed
    assert "by chance with p at most 0.050" in refused.asked
    assert found["parity"].passed
    assert "not judged" in found["parity"].found


def _renamed(case: Case, names: Mapping[str, str]) -> Case:
    said = case.answer["topic"]
    assert said is not None
    answer = {**case.answer, "topic": replace(said, label=names.get(said.label, said.label))}
    return replace(case, example=replace(case.example, topic=names[str(case.example.topic)]), answer=answer)


def test_a_model_that_reads_feelings_backwards_is_refused_by_behaviour(sides: Mapping[str, Side]) -> None:
    old = sides["old"].bundle
    assert behaviour(old, old, margin=0.1).passed, "no worse than itself"
    gate = behaviour(backwards(old), old, margin=0.1)
    assert not gate.passed
    assert "sentiment (" in gate.found


def backwards(bundle: Bundle) -> Bundle:
    """With the heads of negative and positive exchanged."""
    columns = [name for labels in bundle.heads.labels.values() for name in labels]
    start = columns.index(LABELS["sentiment"][0].id)
    order = list(range(len(columns)))
    order[start], order[start + 2] = start + 2, start
    heads = Heads(bundle.heads.weight[:, order], bundle.heads.bias[order], bundle.heads.labels, bundle.heads.centres)
    return replace(bundle, heads=heads)


class Slow(StaticEncoder):
    """Reads every text thirty times."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        return [super(Slow, self).encode(texts) for _ in range(30)][-1]


def test_speed_and_size_are_those_of_the_champion_or_refused(sides: Mapping[str, Side], tiny_models: Path) -> None:
    good = trial(sides, "new", speed=3.0)
    assert speed(good).passed
    bundle = replace(sides["new"].bundle, encoder=Slow(tiny_models / "encoder"))
    gate = speed(Trial(replace(sides["new"], bundle=bundle), sides["old"], Margins(speed=3.0)))
    assert (gate.name, gate.passed) == ("speed", False)
    assert weight(good).passed
    assert weight(good).found.startswith("1.00 times")
    assert not weight(trial(sides, "new", size=0.9)).passed


def test_a_certificate_without_card_or_data_is_not_complete(
    sides: Mapping[str, Side], certified: Mapping[str, Any], tmp_path: Path
) -> None:
    good = trial(sides, "new")
    assert complete(good, certified).passed
    bundles.save(replace(good.new.bundle, training={}), tmp_path / "bare")
    gate = complete(Trial(replace(good.new, folder=tmp_path / "bare"), good.old, Margins()), certified)
    assert not gate.passed
    assert gate.found.startswith("lacks MODEL_CARD.md; the hash of what it learnt from")
    gate = complete(good, {"languages": {name: {} for name in certified["languages"]}})
    assert gate.found.startswith("lacks figures of all; figures of ar")


def test_a_language_that_the_champion_was_retrained_on_is_not_given_up(
    sides: Mapping[str, Side], tmp_path: Path
) -> None:
    good = trial(sides, "new")
    old = Trial(good.new, replace(good.old, folder=tmp_path), Margins())
    spoken = np.array(["ar"] * 40 + ["ar-Latn"] * 5 + ["fa"] * 30 + ["en"] * 30 + ["und"] * 20)
    save_reference(Sample({"language": spoken}, model="old@1"), str(tmp_path / "reference.parquet"))
    assert covered(old).passed, "it was not retrained on a desk's own rows"
    (tmp_path / "retrain.json").write_text("{}", encoding="utf-8")
    assert covered(old).passed
    without = [case for case in good.new.cases if case.example.lang != "fa"]
    found = covered(replace(old, new=replace(good.new, cases=without)))
    assert not found.passed
    assert found.found.startswith("no row of fa")


def test_the_replay_counts_once_enough_is_judged_of_this_pair(sides: Mapping[str, Side]) -> None:
    one = trial(sides, "new")
    pair = (one.old.bundle.sha256, one.new.bundle.sha256)
    assert replayed(None, one).passed
    assert not replayed(Judgement(*pair, better=5, worse=20, same=10), one).passed
    assert replayed(Judgement(*pair, better=12, worse=15, same=10), one).passed
    assert replayed(Judgement(*pair, better=0, worse=20, same=0), one).passed, "fewer than 30"
    assert replayed(Judgement("another", pair[1], better=5, worse=20, same=10), one).passed, "another champion"


def test_rows_whose_labels_the_model_does_not_know_are_refused(tiny_models: Path, tmp_path: Path) -> None:
    rows = [replace(row, topic=f"my {row.topic}") for row in tiny.messages(4, split="gate")]
    with pytest.raises(InputError, match=r"holds labels that new does not know, such as my delivery"):
        read_gate(str(tiny.write_export(tmp_path / "own.csv", rows)), tiny_models / "new")
    few = tiny.write_export(tmp_path / "few.csv", tiny.messages(2, split="gate"))
    with pytest.raises(InputError, match=r"found 24 gate rows in .*, expected 30 or more"):
        read_gate(str(few), tiny_models / "new")


def test_a_retrained_model_is_judged_by_the_rows_that_it_was_kept_from(tiny_models: Path, tmp_path: Path) -> None:
    folder, export = tmp_path / "retrained", tiny_models / "gate.csv"
    shutil.copytree(tiny_models / "new", folder)
    columns = {"label": "topic", "text": "text"}
    kept = [[number, "fault"] for number in range(1, 61)]
    record = {"export": {"sha256": file_hash(export), "columns": columns}, "gate": kept}
    (folder / "retrain.json").write_text(json.dumps(record), encoding="utf-8")
    rows, line = read_gate(str(export), folder)
    assert [row.number for row in rows] == list(range(1, 61))
    assert {(row.topic, row.category) for row in rows} == {("fault", "technical_fix")}
    assert line == "60 gate rows: kept from retrained for this when it was retrained"
    with pytest.raises(InputError, match="is not the file that retrained was retrained on"):
        read_gate(str(tiny.write_export(tmp_path / "other.csv", tiny.messages(4))), folder)


def test_the_margins_of_the_file_are_the_defaults() -> None:
    content, _ = read_file(home() / "nabd.toml")
    assert tuple(content["gates"]) == NAMES
    assert load_margins(home() / "nabd.toml", environment={}) == Margins()
    text = (home() / "nabd.toml").read_text(encoding="utf-8")
    for entry in fields(Margins):
        assert f"# {entry.metadata['help']}" in text, entry.name


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"qualty": 0.1}, r"unknown key 'qualty' in \[gates\], expected one of confidence, quality"),
        ({"quality": "a"}, r"quality must be a number, found 'a'"),
        ({"quality": True}, "quality must be a number, found True"),
        ({"topic_rows": 2.5}, "topic_rows must be a whole number, found 2.5"),
        ({"topic_rows": 0}, "topic_rows is 0, expected a number from 1 to"),
        ({"confidence": 1}, "confidence is 1, expected a number from 0.5 to"),
        ({"speed": 0}, "speed is 0, expected a number from 0.01 to 1,000"),
        ({"parity": -0.1}, "parity is -0.1, expected a number from 0 to 1"),
        ([], r"gates must be a table written as \[gates\], found list"),
    ],
)
def test_a_margin_that_cannot_be_used_is_refused(table: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_margins(table, "nabd.toml")


def test_the_settings_leave_the_margins_to_the_gates(tmp_path: Path) -> None:
    file = tmp_path / "nabd.toml"
    file.write_text("[gates]\nquality = 0.2\n", encoding="utf-8")
    load_settings(file, environment={})
    assert load_margins(file, environment={}) == Margins(quality=0.2)
