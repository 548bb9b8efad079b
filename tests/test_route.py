from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.records import Decision
from pipeline.risk import BANDS
from pipeline.route import Rule, route
from pipeline.routing.coverage import unreachable
from pipeline.routing.lines import Document
from pipeline.routing.queues import Queue, parse_queues
from pipeline.routing.rules import parse_rules
from pipeline.score import FLAGS
from pipeline.settings import load_settings
from pipeline.taxonomy import DEFAULT, EMOTIONS, OUT_OF_SCOPE, SENTIMENTS, URGENCIES

LAST = {"name": "rest", "queue": "desk", "priority": "normal", "sla_minutes": 480}
LABELS = {"topic": DEFAULT.topic_ids, "urgency": DEFAULT.labels("urgency")}
DESK = Document("desk.toml")


def table(**changes: Any) -> dict[str, Any]:
    return {"name": "first", "queue": "money", "priority": "high", "sla_minutes": 30, **changes}


def rules(*tables: Any) -> tuple[Rule, ...]:
    return parse_rules([*tables, LAST], DESK)


def test_the_first_rule_that_matches_decides() -> None:
    both = rules(table(when={"topic": "refund"}), table(name="second", queue="other", when={"category": "billing"}))
    assert route({"topic": ("refund",)}, both).queue == "money"
    assert route({"topic": ("fault",)}, both) == Decision("desk", "normal", 480, "rest: no earlier rule matched")


def test_every_condition_must_hold_and_a_list_means_any() -> None:
    chosen = rules(table(when={"topic": ["refund", "fault"], "language": "fa"}, tags=["a", "b"]))
    decision = route({"topic": ("fault",), "language": ("fa",)}, chosen)
    assert decision == Decision("money", "high", 30, "first: topic=fault and language=fa", ("a", "b"))
    assert route({"topic": ("fault",), "language": ("ar",)}, chosen).queue == "desk"
    assert route({"language": ("fa",)}, chosen).queue == "desk"


def test_of_several_values_any_may_match_and_the_reason_names_those_that_did() -> None:
    chosen = rules(table(when={"review": ["ambiguous", "too_short"]}))
    facts = {"review": ("out_of_scope", "too_short")}
    assert route(facts, chosen).reason == "first: review=too_short"
    assert route({"review": ()}, chosen).queue == "desk"


def test_a_column_of_the_file_is_a_condition() -> None:
    chosen = rules(table(when={"column:خطة": ["gold", 3]}))
    assert route({"column:خطة": ("gold",)}, chosen).reason == "first: column:خطة=gold"
    assert route({"column:خطة": ("3",)}, chosen).queue == "money"
    assert route({"خطة": ("gold",)}, chosen).queue == "desk"


REFUSED: dict[str, tuple[Any, str]] = {
    "unknown key": (table(colour="red"), "unknown key 'colour'"),
    "unknown condition": (table(when={"mood": "bad"}), "unknown condition 'mood'"),
    "unknown value": (
        table(when={"topic": "refunds"}),
        "topic is never 'refunds', expected one of access, fault, defect",
    ),
    "one unknown of several": (table(when={"topic": ["fault", "x"]}), "never 'x'"),
    "no value": (table(when={"topic": []}), "would never match"),
    "no value of a column": (table(when={"column:plan": []}), "would never match"),
    "unknown priority": (table(priority="asap", when={"topic": "fault"}), "expected one of urgent, high"),
    "name missing": ({"queue": "a"}, "name, priority, sla_minutes missing"),
    "name as a number": (table(name=5), "name must be str"),
    "when as text": (table(when="fault"), "when must be dict"),
    "tags as text": (table(tags="vip"), "tags must be list"),
    "sla as text": (table(sla_minutes="30"), "sla_minutes must be int"),
    "sla as a truth value": (table(sla_minutes=True), "sla_minutes must be int"),
    "sla 0": (table(sla_minutes=0), "expected more than 0"),
    "no table": ("refund", "expected a table"),
    "never a band": (
        table(when={"risk": "medium"}),
        "risk is never 'medium', expected one of low, watch, high, critical",
    ),
    "the same again": (table(when={"topic": ["fault"]}), "never reached: route 1 ('first') takes every message"),
    "conditions that exclude one another": (table(when={"topic": "refund", "category": "inquiry"}), "no message fits"),
}


