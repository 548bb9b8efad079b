"""Why a message got its label: what becomes of the answer when a word, or a sentence, is left out (occlusion).

After Li et al. 2016, "Understanding neural networks through representation erasure" (arXiv:1612.08220). What is left
out is left out of the text that the model reads, whose language stays that of the whole message, and is named by its
place in the text as it was given. Quoted mail, markup, links and masked numbers are not read, so they weigh nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.bundle import Bundle
from pipeline.calibrate import Floats
from pipeline.errors import UsageError
from pipeline.explain.places import Place, merge, sentences, words
from pipeline.records import Prediction
from pipeline.score import MAX_CHARACTERS, Prepared, predict, prepare, topics_of
from pipeline.taxonomy import OUT_OF_SCOPE

MOST, LEAST = 160, 12  # parts of a message; of a longer one, neighbouring words or sentences are left out together
MOST_CHARACTERS = 200_000  # of all the texts with a word left out


@dataclass(frozen=True, slots=True)
class Part:
    """`text[start:end]` and its `weight`: by how much the label is more probable with it than without, in [-1, 1]."""

    text: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """`words` in the order of `text`; `sentence` is the one that decided, None for a message of one sentence.

    `predictions` are of every task; a message out of scope has no sentiment. `topics` are as in `Scored`.
    """

    text: str
    language: str
    task: str
    predictions: Mapping[str, Prediction]
    words: tuple[Part, ...]
    sentence: Part | None
    model: str
    topics: tuple[str, ...] | None = None

    @property
    def prediction(self) -> Prediction:
        return self.predictions[self.task]


def explain(text: str, bundle: Bundle, *, task: str = "topic", max_characters: int = MAX_CHARACTERS) -> Explanation:
    """The words and the sentence that decided `task` ("category" too), from one batch of texts with a part left out.

    Raises UsageError for an unknown task, and for the sentiment of a message that has none.
    """
    if task not in (tasks := ("category", *bundle.heads.labels)):
        raise UsageError(f"unknown task {task!r}, expected one of {', '.join(tasks)}")
    whole, given = prepare(text, max_characters=max_characters), text[:max_characters]
    read = whole.text.split()
    most = min(MOST, max(LEAST, MOST_CHARACTERS // (len(whole.text) or 1)))
    found = words(given, read)
    each, passages = merge(found, most), merge(sentences(given, found), most)
    places = [*each, *(passages if len(passages) > 1 else ())]
    predictions, weights = _weigh(whole, [_without(read, place) for place in places], task, bundle)
    parts = tuple(
        Part(given[place.start : place.end], place.start, place.end, weight)
        for place, weight in zip(places, weights, strict=True)
    )
    sentence = max(parts[len(each) :], key=lambda part: part.weight, default=None)
    topics = topics_of(predictions["topic"], bundle) if bundle.taxonomy.multilabel else None
    return Explanation(given, whole.language, task, predictions, parts[: len(each)], sentence, bundle.version, topics)


def _without(read: Sequence[str], place: Place) -> str:
    return " ".join([*read[: place.first], *read[place.last + 1 :]])


def _weigh(
    whole: Prepared, shorter: Sequence[str], task: str, bundle: Bundle
) -> tuple[dict[str, Prediction], list[float]]:
    """What is predicted of the whole message, and for each of `shorter` the probability that it lost."""
    texts = [whole.text, *shorter]
    judged = _answering(whole, bundle).judge(texts, [whole.language] * len(texts))
    predictions = predict({name: values[0] for name, values in judged.probabilities.items()}, bundle)
    if predictions["category"].label == OUT_OF_SCOPE:
        del predictions["sentiment"]
    if task not in predictions:
        raise UsageError(f"the message is {OUT_OF_SCOPE}, so it has no {task}; explain its topic or category instead")
    chances = _chances(judged.probabilities, task, predictions[task].label, bundle)
    return predictions, np.round(chances[0] - chances[1:], 4).tolist()


def _answering(whole: Prepared, bundle: Bundle) -> Bundle:
    """Of a cascade, the model that answers the message: the probabilities of two models are not to be compared."""
    if bundle.fast is None:
        return bundle
    fast, both = (model.judge([whole.text], [whole.language]).probabilities for model in (bundle.fast, bundle))
    return bundle.fast if np.array_equal(fast["topic"], both["topic"]) else replace(bundle, fast=None)


def _chances(probabilities: Mapping[str, Floats], task: str, label: str, bundle: Bundle) -> Floats:
    """(n,): the probability of `label` in each row."""
    if task == "category":
        sums = bundle.taxonomy.category_probabilities(probabilities["topic"])
        return np.asarray(sums[:, bundle.taxonomy.category_ids.index(label)])
    return probabilities[task][:, bundle.taxonomy.labels(task).index(label)]
