"""Signatures, device lines and disclaimers at the end of a message, in English, Arabic and Persian.

A formal closing ("Best regards", "مع التحية", "با احترام") goes with the short tail below it. Thanks are kept, for they
are the customer's; only the name and number under them go.
"""

from __future__ import annotations

import re

from pipeline.clean.folding import fold

MAX_TAIL = 8  # written lines of a signature
MAX_DELIMITED = 12  # the same after the "-- " that mail programs draw
MAX_LINE = 90  # characters of a signature's line
MAX_NAME = 5  # words of a name or a company

_DEVICE = re.compile(
    r"(?:sent from (?:my |the )?(?:[\w-]+ ){0,3}?(?:iphone|ipad|ipod|galaxy|samsung|huawei|xiaomi|android|mobile|phone"
    r"|smartphone|tablet|blackberry|outlook|yahoo mail|gmail|mail)\b([^?!\d]{0,30})\d{0,2}\.?(?: ?<\S{4,80}>)?"
    r"|get outlook for (?:ios|android).{0,80}"
    r"|(?:تم ال)?ا?(?:ارسلت|ارسال|مرسله?|ارسل) (?:هذه الرساله )?(?:من|عبر) (?:ال|جهاز |جهازی |هاتفی |هاتف |تطبیق )?\s?"
    r"(?:iphone|ipad|ایفون|الایفون|ایباد|الایباد|هاتفی|هاتف|جوالی|جوال|الجوال|موبایلی|موبایل|بریدی?|برید|outlook|yahoo"
    r"|samsung|سامسونج|galaxy|huawei|هواوی|android|اندروید)((?: (?!و)\S{1,20}){0,4})"
    r"|(?:ارسال شده|فرستاده شده|ارسال) (?:از|با|توسط) (?:طریق )?"
    r"(?:گوشی|تلفن|موبایل|ایفون|ایپد|iphone|ipad|samsung|سامسونگ"
    r"|outlook|yahoo|جیمیل|اندروید|android|تبلت|دستگاه)(?: من\b)?((?: \S{1,20}){0,4})"
    r"|از (?:گوشی|ایفون|موبایل)(?: \S{1,12}){0,2} (?:ارسال|فرستاده) شد(?:ه(?: است)?)?)"
    r"|(?:دریافت|get) outlook (?:برای|for) \S{2,10}|الحصول علی outlook ل\S{2,10}"
)
_DISCLAIMER = re.compile(
    r"(?:confidentiality notice|disclaimer\s*:|(?:this|the information (?:contained )?in this)"
    r" (?:e-?mail|message|communication)\b.{0,120}\b(?:confidential|privileged|intended)"
    r"|(?:اخلاء(?: ال)?مسوولیه|اخلاء(?: ال)?مسئولیه|تنبیه\s*:\s*هذه الرساله)"
    r"|(?:ان )?(?:هذه الرساله|هذا البرید|محتویات هذه الرساله|المعلومات الوارده فی هذه الرساله)"
    r".{0,120}(?:\bسریه?\b|للمرسل الیه)"
    r"|سلب مسئولیت|(?:این (?:ایمیل|پیام|نامه|رایانامه)|محتویات این (?:ایمیل|پیام)).{0,120}"
    r"(?:محرمانه|\b(?:فقط|تنها|صرفا|مخصوص)\b.{0,20}گیرنده))"
)
_DELIMITER = re.compile(r"(?:--|—|__)|[_\-—]{3,30}")
_FORMAL = re.compile(
    r"(?:(?:with )?(?:my )?(?:best|kind|kindest|warm|warmest) (?:regards|wishes)|regards"
    r"|(?:yours )?(?:sincerely|faithfully)"
    r"|(?:yours|sincerely) (?:truly|yours)|respectfully(?: yours)?|best"
    r"|(?:و?مع )?(?:خالص |اطیب |فائق |ارق )?(?:التحیه|تحیاتی|التحیات|تحیاتنا)(?: (?:والتقدیر|والاحترام|و ?التقدیر))?"
    r"|مع (?:جزیل|خالص|فائق|وافر) (?:التقدیر|الاحترام|التحیه)(?: والاحترام| والتقدیر)?"
    r"|و?تفضلوا(?: ب)?\s?ب?قبول (?:فائق|وافر|خالص|اسمی) (?:الاحترام|التقدیر|التحیات)(?: والتقدیر| والاحترام)?"
    r"|و?تقبلوا (?:فائق|وافر|خالص|اسمی|منی) .{0,30}(?:احترام|تقدیر|تحیات|تحیاتی)ی?"
    r"|(?:با )?(?:کمال |نهایت )?(?:احترام|ارادت)(?: فراوان)?|با (?:احترام|ادب) و (?:تشکر|سپاس|ادب|احترام)"
    r"|ارادتمند(?: شما)?"
    r"|با بهترین ارزوها|با ارزوی (?:موفقیت|بهترین ها))"
)
_GRATEFUL = re.compile(
    r"(?:many thanks|(?:thanks|thank you)(?:,| and|,? &) (?:best |kind |warm )?regards"
    r"|و?لکم (?:جزیل|خالص) الشکر(?: والتقدیر)?|مع (?:جزیل |خالص )?الشکر(?: والتقدیر)?"
    r"|با (?:تشکر|سپاس|قدردانی)(?: فراوان| از شما| و (?:احترام|سپاس|تشکر))?|سپاسگزارم)"
)
_THANKS = re.compile(
    r"(?:thanks(?: again| in advance| so much| a lot)?|thank you(?: very much| so much| in advance)?|cheers"
    r"|و?شکرا(?: جزیلا| لکم| لک| مقدما)*|مشکورین|(?:خیلی )?ممنونم?|متشکرم|تشکر|سپاس)"
)
_SEPARATOR = re.compile(r"\s*[,،.؛\-–—]+\s*|$")
_CONTACT = re.compile(
    r"@|https?://|www\.|(?:\d[\d\s()./+\-]{5,}\d)"
    r"|^(?:tel|phone|mobile|mob|cell|fax|email|e-mail|address|m|t|هاتف|جوال|موبایل|تلفون|فاکس|برید|ایمیل|تلفن|همراه"
    r"|شماره تماس|نشانی|ادرس|عنوان)\s*[.:]"
)
_TITLE = re.compile(
    r"\b(?:manager|director|engineer|officer|assistant|executive|specialist|coordinator|accountant|consultant|analyst"
    r"|department|dept|company|co|corp|ltd|llc|inc|gmbh|group|ceo|cto|cfo|founder|president|head|team"
    r"|مدیر|مدیره|مهندس|مهندسه|رییس|رئیس|شرکه|موسسه|قسم|اداره|محاسب|استاذ|دکتور|منسق|اخصایی|اخصائی"
    r"|شرکت|واحد|کارشناس|معاون|موسس|دکتر|مسئول)\b"
)
_SENTENCE = re.compile(
    r"[?؟!]|\b(?:i|i'?m|i'?ve|my|me|we|our|us|you|your|it|is|are|was|were|not|no|never|please|pls|still|waiting|but|and|to"
    r"|the|this|that|card|account|order|money|refund|help|when|why|how|what|where|asap|urgent|reply|call|ps|p\.s|service|great|good|bad|excellent|worst"
    r"|لا|لم|لن|ما|لیس|مش|مو|ماو|موب|لیش|لیه|وین|فین|متی|کیف|انا|نحن|عندی|لکن|بس|هل|لو|ارجو|الرجاء|یرجی|رجاء|ابی|ابغی|عایز"
    r"|بدی|الی|عن|هذا|هذه|طلبی|الطلب|طلب|حسابی|الحساب|بطاقتی|البطاقه|فلوسی|المبلغ|مشکله|المشکله|ردوا|اتصلوا|انتظر|ضروری|خدمه|خدمتکم|خدمات|ممتاز|ممتازه|سیء|سییه|سیئه|زفت|حلو|روعه"
    r"|نیست|نشده|نشد|شده|شد|است|هست|نمی|می|من|ما|شما|لطفا|هنوز|ولی|اما|چرا|کی|چه|چطور|کجا|را|رو|به|از|که|سفارشم|سفارش"
    r"|حسابم|حساب|کارتم|کارت|پولم|پول|مشکل|منتظر|منتظرم|فوری|پیگیری|عالی|خوب|بد|افتضاح)\b"
)


