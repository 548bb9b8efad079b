"""`nabd explain`: what is weighed, where it stands in the text as given, and how it is shown right to left."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from pipeline.bundle import Bundle
from pipeline.calibrate import ANY
from pipeline.cli import app
from pipeline.encoder import FakeEncoder, Vectors
from pipeline.errors import NabdError, UsageError
from pipeline.explain import LEAST, MOST, Explanation, Part, explain
from pipeline.explain.places import sentences, words
from pipeline.explain.view import deciding, print_explanation, to_json
from pipeline.heads import Heads
from pipeline.records import Prediction
from pipeline.score import predict, prepare
from pipeline.taxonomy import OUT_OF_SCOPE, TASKS

NABD = str(Path(sys.executable).with_name("nabd"))
TEXTS = {
    "msa": "لم يصلني الطلب حتى الآن، ولا أحد يجيب. أين المشكلة؟",
    "egyptian": "عايز أعرف الأوردر بتاعي فين لو سمحتوا، بقاله أسبوع",
    "gulf": "وش ذا الاستهتار! خصمتوا الفلوس مرتين ومحد رد علي",
    "levantine": "شو هالخدمة؟ صرلي يومين عم احكي معكم وما حدا عم يرد",
    "maghrebi": "بغيت نعرف كيفاش نبدل رقم التيليفون ديالي فالحساب",
    "iraqi": "شنو سعر الباقة الجديدة، واكو خصم لو ماكو",
    "persian": "سفارشم هنوز نرسیده و پشتیبانی‌تون جواب نمی‌ده. لطفاً پیگیری کنید",
    "english": "I was charged twice and nobody answers. I'm leaving!",
    "mixed": "التطبيق تبعكم crashed again after the update وما عم يفتح",
    "arabizi": "3ayez a3raf el order beta3y feen",
}
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
ANSI = re.compile(r"\x1b\[[0-9;]*m")
TYPED = st.text(st.sampled_from("abc ءابت‌سلام کیرفت ًـ.!؟?،_-<>&;#@1٢۳😡❤️\n\u200f\ufeff"), max_size=60)


@dataclass(frozen=True)
class Counting(FakeEncoder):
    """Keeps the lists of texts it was asked for."""

    asked: list[list[str]] = field(default_factory=list)

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.asked.append(list(texts))
        return super().encode(texts)


def parts(found: Explanation) -> list[str]:
    return [part.text for part in found.words]


def shown(found: Explanation, **options: object) -> str:
    console = Console(file=io.StringIO(), width=40, highlight=False, markup=False, **options)  # type: ignore[arg-type]
    print_explanation(found, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def leaning(bundle: Bundle, label: str, logit: float) -> Bundle:
    """Towards a label, or away from it."""
    labels = [each for of_task in bundle.heads.labels.values() for each in of_task]
    bias = bundle.heads.bias.copy()
    bias[labels.index(label)] = logit
    return replace(bundle, heads=Heads(bundle.heads.weight, bias, bundle.heads.labels))


def an_explanation(text: str, **weights: float) -> Explanation:
    """Of words that are all in `text` once."""
    found = (Part(word, text.index(word), text.index(word) + len(word), weight) for word, weight in weights.items())
    labels = {"topic": Prediction("شحن", 0.75, {"شحن": 0.75, "رد": 0.25})}
    return Explanation(text, "ar", "topic", labels, tuple(sorted(found, key=lambda part: part.start)), None, "m@1")


@pytest.mark.parametrize("task", ["category", *TASKS])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_word_of_a_plain_message_is_weighed(text: str, task: str, tiny_bundle: Bundle) -> None:
    found = explain(text, leaning(tiny_bundle, OUT_OF_SCOPE, -99), task=task)
    assert parts(found) == [word.strip(".!?؟،,") for word in text.split()]
    assert all(-1 <= part.weight <= 1 for part in found.words)
    assert found.prediction is found.predictions[task]
    assert (found.text, found.task, found.language, found.model) == (text, task, prepare(text).language, "tiny@unsaved")


@effort(deadline=None, max_examples=80)
@given(text=TYPED)
def test_places_are_in_order_and_hold_what_they_say(text: str, tiny_bundle: Bundle) -> None:
    found = explain(text, tiny_bundle)
    at = 0
    for part in found.words:
        assert text[part.start : part.end] == part.text == part.text.strip() != ""
        assert at <= part.start < part.end
        at = part.end
    if found.sentence:
        assert text[found.sentence.start : found.sentence.end] == found.sentence.text
        assert len(found.words) > 1


@effort(deadline=None, max_examples=80)
@given(text=TYPED)
def test_what_is_read_keeps_its_order(text: str) -> None:
    read = prepare(text).text.split()
    found = words(text, read)
    assert [place.first for place in found] == sorted({place.first for place in found})
    assert all(place.first <= place.last < len(read) for place in found)
    assert all(one.last < other.first for one, other in pairwise(found))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_weight_is_what_the_label_loses_when_each_text_is_judged_alone(text: str, tiny_bundle: Bundle) -> None:
    found, whole = explain(text, tiny_bundle), prepare(text)
    read = whole.text.split()

    def chance(words: list[str]) -> float:
        probabilities = tiny_bundle.judge([" ".join(words)], [whole.language]).probabilities
        return predict({name: each[0] for name, each in probabilities.items()}, tiny_bundle)["topic"].probabilities[
            found.prediction.label
        ]

    for place, part in zip(words(text, read), found.words, strict=True):
        lost = chance(read) - chance(read[: place.first] + read[place.last + 1 :])
        assert part.weight == pytest.approx(lost, abs=1e-4)


def test_one_batch_and_the_same_answer_again(tiny_bundle: Bundle) -> None:
    encoder = Counting()
    found = explain(TEXTS["english"], replace(tiny_bundle, encoder=encoder))
    assert len(encoder.asked) == 1
    assert len(encoder.asked[0]) == 1 + len(found.words) + 2  # sentences
    assert found == explain(TEXTS["english"], tiny_bundle)


def test_a_shorter_text_keeps_the_language_of_the_whole(tiny_bundle: Bundle) -> None:
    """Alone, "سلام" is taken for Persian, and would be calibrated and spelt as such."""
    encoder, cold = Counting(), {ANY: 1.0, "ar": 3.0, "fa": 0.2}
    bundle = replace(tiny_bundle, encoder=encoder, temperatures=dict.fromkeys(TASKS, cold))
    found = explain("سلام عليكم", bundle)
    assert prepare("سلام").language == "fa"
    assert (found.language, encoder.asked) == ("ar", [["سلام عليكم", "عليكم", "سلام"]])
    probabilities = bundle.judge(["سلام عليكم", "سلام"], ["ar", "ar"]).probabilities["topic"]
    label = bundle.taxonomy.labels("topic").index(found.prediction.label)
    assert found.words[1].weight == pytest.approx(float(probabilities[0, label] - probabilities[1, label]), abs=1e-4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\t", []),
        ("متشکرم", ["متشکرم"]),
        ("refund!!!", ["refund"]),
        ("وين طلبي ؟", ["وين", "طلبي", "؟"]),
        ("still waiting :( 😡😡", ["still", "waiting", ":(", "😡😡"]),
        ("شكراااا جَزِيلاً يا غـــالي", ["شكراااا", "جَزِيلاً", "يا", "غـــالي"]),
        ("كارتم رو نمي شناسه", ["كارتم", "رو", "نمي", "شناسه"]),
        ("می‌خواهم #پس_گرفتن_پول را", ["می‌خواهم", "پس_گرفتن_پول", "را"]),
        ("آب قطع است", ["آب", "قطع", "است"]),
        ("الآن شکرا لکم علی الخدمة", ["الآن", "شکرا", "لکم", "علی", "الخدمة"]),
        ("\u202bأين طلبي\u202c", ["أين", "طلبي"]),
        ("see https://a.example/refund now @desk", ["see", "now"]),
        ("my card 4111 1111 1111 1111 was charged", ["my", "card", "was", "charged"]),
        ("اتصلوا على 0551234567 ضروري", ["اتصلوا", "على", "ضروري"]),
        ("order 42 costs 3.5$", ["order", "42", "costs", "3.5"]),
        ("دفعت ٣٥٠ ريال", ["دفعت", "٣٥٠", "ريال"]),
        ('<p class="refund">Where is<br>my <b>order</b>?</p>', ["Where", "is", "my", "order"]),
        ("<p>&#1571;&#1610;&#1606; don&rsquo;t</p>", ["&#1571;&#1610;&#1606;", "don&rsquo;t"]),
        ("No refund yet.\n\nOn Mon, 5 Jan 2026 at 10:00 Desk <d@a.example> wrote:\n> sent", ["No", "refund", "yet"]),
        ("وين الفلوس\n\nمع التحية\nسارة", ["وين", "الفلوس"]),
        ("😡" * 9, ["😡" * 9]),
    ],
)  # fmt: skip
def test_what_is_weighed(text: str, expected: list[str], tiny_bundle: Bundle) -> None:
    assert parts(explain(text, tiny_bundle)) == expected


def test_leaving_a_word_out_of_a_quotation_header_does_not_bring_the_quotation_back(tiny_bundle: Bundle) -> None:
    text = "Thanks, solved.\n\nOn Mon, 5 Jan 2026 at 10:00 Desk <d@a.example> wrote:\n> please confirm your refund"
    encoder = Counting()
    explain(text, replace(tiny_bundle, encoder=encoder))
    assert encoder.asked == [["Thanks, solved.", "solved.", "Thanks,"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TEXTS["msa"], ["لم يصلني الطلب حتى الآن، ولا أحد يجيب.", "أين المشكلة؟"]),
        (TEXTS["persian"], ["سفارشم هنوز نرسیده و پشتیبانی‌تون جواب نمی‌ده.", "لطفاً پیگیری کنید"]),
        ("Paid 3.50 at shop.example!! Why\nme", ["Paid 3.50 at shop.example!!", "Why", "me"]),
        ("<p>Paid twice</p><p>Help me</p>", ["Paid twice", "Help me"]),
    ],
)
def test_sentences(text: str, expected: list[str], tiny_bundle: Bundle) -> None:
    found = sentences(text, words(text, prepare(text).text.split()))
    assert [text[place.start : place.end] for place in found] == expected
    explained = explain(text, tiny_bundle)
    assert explained.sentence is not None
    assert explained.sentence.text in expected


def test_a_message_of_one_sentence_names_none(tiny_bundle: Bundle) -> None:
    assert explain("وين طلبي", tiny_bundle).sentence is None


def test_words_of_a_long_message_are_left_out_together(tiny_bundle: Bundle) -> None:
    text = " ".join(f"کلمه{n}" for n in range(MOST + 1))
    found = explain(text, tiny_bundle)
    assert len(found.words) == (MOST + 2) // 2
    assert found.words[0].text == "کلمه0 کلمه1"
    assert " ".join(parts(found)) == text


def test_a_very_long_message_costs_no_more_than_it_may(tiny_bundle: Bundle) -> None:
    encoder = Counting()
    text = "سفارشم نرسید. " * 3000
    found = explain(text, replace(tiny_bundle, encoder=encoder), max_characters=19_000)
    assert len(found.text) == 19_000
    assert len(found.words) == LEAST
    assert len(encoder.asked[0]) <= 1 + 2 * LEAST


@pytest.mark.parametrize("above", [False, True])
def test_a_cascade_compares_the_answers_of_one_model_only(tiny_bundle: Bundle, above: bool) -> None:
    heads = tiny_bundle.heads
    random = np.random.default_rng(8).normal(0, 6, heads.weight.shape).astype(np.float32)
    fast = replace(tiny_bundle, name="fast", heads=Heads(random, heads.bias, heads.labels))
    text = TEXTS["english"]
    sure = explain(text, fast, task="category").prediction.confidence
    cascade = replace(tiny_bundle, fast=fast, accept=sure + 1e-6 if above else sure - 1e-6)
    alone = explain(text, tiny_bundle if above else fast)
    assert explain(text, cascade) == replace(alone, model=cascade.version)


def test_an_unknown_task_is_refused(tiny_bundle: Bundle) -> None:
    with pytest.raises(UsageError, match="'mood', expected one of category, topic"):
        explain("hello", tiny_bundle, task="mood")


def test_out_of_scope_has_no_sentiment(tiny_bundle: Bundle) -> None:
    bundle = leaning(tiny_bundle, OUT_OF_SCOPE, 99)
    assert "sentiment" not in explain("سلام", bundle).predictions
    with pytest.raises(UsageError, match=OUT_OF_SCOPE) as refused:
        explain("سلام", bundle, task="sentiment")
    assert "سلام" not in str(refused.value)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_json_is_one_plain_object(text: str, tiny_bundle: Bundle) -> None:
    line = to_json(found := explain(text, tiny_bundle))
    assert not BIDI.search(line)
    assert "\\u" not in line
    assert "\n" not in line
    content = json.loads(line)
    assert list(content) == [
        "task", "label", "confidence", "probabilities", "words", "sentence", "language", "model"
    ]  # fmt: skip
    assert [text[each["start"] : each["end"]] for each in content["words"]] == [
        each["text"] for each in content["words"]
    ]
    assert [each["weight"] for each in content["words"]] == [part.weight for part in found.words]
    assert sum(content["probabilities"].values()) == pytest.approx(1, abs=0.01)
    assert content["probabilities"][content["label"]] == content["confidence"]


def test_deciding_words_are_few_and_those_for_the_label_come_first() -> None:
    weights = {f"w{n}": 0.01 * n for n in range(-4, 5)} | {"سلام": 0.3, "نه": -0.4, "light": 0.05}
    found = [Part(word, 0, 1, weight) for word, weight in weights.items()]
    assert [part.text for part in deciding(found)] == ["سلام", "نه"]
    assert deciding([Part("a", 0, 1, 0.0)]) == deciding([]) == []
    assert len(deciding([Part("a", 0, 1, 0.1)] * 50)) == 8


def test_without_colour_the_words_that_decided_stand_in_brackets() -> None:
    lines = shown(an_explanation("وصل الطلب 12 متأخر جدا\nrefund me", الطلب=0.5, متأخر=-0.3, refund=0.2)).splitlines()
    assert lines[4:7] == ["\u2068وصل [الطلب] 12 متأخر جدا\u2069", "\u2068[refund] me\u2069", ""]
    assert lines[8:] == ["+0.500  \u2068الطلب\u2069", "+0.200  \u2068refund\u2069", "-0.300  \u2068متأخر\u2069"]
    assert re.fullmatch(r"topic +\u2068شحن\u2069 +75% *", lines[1])


def test_with_colour_whole_words_are_styled() -> None:
    found = an_explanation("وصل می‌خواهم الطلب", الطلب=0.5, **{"می‌خواهم": -0.3})
    output = shown(found, force_terminal=True, color_system="standard")
    line = next(line for line in output.splitlines() if "وصل" in line)
    assert line == "\u2068وصل \x1b[31mمی‌خواهم\x1b[0m \x1b[1;32mالطلب\x1b[0m\u2069"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_line_of_the_terminal_closes_what_it_isolates(text: str, tiny_bundle: Bundle) -> None:
    """However narrow it is: a line that was cut would lose its direction."""
    found = explain(text, tiny_bundle)
    output = shown(found, force_terminal=True, color_system="standard")
    for line in output.splitlines():
        assert line.count("\u2068") == line.count("\u2069") <= 1
    plain = ANSI.sub("", output)
    assert f"\u2068{text}\u2069\n" in plain
    assert all(prediction.label in plain for prediction in found.predictions.values())


def test_a_customer_cannot_steer_the_terminal() -> None:
    text = "a\x1b[2Jb \u202eevil\u2069 word\r\n\u200fسلام\x9b"
    output = shown(an_explanation(text, word=0.5))
    assert "\u2068a[2Jb evil [word]\u2069\n\u2068سلام\u2069\n" in output
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", output)


def test_a_message_that_no_word_decided_says_so(tiny_bundle: Bundle) -> None:
    assert "No word of it decided" in shown(explain("https://a.example/b", tiny_bundle))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("كل عام وأنتم بخير. خصمتم المبلغ من بطاقتي مرتين.", "خصمتم المبلغ من بطاقتي مرتين."),
        ("روزتون بخیر. دو بار از حسابم پول کم کردید.", "دو بار از حسابم پول کم کردید."),
        ("Have a nice day. You charged my card twice.", "You charged my card twice."),
    ],
)
def test_the_shipped_model_finds_what_matters(text: str, sentence: str, shipped: Bundle) -> None:
    found = explain(text, shipped, task="category")
    assert found.prediction.label == "billing"
    assert found.sentence is not None
    assert found.sentence.text == sentence
    heaviest = max(found.words, key=lambda part: part.weight)
    assert found.sentence.start <= heaviest.start < found.sentence.end


def test_the_command_reads_a_pipe_and_writes_json(tmp_path: Path) -> None:
    text = TEXTS["persian"]
    command = [NABD, "explain", "-", "--json", "--task", "sentiment", "--threads", "1"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=60, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    content = json.loads(done.stdout)
    assert (content["task"], content["language"]) == ("sentiment", "fa")
    assert [each["text"] for each in content["words"]] == [word.strip(".") for word in text.split()]
    assert content["model"].startswith("nabd-base@")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["gulf", "persian", "english"])
def test_the_command_shows_the_message(name: str) -> None:
    done = CliRunner().invoke(app, ["explain", TEXTS[name], "--threads", "1"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"\u2068{TEXTS[name]}\u2069" in re.sub(r"[\[\]]", "", done.stdout)
    assert all(re.search(f"^{task} ", done.stdout, re.MULTILINE) for task in ("language", "category", *TASKS, "model"))


def test_broken_bytes_of_the_command_line_are_survived() -> None:
    done = CliRunner().invoke(app, ["explain", "where is \udcff my order", "--json", "--threads", "1"])
    assert [each["text"] for each in json.loads(done.stdout)["words"]][-2:] == ["my", "order"]


@pytest.mark.parametrize(
    ("arguments", "stdin", "expected"),
    [
        ((" \n",), "", "the message is empty"),
        (("-",), "\n", "the message is empty"),
        (("secret word", "--task", "mood"), "", "unknown task 'mood', expected one of category, topic"),
        (("secret word", "--model", "nabd-none"), "", "nabd-none is no model"),
        (("secret word", "--threads", "-1"), "", "threads is -1"),
        (("secret word", "--settings", "none.toml"), "", "none.toml does not exist"),
    ],
)
def test_bad_use_is_one_error(arguments: tuple[str, ...], stdin: str, expected: str) -> None:
    done = CliRunner().invoke(app, ["explain", *arguments], input=stdin)
    assert isinstance(done.exception, NabdError)
    assert done.exception.exit_code == 2
    assert done.output == ""
    assert expected in str(done.exception)
    assert "secret" not in str(done.exception)
