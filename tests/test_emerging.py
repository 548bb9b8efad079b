"""Issues that grow are found and named in three languages; what did not grow is not said to have."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from scipy.stats import betabinom, fisher_exact
from typer.testing import CliRunner

from pipeline.bundle import Bundle, Judged
from pipeline.emerging.clusters import NONE, find_clusters, space
from pipeline.emerging.commands import emerging_commands
from pipeline.emerging.draw import draw
from pipeline.emerging.embeddings import embeddings_model, keeping, read_embeddings
from pipeline.emerging.find import emerging
from pipeline.emerging.growth import growth
from pipeline.emerging.terms import Said, name_clusters, words
from pipeline.encoder import FakeEncoder, Vectors
from pipeline.errors import InputError, OutputError, UsageError
from pipeline.records import Contact, Message
from pipeline.run import Job, run
from pipeline.score import prepare, score
from pipeline.settings import load_settings

NOW = datetime(2026, 10, 31, 12, tzinfo=UTC)
WIDTH = 24
ROUTINE = {
    "ar": ("وين وصل طلبي اليوم", "بدي أغير عنوان التوصيل", "عايز فاتورة الشهر اللي فات", "شكرا على الخدمة"),
    "fa": ("سفارشم کی می‌رسد", "نشانی تحویل را عوض کنید", "فاکتور این ماه را بفرستید", "ممنون از پشتیبانی شما"),
    "en": ("when does my parcel arrive", "please change my address", "send the invoice of May", "thanks for the help"),
}
OUTAGE = {
    "ar": ("النت مقطوع من امبارح والراوتر لمبته حمرا", "الراوتر لمبته حمرا ومفيش نت", "لمبته حمرا الراوتر شو أعمل"),
    "fa": ("چراغ مودم قرمز شده و وصل نمی‌شود", "مودم چراغ قرمز دارد، وصل نمی‌شود", "چراغ قرمز مودم، چرا وصل نمی‌شود"),
    "en": ("the router shows a red light and no internet", "red light on my router again", "router red light, why"),
}  # fmt: skip
LANGUAGES = ("ar", "fa", "en")


def desk(
    seed: int, topics: Sequence[Sequence[float]], *, customers: int = 60, burst: int = 1, spread: float = 0.25
) -> tuple[list[Contact], Vectors]:
    """A window a list of topic weights, the oldest first: contacts of customers new in each, and their vectors.

    The last topic is the outage, the others are routine. A customer writes up to `burst` messages of one topic.
    """
    random = np.random.default_rng(seed)
    middles = np.random.default_rng(99).normal(size=(len(topics[0]), WIDTH))
    contacts: list[Contact] = []
    vectors = []
    for age, weights in zip(range(len(topics) - 1, -1, -1), topics, strict=True):
        for customer in range(customers):
            topic = int(random.choice(len(weights), p=np.array(weights) / sum(weights)))
            language = LANGUAGES[int(random.integers(3))]
            for _ in range(int(random.integers(1, burst + 1))):
                number = len(contacts) + 1
                said = OUTAGE[language] if topic == len(weights) - 1 else ROUTINE[language][topic % 4 : topic % 4 + 1]
                contacts.append(
                    Contact(
                        number, f"m{number}", NOW - timedelta(days=7 * age + 6.9 * random.random() * bool(customer)),
                        f"c{age}-{customer}", f"t{number}", text=str(random.choice(said)), language=language,
                        category="technical_fix", topic=f"topic{topic}",
                    )
                )  # fmt: skip
                vectors.append(middles[topic] + random.normal(0, spread, WIDTH))
    return contacts, np.array(vectors, np.float32)


def of(vectors: Vectors) -> Callable[[Sequence[Contact]], Vectors]:
    return lambda contacts: vectors[[each.number - 1 for each in contacts]]


STEADY = (3, 3, 3, 3, 0.2)
BROKEN = (3, 3, 3, 3, 6)


def test_an_issue_that_appears_is_found_and_named_in_each_language() -> None:
    contacts, vectors = desk(1, [STEADY] * 4 + [BROKEN], customers=90)
    found = emerging(contacts, of(vectors), now=NOW)
    grown = [issue for issue in found.issues if issue.is_emerging]
    assert [issue.topics for issue in grown] == [{"topic4": grown[0].size}]
    assert found.issues[0] is grown[0]
    issue = grown[0]
    assert issue.growth is not None
    assert issue.growth.q_value < 0.05
    assert 1.5 < issue.growth.low < issue.growth.ratio
    assert issue.expected is not None
    assert issue.size > 5 * issue.expected
    told = {word for term in issue.terms for word in term.split()}
    for its_words in ("الراوتر لمبته حمرا", "مودم چراغ قرمز نمی\u200cشود", "router red light internet"):
        assert told & set(its_words.split())
    assert set(issue.languages) == set(LANGUAGES)
    assert issue.categories == {"technical_fix": issue.size}
    assert len(issue.examples) == 5
    topic_of = {each.id: each.topic for each in contacts}
    assert {topic_of[each] for each in issue.examples} == {"topic4"}
    assert issue.first_seen == min(each.time for each in contacts if each.topic == "topic4")
    assert "grown among the others: 1" in found.note


def test_the_same_contacts_give_the_same_issues_whatever_was_asked_before() -> None:
    contacts, vectors = desk(2, [STEADY] * 4 + [BROKEN])
    first, *others = (emerging(contacts, of(vectors), now=NOW) for _ in range(2))
    assert others == [first]


def test_where_nothing_grew_nothing_is_said_to_have() -> None:
    """Twelve topics, customers who write in bursts: those found are large by luck, and must not count as growth."""
    runs, issues = [], 0
    for seed in range(40):
        contacts, vectors = desk(seed, [[1.0] * 12] * 5, customers=70, burst=4, spread=0.4)
        found = emerging(contacts, of(vectors), now=NOW, seed=seed)
        runs.append(any(issue.is_emerging for issue in found.issues))
        issues += len(found.issues)
    assert issues > 100, "it says nothing to find nothing among nothing"
    assert sum(runs) <= 4


def test_one_customer_who_writes_much_is_no_issue_that_grows() -> None:
    contacts, vectors = desk(3, [STEADY] * 5)
    many = [replace(contacts[-1], number=len(contacts) + 1 + n, id=f"x{n}", text=f"red {n}") for n in range(40)]
    far = np.random.default_rng(0).normal(4, 0.05, (40, WIDTH)).astype(np.float32)
    found = emerging([*contacts, *many], of(np.concatenate([vectors, far])), now=NOW)
    assert not any(issue.is_emerging for issue in found.issues)


def test_the_same_words_of_many_customers_are_an_issue() -> None:
    contacts, vectors = desk(4, [STEADY] * 5)
    more = [replace(contacts[-1], number=len(contacts) + 1 + n, customer=f"n{n}", text="النت مقطوع") for n in range(30)]
    same = np.tile(np.linspace(-3, 3, WIDTH, dtype=np.float32), (30, 1))
    found = emerging([*contacts, *more], of(np.concatenate([vectors, same])), now=NOW)
    assert found.issues[0].is_emerging
    assert found.issues[0].size >= 30
    assert found.issues[0].terms[0] in ("النت مقطوع", "النت", "مقطوع")


def test_too_few_messages_are_said_to_be() -> None:
    contacts, vectors = desk(5, [STEADY] * 5, customers=18)
    found = emerging(contacts, of(vectors), now=NOW)
    assert (found.issues, found.messages, found.earlier) == ((), 18, 72)
    assert found.note == "too few messages: half of the customers wrote 9, and 10 are needed"
    assert emerging([], of(vectors), now=NOW).note.endswith("wrote 0, and 10 are needed")


def test_messages_all_unlike_are_no_issue() -> None:
    contacts, _ = desk(6, [STEADY] * 5, customers=40)
    apart = np.eye(len(contacts), dtype=np.float32)
    found = emerging(contacts, of(apart), now=NOW)
    assert not any(issue.is_emerging for issue in found.issues)
    assert found.note.startswith(("no issues", "issues found"))


def test_without_earlier_messages_growth_is_unknown() -> None:
    contacts, vectors = desk(7, [BROKEN])
    found = emerging(contacts, of(vectors), now=NOW)
    assert found.issues
    assert {(issue.growth, issue.expected, issue.is_emerging) for issue in found.issues} == {(None, None, False)}
    assert "growth unknown: the others wrote nothing in the windows before" in found.note


def test_without_another_customer_growth_is_unknown() -> None:
    contacts, vectors = desk(8, [STEADY, BROKEN])
    alone = [replace(each, customer="one", text=each.text + str(each.number)) for each in contacts]
    earlier = replace(alone[0], customer="two")
    found = emerging([earlier, *alone[1:]], of(vectors), now=NOW)
    assert found.issues
    assert all(issue.growth is None for issue in found.issues)
    assert "growth unknown: there are no other customers" in found.note


def test_whole_customers_are_drawn_of_the_right_windows() -> None:
    contacts, _ = desk(9, [STEADY] * 7, customers=50, burst=3)
    late = replace(contacts[0], number=9999, time=NOW + timedelta(seconds=1))
    drawn = draw([*contacts, late], now=NOW, window=timedelta(days=7), earlier=4, limit=60, seed=0)
    ages = [(NOW - each.time) // timedelta(days=7) for each in drawn.contacts]
    assert [age == 0 for age in ages] == drawn.now.tolist()
    assert set(ages) <= {0, 1, 2, 3, 4}
    assert 60 <= drawn.now.sum() <= 62
    assert 60 <= (~drawn.now).sum() <= 62
    chosen = {each.customer for each in drawn.contacts}
    assert len(drawn.contacts) == sum(each.customer in chosen for each in contacts)
    assert not (drawn.finds & drawn.counts).any()
    finders = {each.customer for each, finds in zip(drawn.contacts, drawn.finds, strict=True) if finds}
    counters = {each.customer for each, counts in zip(drawn.contacts, drawn.counts, strict=True) if counts}
    assert finders.isdisjoint(counters)
    assert drawn.now[drawn.finds].all()
    nobody = [replace(each, customer="") for each in contacts]
    apart = draw(nobody, now=NOW, window=timedelta(days=7), earlier=4, limit=9999, seed=0)
    assert len(set(apart.writer.tolist())) == len(apart.contacts)


def test_a_language_does_not_stand_apart() -> None:
    random = np.random.default_rng(0)
    middles, accents = random.normal(size=(2, 3, WIDTH))
    topics, languages = np.arange(180) % 3, np.arange(180) // 60
    vectors = (middles[topics] + accents[languages] + random.normal(0, 0.25, (180, WIDTH))).astype(np.float32)
    assert len(find_clusters(space(vectors, ["und"] * 180, seed=0), smallest=10).centres) == 9
    points = space(vectors, [LANGUAGES[each] for each in languages], seed=0)
    clusters = find_clusters(points, smallest=10)
    assert len(clusters.centres) == 3
    found, depth = clusters.assign(points)
    inside = found != NONE
    assert 0.8 < inside.mean() < 1
    assert (depth[inside] <= 1).all()
    assert len({(topic, each) for topic, each in zip(topics[inside], found[inside], strict=True)}) == 3


def test_growth_is_the_exact_conditional_test() -> None:
    fast, steady, absent, fresh = growth([30, 10, 0, 12], [20, 40, 0, 0], exposure=(100, 400))
    assert absent is None
    assert fast is not None
    assert steady is not None
    assert fresh is not None
    assert fast.ratio == pytest.approx(6)
    assert steady.ratio == pytest.approx(1)
    assert (fresh.ratio, fresh.high) == (math.inf, math.inf)
    assert fresh.low > 1
    # With no count before, p is the share of the exposure now to the power of the count; its bound follows.
    assert fresh.p_value == pytest.approx(0.2**12)
    share = 0.025 ** (1 / 12)
    assert fresh.low == pytest.approx(share / (1 - share) * 4)
    assert fast.p_value < fast.q_value
    assert steady.p_value == steady.q_value > 0.4
    assert steady.low < 1 < steady.high
    assert not steady.is_emerging
    assert fast.is_emerging
    assert growth([], [], exposure=(1, 1)) == []


def test_growth_agrees_with_fishers_test_where_counts_are_rare() -> None:
    [found] = growth([12], [9], exposure=(10_000, 20_000))
    oracle = fisher_exact([[12, 9], [9_988, 19_991]], alternative="greater").pvalue
    assert found is not None
    assert found.p_value == pytest.approx(oracle, rel=0.01)


def test_the_interval_holds_the_true_ratio() -> None:
    random = np.random.default_rng(5)
    held = 0
    for _ in range(300):
        [found] = growth([int(random.poisson(12))], [int(random.poisson(24))], exposure=(100, 400))
        held += found is not None and found.low <= 2 <= found.high
    assert held >= betabinom.ppf(0.001, 300, 95, 5) > 200


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("الراوتر مش شغال", "ar", {"الراوتر", "مش", "شغال", "الراوتر مش", "مش شغال"}),
        ("برنامه باز نمی‌شود", "fa", {"برنامه", "باز", "نمی\u200cشود", "برنامه باز", "باز نمی\u200cشود"}),
        ("سفارش ها می رسند", "fa", {"سفارش\u200cها", "می\u200cرسند", "سفارش\u200cها می\u200cرسند"}),
        ("I don't PAY, ok", "en", {"don't", "pay", "ok", "i don't", "don't pay"}),
        ("mp3 5 a1 b2b 12:30", "en", set()),
        ("call me on +966 50 123 4567 now", "en", {"call", "me", "on", "now", "call me", "me on"}),
    ],
)
def test_words_and_pairs(text: str, language: str, expected: set[str]) -> None:
    assert set(words(prepare(text).text, language)) == expected


def test_no_placeholder_is_a_term() -> None:
    text = "البطاقة 4111 1111 1111 1111 والبريد me@example.com والهوية 1012345672 حساب SA0380000000608010167519"
    found = " ".join(words(prepare(text).text, "ar")).split()
    assert found
    assert {"card", "email", "national", "id", "iban", "phone"}.isdisjoint(found)


def test_terms_are_of_three_customers_and_of_no_general_word() -> None:
    said = [Said("please help the kabel is broken says omid", "en", 1, 0)]
    said += [Said("please help the kabel is broken", "en", writer, 0) for writer in (2, 2, 2, 3, 4)]
    said += [Said("please help the parcel is late", "en", writer, NONE) for writer in range(10, 60)]
    said += [Said("لطفا راهنمایی کنید", "fa", writer, 0) for writer in range(60, 64)]
    said += [Said("لطفا راهنمایی کنید", "fa", writer, NONE) for writer in range(70, 90)]
    [terms] = name_clusters(said, 1)
    assert {word for term in terms for word in term.split()} <= {"the", "kabel", "is", "broken"}
    assert any("kabel" in term for term in terms)
    few = [replace(each, writer=1) for each in said if each.cluster == 0]
    assert name_clusters([*few, *(each for each in said if each.cluster == NONE)], 1) == [()]


def judged(vectors: Vectors) -> Judged:
    return Judged({}, np.zeros(len(vectors), bool), vectors, np.zeros(len(vectors), int))


def test_vectors_are_kept_and_read_back_by_row(tiny_bundle: Bundle, tmp_path: Path) -> None:
    path = str(tmp_path / "v.parquet")
    vectors = np.random.default_rng(0).normal(size=(5000, 64)).astype(np.float32)
    with keeping(path, tiny_bundle) as keep:
        for part in (vectors[:64], vectors[64:64], vectors[64:]):
            keep(judged(part))
    table = pq.read_table(path)
    assert table.schema.field("vector").type == pa.list_(pa.float16(), 64)
    assert table.column("row").to_pylist() == list(range(1, 5001))
    assert embeddings_model(path) == tiny_bundle.version
    assert table.schema.metadata[b"nabd_encoder"] == b"fake-64"
    np.testing.assert_allclose(read_embeddings(path, [4999, 2, 2]), vectors[[4998, 1, 1]], atol=2e-3)
    assert read_embeddings(path, []).shape == (0, 64)
    with pytest.raises(UsageError, match=r"5,000 rows and none of row 5,001"):
        read_embeddings(path, [1, 5001])


def test_vectors_appear_whole_or_not_at_all(tiny_bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "v.parquet"

    def stop() -> None:
        with keeping(str(path), tiny_bundle) as keep:
            keep(judged(np.zeros((3, 64), np.float32)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match="standard output"), keeping("-", tiny_bundle):
        pass
    with pytest.raises(OutputError, match="folder does not exist"), keeping(str(tmp_path / "no" / "v"), tiny_bundle):
        pass
    with keeping(None, tiny_bundle) as keep:
        keep(judged(np.zeros((1, 64), np.float32)))
    assert list(tmp_path.iterdir()) == []


def test_files_that_hold_no_vectors_are_refused(tiny_bundle: Bundle, tmp_path: Path) -> None:
    other, text = tmp_path / "other.parquet", tmp_path / "text.parquet"
    pq.write_table(pa.table({"row": [1]}), other)
    text.write_text("row,vector", encoding="utf-8")
    with pytest.raises(UsageError, match="holds no vectors of `nabd score`"):
        embeddings_model(str(other))
    for path in (text, tmp_path / "none.parquet"):
        with pytest.raises(InputError, match="cannot be read as Parquet"):
            read_embeddings(str(path), [1])
    with keeping(str(other), tiny_bundle) as keep:
        keep(judged(np.full((1, 64), np.nan, np.float32)))
    with pytest.raises(InputError, match="not finite"):
        read_embeddings(str(other), [1])


def test_the_vectors_of_a_cascade_are_all_of_its_fast_model(tiny_bundle: Bundle) -> None:
    slow = replace(tiny_bundle, encoder=FakeEncoder(32), name="slow")
    slow = replace(slow, heads=replace(tiny_bundle.heads, weight=tiny_bundle.heads.weight[:32]))
    cascade = replace(slow, name="both", fast=tiny_bundle, accept=0.5)
    messages = [Message(text) for language in LANGUAGES for text in (*ROUTINE[language], *OUTAGE[language])]
    heard: list[Judged] = []
    rules = load_settings(environment={}).routes
    scored = score(messages, cascade, rules, on_judged=heard.append)
    assert scored == score(messages, cascade, rules)
    assert cascade.first_encoder is tiny_bundle.encoder
    expected = tiny_bundle.encoder.encode([prepare(message.text).text for message in messages])
    np.testing.assert_array_equal(heard[0].vectors, expected)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of `scored.csv` and `v.parquet`, written by the fast model; one row of the input could not be read."""
    folder = tmp_path_factory.mktemp("emerging")
    contacts, _ = desk(11, [STEADY, STEADY, BROKEN])
    with (folder / "in.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "created_at", "customer_id", "message"])
        for each in contacts:
            writer.writerow([each.id, each.time.isoformat(), each.customer, each.text])
    job = Job(str(folder / "in.csv"), str(folder / "scored.csv"), None, {}, {}, True, str(folder / "v.parquet"))
    run(job, replace(load_settings(environment={}), model="nabd-fast"))
    return folder


def verb(*arguments: str) -> tuple[str, BaseException | None]:
    app = typer.Typer()
    emerging_commands(app)
    result = CliRunner().invoke(app, list(arguments))
    return result.stdout, result.exception


def test_the_verb_prints_a_table_and_json(scored: Path) -> None:
    files = (str(scored / "scored.csv"), "--embeddings", str(scored / "v.parquet"))
    table, fault = verb(*files)
    assert fault is None
    assert "Examples" in table
    assert "Traceback" not in table
    line, fault = verb(*files, "--json", "--window-days", "7")
    assert fault is None
    found = json.loads(line)
    assert found["messages"] == 60
    assert found["earlier"] == 120
    assert found["issues"][0].keys() >= {"terms", "size", "expected", "growth", "emerging", "examples", "first_seen"}
    assert all(issue["growth"] is None or issue["growth"]["p_value"] <= 1 for issue in found["issues"])


def test_vectors_of_another_model_or_file_are_refused(scored: Path, tiny_bundle: Bundle, tmp_path: Path) -> None:
    other = str(tmp_path / "other.parquet")
    with keeping(other, tiny_bundle) as keep:
        keep(judged(np.zeros((1, 64), np.float32)))
    _, fault = verb(str(scored / "scored.csv"), "--embeddings", other)
    assert isinstance(fault, UsageError)
    assert "holds vectors of tiny@unsaved, but the rows were scored by nabd-fast@" in str(fault)
    short = pq.read_table(scored / "v.parquet").slice(0, 100)
    pq.write_table(short, other)
    _, fault = verb(str(scored / "scored.csv"), "--embeddings", other)
    assert isinstance(fault, UsageError)
    assert "holds vectors of 100 rows and none of row" in str(fault)


def test_vectors_do_not_overwrite_another_file_of_the_job(tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("message\nhello\n", encoding="utf-8")
    settings = replace(load_settings(environment={}), model="nabd-fast")
    for kind, path in (("input", source), ("output", out), ("rejects", tmp_path / "out.csv.rejects.jsonl")):
        with pytest.raises(UsageError, match=f"is the {kind} itself, so embeddings cannot go there"):
            run(Job(str(source), str(out), None, {}, {}, True, str(path)), settings)
    assert list(tmp_path.iterdir()) == [source]
