from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.privacy import Masked, mask
from pipeline.privacy.identifiers import IBAN_LENGTH, is_card, is_iban, is_iranian_id, is_national_id, is_phone

PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


def luhn_digit(body: str) -> str:
    """Luhn's check digit by the textbook, to make synthetic numbers without the code under test."""
    total = 0
    for place, char in enumerate(reversed(body)):
        doubled = int(char) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def iban(country: str, account: str) -> str:
    moved = "".join(str(int(char, 36)) for char in account + country + "00")
    return f"{country}{98 - int(moved) % 97:02d}{account}"


MELLI = "603799" + "123456789" + luhn_digit("603799123456789")
MADA = "588845" + "000000123" + luhn_digit("588845000000123")
AMEX = "37828224631000" + luhn_digit("37828224631000")
VISA = "4111111111111111"
SAUDI_ID = "104567891" + luhn_digit("104567891")
IQAMA = "224567891" + luhn_digit("224567891")
IRANIAN_ID = "0084575948"
EGYPTIAN_ID = "29901012112345"
EMIRATI_ID = "78419901234567" + luhn_digit("78419901234567")
IR = iban("IR", "0170000000123456789012")
SA = iban("SA", "80000000608010167519")
AE = iban("AE", "0331234567890123456")
GB = "GB82WEST12345698765432"


