"""What a system says of held-out rows -> measurements, for the tasks that the rows have labels for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.calibrate import calibration_error
from pipeline.records import Prediction, Scored
from pipeline.taxonomy import CHURN, OUT_OF_SCOPE, SENTIMENTS, TASKS, Taxonomy
from pipeline.training.examples import Example
from pipeline.training.metrics import (
    PAIRED_RESAMPLES,
    Estimate,
    Names,
    accuracy,
    average_precision,
    confusion,
    f1_of_labels,
    macro_f1,
    names,
    resample,
    rounded,
)

MEASURED = ("category", *TASKS)
POLAR = (SENTIMENTS[0], SENTIMENTS[-1])
YES = CHURN[-1]

Answer = Mapping[str, Prediction | None]


@dataclass(frozen=True, slots=True)
class Case:
    """One held-out row, its true category, and a system's prediction of every task; None is no answer, never right.

    `head` is what the sentiment head says also of a message that is taken for out of scope.
    """

    example: Example
    category: str | None
    answer: Answer
    head: Prediction | None = None

    @classmethod
    def of(cls, example: Example, answer: Answer, table: Taxonomy) -> Case:
        return cls(example, None if example.topic is None else table.category_of[example.topic], answer)

    def truth(self, task: str) -> str | None:
        return self.category if task == "category" else self.example.label(task)


def answer_of(scored: Scored) -> Answer:
    """The predictions of every measured task, by argmax: whether a person is asked to review changes nothing."""
    return {task: getattr(scored, task) for task in MEASURED}


def grouped(cases: Sequence[Case], key: Callable[[Case], str | None]) -> dict[str, list[Case]]:
    """Cases by key, in the order of the keys; those without one are left out."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        if (name := key(case)) is not None:
            groups.setdefault(name, []).append(case)
    return dict(sorted(groups.items()))


def scorecard(cases: Sequence[Case], *, seed: int) -> dict[str, Any]:
    """Task -> measurements, for each task that any case has a label for."""
    labelled = {task: [case for case in cases if case.truth(task) is not None] for task in MEASURED}
    return {task: _measure(task, chosen, seed) for task, chosen in labelled.items() if chosen}


def difference(ours: Sequence[Case], theirs: Sequence[Case], *, seed: int) -> dict[str, Any]:
    """Category macro-F1 of `ours` minus that of `theirs` on the same in-scope rows, the resamples paired."""
    left, right = ([case for case in side if case.category not in (None, OUT_OF_SCOPE)] for side in (ours, theirs))
    counts = resample(len(left), times=PAIRED_RESAMPLES, seed=seed)
    gap = macro_f1(*_sides("category", left), counts) - macro_f1(*_sides("category", right), counts)
    return {"n": len(left), **Estimate.of(gap).to_dict()}


def handed_over(cases: Sequence[Case], reviews: Sequence[tuple[str, ...]], *, seed: int) -> dict[str, Any]:
    """How many cases go to a person and why, and the category accuracy on the others."""
    kept = [case for case, reasons in zip(cases, reviews, strict=True) if not reasons]
    rest = Estimate.of(accuracy(*_sides("category", kept), resample(len(kept), seed=seed)))
    return {
        "n": len(cases), "handed_over": len(cases) - len(kept),
        "reasons": dict(sorted(Counter(reason for reasons in reviews for reason in reasons).items())),
        "accuracy_of_the_rest": rest.to_dict(),
    }  # fmt: skip


def _measure(task: str, cases: Sequence[Case], seed: int) -> dict[str, Any]:
    truth, said = _sides(task, cases)
    counts = resample(len(cases), seed=seed)
    labels = sorted(set(truth.tolist()))
    each = f1_of_labels(truth, said, counts[:1], labels)[0].tolist()
    found = {
        "n": len(cases),
        "answered": sum(case.answer[task] is not None for case in cases),
        "macro_f1": _macro_f1(task, cases, seed),
        "accuracy": Estimate.of(accuracy(truth, said, counts)).to_dict(),
        "ece": _calibration(task, cases),
        "labels": {
            name: {"n": int((truth == name).sum()), "f1": rounded(f1)} for name, f1 in zip(labels, each, strict=True)
        },
        "confusion": confusion(truth, said),
    }
    own = {"category": _category, "sentiment": _sentiment, "churn": _churn}
    return found | own[task](cases, seed) if task in own else found


def _category(cases: Sequence[Case], seed: int) -> dict[str, Any]:
    """Macro-F1 over the categories in scope, on the rows in scope: an `out_of_scope` said of one is wrong."""
    kept = [case for case in cases if case.category != OUT_OF_SCOPE]
    return {"n_in_scope": len(kept), "macro_f1": _macro_f1("category", kept, seed)}


def _sentiment(cases: Sequence[Case], seed: int) -> dict[str, Any]:
    """F1 of the two poles and macro-F1 of the rows answered; the same of the head, whether in scope or not.

    Where no row is neutral, the head's also without `neutral`.
    """
    truth, said = _sides("sentiment", cases)
    counts = resample(len(cases), seed=seed)
    given = [case for case in cases if case.answer["sentiment"] is not None]
    found = {
        "polar_f1": Estimate.of(macro_f1(truth, said, counts, labels=POLAR)).to_dict(),
        "macro_f1_answered": _macro_f1("sentiment", given, seed),
    }
    heads = [case.answer["sentiment"] or case.head for case in cases]
    ungated = names([said.label if said else None for said in heads])
    found["head_macro_f1"] = Estimate.of(macro_f1(truth, ungated, counts)).to_dict()
    found["head_polar_f1"] = Estimate.of(macro_f1(truth, ungated, counts, labels=POLAR)).to_dict()
    if set(truth.tolist()) <= set(POLAR):
        masked = names([_pole(said) for said in heads])
        found["head_macro_f1_neutral_masked"] = Estimate.of(macro_f1(truth, masked, counts)).to_dict()
    return found


def _churn(cases: Sequence[Case], seed: int) -> dict[str, Any]:
    truth, said = _sides("churn", cases)
    counts = resample(len(cases), seed=seed)
    score = [0.0 if (given := case.answer["churn"]) is None else given.probabilities[YES] for case in cases]
    return {
        "average_precision": Estimate.of(average_precision(truth == YES, score, counts)).to_dict(),
        "f1_yes": Estimate.of(macro_f1(truth, said, counts, labels=(YES,))).to_dict(),
    }


def _macro_f1(task: str, cases: Sequence[Case], seed: int) -> dict[str, float | None]:
    return Estimate.of(macro_f1(*_sides(task, cases), resample(len(cases), seed=seed))).to_dict()


def _calibration(task: str, cases: Sequence[Case]) -> float | None:
    """Expected calibration error of the answers given."""
    given = [
        (said.confidence, said.label == case.truth(task)) for case in cases if (said := case.answer[task]) is not None
    ]
    confidence, right = np.array(given, np.float64).reshape(-1, 2).T
    return rounded(calibration_error(confidence, right))


def _sides(task: str, cases: Sequence[Case]) -> tuple[Names, Names]:
    """True and predicted names (n,)."""
    given = (case.answer[task] for case in cases)
    return names([case.truth(task) for case in cases]), names([said.label if said else None for said in given])


def _pole(said: Prediction | None) -> str | None:
    return None if said is None else max(POLAR, key=said.probabilities.__getitem__)