@pytest.mark.parametrize(("bad", "message"), REFUSED.values(), ids=REFUSED)
def test_a_rule_that_cannot_work_is_refused_by_number(bad: Any, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as error:
        rules(table(when={"topic": "fault"}), bad)
    assert str(error.value).startswith("desk.toml, route 2")


@pytest.mark.parametrize("tables", [[], [table(when={"topic": "fault"})], {"name": "x"}, 5, "x"])
def test_a_table_of_routes_must_end_in_one_that_takes_all(tables: Any) -> None:
    with pytest.raises(UsageError, match=r"desk\.toml.*\[\[route\]\]"):
        parse_rules(tables, DESK)


def test_no_route_at_all_is_an_error() -> None:
    with pytest.raises(UsageError, match="no route matched"):
        route({}, ())


FIELDS = st.sampled_from(["topic", "urgency"])
FACTS = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in LABELS.items()})


@given(st.lists(st.dictionaries(FIELDS, st.just(0), min_size=1, max_size=2), max_size=5), FACTS, st.data())
def test_the_decision_is_that_of_the_first_rule_whose_conditions_all_hold(
    shapes: list[dict[str, int]], facts: dict[str, str], data: st.DataObject
) -> None:
    whens = [{key: data.draw(st.sampled_from(LABELS[key])) for key in shape} for shape in shapes]
    chosen = [Rule(str(n), "q", "low", 1, {k: (v,) for k, v in when.items()}) for n, when in enumerate(whens)]
    expected = next((str(n) for n, when in enumerate(whens) if when.items() <= facts.items()), "rest")
    decision = route({key: (value,) for key, value in facts.items()}, [*chosen, Rule("rest", "q", "low", 1)])
    assert decision.reason.split(":")[0] == expected


def test_the_channel_and_the_customers_risk_are_conditions() -> None:
    chosen = rules(table(when={"channel": "واتساب", "risk": ["critical", "left"]}))
    facts = {"channel": ("واتساب",), "risk": ("left",)}
    assert route(facts, chosen).reason == "first: channel=واتساب and risk=left"
    assert route({**facts, "risk": ()}, chosen).queue == "desk"
    assert route({"channel": ("واتساب",)}, chosen).queue == "desk"


TEXT = """# [[route]] in a comment counts for nothing
model = \"\"\"
[[route]]
name = "in a text"
\"\"\"

[[route]]
name = "أول"   # [[route]]
queue = "a"
priority = "low"
sla_minutes = 5
when = { topic = "refund" }

[[ route ]]

priority = "low"
name = 'second'
sla_minutes = 5
queue = "b"
[route.when]
# topic = "refund"
urgency = "high"
topic = [
  "fault",
  "access",
]

[[route]]
name = "اسم سوم"
queue = "c"
priority = "low"
sla_minutes = 5
when.churn = "yes"
when."column:plan" = ["gold", "[[route]]"]

[[route]]
name = "rest"
queue = "d"
priority = "low"
sla_minutes = 5
"""

