"""Categories that people gave: the column of a scored file that tells how often the model is right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.drift.sample import Names
from pipeline.errors import BundleError, InputError
from pipeline.manifest import read_bundle_manifest
from pipeline.records import Row
from pipeline.settings import model_folder
from pipeline.taxonomy import DEFAULT, Taxonomy


def read_truth(rows: Sequence[Row], column: str, model: str) -> Names:
    """(n,): the category, or that of the topic, in each row; "" where there is none.

    Raises InputError for a label that the model does not know, with its row.
    """
    table = taxonomy_of(model)
    found = []
    for row in rows:
        given = row.values.get(column)
        label = "" if given is None else str(given).strip()
        category = table.category_of.get(label, label)
        if category and category not in table.category_ids:
            expected = ", ".join((*table.category_ids, *table.topic_ids))
            raise InputError(f"row {row.number}: {column} is {label!r}, expected one of {expected}")
        found.append(category)
    return np.array(found, np.str_)


def taxonomy_of(model: str) -> Taxonomy:
    """That of the model of this name where it is at hand, else Nabd's."""
    try:
        return Taxonomy.from_dict(read_bundle_manifest(model_folder(model.partition("@")[0]))["taxonomy"])
    except BundleError:
        return DEFAULT
