"""Customers at risk: who, how much, which way it goes and why."""

from __future__ import annotations

from pipeline.records import CustomerRisk
from pipeline.report.blocks import Block, Cell, Note, Section, Table, num
from pipeline.report.sections.summary import AT_RISK
from pipeline.report.view import View

SHOWN, REASONS, IDS = 25, 3, 4


def customers(view: View) -> Section:
    return Section("customers", view.words("at_risk"), _blocks(view))


def _blocks(view: View) -> tuple[Block, ...]:
    words, locale = view.words, view.locale
    if view.risks is None:
        return (Note(words("no_risk")),)
    held = sorted((risk for risk in view.risks if risk.band in AT_RISK), key=lambda risk: (-risk.score, risk.customer))
    notes = [words("at_risk_note")]
    if len(held) > SHOWN:
        notes.append(words("more_customers", shown=locale.number(SHOWN), total=locale.number(len(held))))
    if gone := sum(risk.band == "left" for risk in view.risks):
        notes.append(words("left_count", count=locale.number(gone)))
    if not held:
        return (Note(" ".join([words("none_at_risk"), *notes[1:]])),)
    valued = any(risk.value is not None for risk in held)
    keys = ["customer", "risk", "trend", "reasons", "evidence", "last_contact", *(["value"] if valued else [])]
    rows = [_row(view, risk, valued=valued) for risk in held[:SHOWN]]
    return Note(" ".join(notes)), Table(words("at_risk"), [words(key) for key in keys], rows)


def _row(view: View, risk: CustomerRisk, *, valued: bool) -> list[Cell]:
    words, locale = view.words, view.locale
    reasons = [f"{words.known(each.name)} ({locale.percent(each.share)})" for each in risk.drivers[:REASONS]]
    ids = dict.fromkeys(id for each in risk.drivers[:REASONS] for id in each.evidence)
    cells = [
        Cell(risk.customer, "id"),
        Cell(f"{locale.number(risk.score)} · {words(risk.band)}", risk.band, risk.score / 100),
        Cell(words(risk.trend)),
        Cell("، ".join(reasons) if locale.direction == "rtl" else ", ".join(reasons)),
        Cell(", ".join(list(ids)[:IDS]), "id"),
        Cell(locale.date(risk.last_contact)),
    ]
    if valued:
        cells.append(num("–" if risk.value is None else locale.number(risk.value)))
    return cells
