"""Categories that people gave: the column of a scored file that tells how often the model is right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.columns.names import labels_in, one_of
from pipeline.drift.sample import Names
from pipeline.errors import InputError
from pipeline.records import Row
from pipeline.taxonomy import Taxonomy


def read_truth(rows: Sequence[Row], column: str, table: Taxonomy) -> Names:
    """(n,): the category, or that of the topic, in each row; "" where there is none. Of several topics the first.

    Raises InputError for a label that is none of `table`, with its row.
    """
    found = []
    for row in rows:
        given = row.values.get(column)
        label = "" if given is None else str(given).strip()
        if table.multilabel and label not in table.category_of:
            label = next(iter(labels_in(label)), "")
        category = table.category_of.get(label, label)
        if category and category not in table.category_ids:
            known = dict.fromkeys((*table.category_ids, *table.topic_ids))
            raise InputError(f"row {row.number}: {column} is {label!r}, {one_of(label, list(known))}")
        found.append(category)
    return np.array(found, np.str_)
