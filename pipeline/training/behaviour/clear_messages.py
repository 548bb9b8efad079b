"""Messages that any reader of the language would label alike: dialect -> (topic, sentiment, text), all our own."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.taxonomy import DEFAULT

Dialects = dict[str, tuple[tuple[str, str, str], ...]]


@dataclass(frozen=True, slots=True)
class Clear:
    """A message with what it must be taken for."""

    language: str
    dialect: str
    topic: str
    sentiment: str
    text: str

    @property
    def category(self) -> str:
        return DEFAULT.category_of[self.topic]


ARABIC: Dialects = {
    "standard": (
        ("access", "negative", "تم إيقاف حسابي دون سبب، ولا يصلني رمز التحقق كي أستعيده"),
        ("defect", "negative", "استلمت قميصاً ممزقاً ومقاسه 38 بدلاً من 42، أرجو استبداله"),
        ("charge", "negative", "وجدت في كشف حسابي رسوماً قدرها 15 ديناراً لم أوافق عليها، لماذا خصمتموها؟"),
        ("plan", "neutral", "لم تصلني فاتورة اشتراكي لهذا الشهر، أرجو إرسال نسخة منها"),
        ("how_to", "neutral", "كيف يمكنني تفعيل البصمة لتأكيد العمليات في التطبيق؟"),
        ("account_change", "neutral", "أرغب في تحديث العنوان المسجل في حسابي إلى عنواني الجديد"),
        ("suggestion", "neutral", "أقترح إضافة خاصية البحث بالصوت في التطبيق، فهي تسهل الأمر على كبار السن"),
        ("praise", "positive", "أشكر فريق الدعم على سرعة الاستجابة وحسن التعامل، خدمة رائعة"),
    ),
    "gulf": (
        ("fault", "negative", "التطبيق يعلّق كل ما أفتحه من بعد التحديث الأخير، مو راضي يشتغل"),
        ("delivery", "negative", "طلبي متأخر 7 أيام والمندوب للحين ما جاب الأغراض"),
        ("payment", "negative", "حاولت أدفع بالبطاقة 3 مرات وكل مرة تنرفض العملية"),
        ("status", "neutral", "وين وصلت معاملتي اللي قدمتها يوم الأحد؟"),
        ("complaint", "negative", "كل ما أتصل يخلوني أنتظر ساعة وآخرها يسكرون الخط بوجهي، استهتار بالعميل"),
        ("leaving", "negative", "خلاص بألغي اشتراكي عندكم وأنقل لشركة ثانية"),
    ),
    "egyptian": (
        ("defect", "negative", "الموبايل وصلني شاشته مكسورة وعايز أبدله بواحد سليم"),
        ("refund", "negative", "رجّعت الجزمة من أسبوعين ولسه فلوسي ما رجعتش لحد دلوقتي"),
        ("plan", "negative", "زودتوا سعر الاشتراك الشهري من غير ما حد يبلغني، والباقة كمان بقت أقل"),
        ("information", "neutral", "مواعيد فرع مدينة نصر إيه؟ وبتفتحوا يوم الجمعة؟"),
        ("praise", "positive", "بجد تسلم إيديكم، الخدمة ممتازة والموظف كان في منتهى الذوق"),
    ),
    "levantine": (
        ("fault", "negative", "النت مقطوع عنا من مبارح بالليل والراوتر عم يضوي أحمر"),
        ("charge", "negative", "ليش سحبتوا من بطاقتي نفس المبلغ مرتين؟ ما اشتريت غير غرض واحد"),
        ("how_to", "neutral", "كيف فيني غيّر لغة التطبيق للعربي؟"),
        ("account_change", "neutral", "بدي غيّر رقم موبايلي المسجّل عندكن وحط الرقم الجديد"),
        ("leaving", "negative", "سكرولي حسابي لو سمحتوا، ما عاد بدي أتعامل معكن بنوب"),
    ),
    "maghrebi": (
        ("delivery", "negative", "الكوموند ديالي كان خاصها توصل هادي سيمانة وباقي ما وصلاتش"),
        ("refund", "negative", "بغيت فلوسي يرجعو ليا، السلعة رجعتها ليكم هادي شهر وما شفت والو"),
        ("information", "neutral", "شحال الثمن ديال التوصيل لطنجة وواش كتخدمو نهار الحد؟"),
        ("praise", "positive", "الله يعطيكم الصحة، خدمة زوينة بزاف والناس ديالكم ظراف"),
    ),
    "iraqi": (
        ("access", "negative", "ما أقدر أدخل على حسابي، كل ما أكتب الباسورد يقول غلط"),
        ("payment", "negative", "حوّلت فلوس لأخوي البارحة والتحويل بعده معلّق وما وصل"),
        ("status", "neutral", "شوكت يوصل طلبي رقم 441؟ أريد أعرف وين صار"),
        ("complaint", "negative", "موظف الصالة حچى وياي بأسلوب كلش وقح، ما توقعت هيچ معاملة منكم"),
        ("suggestion", "neutral", "يا ريت تضيفون الوضع الليلي للتطبيق حتى يصير أريح للعين"),
    ),
}  # fmt: skip

PERSIAN: Dialects = {
    "formal": (
        ("access", "negative", "رمز تأیید برایم پیامک نمی‌شود و نمی‌توانم وارد حسابم شوم"),
        ("fault", "negative", "اینترنت خانه‌مان از دیشب قطع است و چراغ مودم قرمز شده"),
        ("defect", "negative", "کتری برقی که فرستادید شکسته است و کار نمی‌کند، لطفاً تعویضش کنید"),
        ("delivery", "negative", "قرار بود بسته‌ام شنبه برسد ولی هنوز به دستم نرسیده است"),
        ("charge", "negative", "چرا برای یک خرید ۲ بار از کارتم پول برداشته‌اید؟"),
        ("refund", "negative", "کالا را مرجوع کردم ولی پولم را هنوز برنگردانده‌اید"),
        ("payment", "negative", "موقع پرداخت هر بار پیام «تراکنش ناموفق» می‌دهد و خرید انجام نمی‌شود"),
        ("plan", "negative", "قیمت اشتراک ماهانه را بدون اطلاع قبلی زیاد کرده‌اید"),
        ("how_to", "neutral", "چطور می‌توانم اعلان‌های برنامه را خاموش کنم؟"),
        ("status", "neutral", "سفارش شماره ۵۵۲ الان در چه مرحله‌ای است؟"),
        ("information", "neutral", "ساعت کاری شعبه‌ی تبریز از چند تا چند است؟"),
        ("account_change", "neutral", "می‌خواهم شماره موبایل ثبت‌شده در حسابم را عوض کنم"),
        ("complaint", "negative", "برخورد کارمند شعبه خیلی زننده بود و اصلاً به حرفم گوش نداد"),
        ("praise", "positive", "از همکاری‌تان سپاسگزارم، پشتیبانی سریع و مؤدبی دارید"),
        ("leaving", "negative", "می‌خواهم اشتراکم را لغو کنم و دیگر مشتری شما نباشم"),
        ("suggestion", "neutral", "پیشنهاد می‌کنم حالت شب را هم به برنامه اضافه کنید"),
    ),
    "spoken": (
        ("access", "negative", "اکانتم رو بستین، هر چی رمز می‌زنم میگه مسدوده"),
        ("fault", "negative", "برنامه بعد از آپدیت وسط کار یهو بسته میشه و همه چی می‌پره"),
        ("defect", "negative", "به جای کفش سایز ۴۲ برام سایز ۳۸ فرستادین، عوضش کنین"),
        ("delivery", "negative", "پیک ۲ ساعته قراره غذا رو بیاره، هنوز خبری نیست"),
        ("charge", "negative", "کرایه‌ای که تو برنامه زده بود ۴۰ تومن بود ولی ۷۰ تومن ازم گرفتین"),
        ("refund", "negative", "بلیتم رو کنسل کردین، پول منو کی پس می‌دین؟ سه هفته گذشته"),
        ("payment", "negative", "کارت به کارت کردم، از حسابم کم شد ولی واریز نشده"),
        ("plan", "neutral", "صورتحساب این ماه اشتراکم رو برام بفرستین لطفاً"),
        ("how_to", "neutral", "چجوری میشه توی اپ چند تا آدرس ذخیره کرد؟"),
        ("status", "neutral", "درخواست وامم که هفته‌ی پیش ثبت کردم به کجا رسید؟"),
        ("information", "neutral", "این گوشی رنگ سبز هم داره؟ گارانتیش چند ماهه‌ست؟"),
        ("account_change", "neutral", "لطفاً آدرس پستی منو به خونه‌ی جدیدم تغییر بدین"),
        ("complaint", "negative", "ده بار زنگ زدم هیچ‌کس جواب درست نداد، واقعاً به مشتری بی‌احترامی می‌کنین"),
        ("praise", "positive", "دمتون گرم، بسته‌بندی عالی بود و سفارشم سر وقت رسید"),
        ("leaving", "negative", "حسابم رو ببندین، دارم میرم یه بانک دیگه"),
        ("suggestion", "neutral", "کاش یه گزینه بذارین که بشه سفارش‌های قبلی رو دوباره تکرار کرد"),
    ),
}  # fmt: skip

ENGLISH: Dialects = {
    "english": (
        ("access", "negative", "I can't log in, it keeps saying my account is locked"),
        ("access", "negative", "The verification code never comes, so I can't get into my profile"),
        ("fault", "negative", "The app crashes every time I open the camera"),
        ("fault", "negative", "Our broadband has been down since last night and the router light is red"),
        ("defect", "negative", "The kettle arrived cracked and leaks, please send me a new one"),
        ("defect", "negative", "You sent me the wrong shoes: I ordered size 42 and got 38"),
        ("delivery", "negative", "My parcel was due on Saturday and it still hasn't arrived"),
        ("delivery", "negative", "The courier marked it as delivered but nothing came to my door"),
        ("charge", "negative", "Why was my card charged 2 times for the same purchase?"),
        ("charge", "negative", "There is a 15 dollar fee on my statement that I never agreed to"),
        ("refund", "negative", "I returned the jacket 3 weeks ago and still have no refund"),
        ("refund", "negative", "You cancelled my flight, so give me my money back!"),
        ("payment", "negative", "My card payment keeps getting declined at checkout"),
        ("payment", "negative", "The transfer I made yesterday is still pending and my brother has not received it"),
        ("plan", "negative", "You raised the price of my monthly subscription without telling me"),
        ("plan", "neutral", "Please send me the invoice for this month's subscription"),
        ("how_to", "neutral", "How do I turn off notifications in the app?"),
        ("how_to", "neutral", "Could you tell me how to save more than one address?"),
        ("status", "neutral", "What stage is order 552 at now?"),
        ("status", "neutral", "Has my loan application from last week been reviewed yet?"),
        ("information", "neutral", "What are the opening hours of your Leeds branch?"),
        ("information", "neutral", "Does this phone come in green, and how long is the warranty?"),
        ("account_change", "neutral", "I'd like to change the phone number on my account"),
        ("account_change", "neutral", "Please update my postal address to my new flat"),
        ("complaint", "negative", "The man at the counter was rude and did not listen to a word I said"),
        ("complaint", "negative", "I have called ten times and been passed around by people who could not care less"),
        ("praise", "positive", "Thank you, your support team was quick and very kind"),
        ("praise", "positive", "Great packaging and it came right on time, I love this shop!"),
        ("leaving", "negative", "Please cancel my membership, I don't want to be a customer any more"),
        ("leaving", "negative", "Close my account, I am moving to another bank"),
        ("suggestion", "neutral", "It would be nice if you added a dark mode to the app"),
        ("suggestion", "neutral", "You could add a button to repeat an earlier order"),
    ),
}  # fmt: skip

CLEAR = tuple(
    Clear(language, dialect, *row)
    for language, dialects in {"ar": ARABIC, "fa": PERSIAN, "en": ENGLISH}.items()
    for dialect, rows in dialects.items()
    for row in rows
)
