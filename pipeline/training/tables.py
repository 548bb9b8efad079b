"""Measurements -> Markdown tables, shared by the model card and the page of results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.training.scorecard import MEASURED

LANGUAGES = {"all": "all", "ar": "Arabic", "fa": "Persian", "en": "English"}
SYSTEMS = {"majority": "majority label", "tfidf": "TF-IDF + logistic regression"}
ABSENT = "–"

# (task, measurement) -> what it is called; the order of the rows
MEASURES = {
    ("category", "macro_f1"): "Category macro-F1 (the categories in scope, rows in scope)",
    ("category", "accuracy"): "Category accuracy (out of scope included)",
    ("topic", "macro_f1"): "Topic macro-F1",
    ("sentiment", "macro_f1"): "Sentiment macro-F1",
    ("emotion", "macro_f1"): "Emotion macro-F1",
    ("urgency", "macro_f1"): "Urgency macro-F1",
    ("churn", "average_precision"): "Churn average precision",
    ("churn", "f1_yes"): "Churn F1 of `yes`",
}

REVIEW = """{name} hands {handed_over} of the {n} gold test rows ({share:.0%}) to a person (reasons, several a row:
{reasons}). On the rest its category accuracy is {rest}. The tables above judge every row by its most probable
label, handed over or not."""


def table(header: Sequence[str], rows: Iterable[Sequence[object]], *, text_columns: int = 1) -> str:
    """A Markdown table; the columns after the first `text_columns` stand to the right."""
    rule = ["---" if column < text_columns else "---:" for column in range(len(header))]
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in (header, rule, *rows))


def figure(estimate: Mapping[str, float | None] | None) -> str:
    """`0.512 [0.470, 0.551]`; a dash where nothing was measured."""
    if estimate is None or estimate["value"] is None:
        return ABSENT
    if estimate["low"] is None:
        return f"{estimate['value']:.3f}"
    return f"{estimate['value']:.3f} [{estimate['low']:.3f}, {estimate['high']:.3f}]"


def number(value: float | None) -> str:
    return ABSENT if value is None else f"{value:.3f}"


def languages(metrics: Mapping[str, Any]) -> list[str]:
    """Those measured, in the order of LANGUAGES."""
    return [language for language in LANGUAGES if language in metrics["gold"]]


def gold_table(metrics: Mapping[str, Any]) -> str:
    """Every measure, the model and the baselines one below the other, a column a language."""
    systems = {metrics["model"]["name"]: metrics["gold"]} | {
        SYSTEMS[name]: found for name, found in metrics.get("baselines", {}).items()
    }
    spoken, rows = languages(metrics), []
    for (task, measure), title in MEASURES.items():
        counted = "n_in_scope" if (task, measure) == ("category", "macro_f1") else "n"
        sizes = [metrics["gold"][language].get(task, {}).get(counted, 0) for language in spoken]
        rows.append([f"**{title}**", "rows", *sizes])
        for system, found in systems.items():
            rows.append(["", system, *(figure(found[language].get(task, {}).get(measure)) for language in spoken)])
    return table(["measure", "system", *(LANGUAGES[language] for language in spoken)], rows, text_columns=2)


def difference_table(metrics: Mapping[str, Any]) -> str:
    """The paired difference to TF-IDF, a row a language."""
    rows = []
    for language in languages(metrics):
        gap, sides = metrics["difference"][language], (metrics["gold"], metrics["baselines"]["tfidf"])
        ours, theirs = (figure(side[language]["category"]["macro_f1"]) for side in sides)
        rows.append([LANGUAGES[language], gap["n"], ours, theirs, figure(gap)])
    return table(["language", "rows in scope", metrics["model"]["name"], "TF-IDF", "difference"], rows)


def certificate_table(metrics: Mapping[str, Any], *, brier: bool = False) -> str:
    """Calibration error of each task beside its ceiling, in bold where it is above, a column a language."""
    cards, spoken = metrics["certificate"]["languages"], languages(metrics)
    rows = []
    for task in MEASURED:
        found = [cards[language].get(task) for language in spoken]
        rows.append([task, "error / ceiling", *map(_error, found)])
        if brier:
            rows.append(["", "Brier", *(number(each and each["brier"]) for each in found)])
    return table(["task", "", *(LANGUAGES[language] for language in spoken)], rows, text_columns=2)


def source_certificate_table(metrics: Mapping[str, Any]) -> str:
    """The same, a row a source and task."""
    rows = [
        [source, task, each["n"], _error(each), number(each["brier"])]
        for source, tasks in metrics["certificate"]["sources"].items()
        for task, each in tasks.items()
    ]
    return table(["source", "task", "rows", "error / ceiling", "Brier"], rows, text_columns=2)


def _error(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ABSENT
    text = f"{found['ece']:.3f} / {found['ceiling']:.3f}"
    return text if found["within"] else f"**{text}**"


def parity_table(metrics: Mapping[str, Any]) -> str:
    """A row a language or dialect of each set."""
    rows = [
        [name, LANGUAGES.get(group, group), found["n"], figure(found), f"{found['gap']:.3f}"]
        for name, groups in metrics["parity"].items()
        for group, found in groups.items()
    ]
    return table(["data and task", "language or dialect", "rows", "score", "gap"], rows, text_columns=2)


def family_table(metrics: Mapping[str, Any]) -> str:
    """Every model of the folder."""
    spoken = languages(metrics)
    rows = [
        [
            f"`{each['version']}`", *(figure(each["category"][language]) for language in spoken),
            figure(each["sentiment"]), each["handed_over"], figure(each["accuracy_of_the_rest"]),
        ]
        for each in metrics["family"].values()
    ]  # fmt: skip
    heads = [f"category macro-F1, {LANGUAGES[language]}" for language in spoken]
    return table(["model", *heads, "sentiment macro-F1", "handed over", "accuracy of the rest"], rows)


def few_shot_table(metrics: Mapping[str, Any]) -> str:
    """A row for each set, model and number of examples a label."""
    rows = [
        [
            one["set"], one["model"], "seen" if one["seen"] else "new", one["examples"],
            *(f"{one[name]['mean']:.3f} ± {one[name]['deviation']:.3f}" for name in ("accuracy", "macro_f1")),
            f"{one['seconds']:.1f}", f"{one['megabytes']:,}",
        ]
        for one in metrics["few_shot"]
    ]  # fmt: skip
    header = ["set", "encoder of", "labels", "examples", "accuracy", "macro-F1", "seconds", "MB"]
    return table(header, rows, text_columns=3)


def distance_line(metrics: Mapping[str, Any]) -> str:
    """What the distance from the familiar adds."""
    found = metrics["distance"]
    if found["auroc"] is None:
        return ""
    return (
        f"By distance alone, out-of-scope rows are told from the others with an AUROC of {found['auroc']:.3f}; "
        f"{found['flagged_in_scope']:.1%} of the rows in scope and {found['flagged_out_of_scope']:.1%} of the others "
        "lie beyond the reach of the model."
    )


def confusion_table(measured: Mapping[str, Any], labels: Sequence[str]) -> str:
    """True labels down, predicted labels across."""
    counts = measured["confusion"]
    said = [*labels, *sorted({name for row in counts.values() for name in row} - set(labels))]
    rows = [[f"**{true}**", *(counts.get(true, {}).get(name, 0) for name in said)] for true in labels]
    return table(["true \\ predicted", *said], rows)


def label_table(measured: Mapping[str, Any], labels: Sequence[str]) -> str:
    """Rows and F1 of each label."""
    found = [(label, measured["labels"].get(label, {"n": 0, "f1": None})) for label in labels]
    return table(["label", "rows", "F1"], [[label, each["n"], number(each["f1"])] for label, each in found])


def review_lines(metrics: Mapping[str, Any]) -> str:
    """How much goes to a person, and how right the rest is."""
    review = metrics["review"]
    reasons = ", ".join(f"`{name}` {rows}" for name, rows in review["reasons"].items()) or "none"
    return REVIEW.format(
        name=metrics["model"]["name"], handed_over=review["handed_over"], n=review["n"], reasons=reasons,
        share=review["handed_over"] / review["n"], rest=figure(review["accuracy_of_the_rest"]),
    )  # fmt: skip
