"""Labels, what they mean and what they are called: one table for code, docs and screens.

Nothing outside this module names a topic or a category. A bundle carries its own `Taxonomy`; `DEFAULT` is Nabd's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BundleError

OUT_OF_SCOPE, MULTILABEL = "out_of_scope", "multilabel"
KINDS = ("categories", "topics")  # of a label set
EVEN = 0.5  # as likely as not


@dataclass(frozen=True, slots=True)
class Label:
    """One label with its names for people; `parent` is the category of a topic, the domain of a category."""

    id: str
    en: str
    ar: str
    fa: str
    meaning: str = ""
    parent: str = ""


DOMAINS = (
    Label("support", "Support", "الدعم", "پشتیبانی", "something must be repaired"),
    Label("service", "Service", "الخدمة", "خدمات", "something is asked or told"),
    Label(OUT_OF_SCOPE, "Out of scope", "خارج النطاق", "خارج از موضوع", "not addressed to a company"),
)
LABELS = {
    "sentiment": (
        Label("negative", "Negative", "سلبي", "منفی", "displeased with the company or its product"),
        Label("neutral", "Neutral", "محايد", "خنثی", "a plain question or statement"),
        Label("positive", "Positive", "إيجابي", "مثبت", "pleased with the company or its product"),
    ),
    "emotion": (
        Label("anger", "Anger", "غضب", "خشم", "frustration, contempt, sarcasm"),
        Label("sadness", "Sadness", "حزن", "ناراحتی", "disappointment, regret"),
        Label("fear", "Fear", "خوف", "نگرانی", "worry, feeling unsafe"),
        Label("joy", "Joy", "فرح", "شادی", "thanks, relief, satisfaction"),
        Label("surprise", "Surprise", "دهشة", "تعجب", "astonishment, confusion"),
        Label("none", "None", "بلا انفعال", "بدون هیجان", "matter-of-fact"),
    ),
    "urgency": (
        Label("high", "High", "عالية", "زیاد", "money, access, safety or travel at stake now"),
        Label("normal", "Normal", "عادية", "معمولی", "everything else"),
        Label("low", "Low", "منخفضة", "کم", "no action needed soon"),
    ),
    "churn": (
        Label("no", "Staying", "باقٍ", "ماندنی", "says nothing of leaving"),
        Label("yes", "May leave", "قد يغادر", "احتمال ترک", "leaves, has left, or warns others off"),
    ),
}
NEGATIVE, POSITIVE, LEAVES, ANGER, URGENT = "negative", "positive", "yes", "anger", "high"
SENTIMENTS, EMOTIONS, URGENCIES, CHURN = (tuple(label.id for label in labels) for labels in LABELS.values())
TASKS = ("topic", *LABELS)


@dataclass(frozen=True)
class Taxonomy:
    """A two-level label set: topics inside categories, categories inside domains.

    `out_of_scope` is a topic, a category and a domain of its own, and is always there. `multilabel`: a message has as
    many topics as apply, none and several among them, else exactly one.
    """

    categories: tuple[Label, ...]
    topics: tuple[Label, ...]
    multilabel: bool = False

    def __post_init__(self) -> None:
        known = {label.id for label in self.categories}
        for topic in self.topics:
            if topic.parent not in known:
                raise BundleError(
                    f"topic {topic.id!r} belongs to category {topic.parent!r}, expected one of {sorted(known)}"
                )
        for ids in (self.topic_ids, self.category_ids):
            if len(set(ids)) != len(ids) or OUT_OF_SCOPE not in ids:
                raise BundleError(f"topics and categories must be unique and hold {OUT_OF_SCOPE!r}, found {list(ids)}")
        above = {self.category_of[OUT_OF_SCOPE], self.domain_of[OUT_OF_SCOPE]}
        if above != {OUT_OF_SCOPE}:
            raise BundleError(f"{OUT_OF_SCOPE!r} must be its own category and domain, found it in {sorted(above)}")

    @cached_property
    def topic_ids(self) -> tuple[str, ...]:
        return tuple(label.id for label in self.topics)

    @cached_property
    def category_ids(self) -> tuple[str, ...]:
        return tuple(label.id for label in self.categories)

    @cached_property
    def category_of(self) -> Mapping[str, str]:
        """Topic id -> category id."""
        return {label.id: label.parent for label in self.topics}

    @cached_property
    def domain_of(self) -> Mapping[str, str]:
        """Category id -> domain id."""
        return {label.id: label.parent for label in self.categories}

    def category_probabilities(self, topics: NDArray[np.float64]) -> NDArray[np.float64]:
        """Topic probabilities (n, topics) -> (n, categories): a category is as probable as its topics together.

        That is their sum where a message has one topic. Where it has several, it is the probability of any of them, 1
        less the product of what each lacks: they are taken for independent given the message, as one-vs-rest takes
        them (binary relevance, Zhang and Zhou 2014, doi:10.1109/TKDE.2013.39).
        """
        if not self.multilabel:
            return np.asarray(topics @ self._membership)
        inside = self._membership.T.astype(bool)
        return np.stack([1 - np.prod(1 - topics[:, columns], axis=1) for columns in inside], axis=1)

    def categories_said(self, topics: NDArray[np.float64]) -> NDArray[np.int64]:
        """(n, topics) -> (n,): the column of the category that a message is taken to be of.

        The most probable one; where a message may have several topics, that of its primary topic.
        """
        if self.multilabel:
            return np.asarray(self._membership.argmax(axis=1)[self.primary_topics(topics)])
        return np.asarray(self.category_probabilities(topics).argmax(axis=1))

    def primary_topics(self, topics: NDArray[np.float64]) -> NDArray[np.int64]:
        """(n, topics) -> (n,): where a message may have several, the column of the most probable.

        That is `out_of_scope` only where it is more likely than not: what is like nothing known may be new.
        """
        outside = np.array([name == OUT_OF_SCOPE for name in self.topic_ids])
        return np.asarray(np.where(outside & (topics < EVEN), -1.0, topics).argmax(axis=1))

    @cached_property
    def _membership(self) -> NDArray[np.float64]:
        parents = np.array([label.parent for label in self.topics])
        return np.asarray(parents[:, None] == np.array(self.category_ids)[None, :], np.float64)

    def labels(self, task: str) -> tuple[str, ...]:
        """The labels of one task, in the order of its logits."""
        return self.topic_ids if task == "topic" else tuple(label.id for label in LABELS[task])

    @cached_property
    def named(self) -> Mapping[str, tuple[Label, ...]]:
        """Every label set with its names for people, domain and category first.

        A user's own domain is called as the category of its id, or by its id.
        """
        known = {label.id: replace(label, parent="") for label in (*DOMAINS, *self.categories)}
        ids = dict.fromkeys(self.domain_of.values())
        domains = tuple(known.get(each, Label(each, each, each, each)) for each in ids)
        return {"domain": domains, "category": self.categories, "topic": self.topics, **LABELS}

    def to_dict(self) -> dict[str, Any]:
        """`multilabel` is there only where it holds."""
        tables = {
            kind: [{key: getattr(label, key) for key in Label.__slots__} for label in getattr(self, kind)]
            for kind in KINDS
        }
        return {**tables, MULTILABEL: True} if self.multilabel else tables

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Taxonomy:
        """Raises BundleError when the table is not a two-level label set, or says more than this version knows."""
        try:
            categories, topics = (tuple(Label(**row) for row in data[kind]) for kind in KINDS)
            more = {key: value for key, value in data.items() if key not in KINDS}
        except (KeyError, TypeError) as error:
            raise BundleError(f"the taxonomy is not a table of categories and topics: {error}") from None
        if more not in ({}, {MULTILABEL: True}):
            raise BundleError(
                f"the taxonomy also says {more}, which this version of Nabd does not know; train it again"
            )
        return cls(categories, topics, multilabel=bool(more))


DEFAULT = Taxonomy(
    categories=(
        Label("technical_fix", "Technical fix", "إصلاح تقني", "رفع مشکل فنی", "something must be repaired", "support"),
        Label("billing", "Billing", "الفوترة", "امور مالی", "money moved or should move", "support"),
        Label("inquiry", "Inquiry", "استفسار", "پرسش", "the customer asks to know or to change", "service"),
        Label("relationship", "Relationship", "العلاقة", "ارتباط با مشتری", "how the customer is treated", "service"),
        Label(OUT_OF_SCOPE, "Out of scope", "خارج النطاق", "خارج از موضوع", "not addressed to a company", OUT_OF_SCOPE),
    ),
    topics=(
        Label("access", "Access", "الدخول إلى الحساب", "دسترسی به حساب",
              "cannot log in, verify or unlock; lost card or phone", "technical_fix"),
        Label("fault", "Fault", "عطل", "خرابی", "something does not work: crash, error, outage", "technical_fix"),
        Label("defect", "Defective item", "منتج معيب", "کالای معیوب",
              "a broken, wrong or poor item that needs replacing", "technical_fix"),
        Label("delivery", "Delivery", "التوصيل", "تحویل",
              "an order did not arrive, is late or incomplete", "technical_fix"),
        Label("charge", "Charge", "رسوم", "برداشت وجه", "disputes an amount, a fee or a price taken", "billing"),
        Label("refund", "Refund", "استرداد المال", "بازگشت وجه", "wants money back or asks where it is", "billing"),
        Label("payment", "Payment", "الدفع", "پرداخت", "a payment, transfer or top-up failed or is pending", "billing"),
        Label("plan", "Plan", "الباقة والاشتراك", "طرح و اشتراک",
              "invoice, subscription, plan, quota, price change", "billing"),
        Label("how_to", "How to", "كيفية الاستخدام", "راهنمایی",
              "asks how to do something; nothing is broken", "inquiry"),
        Label("status", "Status", "متابعة الحالة", "پیگیری", "asks where an order or request stands", "inquiry"),
        Label("information", "Information", "معلومات", "اطلاعات",
              "asks about product, price, hours, requirements", "inquiry"),
        Label("account_change", "Account change", "تعديل الحساب", "تغییر حساب",
              "asks to open, change or update an account, booking or document", "inquiry"),
        Label("complaint", "Complaint", "شكوى", "شکایت",
              "unhappy with treatment; no single repair settles it", "relationship"),
        Label("praise", "Praise", "شكر وثناء", "تشکر", "thanks, compliments, recommends", "relationship"),
        Label("leaving", "Leaving", "مغادرة", "ترک خدمات",
              "cancels, closes, switches, or threatens to", "relationship"),
        Label("suggestion", "Suggestion", "اقتراح", "پیشنهاد", "proposes a feature or an improvement", "relationship"),
        Label(OUT_OF_SCOPE, "Out of scope", "خارج النطاق", "خارج از موضوع",
              "spam, chit-chat, news, unreadable", OUT_OF_SCOPE),
    ),
)  # fmt: skip