def fours(value: str, gap: str = " ") -> str:
    return gap.join(value[start : start + 4] for start in range(0, len(value), 4))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"شماره کارتم {MELLI} است", "شماره کارتم [card] است"),
        (f"پول به کارت {fours(MELLI, '-').translate(PERSIAN)} نرفت", "پول به کارت [card] نرفت"),
        (
            f"انسحب المبلغ مرتين من بطاقة مدى {fours(MADA).translate(ARABIC)}.",
            "انسحب المبلغ مرتين من بطاقة مدى [card].",
        ),
        (f"my card {fours(VISA)} is blocked", "my card [card] is blocked"),
        (f"amex {AMEX[:4]} {AMEX[4:10]} {AMEX[10:]} declined", "amex [card] declined"),
        (f"card \u200e{VISA[:8]}\u200f{VISA[8:]}\u200e", "card [card]\u200e"),
        (f"card {VISA.translate(WIDE)}", "card [card]"),
        (f"order number {VISA}", "order number [card]"),
        (f"حولولي على {SA} الله يعافيكم", "حولولي على [iban] الله يعافيكم"),
        (f"الآيبان {fours(SA)} باسمي", "الآيبان [iban] باسمي"),
        (f"شبا: {IR}", "شبا: [iban]"),
        (f"شبا {fours(IR).translate(PERSIAN)} لطفا واریز کنید", "شبا [iban] لطفا واریز کنید"),
        (f"شبای من {IR[2:]}", "شبای من [iban]"),
        (f"iban {AE.lower()} and {fours(GB)} please", "iban [iban] and [iban] please"),
        (f"کد ملی من {IRANIAN_ID.translate(PERSIAN)}", "کد ملی من [national_id]"),
        ("کد ملی 008-457594-8", "کد ملی [national_id]"),
        (
            f"رقم الهوية {SAUDI_ID} والإقامة {IQAMA.translate(ARABIC)}",
            "رقم الهوية [national_id] والإقامة [national_id]",
        ),
        (f"رقمي القومي {EGYPTIAN_ID.translate(ARABIC)}", "رقمي القومي [national_id]"),
        (f"طلبتوا الرقم القومي {EGYPTIAN_ID}", "طلبتوا الرقم القومي [national_id]"),
        (f"هويتي 784-1990-1234567-{EMIRATI_ID[-1]} شكرا", "هويتي [national_id] شكرا"),
        (f"my Emirates ID is {EMIRATI_ID}", "my Emirates ID is [national_id]"),
        ("با 0912.345.6789 تماس بگیرید", "با [phone] تماس بگیرید"),
        ("شماره‌ام ۰۹۱۲.۳۴۵.۶۷۸۹", "شماره‌ام [phone]"),
        ("رقمي ٠٥٠.١٢٣.٤٥٦٧ واتس", "رقمي [phone] واتس"),
        ("كلموني +212.6.12.34.56.78 او 06.12.34.56.78.", "كلموني [phone] او [phone]."),
        ("call +44.20.7946.0958", "call [phone]"),
        ("كلموني على 0501234567 ضروري", "كلموني على [phone] ضروري"),
        ("كلمني ع الواتس ٠٥٥١٢٣٤٥٦٧", "كلمني ع الواتس [phone]"),
        ("رقمي +966 50 123 4567 او 00966551234567", "رقمي [phone] او [phone]"),
        ("اتصلوا عليا 01012345678 يا جماعة", "اتصلوا عليا [phone] يا جماعة"),
        ("عيطولي على +212 612-345678", "عيطولي على [phone]"),
        ("دقولي ع 00963944567890", "دقولي ع [phone]"),
        ("جوالي ٥٠١٢٣٤٥٦٧", "جوالي [phone]"),
        ("با ۰۹۱۲ ۳۴۵ ۶۷۸۹ تماس بگیرید", "با [phone] تماس بگیرید"),
        ("شماره من ۰۹۱۲\u200c۳۴۵\u200c۶۷۸۹", "شماره من [phone]"),
        ("تلفن ثابت 021-88776655", "تلفن ثابت [phone]"),
        ("+98 912 345 6789 یا 00989123456789", "[phone] یا [phone]"),
        ("سفارشم نرسید، 09123456789", "سفارشم نرسید، [phone]"),
        ("call (212) 736-5000 or 212.736.5000", "call [phone] or [phone]"),
        ("reach me (0501234567)", "reach me ([phone])"),
        ("my number is (+971) 50 123 4567", "my number is [phone]"),
        ("call me 9876543210", "call me [phone]"),
        ("new mobile: 22334455", "new mobile: [phone]"),
        ("ایمیلم sara.r+shop@example.co.ir هست", "ایمیلم [email] هست"),
        ("إيميلي:ali_99@example.com، شكرا", "إيميلي:[email]، شكرا"),
        ("<a.b@example.com>", "<[email]>"),
        ("09123456789/09351234567", "[phone]/[phone]"),
        ("٠٥٠١٢٣٤٥٦٧،٠٥٥١٢٣٤٥٦٧", "[phone]،[phone]"),
        (f"{VISA}/123", "[card]/123"),
        ("سفارشم نرسید، ۰۹۱۲ ۳۴۵ ۶۷۸۹", "سفارشم نرسید، [phone]"),
        ("رقم الطلب ضاع، جوالي 050 123 4567", "رقم الطلب ضاع، جوالي [phone]"),
        ("order missing, write to 00966 50 123 4567", "order missing, write to [phone]"),
        ("+971 4 398 4567 or +20 2 2794 1234", "[phone] or [phone]"),
        ("برای پیگیری، کد ملی من ۰۰۸۴۵۷۵۹۴۸ است", "برای پیگیری، کد ملی من [national_id] است"),
        (f"طلبتوا مني رقم الهوية {SAUDI_ID}", "طلبتوا مني رقم الهوية [national_id]"),
        ("پیگیری با تلفن ۰۲۱۸۸۷۷۶۶۵۵", "پیگیری با تلفن [phone]"),
        (f"for my order they want the iqama: {IQAMA}", "for my order they want the iqama: [national_id]"),
        ("05-06-2024 or 0501234567", "05-06-2024 or [phone]"),
    ],
)
def test_masks(text: str, expected: str) -> None:
    assert mask(text).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "متى يوصل طلبي؟",
        "سفارش من کجاست؟ 😡",
        "thanks @nabd, great app :)",
        "order 1234567890 has not arrived",
        "رقم الطلب 1045678911 لم يصل",
        f"order no. {SAUDI_ID}",
        "the order I made by phone, number 1045678911",
        "سفارش تلفنی ۱۰۴۵۶۷۸۹۱۱",
        f"رقم الطلب: {IQAMA}",
        f"شماره سفارش {IRANIAN_ID}",
        "کد رهگیری ۲۰۷۷۱۴۴۹۰۱۲۳ چرا آپدیت نمی‌شود",
        "کد پیگیری پرداخت 123456789012",
        "tracking number 940011189956",
        "tracking RA123456785SA",
        "#123456 and #1045678911",
        "ticket 00123456",
        "المبلغ 1,250,000 ريال",
        "1,250,000 تومان کم شد",
        "۱٬۲۵۰٬۰۰۰ تومان",
        "خصمتم 1045678911 ريال",
        "مبلغ 9123456789 ریال",
        "$1250000.50 was taken",
        "on 2024-03-03 10:30:15",
        "٢٠٢٤/٠٣/٠٣ الساعة ١٠:٣٠",
        "۱۴۰۳/۰۵/۱۲ ساعت ۱۲:۳۰",
        "03-03-2024 05:30",
        "05-06-2024 - 07-06-2024",
        "حجزي من 05-06-2024 10 الصبح",
        "رزروم ۰۵-۰۶-۱۴۰۳ ۱۰ صبح",
        "my IP is 192.168.1.100, version 10.15.7.1234",
        "since 2019 - 2024 I paid 99 a month, 12 times",
        "من 2019 الى 2024 وانا معاكم 24/7",
        "https://example.com/orders/1045678911",
        "4111 1111 1111 1112",
        "the years 2019 2020 2021 2022 2023 2024",
        "call me in 10 minutes, 3 or 4 times",
        "a 19-digit id 1234567890123456789",
        f"order {EGYPTIAN_ID}",
        f"رقم الطلب {EGYPTIAN_ID}",
        "order 29901012112345 and 29913012112345",
        f"784-1990-1234567-{(int(EMIRATI_ID[-1]) + 1) % 10}",
        "version 01.02.2024.10, part 02.03.2024 of 06.12.34",
        "10.0.12.345, 012.345.678.901",
        "invoice 02.2794.1234",
        "مبلغ 0.125.000.000 ریال",
    ],
)
def test_leaves_alone(text: str) -> None:
    assert mask(text) == Masked(text, ())


