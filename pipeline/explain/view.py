"""An explanation for people, and as one JSON object.

In a terminal every line of the message, and every word beside a number or an English label, is isolated (U+2068,
U+2069), so that right-to-left words keep their order and disturb no other. Styles and brackets stand around whole
words, for Arabic letters join.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from functools import cache

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.explain import Explanation, Part

TOP = 8
SHARE = 0.2  # of the greatest weight: what weighs less did not decide
FOR, AGAINST = "bold green", "red"
_ISOLATE, _END = "\u2068", "\u2069"


def to_json(explanation: Explanation) -> str:
    """One line; places count Unicode characters, and no mark of direction is added."""
    prediction, sentence = explanation.prediction, explanation.sentence
    content = {
        "task": explanation.task,
        "label": prediction.label,
        "confidence": round(prediction.confidence, 4),
        "probabilities": {label: round(value, 4) for label, value in prediction.probabilities.items()},
        "words": [_fields(part) for part in explanation.words],
        "sentence": _fields(sentence) if sentence else None,
        "language": explanation.language,
        "model": explanation.model,
    } | ({} if explanation.topics is None else {"topics": explanation.topics})
    return json.dumps(content, ensure_ascii=False)


def print_explanation(explanation: Explanation, console: Console) -> None:
    """The labels, the message with its deciding words marked (in brackets where there is no colour), their weights."""
    decided = deciding(explanation.words)
    console.print(_labels(explanation), "")
    for line in _message(explanation, decided, bare=console.color_system is None or console.no_color):
        console.print(line, soft_wrap=True)
    console.print()
    label = f"{explanation.task} {_isolated(explanation.prediction.label)}"
    if not decided:
        console.print(f"No word of it decided the {label}", soft_wrap=True)
        return
    console.print(f"What made the {label} more (+) or less (-) probable", soft_wrap=True)
    for part in decided:
        console.print(_weighed(part), soft_wrap=True)
    if explanation.sentence and explanation.sentence.weight > 0:
        console.print("Sentence that decided", soft_wrap=True)
        console.print(_weighed(explanation.sentence), soft_wrap=True)


def deciding(words: Collection[Part]) -> list[Part]:
    """The few words that weigh most, those for the label before those against it."""
    ranked = sorted(words, key=lambda part: -abs(part.weight))[:TOP]
    heavy = [part for part in ranked if part.weight and abs(part.weight) >= SHARE * abs(ranked[0].weight)]
    return sorted(heavy, key=lambda part: -part.weight)


def _fields(part: Part) -> dict[str, str | int | float]:
    return {"text": part.text, "start": part.start, "end": part.end, "weight": part.weight}


def _labels(explanation: Explanation) -> Table:
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_row("language", explanation.language, "")
    for task, prediction in explanation.predictions.items():
        style = "bold" if task == explanation.task else ""
        table.add_row(task, _isolated(prediction.label), f"{prediction.confidence:4.0%}", style=style)
        if task == "topic":
            others = [topic for topic in explanation.topics or () if topic != prediction.label]
            for topic in others:
                table.add_row("", _isolated(topic), f"{prediction.probabilities[topic]:4.0%}")
    table.add_row("model", explanation.model, "")
    return table


def _message(explanation: Explanation, decided: Collection[Part], *, bare: bool) -> Iterator[Text]:
    """Line by line; a terminal wraps them itself, for a line that is cut would lose its direction."""
    text, shown, at = explanation.text, Text(), 0
    for part in sorted(decided, key=lambda part: part.start):
        word = f"[{part.text}]" if bare and part.weight > 0 else part.text
        shown.append(_plain(text[at : part.start])).append(_plain(word), FOR if part.weight > 0 else AGAINST)
        at = part.end
    shown.append(_plain(text[at:]))
    return (Text.assemble(_ISOLATE, line, _END) if line else line for line in shown.split("\n"))


def _weighed(part: Part) -> Text:
    return Text.assemble(f"{part.weight:+.3f}  ", (_isolated(" ".join(_plain(part.text).split())), _style(part)))


def _style(part: Part) -> str:
    return FOR if part.weight > 0 else AGAINST


def _isolated(text: str) -> str:
    return f"{_ISOLATE}{text}{_END}"


def _plain(text: str) -> str:
    """Without what a customer could steer a terminal by: controls, and marks of direction."""
    return text.translate(_controls())


@cache
def _controls() -> dict[int, str | None]:
    dropped = (*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    return dict.fromkeys(dropped) | {0x09: " ", 0x0A: "\n", 0x85: "\n", 0x2028: "\n", 0x2029: "\n"}
