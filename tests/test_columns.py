"""Roles by flag, by name in three languages, by content."""

from __future__ import annotations

import pytest

from pipeline.columns import find_roles
from pipeline.columns.names import fold
from pipeline.errors import ColumnError
from pipeline.records import Row

MESSAGES = [
    "وصلني المنتج مكسور وأبغى استبداله لو سمحتم",
    "پول از حسابم کم شد ولی سفارش ثبت نشد",
    "The app logs me out every single time I open it",
]


def sample(**columns: list[object]) -> list[Row]:
    length = len(next(iter(columns.values())))
    return [Row(place + 1, {name: values[place] for name, values in columns.items()}) for place in range(length)]


def named(*columns: str) -> list[Row]:
    return [Row(1, {name: MESSAGES[0] if place == 0 else "1" for place, name in enumerate(columns)})]


@pytest.mark.parametrize(
    ("text", "customer", "time", "id", "channel", "subject"),
    [
        ("message", "customer_id", "created_at", "ticket_id", "channel", "subject"),
        ("Description", "Requester", "Created At", "Ticket ID", "Via", "Title"),
        ("commentBody", "userId", "sentAt", "caseNumber", "Channel", "Summary"),
        ("الرسالة", "العميل", "التاريخ", "رقم التذكرة", "القناة", "الموضوع"),
        ("نص_الرساله", "رقم العميل", "تاريخ الإنشاء", "المعرف", "قناة التواصل", "عنوان الرسالة"),
        ("متن پیام", "مشتری", "تاریخ", "شماره تیکت", "کانال", "موضوع"),
        ("متن‌ پيام", "كد مشتري", "تاريخ ثبت", "شماره پیگیری", "کانال ورودی", "عنوان تیکت"),
    ],
)
def test_names_in_three_languages(text: str, customer: str, time: str, id: str, channel: str, subject: str) -> None:
    columns = (text, id, customer, time, channel, subject)
    roles = find_roles(columns, named(*columns))
    assert (roles.text, roles.customer, roles.time) == (text, customer, time)
    assert (roles.id, roles.channel, roles.subject) == (id, channel, subject)
    assert set(roles.how.values()) == {"by name"}


def test_names_within_longer_names() -> None:
    columns = ("Ticket Description (customer)", "Customer type", "date of birth range")
    roles = find_roles(columns, named(*columns))
    assert roles.text == "Ticket Description (customer)"
    assert roles.customer is None
    assert roles.time is None


def test_text_by_content() -> None:
    rows = sample(
        a=["x1", "x2", "x3"], b=MESSAGES, c=["open", "open", "shut"], d=["2026-01-05", "2026-01-06", "2026-01-07"]
    )
    roles = find_roles(("a", "b", "c", "d"), rows)
    assert (roles.text, roles.time) == ("b", "d")
    assert roles.how == {"text": "by content", "time": "by content"}


def test_customer_and_hijri_time_by_content() -> None:
    rows = sample(
        m=MESSAGES, who=["a@b.example", "C <c@d.example>", "e@f.example"], w=["۱۴۰۴/۱۰/۱۵", "۱۴۰۴/۱۰/۱۶", "۱۴۰۴/۱۰/۱۷"]
    )
    roles = find_roles(("m", "who", "w"), rows)
    assert (roles.customer, roles.time) == ("who", "w")


def test_a_text_name_over_numbers_is_not_trusted() -> None:
    roles = find_roles(("message", "b"), sample(message=["17", "18", "19"], b=MESSAGES))
    assert roles.text == "b"


@pytest.mark.parametrize("name", ["label", "topic", "split", "category", "Labels", "التصنيف", "برچسب"])
def test_labels_are_never_text(name: str) -> None:
    with pytest.raises(ColumnError):
        find_roles((name,), sample(**{name: MESSAGES}))
    assert find_roles((name, "x"), sample(**{name: MESSAGES, "x": MESSAGES})).text == "x"


def test_gold_columns() -> None:
    columns = ("id", "source", "source_id", "lang", "text", "category", "topic", "split", "train_ok")
    row = {"id": "s1", "source": "set", "source_id": "set-1", "lang": "ar", "text": MESSAGES[0], "train_ok": True}
    roles = find_roles(columns, [Row(1, row)])
    assert (roles.text, roles.id, roles.customer, roles.time, roles.channel) == ("text", "id", None, None, None)


def test_source_is_a_channel_only_when_it_names_channels() -> None:
    rows = sample(text=MESSAGES, source=["Email", "WhatsApp", "Portal"])
    assert find_roles(("text", "source"), rows).channel == "source"


def test_equally_good_columns_are_told() -> None:
    rows = sample(question=MESSAGES, zz=MESSAGES, xx=MESSAGES)
    assert find_roles(("zz", "xx"), rows).how["text"] == "by content; 'xx' would do as well"
    rows = sample(message=MESSAGES, description=MESSAGES)
    roles = find_roles(("description", "message"), rows)
    assert roles.text == "message"
    assert roles.how["text"] == "by name; 'description' would do as well"


def test_flags_win() -> None:
    rows = sample(message=MESSAGES, other=MESSAGES, n=["1", "2", "3"])
    roles = find_roles(("message", "other", "n"), rows, text="Other", customer="n", time="message", id="n")
    assert (roles.text, roles.customer, roles.time, roles.id) == ("other", "n", "message", "n")
    assert set(roles.how.values()) == {"named"}


def test_no_text_lists_the_columns_and_the_guess() -> None:
    with pytest.raises(ColumnError) as caught:
        find_roles(("id", "state"), sample(id=["1", "2", "3"], state=["مفتوح", "مغلق", "open"]))
    message = str(caught.value)
    assert message == (
        "no column holds messages. The closest is 'state'. The columns are: 'id', 'state'. Name it with --text COLUMN"
    )


def test_a_missing_flag_names_the_nearest() -> None:
    with pytest.raises(ColumnError) as caught:
        find_roles(("message", "customer"), sample(message=MESSAGES, customer=MESSAGES), customer="custmer")
    assert "--customer: there is no column 'custmer'. Did you mean 'customer'?" in str(caught.value)
    with pytest.raises(ColumnError, match="'الرسالة'"):
        find_roles(("الرسالة",), named("الرسالة"), text="الرسائل")


def test_fold_is_one_spelling() -> None:
    assert fold("Message_Body ") == fold("messageBody") == fold("message-body")
    assert fold("متن‌پيام") == fold("متن پیام")
    assert fold("الرِّسالة") == fold("الرساله")


@pytest.mark.parametrize(
    "message",
    [
        "I was charged twice for my plan this month and nobody has answered my two emails about it",
        "خصمتوا مني الفلوس مرتين هذا الشهر ومحد رد علي لا بالواتس ولا بالايميل من يومين",
        "این ماه دو بار از حساب من پول برداشت شده و هیچ کس جواب ایمیل های من را نمی دهد",
    ],
)
def test_a_message_where_the_header_should_be_is_refused_without_being_quoted(message: str) -> None:
    with pytest.raises(ColumnError, match=r"column 2 .* add a header row") as error:
        find_roles(("1", message), ())
    assert message not in str(error.value)
