from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pipeline.normalise
from pipeline.normalise import VERSION, normalise


def documented_rules() -> list[tuple[str, str, str]]:
    lines = [line for line in (pipeline.normalise.__doc__ or "").split("\n") if line.startswith("| ")]
    cells = [[cell.strip(" ") for cell in line.strip("|").split("|")] for line in lines[1:]]
    return [(rule, typed, becomes) for rule, typed, becomes, _ in cells]


ARABIC_BIASED = st.text(
    st.sampled_from(
        "ابتكکيیىئؤءأإآٱةهہھەۀپچژگلمنر شرـًُّٰ\u0654\u0653\u200c\u200d\u200b\u200f\ufe0f٠١۲۳٫،؟!_#@.:/wht😂❤👩﷼ﷺﻻ1a\n"
    )
)
TEXTS = st.one_of(st.text(), ARABIC_BIASED)


@pytest.mark.parametrize(("rule", "typed", "becomes"), documented_rules(), ids=lambda value: ascii(value)[:40])
def test_every_rule_of_the_docstring_holds(rule: str, typed: str, becomes: str) -> None:
    assert normalise(typed) == becomes, rule


def test_the_table_was_read_whole() -> None:
    assert len(documented_rules()) >= 20
    assert VERSION == "1"


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_idempotent(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@given(st.text(st.characters(codec=None, categories=None)))
def test_total_even_on_lone_surrogates(text: str) -> None:
    normalise(text).encode("utf-8")


@settings(max_examples=200, deadline=None)
@given(ARABIC_BIASED)
def test_the_keyboard_does_not_matter(text: str) -> None:
    assert normalise(text.translate(str.maketrans("يىك", "ییک"))) == normalise(text)


@given(ARABIC_BIASED)
def test_nothing_invisible_is_left(text: str) -> None:
    kept = normalise(text).replace("\u200d", "")
    assert not [mark for mark in kept if unicodedata.category(mark) in {"Cf", "Cc", "Cs"}]


@pytest.mark.parametrize(
    "variants",
    [
        (
            "شكراً جزيلا على الخدمة",
            "شکرا جزیلا علی الخدمة",
            "شكـــرا جزيلا على الخدمة",
            "\u202bشكرا جزيلا على الخدمة\u202c",
        ),
        ("أنا عايز فلوسي", "انا عایز فلوسى", "اَنا عايز فلوسي", "انا\u200f عايز  فلوسي"),
        ("بدي رجّع المصاري، شو هالخدمة؟", "بدی رجع المصاری, شو هالخدمة?"),
        ("وين الطلب رقم ١٢٣؟", "وین الطلب رقم ۱۲۳؟", "وين الطلب رقم 123?"),
        ("بغيت نبدل الكوموند ديالي", "بغیت نبدل الکوموند دیالی"),
        ("کارتم را نمی‌شناسد", "كارتم را نمي شناسد", "کارتم را نمی\u200cشناسد", "كارتم را نمي\u200cشناسد"),
        ("سفارش ۴۵ نرسید", "سفارش ٤٥ نرسيد", "سفارش 45 نرسید", "ســفارش ۴۵ نَرسید"),
        ("خییییییلی بده این برنامه", "خيييلي بده اين برنامه", "خیییییلی بده این\tبرنامه"),
        ("ﺧﺪﻣﺔ ﻣﻤﺘﺎﺯﺓ ﺟﺪﺍ", "خدمة ممتازة جدا"),
        ("I’m soooo happy!!!!!", "I'm sooo happy!!!", "Ｉ'm\u00a0soooooo happy!!!!"),
    ],
    ids=["standard", "egypt", "levant", "gulf", "morocco", "iran", "order", "elongated", "forms", "english"],
)
def test_variants_of_one_message_are_one_string(variants: tuple[str, ...]) -> None:
    assert len({normalise(variant) for variant in variants}) == 1


@pytest.mark.parametrize(
    "text",
    [
        "it does not work", "it doesn't work", "never again", "لا يعمل", "ما وصل", "مش شغال", "مو زين", "ليس جيدا",
        "لم يصل", "لن ادفع", "نه ممنون", "خوب نیست", "وصل نمیشه", "پول نداره", "نمی شناسه", "بدون پاسخ بود",
    ],
)  # fmt: skip
def test_negation_is_untouched(text: str) -> None:
    assert normalise(text) == text


@pytest.mark.parametrize("sign", ["€", "$", "£", "¥", "₹", "₺", "₽", "﷼", "₿", "¢", "USD", "درهم", "دولار"])
def test_currency_is_untouched(sign: str) -> None:
    assert normalise(f"دفعت 50{sign} و 20 {sign}") == f"دفعت 50{sign} و 20 {sign}"
    assert normalise(f"paid {sign}50") == f"paid {sign}50"


@pytest.mark.parametrize(
    "emoji",
    ["😂", "😡", "🙏🏽", "❤", "👨\u200d👩\u200d👧", "🏳\u200d🌈", "🇮🇷", "👍🏿", "1\u20e3", "☹", "⭐", ":(", ":)", "^_^"],
)
def test_emoji_survive_in_all_three(emoji: str) -> None:
    for text in ("شكرا لكم {}", "{} پولم نرسید", "thanks{}", "{}", "خدمة{}سيئة"):
        assert normalise(text.format(emoji)) == text.format(emoji)


@pytest.mark.parametrize(
    "text",
    ["Привет, где заказ", "我的订单还没到", "मेरा ऑर्डर", "Größe façade señor", "주문 취소", "שלום", "ขอบคุณ", "ご注文は"],
)
def test_other_scripts_are_kept(text: str) -> None:
    assert normalise(text) == text


@pytest.mark.parametrize("number", ["1000000", "111", "00000", "5555.000", "ORD111222", "#777"])
def test_digits_are_never_shortened(number: str) -> None:
    assert normalise(f"ref {number}") == f"ref {number}"


def test_each_language_keeps_its_own_letters() -> None:
    assert normalise("پولم كي ميرسه") == "پولم کی میرسه"
    assert normalise("متی یصل الطلب الی بیتی") == "متى يصل الطلب الى بيتي"
    assert normalise("هذا کتاب") == "هذا كتاب"


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u200b\u200f", "https://example.com/a", "@someone"])
def test_nothing_said_is_empty(text: str) -> None:
    assert normalise(text) == ""


def test_lines_become_words_apart() -> None:
    assert normalise("first\r\nsecond\n\nسلام\u2028خوبی") == "first second سلام خوبی"
