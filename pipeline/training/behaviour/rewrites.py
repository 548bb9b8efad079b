"""The ways in which one message reaches us: `EXACT` ones that `normalise` undoes, `NEAR` ones that it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import cycle

from pipeline.training.behaviour.clear_messages import CLEAR, Clear

Rewrite = Callable[[Clear], str]

MARKS = "\u064e\u0650\u064f\u0652"  # fatha, kasra, damma, sukun
TATWEEL, HALF_SPACE = "\u0640", "\u200c"
LATIN, ARABIC_INDIC, EASTERN = "0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹"
EMOJI = {"negative": "😡", "neutral": "🙏", "positive": "🌹"}
GREETING = {
    "standard": "السلام عليكم ورحمة الله، ", "gulf": "هلا والله، ", "egyptian": "مساء الخير يا فندم، ",
    "levantine": "مرحبا كيفكن، ", "maghrebi": "السلام خويا، ", "iraqi": "شلونكم، ", "formal": "با سلام و احترام، ",
    "spoken": "سلام خوبین؟ ", "english": "Hello there, ",
}  # fmt: skip
_JOINING = re.compile("(?<=[بتثجحخسشصضطظعغفقكلمنهيپچکگی])(?=[ء-ی])")
_LETTER = re.compile("[ء-غف-يپچژکگی]")
_SIGN = re.compile(rf"[^\w\s{HALF_SPACE}]")


def swap(typed: str, becomes: str) -> Rewrite:
    table = str.maketrans(typed, becomes)
    return lambda clear: clear.text.translate(table)


def final(typed: str, becomes: str) -> Rewrite:
    return lambda clear: re.sub(rf"{typed}\b", becomes, clear.text)


def other_keyboard(clear: Clear) -> str:
    """Arabic from a Persian keyboard, Persian from an Arabic one."""
    typed, becomes = ("كيى", "کیی") if clear.language == "ar" else ("کی", "كي")
    return clear.text.translate(str.maketrans(typed, becomes))


def digits(script: str) -> Rewrite:
    table = {ord(digit): script[value] for each in (LATIN, ARABIC_INDIC, EASTERN) for value, digit in enumerate(each)}
    return lambda clear: clear.text.translate(table)


def vowelled(clear: Clear) -> str:
    marks = cycle(MARKS)
    return _LETTER.sub(lambda letter: letter[0] + next(marks), clear.text)


def half_space(becomes: str) -> Rewrite:
    return lambda clear: clear.text.replace(HALF_SPACE, becomes)


def typo(clear: Clear) -> str:
    """Two letters in the middle of the longest word change places."""
    word = max(re.findall(r"[^\W\d_]+", clear.text), key=len)
    middle = len(word) // 2
    slip = word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]
    return clear.text.replace(word, slip, 1) if len(word) > 5 else clear.text


def of_language(language: str, rewrite: Rewrite) -> Rewrite:
    return lambda clear: rewrite(clear) if clear.language == language else clear.text


EXACT: dict[str, Rewrite] = {
    "the other keyboard's kaf and yeh": other_keyboard,
    "Latin digits": digits(LATIN),
    "Arabic-Indic digits": digits(ARABIC_INDIC),
    "Persian digits": digits(EASTERN),
    "vowel marks": vowelled,
    "tatweel": lambda clear: _JOINING.sub(TATWEEL, clear.text),
    "space for half-space": half_space(" "),
    "bare alef for its hamza": of_language("ar", swap("أإآٱ", "اااا")),
    "yeh for final alef maksura": of_language("ar", swap("ى", "ي")),
    "alef maksura for final yeh": of_language("ar", final("ي", "ى")),
}
NEAR: dict[str, Rewrite] = {
    "no half-space": half_space(""),
    "emoji of its feeling": lambda clear: f"{clear.text} {EMOJI[clear.sentiment]}",
    "greeting": lambda clear: GREETING[clear.dialect] + clear.text,
    "no punctuation": lambda clear: _SIGN.sub("", clear.text),
    "typo": typo,
    "heh for teh marbuta, no hamza, no madda": lambda clear: clear.text.translate(str.maketrans("ةؤئآ", "هويا", "ء")),
    "upper case": lambda clear: clear.text.upper(),
    "lower case": lambda clear: clear.text.lower(),
}


def rewritten(rewrite: Rewrite) -> list[tuple[Clear, str]]:
    """The clear messages that the rewrite changes, each with its other form."""
    return [(clear, text) for clear in CLEAR if (text := rewrite(clear)) != clear.text]