def unsigned_lines(lines: list[str]) -> list[str]:
    """The lines without device lines, disclaimers and signature; all of them when nothing else would be left."""
    for cut in (_without_devices, _without_disclaimer, _without_delimited, _without_closing):
        shorter = cut(lines)
        if any(shorter):
            lines = shorter
    return lines


def _without_devices(lines: list[str]) -> list[str]:
    return [line for line in lines if not (12 <= len(line) <= 120 and _is_device(fold(line)))]


def _is_device(folded: str) -> bool:
    """Whether a program wrote the line: what it says behind the device is no sentence."""
    match = _DEVICE.fullmatch(folded)
    return match is not None and not any(_SENTENCE.search(words) for words in match.groups() if words)


def _without_disclaimer(lines: list[str]) -> list[str]:
    for number, line in enumerate(lines):
        if number and line and _DISCLAIMER.match(fold(line[:300])):
            return lines[:number] + lines[_paragraph_end(lines, number) :]
    return lines


def _paragraph_end(lines: list[str], start: int) -> int:
    return next((number for number in range(start, len(lines)) if not lines[number]), len(lines))


def _without_delimited(lines: list[str]) -> list[str]:
    start = _find_last(lines, _DELIMITER, most=MAX_DELIMITED)
    if start is None:
        return lines
    tail = [fold(line) for line in lines[start + 1 :] if line]
    drawn = lines[start] == "--" and not any(map(_SENTENCE.search, tail))
    if not drawn and not _looks_signed(tail):
        return lines
    while start > 1 and (not lines[start - 1] or _DELIMITER.fullmatch(lines[start - 1])):
        start -= 1
    return lines[:start]


