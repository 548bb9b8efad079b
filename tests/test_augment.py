"""Other spellings of a message keep what it means, come out normalised, and are the same for the same seed."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.normalise import normalise
from pipeline.training import augment
from pipeline.training.augment import (
    ALPHABETS,
    ARABIZI,
    ENGLISH,
    FINGLISH,
    GREETINGS,
    SHARE,
    Way,
    change_case,
    drop_signs,
    greet,
    join_half_spaces,
    respell,
    romanise,
    slip,
    swap_letters,
    switch_words,
)

TEXTS = {
    "ar": (
        "وين طلبي؟ صار له أسبوع وما وصلني شيء!",
        "عايز أغير عنوان التوصيل على حسابي",
        "شكرا على الخدمة 😍",
        "التطبيق ما يفتح، مشكلة من امس",
        "بغيت نبدل الباقة ديالي",
    ),
    "fa": (
        "سفارشم هنوز نرسیده، لطفاً پیگیری کنید!",
        "نمی‌توانم وارد حسابم شوم، کتاب‌های من کجاست",
        "مرسی از پشتیبانی خوبتون 😍",
        "آقا دو بار از کارتم پول کم شده",
        "بزرگ‌ترین مشکل سایت شما همین است",
    ),
    "en": (
        "Where is my order? It's a WEEK late!",
        "I can't log in to my account.",
        "thanks for the lovely service 😍",
        "You charged me $5 twice, please refund one",
        "ok",
    ),
}
NORMAL = {lang: tuple(map(normalise, texts)) for lang, texts in TEXTS.items()}
CASES = [(lang, text) for lang, texts in NORMAL.items() for text in texts]
ANY = st.sampled_from(CASES) | st.tuples(st.sampled_from([*ALPHABETS, "und"]), st.text(max_size=40).map(normalise))
SEEDS = st.integers(0, 2**32)


def many(way: Way, text: str, lang: str, times: int = 300) -> list[str]:
    """What a way makes of one text, drawn again and again."""
    return [way(text, lang, random.Random(seed)) for seed in range(times)]


@pytest.mark.parametrize(
    ("lang", "text", "swapped"),
    [
        ("ar", "خدمة سيئة", "خدمه سييه"),
        ("ar", "شكوى على مسؤول", "شكوي علي مسوول"),
        ("ar", "ما وصلني شيء", "ما وصلني شي"),
        ("fa", "آقا مسئول کجاست", "اقا مسیول کجاست"),
        ("en", "the app is cafe", "the app is cafe"),
    ],
)
def test_letters_that_people_swap(lang: str, text: str, swapped: str) -> None:
    assert set(many(swap_letters, text, lang, 5)) == {swapped}


@pytest.mark.parametrize(
    ("typed", "joined"),
    [
        ("نمی‌توانم وارد شوم", "نمیتوانم وارد شوم"),
        ("می‌خواهم کتاب‌های خودم را", "میخواهم کتابهای خودم را"),
        ("بزرگ‌تر از قیمت‌ها", "بزرگتر از قیمتها"),
        ("چرا زنگ نزدید", "چرا زنگ نزدید"),
        ("تری که قدیمی بود", "تری که قدیمی بود"),
    ],
)
def test_half_spaces_left_out(typed: str, joined: str) -> None:
    assert join_half_spaces(normalise(typed), "fa", random.Random(0)) == joined


@pytest.mark.parametrize(("lang", "text"), CASES)
def test_a_slip_changes_one_letter_in_thirty_or_so(lang: str, text: str) -> None:
    found = many(slip, text, lang)
    assert len(set(found)) > 10 or len(text) < 3
    for other in found:
        changes = 1 + len(text) // 30
        assert -changes <= len(other) - len(text) < 2**changes, "a letter may be doubled twice"
        common = (Counter(text) & Counter(other)).total()
        assert common >= len(text) - changes, "each slip takes away one letter at most"
        new = set((Counter(other) - Counter(text)).elements())
        assert new <= set(ALPHABETS[lang]) | set(text), "only letters of the language come in"
    signs = re.compile(r"[\W\d]")
    assert {"".join(sorted(signs.findall(other))) for other in found} == {"".join(sorted(signs.findall(text)))}


def test_every_kind_of_slip_happens() -> None:
    found = set(many(slip, "abcd", "en"))
    assert {"bcd", "acd", "abc"} <= found, "left out"
    assert {"aabcd", "abcdd"} <= found, "doubled"
    assert {"bacd", "abdc"} <= found, "changed over"
    assert any(len(other) == 4 and set(other) - set("abcd") for other in found), "changed"


def test_case_is_lowered_or_raised() -> None:
    assert set(many(change_case, "I Can't Pay", "en")) == {"i can't pay", "I CAN'T PAY"}


@pytest.mark.parametrize(
    ("lang", "text", "bare"),
    [
        ("en", "Where is it? It's late!!!", "Where is it It s late"),
        ("ar", "وين طلبي, ردوا علينا!", "وين طلبي ردوا علينا"),
        ("fa", "چرا? پولم کو...", "چرا پولم کو"),
        ("en", "no signs here", "no signs here"),
        ("en", "great 😡!!!", "great 😡!!!"),
        ("ar", "شكرا ❤.", "شكرا ❤."),
    ],
)
def test_punctuation_is_dropped_and_emoji_kept(lang: str, text: str, bare: str) -> None:
    assert normalise(drop_signs(text, lang, random.Random(0))) == bare


@pytest.mark.parametrize("lang", GREETINGS)
def test_a_greeting_stands_before_the_whole_text(lang: str) -> None:
    text = NORMAL[lang][0]
    assert set(many(greet, text, lang)) == {f"{greeting} {text}" for greeting in GREETINGS[lang]}


@pytest.mark.parametrize(
    ("lang", "text", "among"),
    [
        ("ar", "وين طلبي", {"wyn tlby", "win tlbi", "oyn tlby", "oin tlbi"}),
        ("ar", "حق", {"7q", "79", "72", "hq", "h9", "h2"}),
        ("fa", "چرا ژاکت", {"chra zhakt"}),
        ("fa", "خوب", {"khob", "khvb"}),
        ("fa", "گوشی 5 pro 😡", {"goshi 5 pro 😡", "gvshi 5 pro 😡"}),
    ],
)
def test_latin_letters_keep_to_one_spelling(lang: str, text: str, among: set[str]) -> None:
    assert set(many(romanise, text, lang)) == among


@pytest.mark.parametrize(("lang", "table"), [("ar", ARABIZI), ("fa", FINGLISH)])
def test_no_letter_of_the_alphabet_stays_when_romanised(lang: str, table: dict[str, str]) -> None:
    assert set(ALPHABETS[lang]) <= set(table)
    assert all(form.isascii() for forms in table.values() for form in forms.split(" "))
    for text in NORMAL[lang]:
        assert not re.search("[\u0621-\u06d3]", romanise(text, lang, random.Random(3)))


def test_some_words_are_said_in_english() -> None:
    arabic = set(many(switch_words, "مشكلة في التطبيق يا جماعة", "ar"))
    assert arabic == {
        f"{one} في {other} يا جماعة" for one in ("مشكلة", "problem") for other in ("التطبيق", "app")
    }  # fmt: skip
    persian = set(many(switch_words, "کارتم را پس بدهید مرسی", "fa"))
    assert persian == {f"{one} را پس بدهید {other}" for one in ("کارتم", "card") for other in ("مرسی", "thanks")}
    for lang, table in ENGLISH.items():
        assert all(word.isascii() and word.isalpha() for word in table.values())
        assert all(" " not in word and set(word) <= set(ALPHABETS[lang]) | set("آةئ") for word in table)


@pytest.mark.parametrize("lang", TEXTS)
def test_its_share_of_the_calls_changes_a_text_and_the_others_leave_it(lang: str) -> None:
    drawn = [random.Random(seed).random() < SHARE for seed in range(400)]
    text = NORMAL[lang][0]
    found = many(respell, text, lang, 400)
    left = [other for other, change in zip(found, drawn, strict=True) if not change]
    changed = [other for other, change in zip(found, drawn, strict=True) if change]
    assert set(left) == {text}
    assert 0.25 < len(changed) / 400 < 0.45
    assert len(set(changed)) > 20
    assert sum(other != text for other in changed) > 0.6 * len(changed), "not every way finds something to change"


@pytest.mark.parametrize("lang", TEXTS)
def test_nothing_stays_nothing(lang: str) -> None:
    assert set(many(respell, "", lang)) == {""}


def test_a_language_without_an_alphabet_stays() -> None:
    assert set(many(respell, "Где мой заказ", "und")) == {"Где мой заказ"}


@given(ANY, SEEDS)
def test_a_respelled_text_is_normal_never_empty_and_the_same_for_its_seed(case: tuple[str, str], seed: int) -> None:
    lang, text = case
    found = respell(text, lang, random.Random(seed))
    assert found == respell(text, lang, random.Random(seed))
    assert normalise(found) == found
    assert bool(found) == bool(text)


@given(st.sampled_from(CASES), SEEDS)
def test_every_way_comes_out_normal_of_a_message(case: tuple[str, str], seed: int) -> None:
    lang, text = case
    for way in augment._ways(lang):
        found = normalise(way(text, lang, random.Random(seed)))
        assert normalise(found) == found
        assert found


def test_persian_affixes_are_joined_in_persian_alone() -> None:
    assert {lang for lang in TEXTS if join_half_spaces in augment._ways(lang)} == {"fa"}
    assert {lang for lang in TEXTS if change_case in augment._ways(lang)} == {"en"}
    assert {lang for lang in TEXTS if romanise in augment._ways(lang)} == {"ar", "fa"}
