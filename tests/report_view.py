"""A small synthetic history in three languages to report on."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from pipeline.records import Contact, CustomerRisk, Driver, Outcome
from pipeline.report.locale import Locale
from pipeline.report.view import View
from pipeline.report.words import Words
from pipeline.risk import risk

START = datetime(2026, 9, 1, 9, tzinfo=UTC)
SAID = {
    "ar": ("الفاتورة زايدة مرتين وما حد يرد", "شكراً لكم، حلّيتوا الموضوع بسرعة", "متى يفتح الفرع؟"),
    "fa": ("دو بار از حسابم پول کم شده و کسی جواب نمی‌دهد", "خیلی ممنون، مشکلم زود حل شد", "شعبه چه ساعتی باز می‌شود؟"),
    "en": ("I was charged twice and nobody answers", "Thank you, solved fast!", "When do you open?"),
}  # fmt: skip
MOODS = (
    ("negative", -0.8, "anger", "billing", "charge", "billing"),
    ("positive", 0.8, "joy", "relationship", "praise", "feedback"),
    ("neutral", 0.0, "none", "inquiry", "information", "front-desk"),
)


def contacts(count: int = 150) -> list[Contact]:
    """Messages of twenty customers over eleven weeks."""
    chance, found = random.Random(5), []
    for number in range(count):
        language, kind = chance.choice(("ar", "fa", "en")), chance.choice((0, 0, 1, 2))
        mood, polarity, emotion, category, topic, queue = MOODS[kind]
        found.append(
            Contact(
                number=number + 1, id=f"T-{number + 1}", time=START + timedelta(hours=number * 11.7),
                customer=f"C-{chance.randrange(20)}", ticket=f"T-{number + 1}", text=SAID[language][kind],
                channel=chance.choice(("email", "whatsapp", "chat")), language=language, domain="support",
                category=category, topic=topic, sentiment=mood, polarity=polarity, negative=0.85 if kind == 0 else 0.05,
                positive=0.05 if kind == 0 else 0.6, emotion=emotion, anger=0.7 if kind == 0 else 0.0,
                urgency="high" if kind == 0 else "normal", churn=0.5 if number % 17 == 0 else 0.02, queue=queue,
                priority="normal", sla_minutes=240, review=("ambiguous",) if number % 9 == 0 else (),
                model="nabd-base@0", outcome=Outcome(
                    status="solved" if kind else "reopened", first_response=float(chance.randrange(5, 600)),
                    resolution=900.0, csat=0.0 if kind == 0 else 1.0, nps=float(chance.randrange(11)), revenue=1200.0,
                    stage=chance.choice(("onboarding", "use", "renewal")),
                ),
            )
        )  # fmt: skip
    return found


def a_view(locale: Locale, count: int = 150) -> View:
    found = contacts(count)
    names = sorted({each.customer for each in found})
    now = found[-1].time
    risks = [risk([each for each in found if each.customer == name], now=now) for name in names]
    return View(found, Words(locale), risks=risks, certificate=CERTIFICATE, synthetic=True)


def lost(customer: str) -> CustomerRisk:
    """One who has left."""
    driver = Driver("announced_leaving", 1.0, ("T-1",))
    return CustomerRisk(customer, 90.0, "left", "steady", (driver,), 1, START, START, left=START)


CERTIFICATE = {
    "languages": {
        name: {"category": {"n": 200, "ece": 0.04, "ceiling": 0.07, "within": True}}
        for name in ("all", "ar", "fa", "en")
    }
}