LINES = {
    ("route",): 7,
    ("route", 0): 7,
    ("route", 0, "name"): 8,
    ("route", 0, "when"): 12,
    ("route", 0, "when", "topic"): 12,
    ("route", 1): 14,
    ("route", 1, "priority"): 16,
    ("route", 1, "when"): 20,
    ("route", 1, "when", "urgency"): 22,
    ("route", 1, "when", "topic"): 23,
    ("route", 1, "when", "topic", 1): 23,
    ("route", 2, "when"): 33,
    ("route", 2, "when", "column:plan"): 34,
    ("route", 2, "tags"): 28,
    ("route", 3, "sla_minutes"): 40,
    ("model",): 2,
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(("path", "line"), LINES.items(), ids=map(str, LINES))
def test_a_place_is_the_line_where_it_is_set(path: tuple[str | int, ...], line: int, newline: str) -> None:
    assert Document("desk.toml", TEXT.replace("\n", newline)).at(*path) == f"desk.toml line {line}"


def test_what_a_text_does_not_set_is_nowhere() -> None:
    assert Document("desk.toml", TEXT).at("threads") == "desk.toml"
    assert Document("desk.toml").at("route", 3) == "desk.toml"


FAULTS = {
    "unknown key": (('when = { topic = "refund" }', 'colour = "red"'), "line 12, route 1 ('أول'): unknown key"),
    "unknown condition": (('urgency = "high"', 'mood = "bad"'), "line 22, route 2 ('second'): unknown condition"),
    "unknown value": (('  "access",', '  "acess",'), "line 23, route 2 ('second'): topic is never 'acess'"),
    "unknown value of a quoted key": (('churn = "yes"', 'churn = "نعم"'), "line 33, route 3 ('اسم سوم'): churn"),
    "missing": (('queue = "c"', ""), "line 28, route 3 ('اسم سوم'): queue missing"),
    "unreachable": (('when.churn = "yes"', 'when.topic = "refund"'), "line 28, route 3 ('اسم سوم'): is never reached"),
}


@pytest.mark.parametrize(("change", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_with_its_line(change: tuple[str, str], message: str) -> None:
    text = TEXT.replace(*change)
    with pytest.raises(UsageError) as error:
        parse_rules(tomllib.loads(text)["route"], Document("desk.toml", text))
    assert message in str(error.value)


def tables(*whens: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*({**LAST, "name": f"r{n}", "when": dict(when)} for n, when in enumerate(whens, 1)), LAST]


UNREACHABLE: dict[str, tuple[list[dict[str, Any]], str]] = {
    "all its topics one by one": (
        [{"topic": "refund"}, {"topic": ["charge", "payment"]}, {"topic": "plan"}, {"category": "billing"}],
        "route 4 ('r4'): is never reached: route 1 ('r1') and route 2 ('r2') and route 3 ('r3') together take",
    ),
    "a topic below its domain": ([{"domain": "support"}, {"topic": "refund", "urgency": "high"}], "route 2"),
    "two halves of another field": (
        [{"topic": "refund", "churn": "yes"}, {"category": "billing", "churn": "no"}, {"topic": "refund"}],
        "route 3",
    ),
    "fewer values of a column": (
        [{"column:plan": ["gold", "vip"]}, {"column:plan": "vip", "topic": "fault"}],
        "route 2",
    ),
    "fewer flags": ([{"flags": list(FLAGS)}, {"flags": FLAGS[0], "language": "fa"}], "route 2"),
    "the channel, in two parts": (
        [{"churn": "yes", "channel": "chat"}, {"churn": "no"}, {"channel": "chat", "language": "ar"}],
        "route 3",
    ),
    "below a rule for all": ([{}, {"topic": "fault"}], "route 2"),
    "conditions that exclude one another": ([{"topic": "refund", "domain": "service"}], "route 1 ('r1'): no message"),
}


@pytest.mark.parametrize(("whens", "place"), UNREACHABLE.values(), ids=UNREACHABLE)
def test_a_route_that_nothing_reaches_is_refused(whens: list[dict[str, Any]], place: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_rules(tables(*whens), Document("desk.toml"))
    assert str(error.value).startswith(f"desk.toml, {place}")


REACHABLE: dict[str, list[dict[str, Any]]] = {
    "one topic is left": [{"topic": ["refund", "charge", "payment"]}, {"category": "billing"}],
    "no sentiment is left": [{"sentiment": list(SENTIMENTS)}, {"urgency": "low"}],
    "no band is left": [{"risk": list(BANDS)}, {"urgency": "low"}],
    "more values of a column": [{"column:plan": "gold"}, {"column:plan": ["gold", "vip"]}],
    "a condition more above": [{"column:plan": "gold", "churn": "yes"}, {"column:plan": "gold"}],
    "another column": [{"column:plan": "gold"}, {"column:خطة": "gold"}],
    "every channel one knows of": [{"channel": "chat"}, {"channel": "email"}, {"language": "fa"}],
    "all are taken above the last": [{"churn": "yes"}, {"churn": "no"}],
}


@pytest.mark.parametrize("whens", REACHABLE.values(), ids=REACHABLE)
def test_a_route_that_something_reaches_is_accepted(whens: list[dict[str, Any]]) -> None:
    assert len(parse_rules(tables(*whens), Document("desk.toml"))) == len(whens) + 1


TOPICS = ("refund", "charge", "payment", "plan", "praise", OUT_OF_SCOPE)
AXES = [
    {"topic": TOPICS, "category": [DEFAULT.category_of[each] for each in TOPICS]},
    {"churn": ("yes", "no")},
    {"sentiment": ("negative", "positive", "")},
]
OPENED = {"flags": FLAGS, "column:plan": ("gold", "vip")}
CHOICES = {key: tuple(dict.fromkeys(value for value in axis[key] if value)) for axis in AXES for key in axis} | OPENED
WHENS = st.lists(
    st.lists(st.sampled_from(list(CHOICES)), max_size=3, unique=True).flatmap(
        lambda keys: st.fixed_dictionaries(
            {key: st.lists(st.sampled_from(CHOICES[key]), min_size=1, unique=True) for key in keys}
        )
    ),
    min_size=1,
    max_size=7,
)


def every_fact() -> list[dict[str, tuple[str, ...]]]:
    """Every combination of the closed fields, with any flags and no plan, a plan of the list or another."""
    flags = [(), *((flag,) for flag in FLAGS), FLAGS]
    facts = []
    for topic, churn, sentiment, flag, plan in product(TOPICS, ("yes", "no"), ("negative", "positive", ""), flags,
                                                       ((), ("gold",), ("vip",), ("x",))):  # fmt: skip
        plain = {"topic": topic, "category": DEFAULT.category_of[topic], "churn": churn}
        facts.append({key: (value,) for key, value in plain.items()} | {"flags": flag, "column:plan": plan}
                     | {"sentiment": (sentiment,) if sentiment else ()})  # fmt: skip
    return facts


EVERY = every_fact()


def reached(whens: Sequence[Mapping[str, Sequence[str]]]) -> set[int]:
    rules = [Rule(str(n), "q", "low", 1, {k: tuple(v) for k, v in when.items()}) for n, when in enumerate(whens)]
    names = {route(facts, [*rules, Rule("rest", "q", "low", 1)]).reason.split(":")[0] for facts in EVERY}
    return {int(name) for name in names - {"rest"}}


@given(WHENS)
def test_no_route_that_is_reached_is_called_unreachable(whens: list[dict[str, list[str]]]) -> None:
    found = unreachable(whens, AXES)
    assert not reached(whens) & found.keys()
    closed = not any(OPENED.keys() & when.keys() for when in whens)
    if closed:
        assert reached(whens) | found.keys() == set(range(len(whens)))


@given(WHENS)
def test_those_above_that_are_named_take_all_that_a_route_asks_for(whens: list[dict[str, list[str]]]) -> None:
    for index, takers in unreachable(whens, AXES).items():
        assert len(takers) not in reached([*(whens[taker] for taker in takers), whens[index]])
        assert takers or not reached([whens[index]])


def test_a_long_table_is_checked_at_once() -> None:
    fields = {
        "urgency": URGENCIES,
        "emotion": EMOTIONS,
        "sentiment": SENTIMENTS,
        "risk": BANDS,
        "language": ("ar", "fa"),
    }
    whens = [
        {"topic": topic, **{key: values[n % len(values)] for key, values in fields.items()}}
        for n, topic in enumerate([*DEFAULT.topic_ids, *DEFAULT.topic_ids[:13]])
    ]
    start = time.perf_counter()
    parse_rules(tables(*whens), Document("desk.toml"))
    assert time.perf_counter() - start < 0.5  # about 0.02 on a quiet machine


QUEUES: dict[str, tuple[str, str]] = {
    "a queue that no route leads to": ('[[queue]]\nname = "billing"\nper_hour = 5', "no route leads to 'billing'"),
    "an unknown key": (
        '[[queue]]\nname = "desk"\nper_day = 5',
        "unknown key 'per_day', expected one of name, per_hour",
    ),
    "a key missing": ('[[queue]]\nname = "desk"', "per_hour missing"),
    "no number": ('[[queue]]\nname = "desk"\nper_hour = "5"', "per_hour must be int, found str"),
    "nothing": ('[[queue]]\nname = "desk"\nper_hour = 0', "per_hour is 0, expected 1 or more"),
    "twice": (
        '[[queue]]\nname = "desk"\nper_hour = 1\n[[queue]]\nname = "desk"\nper_hour = 2',
        "has a capacity already",
    ),
    "one table": ('[queue]\nname = "desk"\nper_hour = 1', "expected tables written as [[queue]]"),
}
ROUTE = '[[route]]\nname = "all"\nqueue = "desk"\npriority = "normal"\nsla_minutes = 60\n'


@pytest.mark.parametrize(("text", "problem"), QUEUES.values(), ids=QUEUES)
def test_a_capacity_that_cannot_be_used_is_refused_by_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "nabd.toml"
    path.write_text(f"{ROUTE}\n# capacity\n{text}\n", encoding="utf-8")
    with pytest.raises(UsageError) as error:
        load_settings(path, environment={})
    assert problem in str(error.value)
    line = int(str(error.value).removeprefix("nabd.toml line ").split(",")[0].split(":")[0])
    assert 8 <= line <= 13


def test_a_capacity_is_read_and_may_be_of_nabds_own_routes(tmp_path: Path) -> None:
    path = tmp_path / "nabd.toml"
    path.write_text('[[queue]]\nname = "billing"\nper_hour = 20\n', encoding="utf-8")
    assert load_settings(path, environment={}).queues == (Queue("billing", 20),)
    assert load_settings(environment={}).queues == ()
    assert parse_queues([], Document("x"), ()) == ()
