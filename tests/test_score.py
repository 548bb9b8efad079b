from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from levels import level

from pipeline.bundle import Bundle
from pipeline.records import Message, Prediction, Scored
from pipeline.route import COLUMN, Rule
from pipeline.score import (
    AMBIGUOUS,
    MASKED,
    MIXED,
    REVIEW_REASONS,
    TOO_SHORT,
    TRUNCATED,
    UNSUPPORTED,
    predict,
    prepare,
    score,
)
from pipeline.settings import load_settings
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE, TASKS

RULES = (Rule("all", "desk", "normal", 60),)
ARABIZI = "3ayez a3raf el order beta3y feen w leh mat2akhar keda"
LANGUAGES = {
    "ar": (
        "لم يصلني رمز التحقق منذ الصباح ولا أستطيع الدخول إلى حسابي",
        "خصمتوا مني الفلوس مرتين ومحد رد علي، وش ذا الاستهتار",
        "عايز أعرف الأوردر بتاعي فين لو سمحتوا بقاله أسبوع",
        "شو هالخدمة؟ صرلي يومين عم احكي معكم وما حدا عم يرد",
        "بغيت نعرف كيفاش نبدل رقم التيليفون ديالي فالحساب",
        "شنو سعر الباقة الجديدة وهل اكو خصم للمشتركين القدامى",
    ),
    "fa": (
        "سفارشم هنوز نرسیده، لطفاً پیگیری کنید",
        "دستتون درد نکنه، پشتیبانی‌تون عالی بود",
        "چرا دو بار از حسابم پول کم کردین؟ کسی هم جواب نمیده",
        "سلام میخواستم بدونم چجوری میشه شماره موبایلم رو عوض کنم",
    ),
    "en": (
        "I was charged twice and nobody answers. I am leaving.",
        "How do I change my delivery address?",
        "the app keeps crashing since the update, pls fix it asap",
    ),
    "ar-Latn": (ARABIZI,),
    "fa-Latn": ("salam sefaresham hanooz nareside lotfan peygiri konid",),
}
TEXTS = [text for texts in LANGUAGES.values() for text in texts]
ODD = ["", " \n\t", "؟", "!!!", "🙂", "😡😡😡", "ok", "12345", "a" * 300, "بسته ای که رسید خالی بود " * 200]


def labels(each: Scored) -> tuple[object, ...]:
    found = (each.category, each.topic, each.sentiment, each.emotion, each.urgency, each.churn)
    names = tuple(one and one.label for one in found)
    return (each.language, each.domain, *names, each.decision, each.review, each.flags)


def predictions(each: Scored) -> Iterator[Prediction]:
    yield from (each.category, each.topic, each.emotion, each.urgency, each.churn)
    if each.sentiment:
        yield each.sentiment


def one(text: str, bundle: Bundle, **options: int) -> Scored:
    return score([Message(text)], bundle, RULES, **options)[0]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_row_alone_equals_the_row_in_any_batch(shipped: Bundle, seed: int) -> None:
    texts = [*TEXTS, *ODD]
    random.Random(seed).shuffle(texts)
    together = score([Message(text) for text in texts], shipped, RULES)
    assert len(together) == len(texts)
    for text, in_batch in zip(texts, together, strict=True):
        alone = one(text, shipped)
        assert labels(alone) == labels(in_batch)
        for here, there in zip(predictions(alone), predictions(in_batch), strict=True):
            assert there.probabilities == pytest.approx(here.probabilities, abs=0.01)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_dialect_is_read_and_needs_no_person_for_its_language(shipped: Bundle, language: str) -> None:
    for each in score([Message(text) for text in LANGUAGES[language]], shipped, RULES):
        assert each.language == language
        assert UNSUPPORTED not in each.review
        assert TOO_SHORT not in each.review


PLAIN = {
    "refund": ("I want a refund for my order, please return my money", "أريد استرداد المبلغ الذي دفعته",
               "لطفا پولم را پس بدهید، درخواست بازگشت وجه دارم"),
    "praise": ("Thank you so much, your support team is wonderful", "شكرا جزيلا لكم، خدمة رائعة وموظفون محترمون",
               "خیلی ممنون، پشتیبانی شما عالی بود"),
    "access": ("I forgot my password and cannot log in to my account", "نسيت كلمة المرور ولا أستطيع الدخول إلى حسابي",
               "رمز عبورم را فراموش کرده ام و نمی توانم وارد حسابم شوم"),
}  # fmt: skip


