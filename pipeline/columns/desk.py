"""What a desk records beside a message, and what people call those columns in English, Arabic and Persian."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.columns.names import fold, folded

DESK: dict[str, tuple[str, ...]] = {
    "ticket": folded(
        "thread", "thread id", "conversation id", "conversation", "ticket id", "ticket number", "ticket no", "ticket",
        "case id", "case number", "case no", "رقم التذكرة", "معرف التذكرة", "رقم المحادثة", "المحادثة", "رقم البلاغ",
        "شماره تیکت", "شناسه تیکت", "کد تیکت", "شناسه گفتگو", "گفتگو", "تیکت",
    ),
    "direction": folded(
        "direction", "author type", "author role", "sender type", "sender role", "from type", "message direction",
        "الاتجاه", "اتجاه الرسالة", "نوع المرسل", "جهت", "جهت پیام", "نوع فرستنده", "نقش فرستنده",
    ),
    "status": folded(
        "status", "ticket status", "state", "ticket state", "case status", "الحالة", "حالة التذكرة", "وضعیت",
        "وضعیت تیکت",
    ),
    "first_response": folded(
        "first response minutes", "first response time", "first response", "first reply time", "first reply minutes",
        "first reply", "first response at", "first responded at", "frt", "وقت أول رد", "زمن أول رد", "أول رد",
        "زمان اولین پاسخ", "اولین پاسخ",
    ),
    "resolution": folded(
        "resolution minutes", "resolution time", "full resolution time", "time to resolution", "time to resolve",
        "resolved at", "solved at", "closed at", "وقت الحل", "زمن الحل", "تاريخ الحل", "تاريخ الإغلاق", "زمان حل",
        "تاریخ حل", "تاریخ بستن",
    ),
    "csat": folded(
        "csat", "csat score", "satisfaction", "satisfaction rating", "satisfaction score", "customer satisfaction",
        "رضا العميل", "تقييم الرضا", "الرضا", "رضایت", "رضایت مشتری", "امتیاز رضایت",
    ),
    "nps": folded("nps", "nps score", "net promoter score", "صافي نقاط الترويج", "شاخص خالص مروجان"),
    "revenue": folded(
        "revenue", "yearly revenue", "annual revenue", "customer value", "account value", "contract value", "arr",
        "ltv", "clv", "الإيراد", "الإيرادات", "قيمة العميل", "درآمد", "درآمد سالانه", "ارزش مشتری",
    ),
    "stage": folded(
        "stage", "journey stage", "lifecycle stage", "customer stage", "lifecycle", "المرحلة", "مرحلة العميل",
        "مرحله", "مرحله مشتری",
    ),
    "group": folded(
        "group", "assigned group", "group name", "queue", "team", "assigned team", "department", "القسم", "الفريق",
        "المجموعة", "قائمة الانتظار", "بخش", "گروه", "تیم", "صف", "واحد",
    ),
    "left": folded(
        "churned at", "churn date", "churned on", "cancelled at", "canceled at", "cancellation date", "left at",
        "termination date", "تاريخ المغادرة", "تاريخ الإلغاء", "تاریخ ترک", "تاریخ لغو", "تاریخ خروج",
    ),
}  # fmt: skip


def find_desk(columns: Sequence[str], *, named: Mapping[str, str] | None = None) -> dict[str, str]:
    """The column of each role that there is one of; `named` are those that the user gave, and known to exist.

    A role's best name wins, else the column that begins with one of its names: `First reply time (hrs)`.
    """
    found = dict(named or {})
    ours = [column for column in columns if not column.startswith("nabd_")]
    for role, names in DESK.items():
        if role not in found and (column := _best(ours, names)) is not None:
            found[role] = column
    return found


def _best(columns: Sequence[str], names: Sequence[str]) -> str | None:
    spelled = {fold(column): column for column in reversed(columns)}
    exact = next((spelled[name] for name in names if name in spelled), None)
    longer = (spelled[each] for name in names if " " in name for each in spelled if each.startswith(f"{name} "))
    return exact or next(longer, None)
