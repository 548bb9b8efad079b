"""Which language a message is in: our three, their Latin-letter forms, a mix, something else, or nothing to read.

Scripts are counted first. In Arabic letters, those of Urdu, Kurdish and Pashto refuse; `script.lean` and the keyboard's
letters tell Arabic from Persian. In Latin letters, word lists and digits inside words find Arabizi and Finglish,
everyday words find English, and what is left is asked of py3langid, a naive Bayes model over byte n-grams.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from pipeline.lexicon import ARABIZI, ARABIZI_WEAK, ENGLISH, FINGLISH, FINGLISH_WEAK
from pipeline.normalise import skeleton
from pipeline.script import hits, lean, words


class Language(StrEnum):
    """BCP-47 tags, and three answers that are no language."""

    ARABIC = "ar"
    PERSIAN = "fa"
    ENGLISH = "en"
    ARABIZI = "ar-Latn"
    FINGLISH = "fa-Latn"
    MIXED = "mixed"
    UNSUPPORTED = "unsupported"
    UNDETERMINED = "und"


_CANDIDATES = "en ar fa ur ps ku tr az fr de es it pt nl sv pl ro id"
_OTHER_CERTAIN = 0.8
_MODEL_CHARACTERS = 2000
_MIXED_WORDS = 3
_MIXED_SHARE = 0.3
_LATINISED_SHARE = 0.1
_ENGLISH_SHARE = 0.3
_FOREIGN_SHARE = 0.03

_NOT_WORDS = re.compile(r"(?:https?://|www\.)\S+|(?<!\S)\S+@\S+|@\w+", re.IGNORECASE)
_ARABIC_LETTERS = re.compile("[\u0620-\u064a\u066e-\u06d3\u06d5\u06fa-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc]+")
_FOREIGN = re.compile("[ٹڈڑںےێۆڕڵښځڅډړټېۍڼګەۇۈڭڄڃٻڀٿڏ]")
_FOREIGN_WEAK = re.compile("[ہھ]")
_LATIN = "0-9A-Za-z\u00c0-\u024f\u1e00-\u1eff"
_LATIN_WORD = re.compile(rf"(?<![\w'’])[{_LATIN}][{_LATIN}'’]*")
_DIGIT_LETTER = re.compile(
    r"[a-z'’]+[235679]+[a-z0-9'’]*[a-z][a-z0-9'’]*|[a-z]{2,}[2379]|[235679]['’]?[a-z][a-z0-9'’]{2,}", re.IGNORECASE
)
_ENGLISH_DIGIT = re.compile(
    r"\d+(?:st|nd|rd|th|am|pm|[kmgt]b(?:ps)?|mins?|hrs?|hours?|days?|weeks?|months?|years?|yrs?|stars?|times|gen|usd|eur"
    r"|px|mah|inch|ghz|mhz|pcs|ish|ers?)|[a-z]\d[a-z]|\d[a-z]|gr8|str8|[a-z]{4,}\d+"
    r"|\w*(?:phone|galaxy|note|pro|mp|ps|win|web|v|s|a|x|g|u|t|i|h)\d+[a-z]?",
    re.IGNORECASE,
)


@cache
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_CANDIDATES.split())
    return identifier


def detect(text: str) -> Language:
    """The language of a cleaned message as it was typed.

    `mixed` needs two of Arabic, Persian and English with at least 3 words and 30 % of the words each, so that
    a brand or a loan word does not count. A lone "سلام" is taken for Persian, a lone unknown Latin word for English.
    """
    if "@" in text or "://" in text or "www." in text.lower():
        text = _NOT_WORDS.sub(" ", text)
    letters = sum(map(str.isalpha, text))
    if not letters:
        return Language.UNDETERMINED
    arabic = sum(map(len, _ARABIC_LETTERS.findall(text)))
    latin_words = [word for word in _LATIN_WORD.findall(text) if not word.isdigit()]
    latin = sum(map(str.isalpha, "".join(latin_words)))
    if letters - arabic - latin > letters / 2:
        return Language.UNSUPPORTED
    if not arabic:
        return _of_latin(text, latin_words)
    arabic_words = words(skeleton(text))
    in_arabic = _of_arabic(text, arabic, arabic_words)
    return _of_both(in_arabic, arabic_words, latin_words) if latin else in_arabic


def _of_both(in_arabic: Language, arabic_words: list[str], latin_words: list[str]) -> Language:
    """Arabic and Latin letters together: the minority counts only if it is a clause, not a name."""
    share = len(latin_words) / (len(latin_words) + len(arabic_words) or 1)
    if share < _MIXED_SHARE or len(latin_words) < _MIXED_WORDS:
        return in_arabic if arabic_words else Language.ENGLISH
    in_latin = _of_latin(" ".join(latin_words), latin_words)
    if 1 - share < _MIXED_SHARE or len(arabic_words) < _MIXED_WORDS:
        return in_latin
    if in_latin is Language.ENGLISH and in_arabic is not Language.UNSUPPORTED:
        return Language.MIXED if _english([word.lower() for word in latin_words]) >= 2 else in_arabic
    return in_arabic


def _of_arabic(text: str, letters: int, found: list[str]) -> Language:
    foreign = len(_FOREIGN.findall(text)) + len(_FOREIGN_WEAK.findall(text)) / 2
    arabic, persian = hits(found)
    if foreign > _FOREIGN_SHARE * letters and foreign >= max(1, max(arabic, persian) / 3):
        return Language.UNSUPPORTED
    if min(arabic, persian) >= _MIXED_WORDS and min(arabic, persian) >= _MIXED_SHARE * (arabic + persian):
        return Language.MIXED
    plain = skeleton(text)
    evidence = lean(plain.replace("آ", "ا")) if "آ" in plain else lean(plain, (arabic, persian))
    return Language.PERSIAN if evidence + _keyboard(text) > 0 else Language.ARABIC


def _keyboard(text: str) -> float:
    """What the keys say beyond the skeleton, as weak evidence: many write one language on the other's keyboard."""
    persian = ("ی" in text) + ("ک" in text) + 2 * ("\u200c" in text)
    arabic = ("ي" in text) + ("ك" in text) + ("ى" in text) + 2 * ("أ" in text or "إ" in text)
    return 2.5 * (persian - arabic)


