from __future__ import annotations

import math
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.calibrate import (
    ANY,
    PULL,
    TRUST,
    calibration_error,
    fit_temperature,
    fit_temperatures,
    misroute_thresholds,
    of_language,
    probabilities,
)
from pipeline.errors import BundleError
from pipeline.heads import Heads

LABELS = {"topic": ("a", "b", "c"), "churn": ("no", "yes")}
RANDOM = np.random.default_rng(3)
HEADS = Heads(RANDOM.normal(size=(4, 5)).astype(np.float32), RANDOM.normal(size=5).astype(np.float32), LABELS)
LOGITS = st.lists(st.floats(-1e4, 1e4, width=32), min_size=2, max_size=6)
ANSWERS = st.lists(st.tuples(st.sampled_from([0.2, 0.4, 0.5, 0.7, 0.9]), st.booleans()), max_size=12)
Answer = tuple[float, bool, str]  # how sure, whether right, which category is said
SAID = st.lists(
    st.tuples(
        st.sampled_from([0.2, 0.4, 0.5, 0.7, 0.9]),
        st.booleans(),
        st.sampled_from(["billing", "inquiry", "relationship"]),
    ),
    max_size=40,
)
BUDGETS = st.sampled_from([0.0, 0.05, 0.15, 0.3, 0.5, 1.0])


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
    assert back.centres is None


def test_saved_centres_come_back(tmp_path: Path) -> None:
    centres = RANDOM.normal(size=(3, 4)).astype(np.float32)
    replace(HEADS, centres=centres).save(tmp_path / "heads.safetensors")
    back = Heads.load(tmp_path / "heads.safetensors", LABELS)
    assert back.centres is not None
    assert np.array_equal(back.centres, centres)
    vectors = RANDOM.normal(size=(5, 4)).astype(np.float32)
    assert np.array_equal(back.distance(vectors), replace(HEADS, centres=centres).distance(vectors))


def test_distances_with_known_answers() -> None:
    """Seen from the mean (1, 1), the topics lie to the right and above."""
    centres = np.array([[1, 1], [3, 1], [1, 2]], np.float32)
    heads = Heads(np.zeros((2, 5), np.float32), np.zeros(5, np.float32), LABELS, centres)
    vectors = np.array([[9, 1], [1, 1.5], [2, 2], [0, 1], [1, -4], [0, 0], [1, 1]], np.float32)
    diagonal = 1 - math.sqrt(0.5)
    expected = [0, 0, diagonal, 1, 1, 2 - diagonal, 1]  # from the mean itself no direction is known
    assert heads.distance(vectors) == pytest.approx(expected, abs=1e-6)
    assert heads.distance(vectors[:0]).shape == (0,)


def test_without_centres_nothing_is_far() -> None:
    assert HEADS.distance(np.ones((3, 4), np.float32)).tolist() == [0, 0, 0]


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10))
def test_a_distance_is_between_0_and_2_and_knows_no_scale(seed: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    centres, vectors = (random.normal(size=(rows, 4)).astype(np.float32) for rows in (4, 6))
    near = replace(HEADS, centres=centres).distance(vectors)
    assert -1e-6 <= near.min() <= near.max() <= 2 + 1e-6
    spread = centres[0] + (vectors - centres[0]) * np.float32(scale)
    assert replace(HEADS, centres=centres).distance(spread) == pytest.approx(near, abs=1e-4)
    more = np.concatenate([centres, vectors[:1]])
    assert (replace(HEADS, centres=more).distance(vectors) <= near + 1e-6).all(), (
        "one more topic brings nothing farther"
    )


@pytest.mark.parametrize("shape", [(3, 5), (4,), (1, 3, 4)])
def test_centres_of_another_width_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BundleError, match=r"expected \(k, 4\)"):
        replace(HEADS, centres=np.zeros(shape, np.float32))


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


@given(LOGITS, LOGITS, st.floats(0.05, 20), st.floats(0.05, 20))
def test_each_row_has_its_own_temperature(one: list[float], other: list[float], first: float, second: float) -> None:
    columns = min(len(one), len(other))
    values = np.array([one[:columns], other[:columns]], np.float32)
    found = probabilities(values, np.array([[first], [second]]))
    assert np.array_equal(found[0], probabilities(values[:1], first)[0])
    assert np.array_equal(found[1], probabilities(values[1:], second)[0])


def test_the_value_of_a_language_is_its_own_or_that_of_any() -> None:
    values = {ANY: 1, "ar": 2, "fa": 3}
    spoken = {"ar": 2, "ar-Latn": 2, "fa": 3, "fa-Latn": 3, "en": 1, "und": 1, "mixed": 1, "unsupported": 1, "*": 1}
    assert {language: of_language(values, language) for language in spoken} == spoken
    with pytest.raises(KeyError):
        of_language({"ar": 2}, "en")


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