@pytest.mark.parametrize("topic", PLAIN)
def test_plain_messages_are_understood_in_three_languages(shipped: Bundle, topic: str) -> None:
    found = score([Message(text) for text in PLAIN[topic]], shipped, RULES)
    assert [each.topic.label for each in found] == [topic] * 3
    if topic == "praise":
        assert min(each.sentiment_score or 0 for each in found) > 0.5


VARIANTS = {
    "kaf and yeh of the other keyboard": ("کارتم رو نمی شناسه چیکار کنم", "كارتم رو نمي شناسه چيكار كنم"),
    "Persian keys in Arabic": ("لم يصلني رمز التحقق لكي أدخل حسابي", "لم یصلنی رمز التحقق لکی أدخل حسابی"),
    "digits": ("مبلغ 250000 تومان دو بار کم شد", "مبلغ ۲۵۰۰۰۰ تومان دو بار کم شد", "مبلغ ٢٥٠٠٠٠ تومان دو بار کم شد"),
    "diacritics": ("شكرا جزيلا على الخدمة", "شُكْراً جَزِيلاً عَلَى الخِدْمَةِ"),
    "tatweel": ("الخدمة سيئة جدا", "الخدمـــة سيئـــة جـــدا"),
    "half-space": ("کتاب\u200cهای من نرسیده\u200cاند", "کتاب های من نرسیده اند"),
    "elongation": ("شكررا على المساعدة", "شكررررررررا على المساعدة"),
    "elongation in English": ("soo late, so angry!!!", "sooooooooo late, so angry!!!!!!!!!"),
    "bidi marks": ("وين طلبي رقم 55", "\u202bوين طلبي \u200fرقم 55\u202c"),
    "hamza": ("أين الإلغاء", "اين الالغاء"),
    "presentation forms": ("شكرا لكم", "ﺷﻜﺮﺍ ﻟﻜﻢ"),
}


@pytest.mark.parametrize("variants", VARIANTS.values(), ids=VARIANTS)
def test_the_ways_to_write_one_message_get_one_answer(shipped: Bundle, variants: tuple[str, ...]) -> None:
    first, *others = score([Message(text) for text in variants], shipped, RULES)
    for other in others:
        assert labels(other) == labels(first)
        assert other.topic.probabilities == pytest.approx(first.topic.probabilities, abs=0.01)


@pytest.mark.parametrize(
    "text",
    [
        "Здравствуйте, где мой заказ? Никто не отвечает уже неделю",
        "我的订单在哪里？已经一个星期了，没有人回复我",
        "Bonjour, je n'ai toujours pas reçu ma commande et personne ne répond",
        "میرا آرڈر ابھی تک نہیں پہنچا، براہ کرم مدد کریں",
    ],
)
def test_a_language_that_nabd_cannot_read_goes_to_a_person(shipped: Bundle, text: str) -> None:
    found = score([Message(text)], shipped, load_settings(environment={}).routes)[0]
    assert found.language == "unsupported"
    assert UNSUPPORTED in found.review
    assert found.decision.queue in ("triage", "retention")


@pytest.mark.parametrize("text", ["", "   ", "؟", "...", "!؟!", "\u200c\u200f", "\ufffd\ufffd"])
def test_nothing_to_read_goes_to_a_person(shipped: Bundle, text: str) -> None:
    assert TOO_SHORT in one(text, shipped).review


@pytest.mark.parametrize("text", ["ok", "نه", "لا", "😡", "❤️", "👍🏽", "5"])
def test_a_word_or_an_emoji_is_enough_to_read(shipped: Bundle, text: str) -> None:
    found = one(text, shipped)
    assert TOO_SHORT not in found.review
    assert UNSUPPORTED not in found.review


def test_flags(tiny_bundle: Bundle) -> None:
    mixed = "hello my order has not arrived yet سلام سفارش من هنوز به دستم نرسیده است"
    cases = {
        "where is my order": (),
        "write to me at sara@example.com please": (MASKED,),
        "با شماره ۰۹۱۲۱۲۳۴۵۶۷ تماس بگیرید": (MASKED,),
        mixed: (MIXED,),
        "x " * 100: (TRUNCATED,),
        mixed + " sara@example.com " + "x" * 200: (TRUNCATED, MIXED, MASKED),
    }
    for text, flags in cases.items():
        assert one(text, tiny_bundle, max_characters=150).flags == flags