def _english(latin_words: list[str]) -> int:
    return sum(map(ENGLISH.__contains__, latin_words))


def _of_latin(text: str, latin_words: list[str]) -> Language:
    lowered = [word.lower() for word in latin_words]
    english = _english(lowered)
    arabizi = _score(lowered, ARABIZI, ARABIZI_WEAK) + 1.5 * sum(map(_is_arabizi_digit, latin_words))
    finglish = _score(lowered, FINGLISH, FINGLISH_WEAK)
    best = max(arabizi, finglish)
    if best >= max(1.0, _LATINISED_SHARE * len(lowered)) and best > english:
        return Language.ARABIZI if arabizi >= finglish else Language.FINGLISH
    return Language.ENGLISH if english >= max(2.0, _ENGLISH_SHARE * len(lowered)) else _by_model(text)


def _score(latin_words: list[str], strong: frozenset[str], weak: frozenset[str]) -> float:
    """Weak words also exist in a European language: they count only beside a strong one."""
    certain = sum(map(strong.__contains__, latin_words))
    return certain + 0.5 * sum(map(weak.__contains__, latin_words)) if certain else 0.0


def _is_arabizi_digit(word: str) -> bool:
    """Whether a digit stands for an Arabic letter, as in 3ayez, 7abibi or ra8m; codes in capitals and units are not."""
    if word.isalpha() or not word[1:].islower():
        return False
    return bool(_DIGIT_LETTER.fullmatch(word)) and not _ENGLISH_DIGIT.fullmatch(word)


def _by_model(text: str) -> Language:
    language, probability = _identifier().classify(text[:_MODEL_CHARACTERS].encode("utf-8", "ignore").decode())
    ours = language in {"en", "ar", "fa"} or probability < _OTHER_CERTAIN
    return Language.ENGLISH if ours else Language.UNSUPPORTED
