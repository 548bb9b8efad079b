"""The risk band of every customer, from the table that `nabd risk` writes."""

from __future__ import annotations

from pipeline.columns.cells import as_text
from pipeline.errors import ColumnError, InputError
from pipeline.readers import open_source
from pipeline.records import Reject
from pipeline.risk import BANDS

CUSTOMER, BAND = "customer", "band"


def read_bands(path: str) -> dict[str, str]:
    """Customer -> band. Raises InputError for a table that is not one row a customer, each with a known band."""
    bands: dict[str, str] = {}
    with open_source(path) as source:
        for name in (CUSTOMER, BAND):
            if name not in source.columns:
                raise ColumnError(f"{path} has no column {name!r}; give the table that `nabd risk` writes")
        for item in source:
            if isinstance(item, Reject):
                raise InputError(f"{path}: {item.reason}; write it anew with `nabd risk`")
            customer, band = as_text(item.values.get(CUSTOMER)), as_text(item.values.get(BAND))
            if band not in BANDS:
                expected = ", ".join(BANDS)
                raise InputError(f"{path}, row {item.number}: band {band[:40]!r}, expected one of {expected}")
            if customer in bands:
                raise InputError(f"{path}, row {item.number}: its customer has a row already; expected one a customer")
            bands[customer] = band
    return bands
