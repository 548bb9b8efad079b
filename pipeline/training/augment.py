"""Other spellings of a normalised message, so that script, keyboard and haste do not change what it means.

`normalise` already brings kaf and yeh, digits, half-spaces, diacritics and elongation to one form; what is left to
learn is what it must not fold: letters that people swap, case, greetings, slips of the finger, Latin letters.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from pipeline.normalise import normalise

SHARE = 0.35  # of the rows of a pass are respelled

# How people chat in Latin letters (Yaghan 2008, "Arabizi"; Finglish by custom). One of the spellings is drawn.
ARABIZI = {
    "ا": "a", "ب": "b", "ت": "t", "ث": "th", "ج": "j g", "ح": "7 h", "خ": "kh 5", "د": "d", "ذ": "th z", "ر": "r",
    "ز": "z", "س": "s", "ش": "sh", "ص": "s", "ض": "d", "ط": "t", "ظ": "z", "ع": "3 a", "غ": "gh", "ف": "f",
    "ق": "q 9 2", "ك": "k", "ل": "l", "م": "m", "ن": "n", "ه": "h", "و": "w o", "ي": "y i", "ى": "a", "ة": "a",
    "ء": "2", "ئ": "2", "ؤ": "2",
}  # fmt: skip
FINGLISH = {
    "ا": "a", "آ": "a", "ب": "b", "پ": "p", "ت": "t", "ث": "s", "ج": "j", "چ": "ch", "ح": "h", "خ": "kh", "د": "d",
    "ذ": "z", "ر": "r", "ز": "z", "ژ": "zh", "س": "s", "ش": "sh", "ص": "s", "ض": "z", "ط": "t", "ظ": "z", "ع": "a",
    "غ": "gh", "ف": "f", "ق": "gh", "ک": "k", "گ": "g", "ل": "l", "م": "m", "ن": "n", "و": "o v", "ه": "h", "ی": "i",
    "ئ": "e", "ء": "",
}  # fmt: skip
GREETINGS = {
    "ar": ("السلام عليكم", "مرحبا", "لو سمحت", "مساء الخير", "هلا", "يعطيكم العافية"),
    "fa": ("سلام", "سلام وقت بخیر", "درود", "ببخشید", "سلام خسته نباشید"),
    "en": ("hi", "Hello,", "good morning", "hey there", "Dear team,"),
}
# Words that a bilingual customer says in English.
ENGLISH = {
    "ar": {
        "حساب": "account", "الحساب": "account", "حسابي": "account", "التطبيق": "app", "تطبيق": "app",
        "طلب": "order", "الطلب": "order", "طلبي": "order", "الفاتورة": "invoice", "فاتورة": "invoice",
        "اشتراك": "subscription", "الاشتراك": "subscription", "اشتراكي": "subscription", "باقة": "package",
        "الباقة": "package", "توصيل": "delivery", "التوصيل": "delivery", "خدمة": "service", "الخدمة": "service",
        "رصيد": "balance", "الرصيد": "balance", "بطاقة": "card", "البطاقة": "card", "بطاقتي": "card",
        "تحديث": "update", "شكرا": "thanks", "عرض": "offer", "السعر": "price", "مشكلة": "problem",
        "المشكلة": "problem", "النت": "internet",
    },
    "fa": {
        "حساب": "account", "حسابم": "account", "برنامه": "app", "اپلیکیشن": "app", "سفارش": "order",
        "سفارشم": "order", "فاکتور": "invoice", "اشتراک": "subscription", "اشتراکم": "subscription",
        "بسته": "package", "تحویل": "delivery", "ارسال": "delivery", "خدمات": "service", "موجودی": "balance",
        "کارت": "card", "کارتم": "card", "رمز": "password", "آپدیت": "update", "بروزرسانی": "update",
        "ممنون": "thanks", "مرسی": "thanks", "تخفیف": "off", "قیمت": "price", "مشکل": "problem",
        "پشتیبانی": "support", "سایت": "site",
    },
}  # fmt: skip
SWAPS = {"ar": (("ة", "ه"), ("ى", "ي"), ("ئ", "ي"), ("ؤ", "و"), ("ء", "")), "fa": (("آ", "ا"), ("ئ", "ی"))}
ALPHABETS = {
    "ar": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي", "fa": "ابپتثجچحخدذرزسشصضطظعغفقکگلمنوهی", "en": "abcdefghijklmnopqrstuvwxyz",
}  # fmt: skip
_HALF_SPACE = re.compile(r"\b(ن?می) (?=\w)|(?<=\w) (?=(?:ها|های|هام|تر|ترین|ام|ای)\b)")
_SIGNS = re.compile(r"[^\w\s]+")


def respell(text: str, lang: str, rng: random.Random) -> str:
    """A normalised text in another spelling, normalised again; `SHARE` of the calls change it."""
    if rng.random() >= SHARE or lang not in ALPHABETS or not text:
        return text
    return normalise(rng.choice(_ways(lang))(text, lang, rng)) or text


def swap_letters(text: str, lang: str, rng: random.Random) -> str:
    """Letters that are typed for one another: teh marbuta and heh, alef maksura and yeh, hamza carriers, madda."""
    for typed, becomes in SWAPS.get(lang, ()):
        text = text.replace(typed, becomes)
    return text


def join_half_spaces(text: str, lang: str, rng: random.Random) -> str:
    """Persian affixes written onto the word, as when the half-space is left out."""
    return _HALF_SPACE.sub(lambda found: found[1] or "", text)


def slip(text: str, lang: str, rng: random.Random) -> str:
    """One slip of the finger in each thirty letters or so: a letter left out, doubled, changed, or two changed over."""
    letters = list(text)
    for _ in range(1 + len(letters) // 30):
        at = rng.randrange(len(letters))
        if not letters[at].isalpha():
            continue
        kind = rng.randrange(4)
        if kind == 3 and at + 1 < len(letters):
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
        else:
            letters[at] = ("", letters[at] * 2, rng.choice(ALPHABETS[lang]), letters[at])[kind]
    return "".join(letters)


def change_case(text: str, lang: str, rng: random.Random) -> str:
    return rng.choice((text.lower(), text.upper(), text.lower()))


def drop_signs(text: str, lang: str, rng: random.Random) -> str:
    """Without punctuation; emoji are no punctuation to a reader, so a text with any stays."""
    return text if any(ord(letter) > 0x2190 for letter in text) else _SIGNS.sub(" ", text)


def greet(text: str, lang: str, rng: random.Random) -> str:
    return f"{rng.choice(GREETINGS[lang])} {text}"


def romanise(text: str, lang: str, rng: random.Random) -> str:
    """Arabizi or Finglish: letter by letter, one spelling of each letter throughout, as a person keeps to one."""
    table = {letter: rng.choice(forms.split(" ")) for letter, forms in (ARABIZI if lang == "ar" else FINGLISH).items()}
    return "".join(table.get(letter, letter) for letter in text)


def switch_words(text: str, lang: str, rng: random.Random) -> str:
    """Some of the words that a bilingual says in English."""
    table = ENGLISH[lang]
    return " ".join(table[word] if word in table and rng.random() < 0.7 else word for word in text.split(" "))


Way = Callable[[str, str, random.Random], str]


def _ways(lang: str) -> tuple[Way, ...]:
    if lang == "en":
        return slip, change_case, drop_signs, greet
    latin: tuple[Way, ...] = (swap_letters, slip, drop_signs, greet, switch_words, romanise)
    return (*latin, join_half_spaces) if lang == "fa" else (*latin, swap_letters)
