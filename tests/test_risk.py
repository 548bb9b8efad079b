"""Customer risk: what the model promises, driver by driver, and the risk file."""

from __future__ import annotations

import json
import math
import time
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import assume, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline.errors import InputError, UsageError
from pipeline.output import COLUMNS
from pipeline.records import Contact, CustomerRisk, Driver, Outcome
from pipeline.risk import BANDS, Weights, parse_weights, rank, risk
from pipeline.risk.commands import risk_commands
from pipeline.risk.drivers import DRIVERS, displeasure
from pipeline.risk.run import as_of
from pipeline.risk.table import as_cells, read_risk, write_risk
from pipeline.settings import home
from pipeline.taxonomy import ANGER, DEFAULT, NEGATIVE, POSITIVE

NOW = datetime(2026, 10, 31, 12, tzinfo=UTC)
TIMELESS = Weights(silence_after_negative=0.0, unresolved=0.0)
SLACK = 1e-9
NONE = dict.fromkeys(
    ("announced_leaving", "anger", "falling_sentiment", "repeated_contact", "unresolved", "money_dispute", "low_csat",
     "low_nps", "praise", "silence_after_negative"), 0.0,
)  # fmt: skip


def contact(days: float = 0.0, *, negative: float = 0.0, positive: float = 0.0, **others: Any) -> Contact:
    """A message `days` before NOW."""
    number = others.pop("number", 1)
    known: dict[str, Any] = {
        "id": f"M-{number}", "customer": "c-1", "ticket": f"T-{number}", "topic": "fault", "outcome": Outcome(),
        "sentiment": NEGATIVE if negative > positive else POSITIVE, "time": NOW - timedelta(days=days),
    }  # fmt: skip
    return Contact(number, negative=negative, positive=positive, polarity=positive - negative, **(known | others))


def upset(days: float = 0.0, **others: Any) -> Contact:
    return contact(days, negative=0.9, **({"anger": 0.8, "emotion": ANGER} | others))


def thanks(days: float = 0.0, **others: Any) -> Contact:
    return contact(days, positive=0.95, **({"topic": "praise"} | others))


def found(*contacts: Contact, now: datetime = NOW, weights: Weights | None = None) -> CustomerRisk:
    return risk(contacts, now=now, weights=weights or Weights())


def names(result: CustomerRisk) -> list[str]:
    return [driver.name for driver in result.drivers]


shares = st.floats(0, 1)
ages = st.just(0.0) | st.integers(0, 40).map(lambda n: n / 4) | st.integers(0, 400).map(lambda n: n / 2)  # often equal
topics = st.sampled_from(("fault", "refund", "praise", "plan"))
outcomes = st.builds(
    Outcome,
    status=st.sampled_from([None, "open", "pending", "solved", "reopened"]),
    csat=st.none() | shares,
    nps=st.none() | st.integers(0, 10).map(float),
    revenue=st.none() | st.floats(0, 1e9),
)


@st.composite
def contacts_of(
    draw: st.DrawFn, *, outcome: st.SearchStrategy[Outcome] = outcomes, number: int | None = None
) -> Contact:
    negative = draw(shares)
    return contact(
        draw(ages),
        negative=negative,
        positive=draw(st.floats(0, 1 - negative)),
        number=draw(st.integers(1, 10**6)) if number is None else number,
        ticket=draw(st.sampled_from(["T-1", "T-2", "T-3"])),
        topic=draw(topics),
        sentiment=draw(st.sampled_from(["", NEGATIVE, POSITIVE])),
        anger=draw(shares),
        churn=draw(shares),
        outcome=draw(outcome),
    )


histories = st.lists(contacts_of(), min_size=1, max_size=6, unique_by=lambda each: each.number)


@given(histories)
def test_a_score_is_bounded_and_its_reasons_are_whole(contacts: list[Contact]) -> None:
    result = found(*contacts)
    assert 0 <= result.score < 100
    assert math.isfinite(result.score)
    assert result.band in BANDS
    assert result.trend in ("rising", "steady", "falling")
    if result.drivers:
        assert sum(driver.share for driver in result.drivers) == pytest.approx(1)
    for one, other in pairwise(result.drivers):
        assert one.share >= other.share
    ids = {each.id for each in contacts}
    for driver in result.drivers:
        assert driver.name in DRIVERS
        assert 0 < driver.share <= 1
        assert 1 <= len(driver.evidence) <= 3
        assert set(driver.evidence) <= ids


