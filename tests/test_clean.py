from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.clean import clean

GMAIL_AR = "في الأحد، ٣ مارس ٢٠٢٤ في ١٠:٠٠ ص تمت كتابة ما يلي بواسطة " + (
    "\u202aدعم نور\u202c\u200f <\u202ahelp@example.com\u202c\u200f>:"
)
GMAIL_FA = "در تاریخ یکشنبه ۳ مارس ۲۰۲۴،\u200f ۱۰:۰۰ پشتیبانی <help@example.com> نوشت:"
GMAIL_EN = "On Sun, Mar 3, 2024 at 10:00 AM Nour Support <help@example.com> wrote:"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"لا، المشكلة باقية\n\n{GMAIL_AR}\n\n> هل تم الحل؟\n> فريق الدعم", "لا، المشكلة باقية"),
        (f"مو شغال الى الحين\n{GMAIL_AR}\nهل تم الحل؟\nفريق الدعم", "مو شغال الى الحين"),
        ("لسه ما وصلش\nفي ٣ مارس ٢٠٢٤، الساعة ١٠:٠٠ ص، كتب دعم نور:\n\nأهلا بك", "لسه ما وصلش"),
        ("وين طلبي\nفي يوم الأحد 3/3/2024، كتب help@example.com:\nأهلا", "وين طلبي"),
        ("ما وصلني شي\nكتب دعم نور <help@example.com> في 3/3/2024:\nأهلا", "ما وصلني شي"),
        (f"هنوز درست نشده\n\n{GMAIL_FA}\n> سلام\n> مشکل حل شد؟", "هنوز درست نشده"),
        ("نه حل نشد\nدر ۳ مارس ۲۰۲۴، ساعت ۱۰:۰۰، پشتیبانی نوشته است:\nسلام", "نه حل نشد"),
        (f"Still broken\n\n{GMAIL_EN}\n> Is it solved?\n> Support", "Still broken"),
        (f"Still broken\n\n{GMAIL_EN[:50]}\n{GMAIL_EN[51:]}\nIs it solved?", "Still broken"),
        ("no\n2024-03-03 10:00 GMT+03:00 Nour <help@example.com>:\nsolved?", "no"),
        ("نعم\n-----الرسالة الأصلية-----\nمن: الدعم\nتاريخ الإرسال: الأحد\nإلى: سارة\nالموضوع: رد\n\nنص", "نعم"),
        ("بله\n-----پیام اصلی-----\nاز: پشتیبانی\nارسال شده: دوشنبه\nبه: رضا\nموضوع: پاسخ\n\nمتن", "بله"),
        ("Yes\n-----Original Message-----\nFrom: Nour\nSent: Monday\nTo: Sara\nSubject: Re\n\nold", "Yes"),
        ("Yes\n________________________________\nFrom: Nour <h@example.com>\nSent: Mon\nTo: S\nSubject: x\nold", "Yes"),
        ("اكيد\nمن: دعم <h@example.com>\nتاريخ الإرسال: الأحد\nإلى: سارة\nالموضوع: رد\nقديم", "اكيد"),
        ("باشه\nاز: پشتیبانی <h@example.com>\nارسال شده: دوشنبه\nبه: رضا\nموضوع: پاسخ\nقدیمی", "باشه"),
        ("ok\n---------- Forwarded message ---------\nFrom: a@example.com\nold", "ok"),
        ("> هل جربت؟\nنعم ولم ينفع\n> متى؟\nأمس", "نعم ولم ينفع\nأمس"),
        (f"{GMAIL_EN}\n> first?\nanswer one\n> second?\nanswer two", "answer one\nanswer two"),
    ],
)
def test_cuts_quoted_mail(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("التطبيق يعلق\n\nأُرسلت من الـ iPhone", "التطبيق يعلق"),
        ("التطبيق يعلق\nمرسل من هاتفي", "التطبيق يعلق"),
        ("برنامه باز نمی‌شود\nارسال شده از آیفون من", "برنامه باز نمی‌شود"),
        ("برنامه باز نمی‌شود\n\nارسال شده از گوشی من", "برنامه باز نمی‌شود"),
        ("The app hangs\n\nSent from my iPhone", "The app hangs"),
        ("The app hangs\nGet Outlook for iOS", "The app hangs"),
        ("The app hangs\n-- \nSara Ahmad\nAcme Trading", "The app hangs"),
        ("أريد الفاتورة\n\nمع التحية\nسارة أحمد", "أريد الفاتورة"),
        (
            "أريد الفاتورة\nوتفضلوا بقبول فائق الاحترام،\nسارة أحمد\nمديرة شركة النخيل\nجوال: 0501234567",
            "أريد الفاتورة",
        ),
        ("فاکتور می‌خواهم\n\nبا احترام\nرضا محمدی\nکارشناس خرید\n۰۹۱۲۳۴۵۶۷۸۹", "فاکتور می‌خواهم"),
        ("فاکتور می‌خواهم\nبا تشکر\nرضا محمدی\nشرکت نخل", "فاکتور می‌خواهم\nبا تشکر"),
        ("I need the invoice\n\nBest regards,\nSara Ahmad\nSales Manager\n+1 212 736 5000", "I need the invoice"),
        ("I need the invoice\nKind regards, Sara", "I need the invoice"),
        ("I need the invoice\nThanks,\nSara", "I need the invoice\nThanks,"),
        (
            "Where is it?\n\nThis e-mail and any attachments are confidential and intended for you.\nDelete it.",
            "Where is it?",
        ),
        ("وين الطلب؟\n\nهذه الرسالة ومرفقاتها سرية وموجهة للمرسل إليه فقط.", "وين الطلب؟"),
        ("سفارش کجاست؟\n\nاین ایمیل محرمانه است و فقط برای گیرنده است.", "سفارش کجاست؟"),
    ],
)
def test_cuts_signatures(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "با تشکر",
        "Thanks!",
        "مع التحية",
        "thanks\ngreat service",
        "شكرا\nخدمة ممتازة",
        "ممنون\nعالی بود",
        "Thanks, but you closed my account\nand I want my money back",
        "Please answer.\nBest regards\nAli\nmy card is still blocked",
        "مع التحية\nعلي\n\nبس بطاقتي لسه موقوفة",
        "با احترام\nلطفا پولم را برگردانید",
        "I called your agent and he wrote:\nwe do not refund\nIs that so?",
        "On Monday your agent wrote:\nno refund\nbut I have a receipt",
        "الموظف كتب لي:\nما في استرجاع\nهل هذا صحيح؟",
        "کارشناس شما نوشت:\nنمی‌شود\nچرا؟",
        "From: Riyadh\nTo: Jeddah\nDate: 3 March\nchange my flight please",
        "من: الرياض\nإلى: جدة\nالتاريخ: ٣ مارس\nابي اغير الحجز",
        "از: تهران\nبه: مشهد\nتاریخ: ۳ فروردین\nبلیطم را عوض کنید",
        "My list:\n- no refund\n- no answer\n- no app",
        "First problem\n---\nSecond problem: my order is late",
        ">:( this is bad\nreally bad",
        "> 5 days and no answer\nwhy?",
        "I <3 your app, a < b and b > c",
        "write to <smith@example.com>",
        "the <b> tag does not work",
        "https://example.com/?a=1&copy=2",
        "AT&T; rocks & rolls",
        "لا تعمل 😡😡 €50 ﷼ $3 ¥ ₺ لم أستلم، ليس عدلا",
        "نمی‌خواهم 💔 ۵۰ تومان، هیچ‌وقت نه",
        "not happy :( but ok ;)",
        "sent from my account 500 riyal to a wrong one\nplease help",
        "السلام عليكم\nهذه الرسالة الثالثة ولم يرد أحد، أرجو حل سريع للمشكلة",
        "سلام\nاین پیام را دوباره می‌فرستم چون پول به حساب گیرنده نرسیده",
        "سلام\nارسال از دستگاه خودپرداز انجام نشد\nپولم کجاست؟",
        "hello\nsent from my phone but nobody answered\nwhy?",
        "سلام\nدر تاریخ ۱۴۰۳/۰۵/۱۲ ساعت ۱۰:۳۰ پشتیبان شما برای من نوشت:\nپول برنمی‌گردد\nولی من رسید دارم",
        "مرحبا\nبتاريخ 3/3/2024 الساعة 10:30 كتب لي الموظف:\nما في استرجاع\nوعندي الإيصال",
        "first paragraph\n\nsecond paragraph",
    ],
)
def test_keeps_what_the_customer_wrote(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "-----Original Message-----\nFrom: A <a@example.com>\nTo: b\nSubject: c\n\nmy card is blocked",
            "my card is blocked",
        ),
        ("---------- رسالة معاد توجيهها ---------\nمن: سارة\nالموضوع: شكوى\n\nبطاقتي موقوفة", "بطاقتي موقوفة"),
        ("---------- پیام هدایت شده ---------\nاز: رضا\nموضوع: شکایت\n\nکارتم مسدود شد", "کارتم مسدود شد"),
        ("> my card\n> is blocked", "my card\nis blocked"),
    ],
)
def test_a_forward_with_nothing_on_top_keeps_its_body(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>سلام</p><p>کارتم <b>مسدود</b> شد</p>", "سلام\n\nکارتم مسدود شد"),
        ("مرحبا<br>الطلب ما وصل<br/>وينه؟", "مرحبا\nالطلب ما وصل\nوينه؟"),
        ("line one\nline <b>two</b>\nline three", "line one\nline two\nline three"),
        (
            "<html><head><style>p{}</style><title>t</title></head><body><script>x()</script><p>Hi</p></body></html>",
            "Hi",
        ),
        ('<div style="display:none">preheader</div><div>Hi</div><div hidden>no</div>', "Hi"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ('<p>great <img alt="😀" src="x"><img alt="logo" src="y"></p>', "great 😀"),
        ("<p>5 &lt; 6 &amp; &euro;3&nbsp;&#1587;</p>", "5 < 6 & €3 س"),
        ("<div>it broke, <me@example.com> <3</div>", "it broke, <me@example.com> <3"),
        ("Tom &amp; Sara&#39;s &#1587;&#1604;&#1575;&#1605;&nbsp;", "Tom & Sara's سلام"),
        ("a&nbsp;&nbsp;b \u00a0 c\t\td", "a b c d"),
        ("a  \r\n\r\n\r\n\r\nb", "a\n\nb"),
        (
            '<div dir="rtl">لسه ما وصل</div><br><div class="gmail_quote"><div dir="rtl" class="gmail_attr">'
            + GMAIL_AR.replace("<", "&lt;").replace(">", "&gt;")
            + '<br></div><blockquote class="gmail_quote"><div>قديم</div></blockquote></div>',
            "لسه ما وصل",
        ),
        (
            '<div class="gmail_quote"><div class="gmail_attr">On Mon, 3 Mar 2024 at 10:00, '
            "N &lt;h@example.com&gt; wrote:</div>"
            "<blockquote>first?</blockquote><div>answer one</div>"
            "<blockquote>second?</blockquote><div>answer two</div></div>",
            "answer one\nanswer two",
        ),
        ('<div>بله</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg">از: x</div><div>قدیمی</div>', "بله"),
        (
            '<p>Yes</p><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt">'
            "<p>Von: x</p></div>"
            "<p>old</p>",
            "Yes",
        ),
        ('<div>no</div><div class="yahoo_quoted"><div>Le lundi x a écrit :</div><div>old</div></div>', "no"),
        ('<div>Help</div><div class="gmail_signature">Sara<br>Acme</div>', "Help"),
        ('<div class="gmail_signature">Sara</div>', "Sara"),
        ("<blockquote>only a quote</blockquote>", "only a quote"),
        ('<div id="divRplyFwdMsg">From: x</div><div>forwarded words</div>', "forwarded words"),
    ],
)
def test_markup_becomes_text(text: str, expected: str) -> None:
    assert clean(text) == expected


