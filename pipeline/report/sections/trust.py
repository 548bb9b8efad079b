"""How far to trust the page: what was handed to a person and why, languages, the model and its certificate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.records import Contact
from pipeline.report.blocks import Block, Cell, Note, Section, Table, num
from pipeline.report.estimates import share, shown_share
from pipeline.report.view import View
from pipeline.taxonomy import NEGATIVE


def trust(view: View) -> Section:
    blocks: list[Block] = [_abstained(view), _languages(view), *_certificate(view)]
    return Section("trust", view.words("trust"), blocks)


def _abstained(view: View) -> Table:
    words = view.words
    counts = Counter(reason for contact in view.contacts for reason in contact.review)
    total = len(view.contacts)
    handed = sum(bool(contact.review) for contact in view.contacts)
    rows = [[Cell(words.known(name)), *_counted(view, count, total)] for name, count in counts.most_common()]
    rows.append([Cell(words("total")), *_counted(view, handed, total)])
    return Table(words("abstained"), [words("reason"), words("messages"), words("share")], rows)


def _counted(view: View, count: int, total: int) -> list[Cell]:
    return [num(view.locale.number(count)), num(shown_share(share(count, total), view.locale))]


def _languages(view: View) -> Table:
    words = view.words
    counts = Counter(contact.language for contact in view.contacts)
    rows = []
    for language, count in counts.most_common():
        mine = [contact for contact in view.contacts if contact.language == language]
        rows.append([Cell(words.known(f"language_{language}")), *_counted(view, count, len(view.contacts)),
                     *(num(said) for said in _of_language(view, mine))])  # fmt: skip
    header = [words(key) for key in ("language", "messages", "share", "negative_share", "to_a_person")]
    return Table(words("languages"), header, rows)


def _of_language(view: View, mine: Sequence[Contact]) -> Iterator[str]:
    felt = [contact for contact in mine if contact.sentiment]
    yield shown_share(share(sum(contact.sentiment == NEGATIVE for contact in felt), len(felt)), view.locale)
    yield shown_share(share(sum(bool(contact.review) for contact in mine), len(mine)), view.locale)


def _certificate(view: View) -> Iterator[Block]:
    words = view.words
    models = Counter(contact.model for contact in view.contacts)
    rows = [[Cell(name, "id"), *_counted(view, count, len(view.contacts))] for name, count in models.most_common()]
    yield Table(words("model"), [words("model"), words("messages"), words("share")], rows)
    (model, _), *_rest = models.most_common(1)
    if view.certificate is None:
        yield Note(words("no_certificate", model=model))
        return
    caption = words("certificate", model=model)
    keys = ("task", "language", "n", "calibration_error", "ceiling", "result")
    yield Note(caption)
    yield Table(caption, [words(key) for key in keys], list(_certified(view, view.certificate["languages"])))


def _certified(view: View, languages: Any) -> Iterator[list[Cell]]:
    words, locale = view.words, view.locale
    for task in languages["all"]:
        for language in ("ar", "fa", "en"):
            if (found := languages.get(language, {}).get(task)) is not None:
                verdict = "within_yes" if found["within"] else "within_no"
                yield [
                    Cell(words.known(task)), Cell(words(f"language_{language}")), num(locale.number(found["n"])),
                    num(locale.number(found["ece"], 3)), num(locale.number(found["ceiling"], 3)), Cell(words(verdict)),
                ]  # fmt: skip