@given(histories, st.randoms(use_true_random=False))
def test_the_order_of_contacts_is_nothing(contacts: list[Contact], random: Any) -> None:
    shuffled = list(contacts)
    random.shuffle(shuffled)
    assert found(*shuffled) == found(*contacts)


@given(histories, st.floats(0, 300), st.floats(0, 300))
def test_time_alone_never_raises_the_score(contacts: list[Contact], sooner: float, longer: float) -> None:
    early, late = (NOW + timedelta(days=days) for days in (sooner, sooner + longer))
    assert (
        found(*contacts, now=late, weights=TIMELESS).score
        <= found(*contacts, now=early, weights=TIMELESS).score + SLACK
    )


@given(histories)
def test_everything_is_forgotten_in_the_end(contacts: list[Contact]) -> None:
    assert found(*contacts, now=NOW + timedelta(days=3000)).score < 0.01


angry = st.builds(
    lambda each, negative, anger: replace(
        each, negative=negative, positive=(1 - negative) * each.positive, sentiment=NEGATIVE, anger=anger,
        emotion=ANGER, polarity=(1 - negative) * each.positive - negative,
    ),
    contacts_of(outcome=st.just(Outcome()), number=0), st.floats(0.6, 1), st.floats(0.5, 1),
)  # fmt: skip


@given(histories, angry)
def test_an_angry_message_never_lowers_the_score(contacts: list[Contact], added: Contact) -> None:
    assert found(*contacts, added).score >= found(*contacts).score - SLACK


@given(histories, angry, st.floats(0, 0.9), st.floats(0.1, 10))
def test_nor_does_one_that_ends_the_heaviest_silence_that_is_allowed(
    contacts: list[Contact], added: Contact, relief: float, negative: float
) -> None:
    heaviest = negative * (1 - relief) / 2
    table = NONE | {"relief": relief, "negative_sentiment": negative, "silence_after_negative": heaviest}
    weights = parse_weights(table | {"silence_days": 0.5, "half_life_days": 10_000.0}, "nabd.toml")
    contacts = [replace(each, time=each.time - timedelta(days=1)) for each in contacts]
    added = replace(added, time=NOW)
    assert found(*contacts, added, weights=weights).score >= found(*contacts, weights=weights).score - SLACK


@given(histories, angry, st.sampled_from(sorted(NONE.keys() - {"silence_after_negative"})))
def test_nor_when_nearly_all_that_counts_is_one_other_sign(contacts: list[Contact], added: Contact, sign: str) -> None:
    weights = replace(Weights(), **(NONE | {sign: 50.0}), scale=100.0)
    assert found(*contacts, added, weights=weights).score >= found(*contacts, weights=weights).score - SLACK


def test_thanks_that_are_meant_badly_protect_from_nothing() -> None:
    sour = contact(0, number=2, negative=0.6, positive=0.4, topic="praise")
    weights = replace(Weights(), **(NONE | {"praise": 50.0}))
    assert found(upset(1), sour, weights=weights).score > found(upset(1), weights=weights).score


@given(histories, st.floats(0.9, 1))
def test_thanks_that_come_last_never_raise_the_score(contacts: list[Contact], positive: float) -> None:
    added = replace(thanks(0, number=0, ticket="T-1"), positive=positive, polarity=positive, churn=0.05)
    before, after = found(*contacts), found(*contacts, added)
    assert after.score <= before.score + SLACK
    assert set(names(after)) <= set(names(before))


@given(histories, histories, st.integers(0, 200))
def test_a_customer_who_left_stays_as_it_was(contacts: list[Contact], later: list[Contact], days: int) -> None:
    left = NOW - timedelta(days=days)
    contacts = [replace(each, outcome=replace(each.outcome, left=left)) for each in contacts]
    assume(any(each.time <= left for each in contacts))
    frozen = found(*contacts)
    assert (frozen.band, frozen.left) == ("left", left)
    after = [replace(each, time=left + (NOW - left) * 0.5 + timedelta(seconds=1)) for each in later]
    assert found(*contacts, *after, now=NOW + timedelta(days=9)) == frozen
    tidied = [replace(each, outcome=replace(each.outcome, status="solved")) for each in contacts]
    assert found(*tidied, now=NOW + timedelta(days=900)) == frozen