def _find_last(lines: list[str], pattern: re.Pattern[str], *, most: int) -> int | None:
    """The last line that is all `pattern`, with at most `most` written lines below it."""
    for number in range(len(lines) - 1, 0, -1):
        if pattern.fullmatch(lines[number]):
            return number
        most -= bool(lines[number])
        if most < 0 or len(lines[number]) > MAX_LINE:
            break
    return None


def _without_closing(lines: list[str]) -> list[str]:
    written: list[str] = []  # folded lines below the one looked at, last first
    for number in range(len(lines) - 1, 0, -1):
        if len(lines[number]) > MAX_LINE or len(written) > MAX_TAIL:
            break
        folded = fold(lines[number])
        kept = _kept_of_closing(folded, written[::-1])
        if kept is not None:
            return lines[: number + kept]
        if folded:
            written.append(folded)
    return lines


def _kept_of_closing(line: str, below: list[str]) -> int | None:
    """0 when a closing goes with all below it, 1 when only what is below it goes, None when it is no closing."""
    for pattern in (_FORMAL, _GRATEFUL, _THANKS):
        closing = pattern.match(line)
        separator = _SEPARATOR.match(line, closing.end()) if closing else None
        if separator is None:
            continue
        tail = [line[separator.end() :], *below] if line[separator.end() :] else below
        short = separator[0] != "" and len(" ".join(tail).split()) <= 2
        if not _looks_signed(tail) or (pattern is _THANKS and not short and not any(map(_is_contact, tail))):
            return None
        return 0 if pattern is _FORMAL else 1
    return None


def _looks_signed(tail: list[str]) -> bool:
    """Whether every line is a name, a title or a contact, and more than one line holds at least one of the last two."""
    if len(tail) > MAX_TAIL or any(len(line) > MAX_LINE or _SENTENCE.search(line) for line in tail):
        return False
    formal = [_is_contact(line) for line in tail]
    names = all(sure or len(line.split()) <= MAX_NAME for sure, line in zip(formal, tail, strict=True))
    return names and (len(tail) <= 1 or any(formal))


def _is_contact(line: str) -> bool:
    return (_CONTACT.search(line) or _TITLE.search(line)) is not None
