"""Unicode and script: one message, one spelling, before the subword tokenizer.

The tokenizer is cased, reads newline, ZWNJ and ZWJ as spaces, and knows Arabic with its own kaf and yeh and Persian
with its own: either spelling for both costs the other language 7 to 10 % more pieces. So every text is brought to
one skeleton, its language is judged on the skeleton (so the keyboard cannot sway it), and the letters are written
as that language writes them. Emoji and every other script are kept. Each row below is also a test.

| rule | typed | becomes | why |
|---|---|---|---|
| presentation forms, full width: NFKC | ﻻ ﺷﻜﺮ ＯＫ ﬁne | لا شكر OK fine | the same letters |
| symbols kept: the tokenizer spells them | ™ ½ m² 5€ ﷼ $3 | ™ ½ m² 5€ ﷼ $3 | currency must survive |
| kaf and yeh in Persian | كارتم رو نمي شناسه | کارتم رو نمی شناسه | what the vocabulary knows |
| kaf and yeh in Arabic | شکرا لکم علی الخدمة فی | شكرا لكم على الخدمة في | what the vocabulary knows |
| alef maksura in Arabic: listed words only | مصرى فى على متى | مصري في على متى | Egyptians end every yeh so |
| heh look-alikes | ھذہ خانۀ ما ەست | هذه خانه ما هست | who needs them is unsupported |
| hamza and wasla alefs | أين إلغاء ٱلطلب | اين الغاء الطلب | seldom typed with care |
| madda in Arabic | آسف لكن الآن | اسف لكن الان | as the other alefs |
| madda kept in Persian | آب را می‌خواهم | آب را می خواهم | آب is a word, اب is not |
| hamza carriers, teh marbuta kept | مسؤول شيء خدمة دائما | مسؤول شيء خدمة دائما | ة as ه: 2 to 4 % more pieces |
| tatweel, vowel and Quran marks | شُكـــراً جَزِيلاً | شكرا جزيلا | decoration |
| half-space | کتاب\u200cها را بده | کتاب ها را بده | the tokenizer reads it so |
| zero-width, bidi, controls | \u202bo\u200bk\u200f\u00ad\u0007\ufeff! | ok! | invisible |
| joiner: kept in emoji only | 👨\u200d👩\u200d👧 a\u200db | 👨\u200d👩\u200d👧 ab | a family is one emoji |
| variation selector | ❤\ufe0f | ❤ | ❤ is typed both ways |
| digits and their marks | ٣٫٥ ۱۲۳ ١٬٠٠٠ | 3.5 123 1,000 | one digit set |
| punctuation | ، ؛ ؟ ٪ ’ “ ” « » | , ; ? % ' " " " " | typed either way |
| elongated letters: two at most | soooo شكررررا | soo شكررا | digits are never touched |
| repeated signs and emoji: three at most | wow!!!!!! 😂😂😂😂😂 | wow!!! 😂😂😂 | emphasis, not length |
| long numbers | 1000000 | 1000000 | an amount |
| URLs, @handles | hi @me see https://a.b/c | hi see | training sets lack them |
| e-mail addresses kept | me@example.com | me@example.com | `privacy` masks them |
| hashtags and joined words | #خدمة_العملاء #12 ^_^ | خدمة العملاء #12 ^_^ | their words count |
| white space | a\u00a0\u3000b\t\tc | a b c | the tokenizer reads it so |
| negation, contractions, case | I DON'T, don’t لا نه | I DON'T, don't لا نه | meaning |
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from pipeline.script import lean

VERSION = "1"

_COMPATIBLE = (
    range(0xA0, 0x250), range(0x675, 0x679), range(0x2000, 0x3400), range(0xFB00, 0xFFF0), range(0x1D400, 0x1D800),
    range(0x1EE00, 0x1EF00), range(0x1F100, 0x1F200),
)  # fmt: skip
_MARKS = (
    range(0x610, 0x61B), range(0x64B, 0x660), range(0x6D6, 0x6DD), range(0x6DF, 0x6E9), range(0x6EA, 0x6EE),
    range(0x8D3, 0x900), (0x640, 0x670, 0x674),
)  # fmt: skip
_INVISIBLE = (
    range(0x00, 0x09), range(0x0E, 0x1C), range(0x7F, 0x85), range(0x86, 0xA0), (0x200B, 0x200E, 0x200F),
    range(0x202A, 0x202F), range(0x2060, 0x2070), range(0xFE00, 0xFE10), range(0xD800, 0xE000),
    range(0xE0000, 0xE0080), (0xAD, 0x34F, 0x61C, 0x6DD, 0x180E, 0xFEFF),
)  # fmt: skip
_FOLDS = {
    **dict.fromkeys("كڪ", "ک"), **dict.fromkeys("يىےۓ", "ی"), **dict.fromkeys("ہھەۀۂ", "ه"),
    **dict.fromkeys("أإٱ", "ا"), **dict.fromkeys("‘’", "'"), **dict.fromkeys("“”«»", '"'),
    "ۃ": "ة", "،": ",", "؛": ";", "؟": "?", "۔": ".", "٪": "%", "٫": ".", "٬": ",", "\u200c": " ",
}  # fmt: skip
_RUN = re.compile(r"(.)\1\1")
_SHAPE = re.compile(r"([^\W\d_])\1{2,}|([^\w\s]|_)\2{3,}")
_JOINER = re.compile("(?<![\u2190-\u2bff\U0001f000-\U0001faff])\u200d|\u200d(?![\u2190-\u2bff\U0001f000-\U0001faff])")
_URL = re.compile(r"(?:https?://|(?<![^\W_])ww+\.)\S+", re.IGNORECASE)
_HASH = re.compile(r"(?<![^\W_])#+(?=\w*[^\W\d_])")
_UNDERSCORE = re.compile(r"(?<=[^\W_])_+(?=[^\W_])")
_HANDLE = re.compile(r"(?<![\w.@/])@\w[\w@#]*")
_ARABIC_LETTER = re.compile("[\u0621-\u06d3]")
_MAKSURA = "علي الي حتي متي لدي سوي مدي معني احدي اعلي اقصي ادني اخري كبري مستوي شكوي مشتري مستشفي"


@cache
def _table() -> dict[int, str | int | None]:
    table: dict[int, str | int | None] = {code: code for code in range(0x20, 0x700)}
    table.update(dict.fromkeys((9, 10, 11, 12, 13, 28, 29, 30, 31, 0x85), " "))
    for dropped in (*_INVISIBLE, *_MARKS):
        table.update(dict.fromkeys(dropped))
    table.update({ord(letter): fold for letter, fold in _FOLDS.items()})
    for digit in range(10):
        table[0x660 + digit] = table[0x6F0 + digit] = str(digit)
    for block in _COMPATIBLE:
        table.update({code: _compatible(chr(code), table) for code in block if table.get(code, code) == code})
    return table


@cache
def _final_maksura() -> re.Pattern[str]:
    """A final yeh of the listed words, bare or behind و ف ل ال: the letter first, as a look-behind is dear."""
    forms = [prefix + word for word in _MAKSURA.split() for prefix in ("", "و", "ف", "ل", "ال", "لل", "بال")]
    by_length = [[form for form in forms if len(form) == length] for length in {len(form) for form in forms}]
    return re.compile(r"ي\b(?:" + "|".join(rf"(?<=\b(?:{'|'.join(same)}))" for same in by_length) + ")")


def _compatible(letter: str, table: dict[int, str | int | None]) -> str:
    """NFKC of letters, digits, marks, spaces, punctuation and full-width forms; other symbols stay."""
    keep = unicodedata.category(letter) in {"So", "Sm", "Sc", "Sk", "No"} and not "\uff00" < letter < "\uffef"
    return letter if keep else unicodedata.normalize("NFKC", letter).translate(table)


def _squeeze(text: str) -> str:
    if not _RUN.search(text):
        return text
    return _SHAPE.sub(lambda run: (run[1] or "") * 2 or run[2] * 3, text)


def _strip_references(text: str) -> str:
    if "://" in text or ("." in text and "ww." in text.lower()):
        text = _URL.sub(" ", text)
    if "#" in text:
        text = _HASH.sub("", text)
    if "@" in text:
        text = _HANDLE.sub(" ", text)
    return _UNDERSCORE.sub(" ", text) if "_" in text else text


def _spell(text: str) -> str:
    """Write the skeleton's kaf, yeh and madda as the language of the text does."""
    skeleton = _squeeze(text.replace("آ", "ا")) if "آ" in text else text
    if lean(skeleton) > 0:
        return text
    return _final_maksura().sub("ى", skeleton.replace("ی", "ي").replace("ک", "ك"))


@lru_cache(maxsize=2)  # `detect` and `normalise` ask for that of the same text, one after the other
def skeleton(text: str) -> str:
    """The text in one spelling for both languages: Persian kaf and yeh, no marks; what `script.lean` reads."""
    text = unicodedata.normalize("NFC", text).translate(_table())
    if "\u200d" in text:
        text = _JOINER.sub("", text)
    return _squeeze(unicodedata.normalize("NFC", text))


def normalise(text: str) -> str:
    """One spelling of a message; pure, total, and idempotent. Any text is accepted, lone surrogates included."""
    text = " ".join(_strip_references(skeleton(text)).split())
    return text if text.isascii() or not _ARABIC_LETTER.search(text) else _spell(text)