def test_leaving_before_the_first_contact_is_seen_as_of_that_contact() -> None:
    left = NOW - timedelta(days=50)
    first = upset(40, outcome=Outcome(left=left))
    assert found(first, thanks(3, number=2)) == replace(found(first, now=first.time), left=left, band="left")


def test_leaving_in_the_future_is_not_known_yet() -> None:
    leaver = upset(5, outcome=Outcome(left=NOW + timedelta(days=1)))
    assert found(leaver) == found(replace(leaver, outcome=Outcome()))


def test_contacts_after_now_do_not_count_and_none_left_is_refused() -> None:
    assert found(upset(10), upset(1, number=2), now=NOW - timedelta(days=5)) == found(
        upset(10), now=NOW - timedelta(days=5)
    )
    with pytest.raises(ValueError, match="none of 1 contacts is at or before 2026"):
        found(upset(0), now=NOW - timedelta(days=1))
    with pytest.raises(ValueError, match="several customers"):
        found(upset(0), upset(1, customer="c-2"))


def test_a_message_counts_half_after_a_half_life() -> None:
    def pressure(days: float) -> float:
        weights = Weights(silence_after_negative=0.0)
        return -math.log1p(-found(upset(days), weights=weights).score / 100) * weights.scale

    assert pressure(0) == pytest.approx(2 * 0.9 + 2 * 0.8)
    assert pressure(30) == pytest.approx(pressure(0) / 2)


def test_saying_that_one_leaves_weighs_most_and_a_doubt_nothing() -> None:
    leaver = found(contact(0, churn=0.97), upset(1, number=2))
    assert names(leaver)[0] == "announced_leaving"
    assert leaver.drivers[0].evidence == ("M-1",)
    assert leaver.score > 60
    assert found(contact(0, churn=0.1)).drivers == ()


def test_questions_that_are_a_little_negative_add_up_to_nothing() -> None:
    assert (
        found(
            *(contact(n / 10, negative=0.2, number=n, topic=topic) for n, topic in enumerate(DEFAULT.topic_ids))
        ).score
        == 0
    )
    levels = [displeasure(contact(negative=step / 100)) for step in range(101)]
    assert levels == sorted(levels)
    assert (levels[25], levels[50], levels[100]) == (0, 0.5, 1)


def test_a_fall_needs_a_height_and_an_unhappy_end() -> None:
    only = Weights(negative_sentiment=0, anger=0, silence_after_negative=0, praise=0)
    high, low = contact(20, positive=0.9, topic="how_to"), upset(2, number=2)
    fall = found(high, low, weights=only)
    assert names(fall) == ["falling_sentiment"]
    assert fall.drivers[0].evidence == ("M-2",)
    assert found(high, contact(2, number=2, negative=0.1, topic="plan"), weights=only).score == 0
    assert found(high, replace(low, time=high.time), weights=only).score == 0  # not after it
    assert found(replace(high, sentiment="", polarity=0.0), low, weights=only).score == 0


@pytest.mark.parametrize(
    ("hours", "topics", "repeats"),
    [(2, ("fault", "fault"), True), (0.5, ("fault", "fault"), False), (2, ("fault", "access"), False),
     (24 * 13, ("fault", "fault"), True), (24 * 15, ("fault", "fault"), False), (2, ("praise", "praise"), False)],
)  # fmt: skip
def test_a_repeat_is_on_the_same_topic_neither_too_soon_nor_too_late(
    hours: float, topics: tuple[str, str], repeats: bool
) -> None:
    pair = [contact(1 + hours / 24, topic=topics[0]), contact(1, number=2, topic=topics[1])]
    assert ("repeated_contact" in names(found(*pair))) is repeats


def test_a_ticket_that_waits_or_was_reopened_counts_once_and_a_solved_one_does_not() -> None:
    def unresolved(days: float, status: str | None) -> float:
        own = [
            contact(days + back, number=2 + back, ticket="T", topic=f"t{back}", outcome=Outcome(status=status))
            for back in (0, 1)
        ]
        return found(*own).score

    assert unresolved(0.5, "open") == 0  # not old enough
    assert unresolved(3, "open") == unresolved(3, "pending") == unresolved(3, "reopened") > 0
    assert unresolved(0, "reopened") > unresolved(3, "reopened")
    assert unresolved(3, "solved") == unresolved(3, None) == 0


