"""Measurements -> MODEL_CARD.md: what the model is, for what, from what, and how well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.calibrate import ANY
from pipeline.taxonomy import CHURN, EMOTIONS, SENTIMENTS, URGENCIES
from pipeline.training.sources.registry import NO_LICENCE
from pipeline.training.tables import (
    ABSENT,
    LANGUAGES,
    certificate_table,
    confusion_table,
    difference_table,
    gold_table,
    label_table,
    number,
    review_lines,
    source_certificate_table,
    table,
)

CERTIFICATE = """## Reliability certificate

Does a probability mean what it says? Expected calibration error of the answers given (10 bins of equal mass) and its
ceiling, the 95th percentile of what chance gives a perfectly calibrated model on as many rows; in bold where it is
above. Brier score: the squared distance of the probabilities to the truth, in [0, 2].

![Reliability diagrams and risk-coverage curves](certificate.svg)"""

WHAT = """# Model card: {name}

`{version}` labels a customer message with a category and topic, sentiment, emotion, urgency and churn risk. {recipe}
It runs on a processor, without a network.

## Intended use

Sorting, routing and prioritising inbound customer-support messages in Arabic (standard and dialects), Persian and
English, with people deciding what the model hands over (`nabd_review`). Each message is judged alone.

## Limits

- Do not use it to judge employees or customers as persons, nor to refuse anybody a service without a person
  deciding.
- Messages in other languages are flagged, not understood. Arabic and Persian written in Latin letters, and mixed
  messages, were not measured apart.
- The labels are those of one guide; public sets were mapped to them, and some mapped labels are close rather than
  equal.
- Real Arabic and Persian training messages are rich in complaints, praise and faults and poor in billing and
  inquiries; messages written for this project and mapped public sets fill that gap.
- Rare labels have few test rows: read their intervals, not their figures."""

UNLICENSED = """**Sources that state no licence:** {names}. Whether their use is allowed where you are is yours to
judge; `make data train LICENCE=stated` trains without them."""

RECIPES = {
    "heads": "Linear heads on a multilingual sentence encoder that was left as it was.",
    "finetune": "A small multilingual encoder, fine-tuned on all tasks at once, with linear heads.",
    "distil": "A table of hashed words and character n-grams, taught by the full model, with linear heads.",
    "cascade": "The fast student answers what it is sure of, the full model the rest.",
}

HEADS = """At most {per_group} rows of each source, language and label, and every row labelled by our own guide, those
weighted {own_weight:g} times (seed {seed}); C, the inverse regularisation, was chosen on dev: {C}."""

PHASES = """Fine-tuned in phases ({phases}; seed {seed}); a row is drawn by its kind, then less often from large groups.
Own: labelled by our own guide; intents: banking sets whose 77 intents are an auxiliary head; mapped: the rest. Each
head is the one tuned with the encoder, or one fitted anew on our own rows, whichever is better on dev (C: {C})."""

DISTILLED = """Learnt from what the model of sha256 `{teacher}` says of {texts} texts, and the labels of our own
rows (seed {seed})."""

CASCADED = """`{fast}` answers where its category is as probable as {accept}; that level was chosen on dev, where it
answers {share:.0%} of the rows."""

CALIBRATION = """A temperature a task and language and the thresholds below were fitted on dev rows labelled by our own
guide: of the categories that are not handed to a person, at most {max_error:.0%} were wrong there."""

FIDELITY = """Encoder: int8 ONNX; cosine to its fp32 original on {texts} held-out texts: mean {cosine_mean}, 1st
percentile {cosine_p01}, least {cosine_min}."""

RESULTS = """## Results on gold test