MAIL = st.lists(
    st.sampled_from(
        [
            "my card",
            "بطاقتي",
            "کارتم",
            "\n",
            "\n\n",
            "> ",
            ">",
            "-- ",
            "--",
            "Best regards",
            "با احترام",
            "مع التحية",
            "Ali",
            GMAIL_EN,
            GMAIL_AR,
            GMAIL_FA,
            "-----Original Message-----",
            "From: a@example.com",
            "To: b",
            "Subject: c",
            "Sent: d",
            "<p>",
            "</p>",
            "<br>",
            "<blockquote>",
            "</blockquote>",
            '<div class="gmail_signature">',
            "</div>",
            "<pre>",
            "</pre>",
            "&lt;",
            "&amp;",
            "amp;",
            "lt;",
            "&#38;",
            "&#108;",
            "&nbsp;",
            "<",
            "Sent from my iPhone",
            "Thanks,",
            "\r",
            "\u2028",
        ]
    ),
    max_size=14,
).map("".join)


@settings(max_examples=400, deadline=None)
@given(st.one_of(MAIL, st.text(), st.text(alphabet="<>/pbr &;#amlt\n-:@", max_size=40)))
def test_is_idempotent_and_total(text: str) -> None:
    once = clean(text)
    assert clean(once) == once