def test_a_ticket_waits_from_its_first_message_on() -> None:
    waiting = upset(5, ticket="T", outcome=Outcome(status="open"))
    nudged = found(waiting, contact(0, number=2, ticket="T", topic="plan"))
    assert {driver.name: driver.evidence for driver in nudged.drivers}["unresolved"] == ("M-2",)


@pytest.mark.parametrize("states", [("solved", "open"), ("open", "solved")])
def test_of_two_states_at_one_time_the_graver_holds(states: tuple[str, str]) -> None:
    own = [contact(3, number=n, ticket="T", topic=f"t{n}", outcome=Outcome(status=s)) for n, s in enumerate(states)]
    assert names(found(*own)) == ["unresolved"]


def test_a_solved_ticket_relieves_of_its_own_harm_alone() -> None:
    one, other = upset(1, number=1), upset(2, number=2, topic="access")
    solved = replace(one, outcome=Outcome(status="solved"))
    thanked = contact(1, number=3, ticket="T-3", topic="how_to", outcome=Outcome(status="solved"))
    alone, mended = found(one), found(solved)
    assert 0 < mended.score < alone.score
    assert found(one, other, thanked).score == pytest.approx(found(one, other).score)
    assert found(solved, other).score > found(other).score


def test_money_taken_makes_a_complaint_worse() -> None:
    for topic in Weights().money_topics:
        assert names(found(upset(0, topic=topic))).count("money_dispute") == 1
        assert found(upset(0, topic=topic)).score > found(upset(0)).score
        assert "money_dispute" not in names(found(contact(0, topic=topic)))


def test_silence_grows_and_any_word_ends_it() -> None:
    only = Weights(negative_sentiment=2, anger=0, half_life_days=10_000)

    def share(days: float, *others: Contact) -> float:
        result = found(upset(days), *others, weights=only)
        return sum(driver.share for driver in result.drivers if driver.name == "silence_after_negative")

    assert share(14) == 0
    assert 0 < share(18) < share(27) < share(28) == pytest.approx(share(60), abs=1e-3)
    assert share(28, contact(1, number=2, topic="plan")) == 0
    assert found(contact(30, topic="plan")).score == 0  # a calm customer may be silent


def test_what_customers_say_of_the_desk_counts_once_a_ticket_and_once_a_customer() -> None:
    bad = [contact(n, number=n, ticket="T", topic=f"t{n}", outcome=Outcome(csat=0.25, nps=6.0)) for n in (1, 2, 3)]
    result = found(*bad)
    assert {driver.name: driver.evidence for driver in result.drivers} == {"low_csat": ("M-1",), "low_nps": ("M-1",)}
    fine = Outcome(csat=0.5, nps=7.0)
    assert found(contact(0, outcome=fine)).drivers == ()
    assert names(found(*bad, contact(0.5, number=9, topic="plan", outcome=fine))) == [
        "low_csat"
    ]  # the last answer holds


def test_thanks_protect_but_only_from_zero_up() -> None:
    assert found(upset(1), thanks(0, number=2)).score < found(upset(1)).score
    assert found(thanks(0)).score == 0
    assert found(contact(0, positive=0.95, topic="plan"), upset(1, number=2)).score == pytest.approx(
        found(upset(1)).score
    )


@pytest.mark.parametrize(
    ("days", "negative", "trend"),
    [((1, 2), 0.9, "rising"), ((40, 41), 0.9, "falling"), ((1, 60), 0.9, "rising"), ((1,), 0.3, "steady"),
     ((1, 31), 0.3, "steady")],
)  # fmt: skip
def test_the_trend_compares_with_a_month_ago(days: tuple[int, ...], negative: float, trend: str) -> None:
    weights = Weights(repeated_contact=0, silence_after_negative=0)
    own = [contact(day, number=day, negative=negative, anger=negative if negative > 0.5 else 0.0) for day in days]
    assert found(*own, weights=weights).trend == trend