def test_masked_words_are_what_the_encoder_reads(tiny_bundle: Bundle) -> None:
    read: list[str] = []

    class Listening(type(tiny_bundle.encoder)):  # type: ignore[misc]
        def encode(self, texts: list[str]) -> object:
            read.extend(texts)
            return super().encode(texts)

    score([Message("کارت من 4111 1111 1111 1111 است")], replace(tiny_bundle, encoder=Listening()), RULES)
    assert len(read) == 1
    assert "1111" not in read[0]
    assert "کارت من" in read[0]


def test_a_megabyte_is_read_up_to_the_limit_and_says_so(shipped: Bundle) -> None:
    text = "لماذا تأخر طلبي كل هذا الوقت؟ " * 33_000
    started = time.monotonic()
    found = one(text, shipped, max_characters=2_000)
    assert found.flags == (TRUNCATED,)
    assert found.language == "ar"
    assert labels(found) == labels(replace(one(text[:2_000], shipped), flags=(TRUNCATED,)))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("unit", ["a", "<", "1-", "a@", "&", "/+A9", "ا", "😂", "> ", "\n", "From: a\n", "<a href="])
def test_no_repetition_takes_long_to_prepare(tiny_bundle: Bundle, unit: str) -> None:
    one(unit * 3, tiny_bundle)
    started = time.process_time()
    one(unit * 20_000, tiny_bundle)
    assert time.process_time() - started < 0.6  # what grows with the square of the length takes longer


def certain(bundle: Bundle, **winners: str) -> Bundle:
    """The bundle with heads that always answer `winners`, whatever the text."""
    bias = [9.0 if winners.get(task) == label else 0.0 for task in TASKS for label in bundle.heads.labels[task]]
    heads = replace(bundle.heads, weight=np.zeros_like(bundle.heads.weight), bias=np.array(bias, np.float32))
    return replace(bundle, heads=heads)


def test_out_of_scope_is_an_abstention_without_sentiment(tiny_bundle: Bundle) -> None:
    bundle = certain(tiny_bundle, topic=OUT_OF_SCOPE, sentiment="positive")
    positive = Rule("p", "never", "low", 1, {"sentiment": ("positive",)})
    [found] = score([Message("buy my crypto course now")], bundle, (positive, *RULES))
    assert (found.domain, found.category.label, found.topic.label) == (OUT_OF_SCOPE,) * 3
    assert found.sentiment is None
    assert found.sentiment_score is None
    assert found.review == (OUT_OF_SCOPE,)
    assert found.decision.queue == "desk"
    inside = one("hello there friend", certain(tiny_bundle, topic="praise", sentiment="positive"))
    assert inside.sentiment_score == pytest.approx(1, abs=0.001)
    assert inside.review == ()


def test_a_category_below_its_threshold_is_ambiguous(tiny_bundle: Bundle) -> None:
    bundle = certain(tiny_bundle, topic="refund")
    sure = one("hello there friend", bundle).category.confidence
    for threshold, review in ((sure, ()), (sure + 1e-9, (AMBIGUOUS,)), (1.01, (AMBIGUOUS,))):
        assert one("hello there friend", replace(bundle, thresholds=level(threshold))).review == review


def test_thresholds_are_those_of_the_language_and_of_the_category_said(tiny_bundle: Bundle) -> None:
    thresholds = {**level(0.01), "ar": level(0.01)["*"] | {"billing": 1.01}}
    texts = {"ar": "وين فلوسي يا جماعة", "fa": "پولم را پس بدهید لطفا", "en": "where is my money", "ar-Latn": ARABIZI}
    for topic, ambiguous in {"refund": {"ar", "ar-Latn"}, "fault": set()}.items():
        bundle = replace(certain(tiny_bundle, topic=topic), thresholds=thresholds)
        found = score([Message(text) for text in texts.values()], bundle, RULES)
        assert [each.language for each in found] == list(texts)
        assert {each.language for each in found if AMBIGUOUS in each.review} == ambiguous


def test_temperatures_are_those_of_the_language(tiny_bundle: Bundle) -> None:
    texts = {"fa": "پولم را پس بدهید لطفا", "en": "where is my money", "ar-Latn": ARABIZI, "ar": "وين فلوسي يا جماعة"}
    temperatures = {**tiny_bundle.temperatures, "topic": {"*": 2.0, "ar": 5.0, "fa": 0.5}}
    bundle = replace(certain(tiny_bundle, topic="refund", churn="yes"), temperatures=temperatures)
    found = score([Message(text) for text in texts.values()], bundle, RULES)
    for each, used in zip(found, (0.5, 2.0, 5.0, 5.0), strict=True):
        expected = np.exp(9 / used) / (np.exp(9 / used) + len(DEFAULT.topics) - 1)
        assert each.topic.confidence == pytest.approx(expected)
        assert each.churn.confidence == pytest.approx(np.exp(9) / (np.exp(9) + 1)), "another task, another temperature"
    assert [each.language for each in found] == list(texts)