def test_lone_surrogates_do_no_harm() -> None:
    assert clean("<p>a\ud800b</p>") == "ab"
    assert clean("a\ud800b") == "a\ud800b"


def test_entities_that_never_come_to_rest_leave_the_text_as_it_came() -> None:
    text = "&#38;#38;lt;" + "&#38" * 3 + "&#59;" * 40
    assert clean(clean(text)) == clean(text)


MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "piece",
    [
        "<div>",
        "<div a=1>x",
        "<a><div>",
        "<font color=1><p>",
        "<blockquote>",
        "<",
        "<p ",
        "&amp;",
        "&",
        ">",
        "On ",
        "-----",
        "كتب ",
        " ",
        "نوشت ",
        "sent from my ",
        "this email ",
    ],
)
def test_a_hostile_megabyte_takes_no_more_than_seconds(piece: str) -> None:
    started = time.perf_counter()
    clean(piece * (MEGABYTE // len(piece)))
    assert time.perf_counter() - started < 8


@pytest.mark.parametrize("line", ["> x", "From: a@b", "On x wrote:", "--", "Best regards", "", "كتب علي:", "<p>x</p>"])
def test_many_lines_take_linear_time(line: str) -> None:
    def seconds(count: int) -> float:
        text = f"{line}\n" * count
        started = time.perf_counter()
        clean(text)
        return time.perf_counter() - started

    clean("a\nb")
    assert seconds(10_000) < 25 * max(seconds(1_000), 0.01)