def test_bands_follow_the_score() -> None:
    results = [found(*(upset(0, number=n, topic=f"t{n}") for n in range(count))) for count in range(1, 9)]
    for result in results:
        assert result.band == ("low", "watch", "high", "critical")[sum(result.score >= edge for edge in (25, 50, 75))]
    assert {result.band for result in results} >= {"watch", "high", "critical"}
    assert found(upset(0), weights=Weights(bands=(90.0, 95.0, 99.0))).band == "low"


def test_the_value_is_the_latest_that_is_known() -> None:
    worth = [
        contact(days, number=n, outcome=Outcome(revenue=value))
        for n, (days, value) in enumerate([(9, 100.0), (3, 250.0), (1, None)])
    ]
    assert found(*worth).value == 250
    assert found(contact()).value is None


def test_evidence_is_the_largest_first_and_each_message_once() -> None:
    own = [upset(days, number=int(days), id=f"M-{min(days, 4):.0f}") for days in (5, 1, 2, 3, 4)]
    assert found(*own).drivers[0].evidence == ("M-1", "M-2", "M-3")
    assert found(upset(2, number=7), upset(2, number=4), upset(1, number=9)).drivers[0].evidence == (
        "M-9",
        "M-4",
        "M-7",
    )


def test_times_of_different_offsets_are_compared_as_moments() -> None:
    tehran = timezone(timedelta(hours=3, minutes=30))
    assert (
        found(upset(1), upset(2, number=2, topic="access")).score
        == found(replace(upset(1), time=upset(1).time.astimezone(tehran)), upset(2, number=2, topic="access")).score
    )


def test_ten_thousand_messages_of_one_customer_take_no_time() -> None:
    contacts = [upset(n / 50, number=n, ticket=f"T-{n % 3000}") for n in range(10_000)]
    start = time.perf_counter()
    result = found(*contacts)
    assert time.perf_counter() - start < 5
    assert (result.contacts, result.band) == (10_000, "critical")
    assert result.score < 100


