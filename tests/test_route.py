from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.records import Decision
from pipeline.route import Rule, parse_rules, route

LAST = {"name": "rest", "queue": "desk", "priority": "normal", "sla_minutes": 480}
LABELS = {"topic": ("refund", "fault"), "language": ("ar", "fa", "en")}


def table(**changes: Any) -> dict[str, Any]:
    return {"name": "first", "queue": "money", "priority": "high", "sla_minutes": 30, **changes}


def rules(*tables: Any) -> tuple[Rule, ...]:
    return parse_rules([*tables, LAST], "desk.toml", LABELS)


def test_the_first_rule_that_matches_decides() -> None:
    both = rules(table(when={"topic": "refund"}), table(name="second", queue="other", when={"topic": "refund"}))
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
    "unknown value": (table(when={"topic": "refunds"}), "topic is never 'refunds', expected one of refund, fault"),
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
    "below a rule that matches all": (table(), "never reached"),
}


@pytest.mark.parametrize(("bad", "message"), REFUSED.values(), ids=REFUSED)
def test_a_rule_that_cannot_work_is_refused_by_number(bad: Any, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as error:
        rules(table(when={"topic": "fault"}), bad)
    assert str(error.value).startswith("desk.toml, route 2")


@pytest.mark.parametrize("tables", [[], [table(when={"topic": "fault"})], {"name": "x"}, 5, "x"])
def test_a_table_of_routes_must_end_in_one_that_takes_all(tables: Any) -> None:
    with pytest.raises(UsageError, match=r"desk\.toml.*\[\[route\]\]"):
        parse_rules(tables, "desk.toml", LABELS)


def test_no_route_at_all_is_an_error() -> None:
    with pytest.raises(UsageError, match="no route matched"):
        route({}, ())


FIELDS = st.sampled_from(["topic", "language"])
FACTS = st.fixed_dictionaries(
    {"topic": st.sampled_from(LABELS["topic"]), "language": st.sampled_from(LABELS["language"])}
)


@given(st.lists(st.dictionaries(FIELDS, st.just(0), min_size=1, max_size=2), max_size=5), FACTS, st.data())
def test_the_decision_is_that_of_the_first_rule_whose_conditions_all_hold(
    shapes: list[dict[str, int]], facts: dict[str, str], data: st.DataObject
) -> None:
    whens = [{key: data.draw(st.sampled_from(LABELS[key])) for key in shape} for shape in shapes]
    chosen = rules(*(table(name=str(number), when=when) for number, when in enumerate(whens)))
    expected = next((str(n) for n, when in enumerate(whens) if when.items() <= facts.items()), "rest")
    assert route({key: (value,) for key, value in facts.items()}, chosen).reason.split(":")[0] == expected
