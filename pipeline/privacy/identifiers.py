"""What a string of digits is: a card, an IBAN, a national id, a phone number or none of these.

Luhn and mod-97 are the `validators` library's, phone numbering plans are `phonenumbers`'.
"""

from __future__ import annotations

import re
from types import MappingProxyType

# SWIFT IBAN registry: country and total length.
_REGISTRY = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 "
    "EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IR26 IS26 IT27 "
    "JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MA28 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 "
    "NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 "
    "TN24 TR26 UA29 VA22 VG24 XK20 YE30 DZ26"
)
IBAN_LENGTH = MappingProxyType({entry[:2]: int(entry[2:]) for entry in _REGISTRY.split()})
# Issuer prefixes with their lengths: Visa, Mastercard, Amex, Discover, JCB, Diners, UnionPay; the Shetab banks of Iran;
# the mada ranges that are outside Visa and Mastercard.
_CARD = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|(?:6011|65\d\d|64[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11}|62\d{14,17}"
    r"|(?:50|56|57|58|59|60|61|62|63|67)\d{14}|(?:207177|170019|991975|9682\d\d|9792\d\d)\d{10}"
)
# Numbers written with a country code but no sign before it: North Africa, the Middle East and Iran.
_UNSIGNED = re.compile(r"(?:98|20|21[2368]|249|96[1-8]|97[0-4])\d{7,10}")
# National numbers are tried in the plans where numbers of that length begin so.
_PLANS = (
    (re.compile(r"0?9\d{9}|0[1-8]\d{9}"), ("IR",)),
    (re.compile(r"05\d{8}|01[1-9]\d{7}"), ("SA", "AE", "DZ", "MA")),
    (re.compile(r"01[0125]\d{8}"), ("EG",)),
    (re.compile(r"0[2-9]\d{7,8}"), ("EG", "AE", "JO", "MA", "DZ", "SY", "IQ", "LB", "LY", "SD", "PS", "YE")),
    (re.compile(r"07\d{8,9}"), ("IQ", "GB", "JO", "MA")),
)
GROUPED_IDS = ([3, 6, 1], [3, 4, 7, 1])  # digits of an Iranian and an Emirati id between dashes
# Century (2: 19.., 3: 20..), birthday, governorate, four of a series and a check digit whose rule is not published.
_EGYPTIAN = re.compile(r"[23]\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:0[1-4]|1[1-9]|2[1-9]|3[1-5]|88)\d{5}")
# The country's number (ISO 3166-1), year of birth, seven at random and Luhn's digit.
_EMIRATI = re.compile(r"784(?:19|20)\d{10}")
_SEPARATED_US = re.compile(r"\(?[2-9]\d\d\)?[\s.-]{1,2}[2-9]\d\d[\s.-]\d{4}")


def is_card(digits: str) -> bool:
    """Whether 13 to 19 digits begin as a known card does and satisfy Luhn."""
    return _CARD.fullmatch(digits) is not None and _luhn(digits)


def is_iban(value: str) -> bool:
    """Whether a value without separators has its country's length and satisfies mod-97."""
    from validators import iban

    value = value.upper()
    return IBAN_LENGTH.get(value[:2]) == len(value) and iban(value) is True


def is_national_id(digits: str) -> bool:
    """Whether digits are a possible id: an Iranian national code or a Saudi national id (1...) or iqama (2...) of 10,
    an Egyptian national number of 14, an Emirates id of 15.

    One number in ten passes each checksum by chance, so callers rule out order numbers by context first.
    """
    if len(digits) == 10:
        return is_iranian_id(digits) or (digits[0] in "12" and _luhn(digits))
    return bool(_EGYPTIAN.fullmatch(digits) or (_EMIRATI.fullmatch(digits) and _luhn(digits)))


def is_iranian_id(digits: str) -> bool:
    """Check digit of the Iranian national code: weights 10 to 2, sum mod 11 (fa.wikipedia.org/wiki/کد_ملی)."""
    if len(digits) != 10 or len(set(digits)) == 1:
        return False
    remainder = sum(int(digit) * weight for digit, weight in zip(digits[:9], range(10, 1, -1), strict=True)) % 11
    return int(digits[9]) == (remainder if remainder < 2 else 11 - remainder)


def is_phone(digits: str, *, international: bool = False) -> bool:
    """Whether ASCII digits are a valid number: with its country code (`+` or `00` before it) or as dialled at home."""
    if international:
        return _valid(f"+{digits}", None)
    if digits.startswith("00"):
        return _valid(f"+{digits[2:]}", None)
    if len(digits) > 10 and _UNSIGNED.fullmatch(digits):
        return _valid(f"+{digits}", None)
    return any(_valid(digits, region) for plan, regions in _PLANS if plan.fullmatch(digits) for region in regions)


def is_us_phone(written: str) -> bool:
    """Whether a number is written as in North America, (212) 555-0123, and valid there."""
    return _SEPARATED_US.fullmatch(written) is not None and _valid(written, "US")


def _luhn(digits: str) -> bool:
    from validators import card_number

    return card_number(digits) is True


def _valid(number: str, region: str | None) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False
