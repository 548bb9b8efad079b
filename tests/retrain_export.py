"""A company's labelled export for tests: synthetic messages in three languages under its own label names."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

TEXTS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "Money back": {
        "en": ("please give me my money back for order {n}", "I still wait for my refund of order {n}"),
        "ar": ("أريد استرداد مبلغ الطلب رقم {n} من فضلكم", "رجعوا لي فلوسي حق الطلب {n} لو سمحتوا"),
        "fa": ("لطفا پول سفارش {n} را به من برگردانید", "هنوز پول سفارش {n} رو پس ندادید"),
    },
    "App bug": {
        "en": ("the app crashes every time I open page {n}", "error {n} appears and the screen of the app goes black"),
        "ar": ("التطبيق يعلق كل ما أفتح الصفحة {n}", "يظهر لي خطأ {n} والشاشة تصير سودا"),
        "fa": ("برنامه هر بار در صفحه {n} بسته می‌شود", "خطای {n} می‌آید و صفحه برنامه سیاه می‌شه"),
    },
    "Late parcel": {
        "en": ("my parcel {n} has not arrived, the courier is late again", "where is the delivery of parcel {n}"),
        "ar": ("الشحنة {n} لم تصل حتى الآن والمندوب متأخر", "وين وصلت شحنتي رقم {n} تأخرت كثير"),
        "fa": ("بسته {n} هنوز نرسیده و پیک دیر کرده", "مرسوله {n} کجاست، خیلی دیر شد"),
    },
    "Thank you": {
        "en": ("thanks a lot, lovely service from agent {n}", "agent {n} was wonderful, I recommend you to everyone"),
        "ar": ("شكرا جزيلا للموظف {n} على الخدمة الرائعة", "الموظف {n} كان متعاون جدا يعطيكم العافية"),
        "fa": ("خیلی ممنون از کارشناس {n} بابت برخورد عالی", "کارشناس {n} فوق العاده بود، دستتون درد نکنه"),
    },
}  # fmt: skip
MOODS = {"Money back": "negative", "App bug": "negative", "Late parcel": "negative", "Thank you": "positive"}

Row = dict[str, str]


def rows(
    each: int = 5, labels: Iterable[str] = tuple(TEXTS), languages: Iterable[str] = ("en", "ar", "fa")
) -> list[Row]:
    """`each` rows of every label, language and template, with an id, a label and a sentiment."""
    found = []
    for label in labels:
        for language in languages:
            for place, template in enumerate(TEXTS[label][language]):
                for number in range(each):
                    text = template.format(n=100 * place + number + 11)
                    where = f"{label[:2]}{language}{place}{number}"
                    found.append({"id": where, "message": text, "label": label, "sentiment": MOODS[label]})
    return found


def write(path: Path, given: Sequence[Mapping[str, str]], columns: Sequence[str] = ("id", "message", "label")) -> str:
    """A CSV of those columns."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows(given)
    return str(path)
