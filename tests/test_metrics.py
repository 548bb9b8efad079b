"""Known answers, scikit-learn as the oracle, and intervals that hold what they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, average_precision_score, f1_score

from pipeline.training.metrics import (
    NO_ANSWER,
    Estimate,
    accuracy,
    average_precision,
    confusion,
    f1_of_labels,
    macro_f1,
    names,
    resample,
)

SOME = settings(max_examples=40, deadline=None)
LABELS = ("شكوى", "تشکر", "praise")
PAIRS = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from((*LABELS, None))), min_size=1, max_size=40)


def once(rows: int) -> np.ndarray:
    return resample(rows, times=0, seed=0)


@pytest.mark.parametrize(
    ("truth", "said", "expected"),
    [
        (["a", "b", "a", "b"], ["a", "b", "a", "b"], 1.0),
        (["a", "b", "a", "b"], ["b", "a", "b", "a"], 0.0),
        (["a", "a", "b", "b"], ["a", "a", "a", "a"], 1 / 3),  # F1 of a is 2/3, of b 0
        (["a", "a"], ["a", "c"], 2 / 3),  # c is in no truth: it costs a its recall, and has no F1 of its own
        (["a"], ["a"], 1.0),
        (["a"], ["b"], 0.0),
    ],
    ids=["perfect", "reversed", "one label said", "absent class", "single right", "single wrong"],
)
def test_macro_f1_known_answers(truth: list[str], said: list[str], expected: float) -> None:
    assert macro_f1(names(truth), names(said), once(len(truth))).tolist() == pytest.approx([expected])


def test_nothing_to_measure_is_nan_and_null() -> None:
    empty, counts = names([]), resample(0, seed=0)
    for draws in (macro_f1(empty, empty, counts), accuracy(empty, empty, counts), average_precision([], [], counts)):
        found = Estimate.of(draws)
        assert math.isnan(found.value)
        assert found.to_dict() == {"value": None, "low": None, "high": None}


def test_no_answer_is_wrong_even_against_itself_as_a_label() -> None:
    truth, said = names(["a", "b"]), names(["a", None])
    assert accuracy(truth, said, once(2)).tolist() == [0.5]
    assert macro_f1(truth, said, once(2)).tolist() == [0.5]
    assert confusion(truth, said) == {"a": {"a": 1}, "b": {NO_ANSWER: 1}}


@SOME
@given(PAIRS)
def test_macro_f1_and_accuracy_are_those_of_scikit_learn(pairs: list[tuple[str, str | None]]) -> None:
    truth, said = names([true for true, _ in pairs]), names([given for _, given in pairs])
    held = sorted(set(truth.tolist()))
    oracle = f1_score(truth, said, labels=held, average="macro", zero_division=0)
    assert macro_f1(truth, said, once(len(pairs)))[0] == pytest.approx(oracle)
    assert f1_of_labels(truth, said, once(len(pairs)), held)[0] == pytest.approx(
        f1_score(truth, said, labels=held, average=None, zero_division=0)
    )
    assert accuracy(truth, said, once(len(pairs)))[0] == pytest.approx(accuracy_score(truth, said))


@SOME
@given(PAIRS, st.integers(0, 9))
def test_every_draw_is_the_metric_of_the_rows_it_drew(pairs: list[tuple[str, str | None]], seed: int) -> None:
    truth, said = names([true for true, _ in pairs]), names([given for _, given in pairs])
    counts = resample(len(pairs), times=3, seed=seed)
    drawn = np.repeat(np.arange(len(pairs)), counts[2].astype(int))
    held = sorted(set(truth[drawn].tolist()))
    oracle = f1_score(truth[drawn], said[drawn], labels=held, average="macro", zero_division=0)
    assert macro_f1(truth, said, counts)[2] == pytest.approx(oracle)


@SOME
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from((0.1, 0.2, 0.5, 0.9))), min_size=1, max_size=40).filter(
        lambda rows: any(positive for positive, _ in rows)
    )
)
def test_average_precision_is_that_of_scikit_learn(rows: list[tuple[bool, float]]) -> None:
    positive, score = zip(*rows, strict=True)
    found = average_precision(positive, score, once(len(rows)))
    assert found[0] == pytest.approx(average_precision_score(positive, score))


def test_average_precision_known_answers() -> None:
    assert average_precision([True, False], [0.9, 0.1], once(2)).tolist() == [1.0]
    assert average_precision([True, False], [0.1, 0.9], once(2)).tolist() == [0.5]
    assert np.isnan(average_precision([False, False], [0.1, 0.9], once(2))).all()


def test_a_resample_draws_as_many_rows_as_there_are_and_starts_with_each_once() -> None:
    counts = resample(50, times=20, seed=3)
    assert counts[0].tolist() == [1.0] * 50
    assert counts.sum(axis=1).tolist() == [50.0] * 21
    assert (counts == resample(50, times=20, seed=3)).all()
    assert (counts != resample(50, times=20, seed=4)).any()


def test_the_interval_of_a_share_is_that_of_the_binomial() -> None:
    rows = 400
    truth = names(["a"] * rows)
    said = names(["a"] * 300 + ["b"] * 100)
    found = Estimate.of(accuracy(truth, said, resample(rows, seed=1)))
    half = 1.96 * math.sqrt(0.75 * 0.25 / rows)
    assert found.value == 0.75
    assert (found.low, found.high) == pytest.approx((0.75 - half, 0.75 + half), abs=0.01)


def test_perfect_answers_have_no_width() -> None:
    truth = names(["a", "b", "c"] * 10)
    assert Estimate.of(macro_f1(truth, truth, resample(30, seed=0))) == Estimate(1.0, 1.0, 1.0)


def test_metrics_go_by_name_whatever_the_order_of_rows_and_labels() -> None:
    truth, said = names(["a", "b", "c", "a"]), names(["a", "c", "c", "b"])
    order = [2, 0, 3, 1]
    assert macro_f1(truth, said, once(4)) == pytest.approx(macro_f1(truth[order], said[order], once(4)))
    forward, backward = (f1_of_labels(truth, said, once(4), labels)[0] for labels in (list("abc"), list("cba")))
    assert forward.tolist() == backward.tolist()[::-1]
