"""Small word lists that tell languages apart; none of them names a label, a brand or a topic.

Arabic and Persian words are in the skeleton spelling (`normalise`): bare alefs, Persian kaf and yeh. A word that both
languages use is in neither list. The Latin lists are lower case. `LETTER_LEAN` holds log odds of a letter in
Persian over Arabic, rounded, counted over about 14,000 messages of each language; rare letters are capped.
"""

from __future__ import annotations


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


ARABIC = _words(
    """
    فی علی لا الی مع اللی بس انا الله عن ولا هذا فیه فیها مش هو هل لم لکن انه انو لو اذا التی الذی شی شیء ولکن
    الیوم مره والله عشان علشان انی لیش لیه بعض هناک لقد هذه عندی عندک عنده عندنا لما انت انتم انتو احنا ف عندهم
    لماذا بها احد یمکن یمکننی وهو وهی حیث لان لانه لانی زی یوجد وما ذلک کما لیس علیها وین فین لن ولم جدا ماذا
    جمیع ومن منها منذ علیکم انک راح وکل للاسف کده کدا کذا صار کثیر کتیر وکان لهم لکم لنا خلال یجب ایضا ثم علیک
    لدی عندما دون بصراحه هنا کمان شوی وش وشو ایش شو شنو شلون کیفک ازیک امتی متی دائما بل مما ابو دا فهو ولیس
    علیهم منهم منک منکم لمن ابغی ابغا بدنا عاوز عاوزه عایز عایزه محتاج ودی یارب ناس اعرف حاجه حاجة شکرا عبر قد
    وقد نفس نفسی معه معی معکم معاکم اشوف انتظر ارید اریدها اود سوف هلا هلق هسه توا دلوقتی امبارح بکره باچر هاد
    های هذول هاذا هیک ماکو عم رح لسه لسا لسع قاعد ماشی طیب برضه برضو اوی واحده حلو حلوه زین مزبوط یکون یتم تم
    ابدا دیال دیالی دیالکم بزاف واش علاش فاش کیفاش بغیت راهو هادی شحال برشا باهی نحب توه باه رانی وقتاش یاسر
    مانیش جزاکم جزاک یعطیکم یعطیک العافیه العافیة مرحبا اهلا صباح مساء اختی حسبی الرجاء رجاء ارجو اتمنی یرجی
    تکفون تکفی لقیت قال قالوا قالی یقول جاء وصلنی وصلتنی اکتر احسن افضل سیء سیئة سیئه رائع ممتاز
    """
)
PERSIAN = _words(
    """
    از به که این با در بود هم خیلی رو ولی می برای واسه شده های است تا یه را یک تو داره بسیار ها نیست اصلا واقعا
    هست میشه کردم همه باید نداره کار کنید شد دیگه سلام هر نظر اینکه نسبت روی چون کنم دو باشه میکنم شما نبود خوبی
    کرد هیچی چی خوبه اون کاملا وقتی یکی کرده میکنه عالیه عالی بد دارم کردن بر اگه اگر نمی داشت بیشتر ممنون
    ممنونم نمیشه بودم نه چند بار همیشه پایین بودن البته دارد همین چرا متاسفانه باز خود خودم توی باشد کنه زیاد
    بدم داده بشه بهتر گرفتم دادم مشکل داشته شود نیز چه امروز دیروز فردا پس ازش فکر بهترین میده حتما لطفا چیزی
    کمی نداشت شدم هستم ندارم داریم دارید شدن کند حالا چیز هستش داشتم باشید اندازه راحت دیگر نمیکنم درست نمیکنه
    خودش نشده گفت یکم زود کسی باهاش بهش جا دیدم داد دوباره دادن همون ندارد تشکر خواهش هنوز خراب دارن خواستم
    میخوام میخواهم خواهم میخواستم کجا کجاست چطور چطوری چجوری چقدر چیه هستید هستین کنیم بکنم بدید بدین بگید بگین
    میگه میگن خسته نباشید درود متشکرم سپاس خدا گفتم گفتن منم برام برامون کلی بعضی خب بابت سریع زودتر نکرد نکردم
    نکرده نمیدم نمیاد نمیاره نیومد نرسید نرسیده اومد اومده بوده رفته رفت کنین نکنید کردید کردین پول پولم نشد
    نمیشد خوب افتضاح میرسه هنوزم سوال روز هفته کردند شدند دارند کنند هستند بودند ایا لطفن میتونم میتونید تونستم
    نتونستم توانم میخوره بله اره الکی بانک برنامه اطلاعات ترین نوبت لطف
    """
)

LETTER_LEAN = {
    "پ": 3.0, "چ": 1.0, "ژ": 3.0, "گ": 1.5, "ز": 0.8, "ش": 0.8, "د": 0.7, "خ": 0.6, "ر": 0.4,
    "ة": -6.0, "ء": -2.0, "ؤ": -2.0, "ئ": -0.7, "ل": -1.0, "ع": -1.1, "ط": -1.0, "ذ": -1.0, "ث": -0.9, "ح": -0.9,
    "غ": -0.6, "ص": -0.6, "ض": -0.6, "ق": -0.5, "ف": -0.4,
}  # fmt: skip