def test_what_is_far_from_every_topic_is_for_a_person_and_keeps_its_answer(tiny_bundle: Bundle) -> None:
    near, far = "where is my order", "كم الساعة الآن في طوكيو"
    bundle = certain(tiny_bundle, topic="status", sentiment="positive")
    vectors = bundle.encoder.encode([prepare(near).text, prepare("سفارش من کجاست").text])
    heads = replace(bundle.heads, centres=np.stack([vectors.mean(axis=0), vectors[0]]))
    for farthest, review in ((0.5, (OUT_OF_SCOPE,)), (2.0, ())):
        known, strange = score([Message(near), Message(far)], replace(bundle, heads=heads, farthest=farthest), RULES)
        assert (known.review, strange.review) == ((), review)
        assert (strange.topic.label, strange.category.label, strange.domain) == ("status", "inquiry", "service")
        assert strange.sentiment is not None, "the label is in scope; the doubt is for the person to settle"


def test_every_reason_to_review_can_hold_and_several_at_once(tiny_bundle: Bundle) -> None:
    bundle = replace(certain(tiny_bundle, topic=OUT_OF_SCOPE), thresholds=level(1.01))
    assert one("", bundle).review == (OUT_OF_SCOPE, AMBIGUOUS, TOO_SHORT)
    assert one("Здравствуйте, где мой заказ", bundle).review == (UNSUPPORTED, OUT_OF_SCOPE, AMBIGUOUS)
    assert REVIEW_REASONS == (UNSUPPORTED, OUT_OF_SCOPE, AMBIGUOUS, TOO_SHORT)


def test_columns_and_labels_reach_the_routes(tiny_bundle: Bundle) -> None:
    when = {COLUMN + "plan": ("gold",), "topic": ("refund",), "domain": ("support",), "language": ("en",)}
    rules = (Rule("vip", "vip", "urgent", 5, when), *RULES)
    messages = [Message("where is it now", {"plan": plan}) for plan in ("gold", "basic", None, 3)]
    found = score(messages, certain(tiny_bundle, topic="refund"), rules)
    assert [each.decision.queue for each in found] == ["vip", "desk", "desk", "desk"]
    assert found[0].decision.reason == "vip: column:plan=gold and topic=refund and domain=support and language=en"


def test_no_message_gives_no_answer(shipped: Bundle) -> None:
    assert score([], shipped, RULES) == []


@given(st.lists(st.floats(-30, 30, width=32), min_size=17, max_size=17))
def test_category_domain_and_topic_never_disagree(tiny_bundle: Bundle, logits: list[float]) -> None:
    columns = {task: np.zeros(len(names)) for task, names in tiny_bundle.heads.labels.items()}
    powers = np.exp(np.array(logits) - max(logits))
    found = predict({**columns, "topic": powers / powers.sum()}, tiny_bundle)
    category, topic = found["category"], found["topic"]
    assert DEFAULT.category_of[topic.label] == category.label
    inside = [value for name, value in topic.probabilities.items() if DEFAULT.category_of[name] == category.label]
    assert category.confidence == pytest.approx(sum(inside))
    assert category.confidence == max(category.probabilities.values())
    assert topic.confidence == max(inside)
    assert sum(category.probabilities.values()) == pytest.approx(1)


@effort(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60) | st.text("سلام وين؟ order@.4<>&;\n\u200c😡\ud800\x00", max_size=40), max_size=6))
def test_any_text_is_scored(tiny_bundle: Bundle, texts: list[str]) -> None:
    found = score([Message(text) for text in texts], tiny_bundle, RULES)
    assert len(found) == len(texts)
    for each in found:
        assert each.domain == DEFAULT.domain_of[each.category.label]
        assert each.category.label == DEFAULT.category_of[each.topic.label]
        assert (each.sentiment is None) == (each.category.label == OUT_OF_SCOPE) == (OUT_OF_SCOPE in each.review)
        assert all(sum(one.probabilities.values()) == pytest.approx(1) for one in predictions(each))
        assert -1 <= (each.sentiment_score or 0) <= 1
        assert each.model == tiny_bundle.version
