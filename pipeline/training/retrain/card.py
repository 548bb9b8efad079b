"""The card of a retrained model: short, because its data are the user's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.bundle import Bundle
from pipeline.training.retrain.compare import render
from pipeline.training.retrain.multilabel.compare import render_sets
from pipeline.training.tables import table

WHAT = """# Model card: {name}

`{version}` was made by `nabd retrain` from {base}: {recipe}

It labels a customer message with {topics}. It learnt them from {train:,} labelled rows of the export
with sha256 `{export}` ({by}), {feedback}and from {authored:,} messages that come with Nabd and were written for it.
{tasks}"""

ONE, EVERY = "one of the topics below", "as many of the topics below as apply, or none"
RECIPES = {
    "heads": "its encoder as it is, and a new head for topics ({head}).",
    "finetune": "its encoder fine-tuned further on the export, with a new head for topics.",
}
SPLIT = {
    "time": "split by time: the latest rows are dev and gate",
    "customer": "split by customer",
    "text": "split by text: no two splits share one",
}

DEV = """## On dev

{rows:,} rows that it did not learn from; its temperatures and thresholds saw them. `linear` is TF-IDF with logistic
regression on the same rows. 95% bootstrap intervals; the difference is paired."""

DEV_SETS = """## On dev

{rows:,} rows that it did not learn from; its calibration and its levels saw them. `linear` is TF-IDF with one logistic
regression a label, on the same rows, its levels set in the same way. Average precision needs no levels. 95% bootstrap
intervals; the difference is paired."""

SEVERAL = """## Several topics a message

Each topic is learnt and calibrated by itself (one-vs-rest; a slope and an offset a label, Platt 1999, and a temperature
a language), and a message has those above their levels, none and several among them. A category is as probable as any
of its topics, which are taken for independent given the message. The most probable topic is the primary one: category,
queue, risk, report, drift and the gates of a promotion go by it, and a message without a topic goes to a person."""

LIMITS = """## Limits

- What the export does not hold it does not know: other products, channels and languages than those of the export may
  fare worse. Rows by label and language are in the report of `nabd retrain`.
- A label with few rows in dev has a wide interval: read that, not the figure.
- Do not use it to judge employees or customers as persons, nor to refuse anybody a service without a person deciding.
- Before it is used, `nabd promote` judges it by the gate rows, {gate:,} of them, which served nothing else."""


def render_card(bundle: Bundle, record: Mapping[str, Any]) -> str:
    """`record` is what `retrain.json` holds."""
    return "\n\n".join(_blocks(bundle, record)) + "\n"


def _blocks(bundle: Bundle, record: Mapping[str, Any]) -> Iterator[str]:
    parameters, splits = record["parameters"], record["splits"]
    yield WHAT.format(
        topics=EVERY if bundle.taxonomy.multilabel else ONE, base=f"`{parameters['base']}`",
        name=bundle.name, version=bundle.version,
        recipe=RECIPES[parameters["recipe"]].format(head=parameters["head"]), train=splits["train"]["rows"],
        export=record["export"]["sha256"], by=SPLIT[splits["by"]], authored=parameters["authored"],
        feedback=_feedback(record.get("feedback")), tasks=_tasks(parameters["learnt"]),
    )  # fmt: skip
    yield "## Labels"
    yield table(
        ["topic", "category", "English", "Arabic", "Persian", "meaning"],
        [[f"`{each.id}`", each.parent, each.en, each.ar, each.fa, each.meaning] for each in bundle.taxonomy.topics],
        text_columns=6,
    )
    if bundle.taxonomy.multilabel:
        yield SEVERAL
    yield (DEV_SETS if bundle.taxonomy.multilabel else DEV).format(rows=splits["dev"]["rows"])
    yield (render_sets if bundle.taxonomy.multilabel else render)(record["dev"], parameters["recipe"])
    yield LIMITS.format(gate=splits["gate"]["rows"])


def _feedback(facts: Mapping[str, Any] | None) -> str:
    return f"from {facts['rows']:,} messages that people corrected or confirmed in the service, " if facts else ""


def _tasks(learnt: Mapping[str, int]) -> str:
    own = [f"{task} ({rows:,} rows)" for task, rows in learnt.items() if rows and task != "topic"]
    kept = [task for task, rows in learnt.items() if not rows]
    parts = [f"The export also taught it {', '.join(own)}." if own else ""]
    parts += [f"Its {', '.join(kept)} are the base model's." if kept else ""]
    return " ".join(filter(None, parts))
