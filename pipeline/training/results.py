"""Measurements -> docs/results.md: gold, public sets, dialects, baselines and published scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.targets import lookup
from pipeline.training.metrics import PAIRED_RESAMPLES, RESAMPLES
from pipeline.training.scorecard import MEASURED
from pipeline.training.tables import (
    ABSENT,
    LANGUAGES,
    certificate_table,
    difference_table,
    distance_line,
    family_table,
    few_shot_table,
    figure,
    gold_table,
    number,
    parity_table,
    review_lines,
    table,
)
from pipeline.training.targets import targets_table

FEWEST = 20  # rows of an origin that stand in a table of their own


@dataclass(frozen=True, slots=True)
class Published:
    """A score that others report on a set, and where ours lies in the metrics: kind, source, group, task, measure."""

    data: str
    score: float
    model: str
    ours: tuple[str, ...]
    comparable: str


SAME = "same labels and metric, on a sample of the test rows"
WHOLE = "same labels, metric and test split: a head of its own on the encoder's vectors"
INTENTS = "no: ours is the accuracy of the topics they map to"
PUBLISHED = (
    Published("banking77, accuracy of 77 intents", 0.937, "RoBERTa-base", ("intents", "banking77"), WHOLE),
    Published("arbanking77 MSA, micro-F1 of 77 intents", 0.921, "AraBERT", ("intents", "arbanking77 msa"), WHOLE),
    Published("arbanking77 PAL, micro-F1 of 77 intents", 0.900, "AraBERT", ("intents", "arbanking77 pal"), WHOLE),
    Published("snappfood, F1 of 2 labels", 0.881, "ParsBERT",
              ("sources", "snappfood", "fa", "sentiment", "head_macro_f1_neutral_masked"), SAME + ", `neutral` masked"),
    Published("deepsentipers, F1 of 5 classes", 0.713, "ParsBERT",
              ("sources", "deepsentipers", "fa", "sentiment", "macro_f1"), "no: ours is the macro-F1 of 3 classes"),
    Published("armanemo, macro-F1 of 7 emotions", 0.754, "XLM-R-large",
              ("sources", "armanemo", "fa", "emotion", "macro_f1"), "no: ours is that of 6, never trained on it"),
    Published("goemotions, macro-F1 of 28 emotions", 0.46, "BERT-base",
              ("sources", "goemotions", "en", "emotion", "macro_f1"), "no: ours is that of the 6 they map to"),
    Published("arsarcasm-v2, F1 of positive and negative", 0.748, "MARBERT ensemble",
              ("sources", "arsarcasm-v2", "ar", "sentiment", "head_polar_f1"), SAME),
    Published("clinc150, accuracy of 150 intents in scope", 0.967, "BERT",
              ("sources", "clinc150", "en", "topic", "accuracy"), INTENTS),
)  # fmt: skip

TARGETS = """`{version}`, every row scored by the same `score()` that serves and judged by its most probable label.
Brackets are 95% bootstrap percentile intervals ({resamples:,} resamples of the rows). Macro-F1 is the mean over the
labels that the rows hold."""

TRIED = """Tried for what is missed, judged on dev alone: more authored and read messages, which helped most
([ablation.md](ablation.md)); heads as they were tuned with the encoder beside heads fitted on its vectors, of which
each task has the better; 76,800 more row passes from the shipped weights (`nabd train --recipe finetune --start`),
which read topic, sentiment and emotion better, urgency and churn worse, and were left; the whole tuning anew, in
bfloat16, which came out no better, sentiment and churn worse; six layers, which are worse ([layers.md](layers.md)).
R-Drop was not tried."""

GOLD = """## Gold test

All {rows} rows: real customer messages, labelled by reading them."""

CERTIFICATE = """## Reliability certificate

Expected calibration error of the answers given (10 bins of equal mass), beside its *ceiling*: the 95th percentile of
what chance gives a perfectly calibrated model on as many rows. The model card has the diagram, the Brier score and
the sources."""

SCOPE = """An `out_of_scope` said of a row in scope is wrong. A message that the model takes for out of scope gets no
sentiment, which counts as wrong here; the baselines answer every row."""

BASELINES = """The baselines learn from every row labelled by our own guide and a balanced draw of the others.
TF-IDF (words 1-2, characters 2-5) chose its C on dev: {strengths}.

### Difference to TF-IDF

Category macro-F1, the same rows resampled for both, {resamples:,} times. An interval without 0 is a difference
that these rows can tell."""

PUBLIC = """## Public sets

Their test rows, at most {most:,} of each source and language drawn with seed {seed}, their labels mapped to ours.
*of*: the rows of the whole test split. *answered*: rows given a label of this task; a message taken for out of
scope has no sentiment, which counts as wrong in macro-F1 and accuracy, and is left aside in *of answered*.
*trained on*: rows of the source's own train split that the model learnt from, all tasks."""

FEW_SHOT = """## Few examples a label

A frozen encoder, a head chosen by cross-validation on the examples alone (`nabd retrain`, recipe `heads`), the label's
own name as one more example. Mean over {draws} draws of examples, ± one standard deviation; the whole test split.
Seconds are those of choosing and fitting, and of encoding the examples; memory is the process's at its peak. *seen*:
the encoder was fine-tuned on the train labels of this very set, so its figures are not those of a new label set. The
others show what a company may expect of labels that Nabd has never met.

{table}

Published, on BANKING77 with 5 and 10 examples a label: 0.84 and 0.90 (ICDA), 0.78 and 0.85 (USE+ConveRT). A new label
taught in one language alone: [new-label.md](new-label.md). `python -m pipeline.training.retrain.fewshot build/data`
measures this table anew."""


