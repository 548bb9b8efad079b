from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.language import Language, detect

ARABIC = [
    "شكرا",
    "متى سيصل الطلب الذي دفعت ثمنه؟",
    "عايز استرجع فلوسي، التطبيق مش شغال خالص",
    "شو هالخدمة؟ بدي رجع المصاري هلأ",
    "وش السالفة ليش الحساب موقوف",
    "بغيت نبدل الكوموند ديالي واش ممكن",
    "برشا مشاكل في الكونكسيون، علاش هكا",
    "شنو هاي الخدمة، ماكو أحد يجاوب",
    "یا اخی وین الطلب من امس",
    "شکرا لکم علی هذه الخدمة الممتازة",
    "التطبيق iPhone لا يعمل مع Apple Pay",
    "#خدمة_العملاء سيئة جدا",
]
PERSIAN = [
    "سلام",
    "مرسی",
    "سفارش من هنوز نرسیده، لطفا پیگیری کنید",
    "پولم رو پس بدید، اپلیکیشن خیلی کنده",
    "كارتم رو نمي شناسه، چيكار كنم",
    "اين برنامه خيلي بده و وصل نميشه",
    "چرا اینستاگرام و Google Play باز نمیشه",
    "خواهشمند است نسبت به رفع اشکال اقدام فرمایید",
    "می‌خواهم حساب خود را ببندم",
]
ENGLISH = [
    "ok",
    "thanks",
    "Where is my order?",
    "I can't log in and nobody answers",
    "my iphone7 broke",
    "3 days and no reply",
    "B2B account, 2nd invoice, 5GB plan",
    "gr8 service m8",
    "App crashes on iOS17 since the v2 update",
    "error 3DS_AUTH at checkout",
    "flight BA213 was cancelled",
    "the سلام button does nothing when I press it",
]
ARABIZI = [
    "3ayez floosy now",
    "7abibi shukran",
    "ana mesh 3aref a3mel eh",
    "wein talabi? sarlo yomein",
    "kifak, badde sa3de bel 7sab",
    "bghit nbdel l forfait dyali",
    "shlonak akhoy el net ta3ban",
    "leh keda ya gama3a",
]
FINGLISH = [
    "salam khoobi",
    "poolam ro pas bedid",
    "chera javab nemidid",
    "mersi kheili khub bud",
    "lotfan begid sefaresham koja hast",
    "man mikham hesabam ro bebandam",
    "khob nemishe dige",
]
MIXED = [
    "سلام من سفارش دادم ولی نرسید. Please cancel my order and refund the money",
    "The app is not working for me والتطبيق لا يفتح منذ يومين",
    "از این برنامه راضی نیستم که کار نمیکنه. لماذا لا یرد احد علی هذه الرسائل انا انتظر منذ الیوم",
]
UNSUPPORTED = [
    "میرا آرڈر ابھی تک نہیں پہنچا، براہ کرم مدد کریں۔",
    "داواکارییەکەم هێشتا نەگەیشتووە، تکایە یارمەتیم بدەن",
    "زه خپلې پیسې بېرته غواړم",
    "Siparişim hâlâ gelmedi, lütfen yardım edin",
    "Siparîşa min hê nehatiye, ji kerema xwe alîkariyê bikin",
    "Ma commande n'est toujours pas arrivée",
    "Meine Bestellung ist immer noch nicht da",
    "Mi pedido todavía no ha llegado",
    "Мой заказ до сих пор не пришёл",
    "मेरा ऑर्डर अभी तक नहीं आया",
    "我的订单还没到",
]
UNDETERMINED = ["", "   ", "😂😂", "12345", "٣٤٥ !!", "؟؟", "https://example.com", "@someone", "me@example.com"]

CASES = [
    (text, language)
    for language, texts in [
        (Language.ARABIC, ARABIC),
        (Language.PERSIAN, PERSIAN),
        (Language.ENGLISH, ENGLISH),
        (Language.ARABIZI, ARABIZI),
        (Language.FINGLISH, FINGLISH),
        (Language.MIXED, MIXED),
        (Language.UNSUPPORTED, UNSUPPORTED),
        (Language.UNDETERMINED, UNDETERMINED),
    ]
    for text in texts
]


@pytest.mark.parametrize(("text", "language"), CASES, ids=lambda value: ascii(value)[:40])
def test_detect(text: str, language: Language) -> None:
    assert detect(text) is language


@pytest.mark.parametrize("text", ARABIC)
def test_arabic_on_a_persian_keyboard_is_arabic(text: str) -> None:
    assert detect(text.translate(str.maketrans("يىك", "ییک"))) is Language.ARABIC


@pytest.mark.parametrize("text", [text for text in PERSIAN if len(text.split()) > 1])
def test_persian_on_an_arabic_keyboard_is_persian(text: str) -> None:
    assert detect(text.translate(str.maketrans("یک\u200c", "يك "))) is Language.PERSIAN


@pytest.mark.parametrize(("text", "language"), [(ARABIC[1], "ar"), (PERSIAN[2], "fa"), (ENGLISH[3], "en")])
def test_a_brand_a_link_or_emoji_change_nothing(text: str, language: str) -> None:
    assert detect(f"{text} Samsung 😡 https://example.com/a?b=1 @support") == language


@pytest.mark.parametrize("text", ["سلااااام", "عااااالی", "خییییلی بده", "ممنوووون"])
def test_elongated_persian_is_persian(text: str) -> None:
    assert detect(text) is Language.PERSIAN


def test_case_does_not_matter_in_latin_letters() -> None:
    assert detect("WHERE IS MY ORDER") is Language.ENGLISH
    assert detect("MERSI KHEILI KHUB BUD") is Language.FINGLISH


@settings(deadline=None)
@given(st.one_of(st.text(), st.text(st.characters(codec=None, categories=None)), st.text("abn37 'éşسیيکٹ\u200c!")))
def test_total_and_steady(text: str) -> None:
    assert detect(text) is detect(text)