def drawn(true: float, rows: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logits, and labels drawn from their probabilities at the temperature `true`."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 3, (rows, 4)).astype(np.float32)
    chances = probabilities(logits, true).cumsum(axis=1)
    return logits, (random.random((rows, 1)) > chances).sum(axis=1)


def test_the_temperature_of_a_language_lies_between_its_own_and_that_of_all() -> None:
    parts = {"ar": drawn(4.0, 3000, 1), "en": drawn(1.0, 3000, 2), "fa": drawn(4.0, 60, 3)}
    logits, truth = (np.concatenate([part[side] for part in parts.values()]) for side in (0, 1))
    spoken = [language for language, (_, labels) in parts.items() for _ in labels]
    found = fit_temperatures(logits, truth, spoken)
    assert list(found) == [ANY, "ar", "en", "fa"]
    assert found[ANY] == pytest.approx(fit_temperature(logits, truth), abs=1e-4)
    assert found["en"] < found[ANY] < found["fa"] < found["ar"], "few rows stay nearer to all"
    for language, part in parts.items():
        own, rows = fit_temperature(*part), len(part[1])
        between = (math.log(found[language]) - math.log(found[ANY])) / (math.log(own) - math.log(found[ANY]))
        assert between == pytest.approx(rows / (rows + PULL), abs=1e-3)


def test_one_language_alone_is_all_and_none_is_1() -> None:
    logits, truth = drawn(2.0, 300, 4)
    found = fit_temperatures(logits, truth, ["fa"] * 300)
    assert found == {ANY: pytest.approx(2.0, rel=0.25), "fa": found[ANY]}
    assert fit_temperatures(logits[:0], truth[:0], []) == {ANY: 1.0}


def misroutes(answers: Sequence[Answer], budget: float) -> dict[str, float]:
    columns = [[each[place] for each in answers] for place in range(3)]
    return misroute_thresholds(*columns, max_error=budget)


def test_misroute_thresholds_with_known_answers() -> None:
    """A category that is always right opens as far as it goes, one that is always wrong not at all."""
    right = [(sure / 100, True, "billing") for sure in range(50, 100)]
    wrong = [(sure / 100, False, "inquiry") for sure in range(50, 100)]
    assert misroutes(right, 0.0) == {"billing": 0.5}
    assert misroutes(wrong, 0.9) == {"inquiry": 1.01}
    assert misroutes([], 0.1) == {}
    # Right above 0.74, all wrong below: the errors below 0.75 use the budget up after a few rows.
    half = [(sure / 100, sure >= 75, "billing") for sure in range(50, 100)]
    assert misroutes(half, 0.0) == {"billing": 0.75}
    assert misroutes(half, 0.2) == {"billing": 0.69}  # 6 wrong of 31 is under a fifth, 7 of 32 over it


def test_a_few_lucky_rows_open_no_gate_and_a_few_unlucky_ones_shut_none() -> None:
    poor = [(0.8, row % 2 == 0, "inquiry") for row in range(100)]
    good = [(0.8, True, "billing") for _ in range(100)]
    lucky, unlucky = [(0.8, True, "billing")], [(0.8, False, "inquiry")]
    assert misroutes([*poor, *lucky], 0.15)["billing"] == 1.01
    assert misroutes([*good, *unlucky], 0.15)["inquiry"] == 0.8
    assert misroutes([*poor, *good], 0.15) == {"billing": 0.8, "inquiry": 1.01}, "with rows enough each is its own"


@given(SAID, BUDGETS)
def test_a_misroute_threshold_is_the_lowest_confidence_whose_held_error_fits(
    answers: list[Answer], budget: float
) -> None:
    def held(least: float, category: str) -> float:
        kept = [(right, said) for sure, right, said in answers if sure >= least]
        mine = [right for right, said in kept if said == category]
        everywhere = sum(not right for right, _ in kept) / len(kept)
        return (mine.count(False) + TRUST * everywhere) / (len(mine) + TRUST)

    found = misroutes(answers, budget)
    assert list(found) == sorted({said for _, _, said in answers})
    for category, threshold in found.items():
        levels = {sure for sure, _, said in answers if said == category}
        allowed = [least for least in levels if held(least, category) <= budget]
        assert threshold == (min(allowed) if allowed else 1.01)


@given(SAID, BUDGETS, BUDGETS)
def test_a_larger_budget_never_asks_for_more_confidence(answers: list[Answer], one: float, other: float) -> None:
    strict, lax = (misroutes(answers, budget) for budget in sorted((one, other)))
    assert all(lax[category] <= strict[category] for category in strict)


@given(SAID.filter(len), BUDGETS, st.data())
def test_one_error_less_never_asks_for_more_confidence(
    answers: list[Answer], budget: float, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(answers) - 1))
    sure, _, said = answers[place]
    before, after = (
        misroutes([*answers[:place], (sure, right, said), *answers[place + 1 :]], budget) for right in (False, True)
    )
    assert all(after[category] <= before[category] for category in before)


@given(SAID, BUDGETS, st.randoms(use_true_random=False))
def test_misroute_thresholds_do_not_depend_on_the_order_of_the_rows(
    answers: list[Answer], budget: float, random
) -> None:
    assert misroutes(answers, budget) == misroutes(random.sample(answers, len(answers)), budget)


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