def render_results(metrics: Mapping[str, Any]) -> str:
    """The whole page, Markdown."""
    parts = (_targets, _gold, _family, _parity, _certificate, _public, _published, _few_shot, _reproduce)
    return "\n\n".join(["# Results", *(block for part in parts for block in part(metrics))]) + "\n"


def _targets(metrics: Mapping[str, Any]) -> Iterator[str]:
    yield TARGETS.format(version=metrics["model"]["version"], resamples=RESAMPLES)
    if "baselines" in metrics:  # the targets are of the full model, which alone is judged beside them
        yield "## Targets"
        yield targets_table(metrics)
        if metrics["training"].get("recipe") == "finetune":
            yield TRIED


def _family(metrics: Mapping[str, Any]) -> Iterator[str]:
    if len(metrics.get("family", {})) > 1:
        yield "## The models side by side\n\nGold test, all rows; `docs/bench.md` has their speed."
        yield family_table(metrics)


def _parity(metrics: Mapping[str, Any]) -> Iterator[str]:
    yield "## Language parity\n\n*gap*: to the best of its table. Sentiment is that of the head, in scope or not."
    yield parity_table(metrics)


def _certificate(metrics: Mapping[str, Any]) -> Iterator[str]:
    yield CERTIFICATE
    yield certificate_table(metrics)


def _gold(metrics: Mapping[str, Any]) -> Iterator[str]:
    rows = metrics["gold"]["all"]["category"]["n"]
    yield GOLD.format(rows=rows)
    yield gold_table(metrics)
    yield SCOPE
    if "baselines" in metrics:
        strengths = ", ".join(f"{task} {c:g}" for task, c in metrics["tfidf_C"].items())
        yield BASELINES.format(strengths=strengths, resamples=PAIRED_RESAMPLES)
        yield difference_table(metrics)
    yield f"### Handed to a person\n\n{review_lines(metrics)} {distance_line(metrics)}"
    yield f"### By origin of the row\n\nOrigins with {FEWEST} rows or more; `metrics.json` has the others."
    yield table(["origin", "rows", "category accuracy", "sentiment macro-F1"], _origins(metrics))


def _origins(metrics: Mapping[str, Any]) -> Iterator[list[object]]:
    for origin, found in metrics["gold_origins"].items():
        if found["category"]["n"] >= FEWEST:
            sentiment = found.get("sentiment", {}).get("macro_f1")
            yield [origin, found["category"]["n"], figure(found["category"]["accuracy"]), figure(sentiment)]


def _public(metrics: Mapping[str, Any]) -> Iterator[str]:
    yield PUBLIC.format(most=metrics["data"]["per_group"], seed=metrics["seed"])
    measures = ["rows", "of", "answered", "macro-F1", "of answered", "accuracy", "ECE", "trained on"]
    yield table(["source", "language", "task", *measures], _sources(metrics), text_columns=3)
    yield "### Dialects\n\nSources that name the dialect of each row; the same rows as above."
    yield table(["source", "dialect", "task", "rows", "macro-F1", "accuracy"], _dialects(metrics), text_columns=3)


def _sources(metrics: Mapping[str, Any]) -> Iterator[list[object]]:
    used = {source["name"]: source["rows"] for source in metrics["training"]["sources"]}
    whole = metrics["data"]["test_rows"]
    for source, language, task, found in _measured(metrics["sources"]):
        yield [
            source, LANGUAGES[language], task, found["n"], whole[source], found["answered"],
            figure(found["macro_f1"]), figure(found.get("macro_f1_answered")), figure(found["accuracy"]),
            number(found["ece"]), used.get(source, 0),
        ]  # fmt: skip


def _dialects(metrics: Mapping[str, Any]) -> Iterator[list[object]]:
    for source, dialect, task, found in _measured(metrics["dialects"]):
        yield [source, dialect, task, found["n"], figure(found["macro_f1"]), figure(found["accuracy"])]


def _measured(sources: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Mapping[str, Any]]]:
    for source, groups in sources.items():
        for group, found in groups.items():
            for task in MEASURED:
                if task in found:
                    yield source, group, task, found[task]


def _published(metrics: Mapping[str, Any]) -> Iterator[str]:
    yield "## Published scores\n\nWhat models trained for one set alone report, beside ours where it was measured."
    rows = [
        [each.data, number(each.score), each.model, figure(lookup(metrics, each.ours)), each.comparable]
        for each in PUBLISHED
    ]
    rows = [row for row in rows if row[3] != ABSENT]
    yield table(["data", "published", "by", "ours", "comparable"], rows)


def _few_shot(metrics: Mapping[str, Any]) -> Iterator[str]:
    if measured := metrics.get("few_shot"):
        draws = max(one["draws"] for one in measured)
        yield FEW_SHOT.format(draws=draws, table=few_shot_table(metrics))


def _reproduce(metrics: Mapping[str, Any]) -> Iterator[str]:
    model, libraries = metrics["model"], metrics["libraries"]
    yield "## To reproduce\n\n`make data train evaluate`, with the sources in `NABD_DATA_DIR`."
    yield table(
        ["what", "value"],
        [["model", f"`{model['sha256']}`"], ["encoder", f"`{model['encoder']}`"],
         ["rows", f"`{metrics['data']['rows_sha256']}`"], ["seed", metrics["seed"]],
         ["libraries", ", ".join(f"{name} {version}" for name, version in libraries.items())]],
        text_columns=2,
    )  # fmt: skip
