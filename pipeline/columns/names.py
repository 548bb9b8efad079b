"""What people call their columns, in English, Arabic and Persian, best name first."""

from __future__ import annotations

import re
import unicodedata
from ast import literal_eval
from collections.abc import Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from functools import cache

_FOLDED = str.maketrans("كيىأإآٱةۀؤئ", "کییااااههوی")
_DROPPED = re.compile("[\u0640\u064b-\u065f\u0670\u200d-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_SEPARATORS = re.compile(r"[\W_]+")
_BETWEEN = re.compile("[;|؛]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@cache
def fold(name: str) -> str:
    """One spelling for a name: case, separators, camel case, kaf, yeh, alef and teh marbuta variants, marks."""
    plain = _CAMEL.sub(" ", unicodedata.normalize("NFKC", name)).casefold().replace("\u200c", " ")
    return _SEPARATORS.sub(" ", _DROPPED.sub("", plain).translate(_FOLDED)).strip()


def folded(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fold(name) for name in names))


def labels_in(cell: str) -> tuple[str, ...]:
    """The labels of a cell: the items of a list as JSON or Python writes it, else what `;`, `|` or `؛` divides."""
    parts: Sequence[object] = _BETWEEN.split(cell)
    if is_list(cell):
        with suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            parts = list(literal_eval(cell.strip()))
    return tuple(dict.fromkeys(part for each in parts if (part := " ".join(str(each).split()))))


def is_list(cell: str) -> bool:
    return cell.strip().startswith("[") and cell.strip().endswith("]")


def closest(name: str, known: Mapping[str, str]) -> str | None:
    """Of `known` (folded name -> label) the label whose name is nearest; None when none is near."""
    near = get_close_matches(fold(name), known, n=1, cutoff=0.6)
    return known[near[0]] if near else None


def one_of(name: str, known: Sequence[str]) -> str:
    """For an error: what was expected instead of `name`, and which of `known` is nearest to it."""
    near = closest(name, {fold(each): each for each in known})
    return f"expected one of {', '.join(known)}" + (f"; the closest is {near!r}" if near else "")


NAMES: dict[str, tuple[str, ...]] = {
    "text": folded(
        "text", "message text", "message body", "message", "body text", "body", "customer message", "comment body",
        "ticket body", "content", "plain body", "description text", "description", "ticket description", "comment",
        "comments", "complaint", "complaint text", "feedback", "review text", "review", "review body", "tweet",
        "tweet text", "msg", "question", "query", "utterance", "inquiry", "request text", "details", "notes",
        "verbatim", "نص الرسالة", "الرسالة", "رسالة العميل", "رسالة", "نص التذكرة", "نص الشكوى", "الشكوى", "النص",
        "نص", "محتوى الرسالة", "المحتوى", "وصف المشكلة", "الوصف", "وصف", "نص التعليق", "التعليق", "تعليق",
        "الاستفسار", "الطلب", "التفاصيل", "تفاصيل", "ملاحظات العميل", "الملاحظات", "ملاحظات", "التقييم النصي",
        "رأي العميل", "متن پیام", "پیام مشتری", "پیام", "متن تیکت", "متن", "شرح مشکل", "شرح درخواست", "شرح",
        "توضیحات مشتری", "توضیحات", "توضیح", "متن نظر", "نظر مشتری", "نظر", "نظرات", "دیدگاه", "متن شکایت", "شکایت",
        "بازخورد", "درخواست",
    ),
    "subject": folded(
        "subject", "ticket subject", "email subject", "title", "summary", "headline", "الموضوع", "موضوع الرسالة",
        "عنوان الرسالة", "العنوان", "موضوع", "عنوان", "عنوان تیکت", "موضوع تیکت", "عنوان پیام",
    ),
    "customer": folded(
        "customer id", "customer", "customer email", "client id", "client", "requester id", "requester email",
        "requester", "contact id", "contact email", "contact", "user id", "account id", "email address", "email",
        "e mail", "from", "sender", "author id", "author", "user", "user name", "username", "customer name",
        "account", "phone number", "phone", "mobile", "msisdn", "رقم العميل", "معرف العميل", "كود العميل", "العميل",
        "عميل", "بريد العميل", "البريد الإلكتروني", "البريد", "الإيميل", "مقدم الطلب", "صاحب الطلب", "المرسل",
        "الزبون", "المستخدم", "اسم العميل", "رقم الجوال", "رقم الهاتف", "الجوال", "الهاتف", "شناسه مشتری",
        "کد مشتری", "شماره مشتری", "مشتری", "ایمیل مشتری", "ایمیل", "پست الکترونیک", "فرستنده", "درخواست دهنده",
        "شناسه کاربر", "کاربر", "نام کاربری", "نام مشتری", "شماره موبایل", "موبایل", "شماره تماس", "تلفن",
    ),
    "time": folded(
        "created at", "sent at", "received at", "timestamp", "datetime", "date time", "created time",
        "creation date", "date created", "created on", "created", "submitted at", "submitted on", "time", "date",
        "ticket created", "date sent", "message date", "ticket date", "تاريخ الإنشاء", "وقت الإنشاء",
        "تاريخ الإرسال", "تاريخ الرسالة", "تاريخ الاستلام", "التاريخ والوقت", "التاريخ", "التوقيت", "الوقت", "تاريخ",
        "تاریخ ایجاد", "تاریخ ثبت", "تاریخ ارسال", "تاریخ پیام", "زمان ثبت", "زمان ارسال", "زمان ایجاد",
        "تاریخ و ساعت", "تاریخ", "زمان",
    ),
    "id": folded(
        "id", "message id", "comment id", "ticket id", "ticket number", "ticket no", "ticket", "case id",
        "case number", "case no", "conversation id", "request id", "reference number", "reference", "number",
        "رقم الرسالة", "معرف الرسالة", "رقم التذكرة", "معرف التذكرة", "رقم الطلب", "رقم البلاغ", "رقم الشكوى",
        "رقم المرجع", "المعرف", "معرف", "الرقم", "شناسه پیام", "شماره پیام", "شماره تیکت", "شناسه تیکت", "کد تیکت",
        "شماره درخواست", "کد پیگیری", "شماره پیگیری", "شناسه", "شماره", "تیکت",
    ),
    "channel": folded(
        "channel", "ticket channel", "channel name", "via", "via channel", "contact channel", "medium", "platform",
        "source", "القناة", "قناة التواصل", "قناة", "وسيلة التواصل", "المنصة", "المصدر", "کانال", "کانال ارتباطی",
        "کانال ورودی", "راه ارتباطی", "پلتفرم", "منبع",
    ),
}  # fmt: skip

NEVER_TEXT = frozenset(
    folded(
        "label", "labels", "topic", "split", "category", "sub category", "class", "tag", "tags", "intent", "status",
        "priority", "sentiment", "emotion", "urgency", "churn", "lang", "language", "source", "url", "link",
        "headers", "attachments", "references", "agent", "assignee", "queue", "group", "team", "type", "rating",
        "score", "التصنيف", "الفئة", "الحالة", "الأولوية", "الوسم", "الوسوم", "اللغة", "الموظف", "القسم", "برچسب",
        "دسته", "دسته بندی", "وضعیت", "اولویت", "زبان", "کارشناس", "بخش",
    )
)  # fmt: skip