ARABIZI = _words(
    """
    ana ana2 enta enti ento inta inti intu intou e7na ehna ihna howa huwa heya hiya mesh msh mish mosh mou mush
    shu sho shou chou chno chnou shno shinu wesh wach achno wain wein wen fein feen leh leih lesh leish laish
    alach 3lach kif keef kaif kayf kifak kifek kifach kifech kifash ezay ezzay izzay ezayak shlon shlonak emta
    imta bas lakin laken walla wallah wallahi wala wla yalla inshallah enshallah insha3allah mashallah
    hamdulillah alhamdulillah shukran shokran choukran chokran ashkor habibi habibti akhi akhoy okhti ya3ni
    yaani ye3ni aywa aiwa eywa la2 laa lel lal bel bil mn fih 3ala 3al ila ma3 ba3d 2abl hada hadi hatha hathi
    hayda haida hayde dah deh keda kida kda hek heik hala2 halla2 hla2 dilwa2ti delwa2ty alaan daba tawa taw
    toua barcha barsha bezaf bzaf bzf nheb n7eb bghit bghina abi abgha abghy abghi abghaa badi baddi bade biddi
    bddi 3ayez 3ayza 3awez 3awza ayez 3ayzin momken mumkin mumken lazem lazim 3andi 3andy 3andna andi 3endi
    3endy 3nd 3end 3andkom fluus flous floos flosi floosy masari masary lmasari drahem drahmi mafi mafeesh
    mafish ma3ndi ma3andi kteer ktir kter katir kathir awi awy gedan jiddan jidan tamam tmam kwayes kwayyes zay
    zayy zain zein mni7 mnih mabsoot mabsout za3lan khalas 5alas khales sa3a yom youm bokra bukra ghadan embare7
    imbare7 mbare7 lbare7 elyom lyoum lyom raha ra7 rani rak rahi dyal dyali dialkom dyalkom bta3 bta3y beta3
    bta3i tab3i illi elli lli ely ili kol kull koll kolo kolha marra marrat bardo kaman kman lma iza itha la2en
    l2n le2an 3ashan 3shan ashan 3lashan 3lshan sar saret rsid rased raqam raqm rakam hisab 7esab l7esab jiit
    salamo salamu alaikum 3alaikum 3alikom aleikum 3aleikom marhaba mar7aba ahlan sabah sba7 3la lah hayel zidou
    ndhif wslat nwalliw tlab chhal ch7al chouf matensach brabi rabi rabbi khadamat khedma khidma 5edma 5idma
    jawwal talab talabi talabiya tawsil elkahraba msa lessa lissa baad
    """
)
FINGLISH = _words(
    """
    mano manam shoma shomaro ishoon oon oun injoori injori intori hamin hamintor hamoon ke ro az ba baraye
    vaseye chera chetor chetori chejoori chejori chie chiye koja kojast tooye tuye bezarin bezar badesh biroon
    birun kash ketab vasat nazanin lotf mikhare mikharam mikharim bazam baad gheymat gheimat takhfif chand
    chandta salam slm dorood khob khub khoob khoobe khube khoobi khobi kheili kheyli khayli kheli mersi mamnoon
    mamnun mamnoonam motshakeram moteshakeram tashakor lotfan hastam hastin hastid hastesh nist nistam nisti
    bood boodam budam boodan mishe nemishe nmishe nemishavad mishavad shod shode nashod nashode shodam mikham
    mikhaam mikhastam nemikham mikhay mikhain mikonam mikonim mikonid mikonin mikone mikonan nemikonam nemikone
    nemikonan kardam karde kardan kardin kardid kard konam konim konid konin bokonam nakardam nakarde nakardin
    daram darim darid darin darand nadare nadaram nadarim nadarid nadarin dashtam dasht dashte dadam dade dadin
    dadid nadad nadade bedin bedid midam midin poolam poolamo poolemo pule pulam kartam hesab hesabam hesabamo
    sefaresh sefaresham sefareshe sefaresho agha aghaye khanom khanoom dooste doostan dostan aziz khaste
    nabashid nabashin kheyr kheir baleh areh nah hanooz hanuz hanoz alan dige digeh digar faghat hame hameye
    hamash hamishe hich hichi kasi yeki yek rooz ruz rooze hafte emrooz emruz dirooz diruz farda dirouz shab
    sobh zang zadam bezanin gereftam gerefte gereft oomad omad umad nayomad nayoomad resid reside naresid
    nareside mirese miad miyad nemiad bashe basheh bashid yani age agar vali vaghti chon bayad shayad albate
    vaghean vagean aslan asan daste dastetoon dametoon damet ghat vasl kharab moshkel moshkele barname gooshi
    gushi goshi kharidam khareed kharid forooshgah ghazaa ghaza keyfiat peyk peik peyke poshtibani pasokh javab
    bara beshe nabood nabud begid migam migan goftam gofte goftan goft
    """
)

# Also words or particles of a European language: they count only beside a sure one.
ARABIZI_WEAK = _words(
    """
    abl al ala ams ash bass da di eh el ela fe fee fen fi had hala hay ida il jit kef lama law lish maa masa
    mata men min mo rah rana sart sayer w wash win ya yaser zen
    """
)
FINGLISH_WEAK = _words(
    """
    ba baz be bod bud dare do ham hast in kart kei kon lotf ma mah man merci na nist pool ra se to vase
    """
)

ENGLISH = _words(
    """
    the a an and or but of to in on at for with from by is are was were be been am i you he she it we they my
    your his her its our their me him us them this that these those there here what when where who why how which
    not no yes do does did don't doesn't didn't can't cannot won't isn't wasn't i'm i've it's you're have has
    had will would can could should may if so because than then too very just only also still never always again
    now please thanks thank ok okay hi hello hey sorry help need want get got make made take see know think like
    love hate good bad great best worst new old more most much many some any all every after before since until
    out up down off over about into back customer service order account app phone card money refund time day
    days week month year people one two three first last nice cool awesome terrible awful works working work
    broken fast slow cheap expensive really bro lol wow update delivery password login payment bill price store
    team support why's what's thx pls plz u ur im dont cant
    """
)
