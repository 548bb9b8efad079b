"""What must move an answer, and what must not: pairs of our own messages, by language or dialect."""

from __future__ import annotations

from pipeline.training.behaviour.clear_messages import CLEAR, Clear

NEGATED = {
    "ar": (
        ("الخدمة كانت زينة", "الخدمة كانت مو زينة"),
        ("الخدمة كانت كويسة", "الخدمة كانت مش كويسة"),
        ("الخدمة كانت مليحة", "الخدمة ما كانتش مليحة"),
        ("الأكل كان طيب", "الأكل ما كان طيب"),
        ("الشغل مالكم حلو", "الشغل مالكم مو حلو"),
        ("أنا راضٍ عن خدمتكم", "أنا غير راضٍ عن خدمتكم"),
        ("كان الموظف متعاوناً معي", "لم يكن الموظف متعاوناً معي"),
        ("أنصح الكل بهالتطبيق", "ما أنصح أحد بهالتطبيق"),
        ("التطبيق سهل وعجبني", "التطبيق مش سهل وما عجبنيش"),
        ("حبيت طريقة تعاملكن معي", "ما حبيت طريقة تعاملكن معي"),
        ("عجبني التعامل ديالكم", "ما عجبنيش التعامل ديالكم"),
        ("جودة المنتج تستحق الثمن", "جودة المنتج لا تستحق الثمن"),
    ),
    "fa": (
        ("خدمات خوب بود", "خدمات خوب نبود"),
        ("از پشتیبانی‌تان راضی هستم", "از پشتیبانی‌تان راضی نیستم"),
        ("کیفیتش خوبه", "کیفیتش خوب نیست"),
        ("برخورد کارکنان محترمانه بود", "برخورد کارکنان محترمانه نبود"),
        ("به دوستام پیشنهادش می‌کنم", "به دوستام پیشنهادش نمی‌کنم"),
        ("غذا تازه و خوشمزه بود", "غذا نه تازه بود نه خوشمزه"),
        ("مشکلم رو حل کردین", "مشکلم رو حل نکردین"),
        ("از این برنامه خوشم میاد", "از این برنامه خوشم نمیاد"),
        ("به این شرکت اعتماد دارم", "به این شرکت اعتماد ندارم"),
        ("ارزش خریدن داره", "ارزش خریدن نداره"),
    ),
    "en": (
        ("The service was good", "The service was not good"),
        ("I am happy with your support", "I am not happy with your support"),
        ("The staff were helpful and polite", "The staff were neither helpful nor polite"),
        ("I like the new app", "I don't like the new app"),
        ("I would recommend this shop to my friends", "I would never recommend this shop to my friends"),
        ("My problem was solved", "My problem was not solved"),
        ("The food was fresh and tasty", "The food was not fresh or tasty"),
        ("Your driver was careful", "Your driver wasn't careful"),
        ("I can trust this company", "I can't trust this company"),
        ("The quality is worth the price", "The quality isn't worth the price"),
    ),
}  # fmt: skip

GOODBYE = {
    "standard": "، وسألغي حسابي لديكم",
    "gulf": "، وبألغي حسابي عندكم",
    "egyptian": "، وهلغي حسابي عندكم",
    "levantine": "، ورح ألغي حسابي عندكن",
    "maghrebi": "، وغادي نلغي الحساب ديالي عندكم",
    "iraqi": "، وراح ألغي حسابي يمكم",
    "formal": "، و دارم حسابم را می‌بندم",
    "spoken": "، دارم حسابم رو هم می‌بندم",
    "english": ", and I am cancelling my account",
}
HURRY = {
    "standard": " الأمر عاجل، أحتاج ذلك اليوم.",
    "gulf": " الموضوع مستعجل، لازم اليوم.",
    "egyptian": " الموضوع مستعجل، لازم النهارده.",
    "levantine": " الموضوع مستعجل كتير، لازم اليوم.",
    "maghrebi": " راه الموضوع مستعجل بزاف، خاصني اليوم.",
    "iraqi": " كلش مستعجل، لازم اليوم.",
    "formal": " موضوع فوری است، همین امروز لازم دارم.",
    "spoken": " خیلی فوریه، همین امروز لازم دارم.",
    "english": " This is urgent, I need it today.",
}
DISPLEASED = ("fault", "defect", "delivery", "charge", "payment", "plan", "complaint")
PATIENT = ("plan", "how_to", "status", "information", "account_change", "suggestion")


def extended(topics: tuple[str, ...], ends: dict[str, str]) -> list[tuple[Clear, str]]:
    """The clear messages of `topics`, and their text with the end that their dialect puts to it."""
    chosen = [clear for clear in CLEAR if clear.topic in topics]
    return [(clear, clear.text.rstrip(".!؟?") + ends[clear.dialect]) for clear in chosen]


