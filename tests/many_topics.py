"""Messages of several topics each, in three languages, and a tiny model on disk that learnt them."""

from __future__ import annotations

import random
from pathlib import Path

import tiny_models as tiny
from retrain_export import TEXTS, Row, write

from pipeline.training.retrain.run import Retrained, retrain

TOPICS = ("Money back", "عطل في التطبيق", "تأخیر در تحویل", "Thank you")
ROWS = 120  # of each language, in the export of the model on disk
NAMES = dict(zip(TEXTS, TOPICS, strict=True))
LABELS = """
[[label]]
name = "Money back"
ar = "استرداد"
fa = "بازگشت پول"
queue = "فريق المال"

[[label]]
name = "عطل في التطبيق"
category = "Things"

[[label]]
name = "تأخیر در تحویل"
category = "Things"

[[label]]
name = "Thank you"
"""


def messages(each: int = 60, *, seed: int = 3, mark: str = "; ") -> list[Row]:
    """`each` of every language, of one to three topics, their labels joined by `mark`."""
    draw, found = random.Random(seed), []
    for language in ("en", "ar", "fa"):
        for number in range(each):
            chosen = draw.sample(list(TEXTS), draw.choice((1, 1, 2, 2, 3)))
            parts = [draw.choice(TEXTS[name][language]).format(n=draw.randrange(9999)) for name in chosen]
            labels = mark.join(NAMES[name] for name in chosen)
            found.append({
                "id": f"{language}{number}", "message": ". ".join(parts), "label": labels,
                "customer_id": f"c{len(found) % 45}", "created_at": f"2026-03-{1 + len(found) % 28:02d}",
            })  # fmt: skip
    return found


def build(folder: Path) -> Retrained:
    """`folder/models/many`, its base and encoder beside it, and the export.csv that it was made of."""
    models = folder / "models"
    tiny.write_encoder(models)
    base = tiny.fit(models, "old", tiny.messages(12))
    taxonomy = folder / "labels.toml"
    taxonomy.write_text(LABELS, encoding="utf-8")
    data = write(folder / "export.csv", messages(ROWS), ("id", "message", "label", "customer_id", "created_at"))
    return retrain(data, models / "many", base=base, taxonomy=taxonomy, vectors=folder / "vectors")
