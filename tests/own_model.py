"""A tiny model with labels of a company's own, in three scripts, on disk: what `nabd retrain` makes of an export."""

from __future__ import annotations

from pathlib import Path

import tiny_models as tiny
from retrain_export import TEXTS, Row, rows, write

from pipeline.training.retrain.run import Retrained, retrain

NAMES = {
    "Money back": "Money back",
    "App bug": "عطل في التطبيق",
    "Late parcel": "تأخیر در تحویل",
    "Thank you": "Thanks; praise",
}
LABELS = """
[[label]]
name = "Money back"
ar = "استرداد"
fa = "بازگشت پول"
queue = "فريق المال"

[[label]]
name = "عطل في التطبيق"
en = "App bug"
fa = "خرابی برنامه"
category = "Tech"

[[label]]
name = "تأخیر در تحویل"
en = "Late parcel"
ar = "تأخر الشحنة"
category = "Tech"

[[label]]
name = "Thanks; praise"
ar = "شكر"
fa = "تشکر"

[[category]]
name = "Tech"
ar = "تقنية"
fa = "فنی"
queue = "second line"
"""
QUEUES = {
    "Money back": "فريق المال", "عطل في التطبيق": "second line", "تأخیر در تحویل": "second line",
    "Thanks; praise": "Thanks; praise",
}  # fmt: skip


def messages() -> list[Row]:
    """Rows of an export with customers and times, labelled by `NAMES`."""
    found = rows(6)
    for place, row in enumerate(found):
        row |= {
            "label": NAMES[row["label"]],
            "customer_id": f"c{place % 30}",
            "created_at": f"2026-03-{1 + place % 28:02d}",
        }
    return found


def build(folder: Path) -> Retrained:
    """`folder/models/mine`, its base and encoder beside it, and the export.csv that it was made of."""
    models = folder / "models"
    tiny.write_encoder(models)
    base = tiny.fit(models, "old", tiny.messages(12))
    taxonomy = folder / "labels.toml"
    taxonomy.write_text(LABELS, encoding="utf-8")
    data = write(folder / "export.csv", messages(), ("id", "message", "label", "customer_id", "created_at"))
    return retrain(data, models / "mine", base=base, taxonomy=taxonomy, label="label", vectors=folder / "vectors")


assert set(NAMES) == set(TEXTS)