COMPANY = {
    "ar": ("طلبي من {} متأخر أسبوع وما حدا بيرد علي", "كيف أغير عنواني في تطبيق {}؟",
           "خصمت {} المبلغ من بطاقتي مرتين", "خدمة {} ممتازة وسريعة، شكراً لكم"),
    "fa": ("سفارشم از {} یک هفته دیر کرده و کسی جواب نمی‌دهد", "چطور آدرسم را در برنامه‌ی {} عوض کنم؟",
           "{} دو بار از کارتم پول برداشته", "خدمات {} عالی و سریع است، ممنونم"),
    "en": ("My order from {} is a week late and nobody answers", "How do I change my address in the {} app?",
           "{} took the money from my card twice", "I love {}, always quick and friendly"),
}  # fmt: skip
PERSON = {
    "ar": ("شكراً {} من خدمة العملاء، تعامل راقٍ وسريع", "تكلمت مع {} من الدعم وكان الرد وقحاً جداً"),
    "fa": ("از {} در پشتیبانی ممنونم، خیلی با حوصله کمکم کرد", "با {} از پشتیبانی حرف زدم و خیلی بی‌ادبانه جواب داد"),
    "en": ("{} from your support team was very kind, thank you", "I spoke to {} from support, who was very rude to me"),
}
COMPANIES = {
    "ar": ("زرفاند", "نوربل", "سوق ليان", "تيمورا"),
    "fa": ("زروند", "نوربل", "لیان‌مارکت", "تیمورا"),
    "en": ("Zarvand", "Northbell", "Quillmart", "Taymora"),
}
PEOPLE = {
    "ar": ("سامر", "هالة", "عبد الكريم", "جورج"),
    "fa": ("سامان", "هاله", "عبدالکریم", "ژاکلین"),
    "en": ("Tom", "Fatima", "Priya Venn", "Mr Okafor"),
}
NAMED = {
    language: tuple(
        tuple(template.format(name) for name in names[language])
        for templates, names in ((COMPANY, COMPANIES), (PERSON, PEOPLE))
        for template in templates[language]
    )
    for language in COMPANY
}

OFF_TOPIC = {
    "ar": (
        "اربح 5000 دولار في الأسبوع وأنت في بيتك، ادخل قناتنا الآن واحجز مكانك",
        "متابعين حقيقيين بأرخص الأسعار، تواصل معنا على الخاص",
        "شفتوا ماتش امبارح؟ هدف خرافي في آخر دقيقة",
        "صباح الورد يا بنات، شو طابخين اليوم؟",
        "وصل رئيس الوزراء إلى العاصمة صباح اليوم لبحث ملف المياه",
        "مين يعرف مطعم حلو بالحارة نسهر فيه الليلة؟",
        "الطقس بكرا ماطر على الساحل ودرجات الحرارة إلى انخفاض",
        "كل عام وانتي بخير يا خالتي، نشوفج يوم الجمعة عندنا في البيت",
    ),
    "fa": (
        "با روزی یک ساعت کار در خانه ماهی صد میلیون درآمد داشته باش، همین حالا عضو کانال ما شو",
        "فالوور واقعی و ارزان، برای خرید دایرکت بدید",
        "بازی دیشبو دیدین؟ عجب گلی زد دقیقه نود",
        "صبح بخیر بچه‌ها، امشب کی میاد بریم سینما؟",
        "وزیر نیرو صبح امروز برای بازدید از سد وارد استان شد",
        "کسی فیلم خوب سراغ داره شب جمعه ببینیم؟",
        "هواشناسی: فردا در بیشتر استان‌های شمالی باران می‌بارد",
        "مامان جان تولدت مبارک، جمعه شب میایم پیشت",
    ),
    "en": (
        "Earn 5000 dollars a week from home, join my channel now and claim your seat",
        "Real followers at the lowest price, DM me to buy",
        "did you see the match last night? what a goal in the last minute lol",
        "Morning everyone, who's coming to the cinema tonight?",
        "The prime minister arrived in the capital this morning for talks on water",
        "anyone know a good film to watch this weekend?",
        "Forecast: rain along the coast tomorrow and colder at night",
        "Happy birthday grandma, see you on Friday",
    ),
}  # fmt: skip
UNSUPPORTED = {
    "russian": ("Здравствуйте, мой заказ до сих пор не пришёл", "Верните мне деньги за отменённый билет"),
    "urdu": (
        "میرا آرڈر ابھی تک نہیں آیا، براہ مہربانی بتائیں کہاں ہے",
        "مجھے اپنے پیسے واپس چاہئیں، یہ چیز خراب نکلی ہے",
    ),
    "turkish": (
        "Siparişim hâlâ gelmedi, kargo nerede olduğunu söylemiyor",
        "Şifremi unuttum ve hesabıma giremiyorum, lütfen yardım edin",
    ),
}