Every row by its most probable label, before any is handed over; 95% bootstrap intervals in brackets. A sentiment
that the model does not give counts as wrong. `docs/results.md` has public sets, dialects and published scores."""


def render_card(metrics: Mapping[str, Any]) -> str:
    """The whole card, Markdown."""
    parts = (_what, _labels, _data, _training, _results, _version)
    return "\n\n".join(block for part in parts for block in part(metrics)) + "\n"


def _what(metrics: Mapping[str, Any]) -> Iterator[str]:
    model = metrics["model"]
    yield WHAT.format(name=model["name"], version=model["version"], recipe=RECIPES[metrics["training"]["recipe"]])


def _labels(metrics: Mapping[str, Any]) -> Iterator[str]:
    names = metrics["model"]["taxonomy"]
    yield "## Labels"
    yield table(
        ["topic", "category", "meaning"],
        [[f"`{topic['id']}`", topic["parent"], topic["meaning"]] for topic in names["topics"]],
        text_columns=3,
    )
    fixed = {"sentiment": SENTIMENTS, "emotion": EMOTIONS, "urgency": URGENCIES, "churn": CHURN}
    yield "\n".join(f"- {task}: {', '.join(labels)}" for task, labels in fixed.items())
    yield "A category is as probable as its topics together. A message out of scope gets no sentiment."


def _data(metrics: Mapping[str, Any]) -> Iterator[str]:
    training, origins = metrics["training"], metrics["gold_train_origins"]
    yield f"## Training data\n\nSources with licence `{training['licence']}`; rows that at least one task learnt from."
    rows = [[each["name"], each["licence"], each["rows"]] for each in training["sources"]]
    yield table(["source", "licence", "rows"], rows, text_columns=2)
    yield "Rows of each task: " + ", ".join(f"{task} {count}" for task, count in training["rows"].items()) + "."
    yield "The rows of `gold` are real messages labelled by reading them; they come from:"
    rows = [[name, each["licence"], each["rows"]] for name, each in origins.items()]
    yield table(["origin", "licence", "rows"], rows, text_columns=2)
    named = [each["name"] for each in training["sources"] if each["licence"] == NO_LICENCE]
    named += [f"{name} (in gold)" for name, each in origins.items() if each["licence"] == NO_LICENCE]
    yield UNLICENSED.format(names=", ".join(named)) if named else "Every source states a licence."
    yield "No row of a test split, and none whose licence is non-commercial, trains the model."


def _training(metrics: Mapping[str, Any]) -> Iterator[str]:
    training, model = metrics["training"], metrics["model"]
    yield "## Training and calibration"
    yield _recipe(training, model)
    yield CALIBRATION.format(max_error=training["max_error"])
    categories = [category["id"] for category in model["taxonomy"]["categories"]]
    rows = [[_spoken(name), *(levels[each] for each in categories)] for name, levels in model["thresholds"].items()]
    yield table(["threshold", *categories], rows)
    if model["fast"] is None:
        names = list(model["temperatures"]["topic"])
        rows = [[task, *(values.get(name, ABSENT) for name in names)] for task, values in model["temperatures"].items()]
        yield table(["temperature", *map(_spoken, names)], rows)
    if model["encoder_fidelity"] is not None:
        yield FIDELITY.format(**model["encoder_fidelity"])
    if "int8" in training:
        yield "Accuracy of the same heads on each dev set, fp32 encoder and int8:"
        rows = [
            [each["set"], each["task"], each["n"], number(each["fp32"]), number(each["int8"])]
            for each in training["int8"]
        ]
        yield table(["dev set", "task", "rows", "fp32", "int8"], rows, text_columns=2)


def _recipe(training: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    match training["recipe"]:
        case "finetune":
            phases = (f"{each['name']}: {each['passes']:,} rows, {_shares(each)}" for each in training["phases"])
            strengths = ", ".join(f"{task} {c:g}" if c else f"{task} as tuned" for task, c in training["C"].items())
            return PHASES.format(phases="; ".join(phases), seed=training["seed"], C=strengths)
        case "distil":
            texts = f"{training['rows']['topic']:,}"
            return DISTILLED.format(teacher=training["teacher"][:8], texts=texts, seed=training["seed"])
        case "cascade":
            return CASCADED.format(fast=model["fast"], accept=model["accept"], share=training["dev"]["share"])
        case _:
            strengths = ", ".join(f"{task} {c:g}" for task, c in training["C"].items())
            return HEADS.format(C=strengths, **{key: training[key] for key in ("per_group", "own_weight", "seed")})


def _shares(phase: Mapping[str, Any]) -> str:
    return ", ".join(f"{kind} {share:.0%}" for kind, share in phase["shares"].items())


def _spoken(language: str) -> str:
    return "any other" if language == ANY else LANGUAGES[language]


def _results(metrics: Mapping[str, Any]) -> Iterator[str]:
    gold = metrics["gold"]["all"]
    topics = [topic["id"] for topic in metrics["model"]["taxonomy"]["topics"]]
    categories = [category["id"] for category in metrics["model"]["taxonomy"]["categories"]]
    yield RESULTS
    yield gold_table(metrics)
    if "baselines" in metrics:
        yield "Paired difference to TF-IDF in category macro-F1:"
        yield difference_table(metrics)
    yield "### Categories\n\nTrue labels down, predicted across."
    yield confusion_table(gold["category"], categories)
    yield "### Topics"
    yield label_table(gold["topic"], topics)
    yield "### Handed to a person\n\n" + review_lines(metrics)
    yield CERTIFICATE
    yield certificate_table(metrics, brier=True)
    yield "Sources and origins with 50 rows or more:"
    yield source_certificate_table(metrics)


def _version(metrics: Mapping[str, Any]) -> Iterator[str]:
    model = metrics["model"]
    yield "## Version"
    rows = [
        ["model sha256", f"`{model['sha256']}`"], ["encoder", f"`{model['encoder']}`"],
        ["normaliser", model["normaliser"]],
        ["training rows sha256", f"`{metrics['training']['rows_sha256']}`"], ["evaluation seed", metrics["seed"]],
        ["libraries", ", ".join(f"{name} {version}" for name, version in metrics["libraries"].items())],
    ]  # fmt: skip
    yield table(["what", "value"], rows, text_columns=2)
    yield "To reproduce: `make data train evaluate`, with the sources in `NABD_DATA_DIR`."