def test_kinds_are_sorted_and_unique() -> None:
    found = mask(f"0501234567 0551234567 a@example.com {VISA} {SA} {IRANIAN_ID}")
    assert found.kinds == ("card", "email", "iban", "national_id", "phone")


def test_checksums_tell_right_from_wrong() -> None:
    for card in (MELLI, MADA, AMEX, VISA):
        assert is_card(card)
        assert not is_card(card[:-1] + str((int(card[-1]) + 1) % 10))
    for number in (IR, SA, AE, GB):
        assert is_iban(number)
        assert not is_iban(number[:-1] + str((int(number[-1]) + 1) % 10))
    assert not is_iban(SA[:-1])
    assert is_iranian_id(IRANIAN_ID)
    assert not is_iranian_id("0084575949")
    assert not is_iranian_id("1111111111")
    assert is_national_id(SAUDI_ID)
    assert is_phone("966501234567", international=True)
    assert not is_phone("966501", international=True)
    assert IBAN_LENGTH["IR"] == 26


AWKWARD = st.text(alphabet="0159۰۵٠٥+()- .,:#@/\u200c\u200eaIRSA تلفطب]\n", max_size=60)
PIECES = st.lists(
    st.sampled_from(
        [
            MELLI,
            VISA,
            IR,
            SA,
            fours(SA),
            IRANIAN_ID,
            SAUDI_ID,
            "0501234567",
            "09123456789",
            "+966",
            " ",
            "-",
            "(",
            ")",
            "order ",
            "هاتف ",
            "a@example.com",
            "#",
            "12",
            "ريال",
            "212-736-5000",
            "[card]",
            "۱۲۳۴",
        ]
    ),
    max_size=10,
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(AWKWARD, PIECES.map("".join), st.text()))
def test_is_idempotent_and_total(text: str) -> None:
    once = mask(text)
    assert mask(once.text).text == once.text
    assert list(once.kinds) == sorted(set(once.kinds))


@pytest.mark.parametrize("piece", ["1", "1 ", "0501234567", "@", "a@", "a.", "+1", "(", "a@b.", "SA", "1\u200c", "-1"])
def test_long_input_takes_linear_time(piece: str) -> None:
    def seconds(size: int) -> float:
        text = (piece * size)[:size]
        started = time.perf_counter()
        mask(text)
        return time.perf_counter() - started

    mask("+966501234567")
    assert seconds(200_000) < 20 * max(seconds(20_000), 0.02)