def test_customers_are_ranked_by_score_and_those_without_a_name_left_out() -> None:
    crowd = [contact(1, customer="b"), upset(1, number=2, customer="هدى"), contact(1, number=3, customer="a"),
             upset(1, number=4, customer=""), upset(-3, number=5, customer="tomorrow")]  # fmt: skip
    assert [each.customer for each in rank(crowd, now=NOW)] == ["هدى", "a", "b"]
    assert rank([], now=NOW) == []


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"angr": 1}, "unknown key 'angr' in [risk], expected one of half_life_days, scale"),
        ({"anger": "much"}, "anger must be a number, found 'much'"),
        ({"anger": True}, "anger must be a number, found True"),
        ({"anger": -1}, "anger is -1, expected 0 or more"),
        ({"anger": math.inf}, "anger is inf"),
        ({"anger": math.nan}, "anger is nan"),
        ({"scale": 0}, "scale is 0, expected more than 0"),
        ({"half_life_days": 0.0}, "half_life_days is 0.0, expected more than 0"),
        ({"relief": 1.5}, "relief is 1.5, expected 0 or more and at most 1"),
        ({"announced_floor": 1}, "announced_floor is 1, expected 0 or more and below 1"),
        ({"money_topics": "refund"}, "money_topics must be a list of topics, found 'refund'"),
        ({"praise_topics": ["thanks"]}, "no topic 'thanks' to hold, expected one of access, fault"),
        ({"bands": [25, 75]}, "bands must be three rising numbers between 0 and 100, found [25, 75]"),
        ({"bands": [25, 75, 50]}, "three rising numbers"),
        ({"bands": [0, 50, 100]}, "three rising numbers"),
        ({"bands": 3}, "three rising numbers"),
        ({"silence_after_negative": 1}, "silence_after_negative is 1, expected 0.6 or less"),
        ({"negative_sentiment": 1}, "silence_after_negative is 0.6, expected 0.3 or less"),
        ([], "risk must be a table written as [risk], found list"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(table: Any, message: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_weights(table, "nabd.toml", topics=DEFAULT.topic_ids)
    assert message in str(error.value)
    assert str(error.value).startswith("nabd.toml")


def test_weights_are_read_and_every_one_is_described() -> None:
    table = {"anger": 3, "bands": [10, 20, 30], "money_topics": ["payment"]}
    assert parse_weights(table, "x") == Weights(anger=3.0, bands=(10.0, 20.0, 30.0), money_topics=("payment",))
    assert parse_weights({}, "x", topics=DEFAULT.topic_ids) == Weights()
    shipped = (home() / "nabd.toml").read_text("utf-8")
    for entry in fields(Weights):
        assert len(entry.metadata["help"]) > 10
        assert f"\n{entry.name} = " in shipped


def a_risk(**others: Any) -> CustomerRisk:
    drivers = (Driver("announced_leaving", 0.62, ("T-1;x", "T|2%")), Driver("anger", 0.38, ("پیام ۳",)))
    known = CustomerRisk("هدى | 7", 81.25, "critical", "rising", drivers, 3, NOW - timedelta(days=9), NOW, None, 1200.5)
    return replace(known, **others)


@pytest.mark.parametrize("name", ["risk.csv", "risk.jsonl", "risk.xlsx", "risk.parquet"])
def test_a_risk_file_is_read_back_as_it_was(tmp_path: Path, name: str) -> None:
    risks = [
        a_risk(),
        a_risk(customer="17", left=NOW, band="left", value=None),
        a_risk(customer="c", score=0.0, drivers=()),
    ]
    write_risk(str(tmp_path / name), risks, probability={"17": 0.25})
    assert read_risk(str(tmp_path / name)) == risks


def test_the_columns_of_a_risk_file_are_plain_to_people() -> None:
    cells = as_cells(a_risk(drivers=(Driver("anger", 1.0, ("T-1", "T-2")),)))
    assert (cells["drivers"], cells["evidence"], cells["risk"]) == ("anger:1.00", "T-1;T-2", 81.25)


def test_another_file_is_no_risk_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("customer,band\n1,low\n", "utf-8")
    with pytest.raises(UsageError, match="no column risk: it is no risk file"):
        read_risk(str(tmp_path / "a.csv"))
    write_risk(str(tmp_path / "b.jsonl"), [a_risk()])
    broken = json.loads((tmp_path / "b.jsonl").read_text("utf-8")) | {"contacts": "many"}
    (tmp_path / "b.jsonl").write_text(json.dumps(broken), "utf-8")
    with pytest.raises(InputError, match=r"row 1: .*'many'"):
        read_risk(str(tmp_path / "b.jsonl"))


def row(number: int, customer: str | None, days: float, text: str, **others: Any) -> dict[str, Any]:
    """A row as `nabd score` writes it."""
    plain = dict.fromkeys(COLUMNS, "") | {
        "nabd_language": "en", "nabd_category": "technical_fix", "nabd_topic": "fault", "nabd_sentiment": "neutral",
        "nabd_sentiment_confidence": 0.9, "nabd_sentiment_score": 0.0, "nabd_emotion": "none", "nabd_model": "m",
        "nabd_emotion_confidence": 0.9, "nabd_churn_probability": 0.02, "nabd_sla_minutes": 60,
    }  # fmt: skip
    made = (NOW - timedelta(days=days)).isoformat()
    return {"id": f"T-{number}", "customer": customer, "created_at": made, "text": text, **plain, **others}


LEAVING = {"nabd_sentiment": "negative", "nabd_sentiment_score": -0.9, "nabd_churn_probability": 0.95}
EXPORT = [
    row(1, "huda", 1, "سأغلق حسابي عندكم وأنتقل إلى شركة أخرى، كفاية", **LEAVING, arr=900),
    row(2, "huda", 6, "شو هالخدمة، التطبيق ما عم يفتح من مبارح", **{**LEAVING, "nabd_churn_probability": 0.3}, arr=900),
    row(3, "سارا", 2, "برنامه باز نمی‌شود، لطفاً راهنمایی کنید", arr=100),
    row(4, "omar", 3, "How do I change my delivery address?", arr=300),
    row(5, "omar", 2, "The app crashes and nobody answers, I am moving to your rival", **LEAVING, arr=300),
    row(6, None, 2, "Hello, is anyone there?", arr=None),
]


def written(folder: Path, rows: list[dict[str, Any]]) -> str:
    path = folder / "scored.jsonl"
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows), "utf-8")
    return str(path)


def invoke(*arguments: str) -> Any:
    app = typer.Typer()
    risk_commands(app)
    return CliRunner().invoke(app, list(arguments))


