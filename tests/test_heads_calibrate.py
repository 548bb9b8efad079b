from __future__ import annotations

import math
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.calibrate import calibration_error, confidence_threshold, fit_temperature, probabilities
from pipeline.errors import BundleError
from pipeline.heads import Heads

LABELS = {"topic": ("a", "b", "c"), "churn": ("no", "yes")}
RANDOM = np.random.default_rng(3)
HEADS = Heads(RANDOM.normal(size=(4, 5)).astype(np.float32), RANDOM.normal(size=5).astype(np.float32), LABELS)
LOGITS = st.lists(st.floats(-1e4, 1e4, width=32), min_size=2, max_size=6)
ANSWERS = st.lists(st.tuples(st.sampled_from([0.2, 0.4, 0.5, 0.7, 0.9]), st.booleans()), max_size=12)


def test_each_task_has_its_own_columns() -> None:
    vectors = RANDOM.normal(size=(3, 4)).astype(np.float32)
    logits = HEADS.logits(vectors)
    assert list(logits) == ["topic", "churn"]
    assert np.allclose(logits["topic"], vectors @ HEADS.weight[:, :3] + HEADS.bias[:3], atol=1e-6)
    assert np.allclose(logits["churn"], vectors @ HEADS.weight[:, 3:] + HEADS.bias[3:], atol=1e-6)
    assert {task: values.shape for task, values in HEADS.logits(vectors[:0]).items()} == {
        "topic": (0, 3), "churn": (0, 2),
    }  # fmt: skip


def test_saved_heads_come_back(tmp_path: Path) -> None:
    HEADS.save(tmp_path / "heads.safetensors")
    back = Heads.load(tmp_path / "heads.safetensors", LABELS)
    assert np.array_equal(back.weight, HEADS.weight)
    assert np.array_equal(back.bias, HEADS.bias)


@pytest.mark.parametrize("shape", [(4, 4), (5,), (1, 4, 5)])
def test_heads_that_do_not_fit_their_labels_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BundleError, match="expected"):
        Heads(np.zeros(shape, np.float32), np.zeros(5, np.float32), LABELS)
    with pytest.raises(BundleError, match="expected"):
        Heads(np.zeros((4, 5), np.float32), np.zeros(4, np.float32), LABELS)


def test_a_file_of_anything_else_is_refused_and_never_unpickled(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "boom",))

    from safetensors.numpy import save_file

    path = tmp_path / "heads.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(BundleError, match="holds no heads"):
        Heads.load(path, LABELS)
    assert not (tmp_path / "boom").exists()
    save_file({"weight": HEADS.weight}, path)
    with pytest.raises(BundleError, match="holds no heads"):
        Heads.load(path, LABELS)


@given(LOGITS, st.floats(0.05, 20))
def test_probabilities_are_probabilities_and_keep_the_order(logits: list[float], temperature: float) -> None:
    values = np.array([logits], np.float32)
    found = probabilities(values, temperature)[0]
    assert found.min() >= 0
    assert math.isclose(found.sum(), 1, abs_tol=1e-9)
    assert found[values[0].argmax()] == found.max()
    assert np.allclose(found, probabilities(values[:, ::-1], temperature)[0, ::-1])


def test_a_low_temperature_sharpens() -> None:
    logits = np.array([[1.0, 0.0]], np.float32)
    plain = 1 / (1 + math.exp(-1))
    assert probabilities(logits, 1.0)[0, 0] == pytest.approx(plain)
    assert probabilities(logits, 0.5)[0, 0] > plain > probabilities(logits, 2.0)[0, 0]


@pytest.mark.parametrize("true", [0.3, 1.0, 4.0])
def test_the_temperature_that_made_the_labels_is_found(true: float) -> None:
    random = np.random.default_rng(1)
    logits = random.normal(0, 3, (20_000, 4)).astype(np.float32)
    chances = probabilities(logits, true).cumsum(axis=1)
    truth = (random.random((len(logits), 1)) > chances).sum(axis=1)
    assert fit_temperature(logits, truth) == pytest.approx(true, rel=0.06)


def test_the_temperature_stays_in_its_range() -> None:
    logits = np.array([[2.0, 0.0], [0.0, 2.0]], np.float32)
    assert fit_temperature(logits, [0, 1]) == pytest.approx(0.05, rel=0.01)
    assert fit_temperature(logits, [1, 0]) == pytest.approx(20, rel=0.01)
    assert fit_temperature(logits[:0], []) == 1.0


@given(ANSWERS, st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]))
def test_the_threshold_is_the_lowest_that_keeps_the_error_budget(
    answers: list[tuple[float, bool]], budget: float
) -> None:
    def error(least: float) -> float:
        kept = [right for sure, right in answers if sure >= least]
        return 1 - sum(kept) / len(kept)

    allowed = [sure for sure, _ in answers if error(sure) <= budget + 1e-12]
    found = confidence_threshold([sure for sure, _ in answers], [right for _, right in answers], max_error=budget)
    assert found == (min(allowed) if allowed else 1.01)


def test_thresholds_with_known_answers() -> None:
    sure, right = [0.9, 0.8, 0.7, 0.6], [True, True, False, True]
    assert confidence_threshold(sure, right, max_error=0) == 0.8
    assert confidence_threshold(sure, right, max_error=0.25) == 0.6
    assert confidence_threshold(sure, [False] * 4, max_error=0.5) > 1
    assert confidence_threshold([], [], max_error=0.5) > 1


def test_calibration_errors_with_known_answers() -> None:
    assert calibration_error([1.0] * 4, [True] * 4) == 0
    assert calibration_error([1.0] * 4, [False] * 4) == 1
    assert calibration_error([0.75] * 4, [True, True, True, False]) == pytest.approx(0)
    assert calibration_error([0.9] * 10, [True] * 5 + [False] * 5, bins=1) == pytest.approx(0.4)
    assert math.isnan(calibration_error([], []))


@given(ANSWERS.filter(len), st.randoms(use_true_random=False))
def test_calibration_error_does_not_depend_on_the_order_of_the_rows(answers: list[tuple[float, bool]], random) -> None:
    mixed = random.sample(answers, len(answers))
    one, other = (calibration_error(*zip(*rows, strict=True), bins=3) for rows in (answers, mixed))
    assert one == pytest.approx(other)
    assert 0 <= one <= 1
