"""The risk file: one row a customer, written by `nabd risk` and read back by the report and the router."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote

from pipeline.columns.cells import as_text
from pipeline.errors import InputError, UsageError
from pipeline.readers import open_source
from pipeline.records import CustomerRisk, Driver, Reject, Row
from pipeline.writers import open_writer

TYPES = {
    "customer": "string",
    "risk": "float",
    "band": "string",
    "trend": "string",
    "drivers": "string",
    "evidence": "string",
    "contacts": "int",
    "first_contact": "string",
    "last_contact": "string",
    "left": "string",
    "value": "float",
}
PROBABILITY = "churn_probability"
BETWEEN = " | "  # the evidence of one driver and that of the next


def write_risk(path: str, risks: Sequence[CustomerRisk], *, probability: Mapping[str, float] | None = None) -> None:
    """`-` is standard output; `probability`, by customer, adds a column. Raises OutputError when it cannot."""
    types = TYPES if probability is None else {**TYPES, PROBABILITY: "float"}
    with open_writer(path, columns=tuple(types), types=types) as writer:
        for each in risks:
            cells = as_cells(each)
            if probability is not None:
                found = probability.get(each.customer)
                cells[PROBABILITY] = None if found is None else round(found, 4)
            writer.write([cells])


def as_cells(risk: CustomerRisk) -> dict[str, Any]:
    """One value a column of `TYPES`; the evidence follows the drivers, ids joined by `;` and drivers by ` | `."""
    return {
        "customer": risk.customer,
        "risk": round(risk.score, 2),
        "band": risk.band,
        "trend": risk.trend,
        "drivers": ";".join(f"{driver.name}:{driver.share:.2f}" for driver in risk.drivers),
        "evidence": BETWEEN.join(";".join(map(_escaped, driver.evidence)) for driver in risk.drivers),
        "contacts": risk.contacts,
        "first_contact": risk.first_contact.isoformat(),
        "last_contact": risk.last_contact.isoformat(),
        "left": risk.left.isoformat() if risk.left else None,
        "value": risk.value,
    }


def read_risk(path: str) -> list[CustomerRisk]:
    """The customers of a risk file, in its order; scores and shares as they were rounded.

    Raises UsageError for a file of another kind, InputError for a row that cannot be read.
    """
    with open_source(path) as source:
        missing = [name for name in TYPES if name not in source.columns]
        if missing:
            raise UsageError(f"{path} has no column {missing[0]}: it is no risk file; write one by `nabd risk`")
        return [_read(item, path) for item in source]


def _read(item: Row | Reject, path: str) -> CustomerRisk:
    if isinstance(item, Reject):
        raise InputError(f"{path}: {item.reason}; write it again by `nabd risk`")
    cells = {name: as_text(item.values.get(name)) for name in TYPES}
    try:
        return CustomerRisk(
            customer=cells["customer"],
            score=float(cells["risk"]),
            band=cells["band"],
            trend=cells["trend"],
            drivers=_drivers(cells["drivers"], cells["evidence"]),
            contacts=int(cells["contacts"]),
            first_contact=datetime.fromisoformat(cells["first_contact"]),
            last_contact=datetime.fromisoformat(cells["last_contact"]),
            left=datetime.fromisoformat(cells["left"]) if cells["left"] else None,
            value=float(cells["value"]) if cells["value"] else None,
        )
    except ValueError as error:
        raise InputError(f"{path}, row {item.number}: {error}; write the file again by `nabd risk`") from None


def _drivers(drivers: str, evidence: str) -> tuple[Driver, ...]:
    if not drivers:
        return ()
    named = [each.split(":") for each in drivers.split(";")]
    ids = [tuple(unquote(one) for one in group.split(";")) for group in evidence.split(BETWEEN)]
    return tuple(Driver(name, float(share), own) for (name, share), own in zip(named, ids, strict=True))


def _escaped(identifier: str) -> str:
    """`;`, `|` and `%`, which have a meaning here, as %3B, %7C and %25."""
    return "".join(quote(sign) if sign in ";|%" else sign for sign in identifier)