def test_the_command_ranks_the_customers_of_a_scored_file(tmp_path: Path) -> None:
    out = tmp_path / "risk.csv"
    result = invoke(written(tmp_path, EXPORT), "-o", str(out))
    assert result.exit_code == 0, result.output
    risks = read_risk(str(out))
    assert [each.customer for each in risks] == ["huda", "omar", "سارا"]
    assert risks[0].drivers[0].name == "announced_leaving"
    assert risks[0].drivers[0].evidence[0] == "T-1"
    assert (risks[0].value, risks[0].contacts, risks[2].band) == (900, 2, "low")
    assert "1 messages without a customer are left out" in result.output
    assert "announced_leaving" in result.output
    assert "value at stake" in result.output
    assert "كفاية" not in result.output  # what they wrote is never shown
    assert "SYNTHETIC" not in result.output


def test_now_is_the_last_message_or_the_day_that_is_given(tmp_path: Path) -> None:
    source, out = written(tmp_path, EXPORT), tmp_path / "risk.jsonl"
    assert "as of 2026-10-30T12:00+00:00" in invoke(source, "-o", str(out)).output
    assert invoke(source, "-o", str(out), "--now", "2026-10-27").exit_code == 0
    assert [(each.customer, each.contacts) for each in read_risk(str(out))] == [("huda", 1)]
    last = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=3)))
    assert as_of("2026-10-31", last).isoformat(timespec="seconds") == "2026-10-31T23:59:59+03:00"
    assert as_of("2026-10-31T08:00Z", last) == datetime(2026, 10, 31, 8, tzinfo=UTC)


def test_a_date_far_behind_all_others_is_told_of_once_it_makes_risks_fade(tmp_path: Path) -> None:
    rows = [{**EXPORT[0], "id": str(number)} for number in range(120)]
    slip = {**EXPORT[0], "id": "slip", "created_at": "2062-10-30T12:00:00Z"}
    told = "1 messages are dated up to 2062-10-30"
    result = invoke(written(tmp_path, [*rows, slip]))
    assert told in " ".join(result.stderr.split())
    assert "give --now 2026-10-" in " ".join(result.stderr.split())
    assert told not in invoke(written(tmp_path, [*rows, slip]), "--now", "2026-10-30").stderr
    assert told not in invoke(written(tmp_path, [*rows[:40], slip])).stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--now", "yesterday"], "--now: expected a day or a time, such as 2026-10-31, found 'yesterday'"),
        (["--now", "2020-01-01"], "the first message is of 2026-10-25"),
        (["--plot", "a.svg"], "add --backtest"),
        (["--backtest", "--plot", "a.pdf"], "ends in .svg or .png"),
        (["--backtest"], "too few customers leave for a backtest: 0 to learn from, expected 20 or more"),
        (["--churned", "gone"], "--churned: there is no column 'gone'"),
        (["--churned", "arr"], "0 customers leave within 60 days"),
    ],
)
def test_what_cannot_be_done_is_refused(tmp_path: Path, options: list[str], message: str) -> None:
    result = invoke(written(tmp_path, EXPORT), *options)
    assert isinstance(result.exception, UsageError | InputError)
    assert message in str(result.exception)


def test_a_scored_file_is_never_overwritten_and_one_without_customers_says_so(tmp_path: Path) -> None:
    source = written(tmp_path, EXPORT)
    assert "is the scored file itself" in str(invoke(source, "-o", source).exception)
    nobody = written(tmp_path, [{**each, "customer": ""} for each in EXPORT])
    assert "no message" in str(invoke(nobody, "--customer", "customer").exception)


def test_rows_to_stdout_are_alone_there_and_rejects_are_told(tmp_path: Path) -> None:
    source = written(tmp_path, [*EXPORT, {**EXPORT[0], "created_at": "soon"}])
    result = invoke(source, "-o", "-", "--time", "created_at")
    assert result.exit_code == 3
    assert [json.loads(line)["customer"] for line in result.stdout.splitlines()] == ["huda", "omar", "سارا"]
    assert "1 rows could not be read" in result.stderr


def test_synthetic_data_is_named_as_such(tmp_path: Path) -> None:
    source = written(tmp_path, [{**each, "synthetic": "yes"} for each in EXPORT])
    assert "SYNTHETIC data" in invoke(source).output
