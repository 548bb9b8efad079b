"""A scored file routed anew and a dry run, on small files written here."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from pipeline.batch import message
from pipeline.bundle import Bundle
from pipeline.columns import find_roles
from pipeline.errors import ColumnError, InputError, NabdError, UsageError
from pipeline.output import COLUMNS, TYPES, cells
from pipeline.readers import open_source
from pipeline.records import Row
from pipeline.route import Rule, route
from pipeline.routing.agreement import agreement
from pipeline.routing.bands import read_bands
from pipeline.routing.capacity import simulate, strains
from pipeline.routing.commands import routing_commands
from pipeline.routing.dryrun import DryRun, dry_run
from pipeline.routing.facts import Router, as_topic
from pipeline.routing.load import loads
from pipeline.routing.queues import Queue
from pipeline.routing.reroute import Changes, reroute
from pipeline.routing.scored import Job
from pipeline.routing.trial import Routed, misroutes, probability_right, together
from pipeline.routing.view import print_changes, print_dry_run, to_json
from pipeline.score import score
from pipeline.settings import Settings
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE
from pipeline.writers import open_writer

# Facts

RULES = (
    Rule("lost", "retention", "urgent", 30, {"risk": ("critical", "left")}, ("vip",)),
    Rule("money", "billing", "high", 120, {"category": ("billing",)}),
    Rule("nonsense", "unsorted", "low", 960, {"review": (OUT_OF_SCOPE,)}),
    Rule("unhappy", "care", "normal", 240, {"sentiment": ("negative",)}),
    Rule("rest", "desk", "normal", 480),
)


def known(topic: str, **others: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    category = DEFAULT.category_of[topic]
    plain = {"topic": topic, "category": category, "domain": DEFAULT.domain_of[category], "language": "fa"}
    return {key: (value,) for key, value in plain.items()} | {"sentiment": ("negative",), "review": (), **others}


def test_a_router_decides_as_route_does_and_keeps_apart_what_differs() -> None:
    router = Router(RULES)
    for facts in (known("refund"), known("fault"), known("fault", sentiment=()), known("refund", risk=("left",))):
        assert router(facts) == router({**facts, "column:id": ("9",)}) == route(facts, RULES)


def test_what_follows_from_a_topic_changes_with_it_and_nothing_else() -> None:
    found = known("refund", review=("ambiguous",))
    fault = as_topic(found, "fault", DEFAULT)
    assert fault == {**found, "topic": ("fault",), "category": ("technical_fix",), "domain": ("support",)}
    nonsense = as_topic(found, OUT_OF_SCOPE, DEFAULT)
    assert nonsense is not None
    assert (nonsense["sentiment"], nonsense["review"]) == ((), ("ambiguous", OUT_OF_SCOPE))
    back = as_topic(nonsense, "refund", DEFAULT)
    assert back is not None
    assert (back["review"], back["category"]) == (("ambiguous",), ("billing",))
    assert as_topic(found, "a topic of another model", DEFAULT) is None


def test_a_queue_is_right_with_all_topics_that_lead_there() -> None:
    topics = {"refund": 0.5, "charge": 0.2, "fault": 0.15, OUT_OF_SCOPE: 0.1, "unheard": 0.03}
    router = Router(RULES)
    assert probability_right(known("refund"), topics, router, DEFAULT) == pytest.approx(0.7)
    assert probability_right(known("fault"), topics, router, DEFAULT) == pytest.approx(0.15)
    assert probability_right(known("refund", risk=("left",)), topics, router, DEFAULT) == pytest.approx(0.95)
    assert probability_right(known("refund"), {"refund": 0.67, "charge": 0.34}, router, DEFAULT) == 1.0
    assert probability_right(known("refund"), {}, router, DEFAULT) == 0.0


def test_misroutes_are_counted_with_and_without_those_that_a_person_sees() -> None:
    messages = [Routed("a", 1, right=0.9), Routed("a", 1, right=0.5, review=True), Routed("b", 1, right=1.0),
                Routed("b", 1, right=None)]  # fmt: skip
    both, unseen = misroutes(messages), misroutes(messages, reviewed=False)
    assert both["a"].expected == pytest.approx(0.6)
    assert both["a"].share == pytest.approx(0.3)
    assert (both["b"].messages, both["b"].expected) == (1, 0.0)
    assert (unseen["a"].messages, unseen["a"].expected) == (1, pytest.approx(0.1))
    assert together(both).messages == 3
    assert together({}).share == 0.0


# Load, agreement, capacity

TEHRAN = timezone(timedelta(hours=3, minutes=30))
NIGHT = datetime(2026, 3, 20, 23, 40, tzinfo=TEHRAN)


def at(minutes: int, queue: str = "a", sla: int = 60, **others: Any) -> Routed:
    return Routed(queue, sla, NIGHT + timedelta(minutes=minutes), **others)


def test_load_is_by_queue_and_by_the_exports_own_hour() -> None:
    messages = [at(0), at(5), at(30, sla=30), at(1440), at(2880, "b"), Routed("b", 10), Routed("b", 10)]
    found = loads(messages)
    assert [(queue, each.messages) for queue, each in found.items()] == [("a", 4), ("b", 3)]
    assert found["a"].sla == {30: 1, 60: 3}
    assert found["a"].busiest == (datetime(2026, 3, 20, 23, tzinfo=TEHRAN), 2)
    assert found["a"].mean == pytest.approx(4 / 72)
    late, midnight, noon = (found["a"].hours[hour] for hour in (23, 0, 12))
    assert (late.mean, late.busiest, late.day) == (pytest.approx(3 / 3), 2, NIGHT.date())
    assert (midnight.mean, midnight.busiest) == (pytest.approx(1 / 3), 1)
    assert (noon.mean, noon.busiest, noon.day) == (0.0, 0, None)
    assert loads([Routed("b", 10)])["b"].hours == ()
    assert loads([]) == {}


def test_agreement_with_the_exports_own_groups() -> None:
    pairs = [("الفوترة", "billing")] * 3 + [
        ("الفوترة", "desk"),
        ("Customer_Care", "customer-care"),
        ("امور مالی", "billing"),
    ]
    found = agreement([Routed(queue, 1, group=group) for group, queue in [*pairs, ("", "desk")]])
    assert found is not None
    assert (found.messages, found.same, found.usual) == (6, 1, 5)
    assert found.pairs[0] == ("الفوترة", "billing", 3)
    assert found.rest == 0
    many = agreement([Routed("q", 1, group=f"g{n:02}") for n in range(25)])
    assert many is not None
    assert (len(many.pairs), many.rest, many.usual) == (20, 5, 25)
    assert agreement([Routed("a", 1)]) is None


START = datetime(2026, 1, 1, tzinfo=UTC)


def test_what_a_queue_cannot_handle_waits() -> None:
    found = simulate(Queue("a", 2), {0: {60: 5}, 3: {30: 1}}, first=START, last=3)
    assert (found.arrived, found.handled, found.backlog) == (6, 6, 0)
    assert (found.hours_over, found.over) == (1, 3)
    assert (found.largest, found.largest_at) == (3, START)
    assert found.missed == 1  # the fifth waits two hours
    stopped = simulate(Queue("a", 2), {0: {60: 5}}, first=START, last=0)
    assert (stopped.handled, stopped.backlog, stopped.missed) == (2, 3, 1)
    idle = simulate(Queue("a", 2), {}, first=START, last=9)
    assert (idle.arrived, idle.largest_at, idle.missed) == (0, None, 0)


def test_what_is_due_first_goes_first() -> None:
    assert simulate(Queue("a", 1), {0: {600: 1, 30: 1}}, first=START, last=0).missed == 0
    assert simulate(Queue("a", 1), {0: {600: 1}, 1: {30: 1}}, first=START, last=1).missed == 0
    assert simulate(Queue("a", 1), {0: {30: 2}}, first=START, last=0).missed == 1


ARRIVALS = st.dictionaries(
    st.integers(0, 40), st.dictionaries(st.sampled_from([15, 60, 240]), st.integers(1, 9), min_size=1), max_size=12
)


@given(ARRIVALS, st.integers(1, 12))
def test_nothing_is_dropped(arrivals: dict[int, dict[int, int]], per_hour: int) -> None:
    last = 40
    found = simulate(Queue("a", per_hour), arrivals, first=START, last=last)
    assert found.arrived == sum(sum(each.values()) for each in arrivals.values())
    assert found.arrived == found.handled + found.backlog
    assert 0 <= found.missed <= found.arrived
    assert found.handled <= per_hour * (last + 1)
    assert found.backlog <= found.largest <= found.arrived
    assert (found.over > 0) == (found.hours_over > 0)
    if found.over == 0:
        assert (found.largest, found.missed) == (0, 0)


def test_strains_are_of_the_queues_with_a_capacity_and_need_times() -> None:
    messages = [at(0), at(1), at(2), at(61, "b"), Routed("a", 5)]
    first, second = strains(messages, (Queue("a", 1), Queue("b", 1)))
    assert (first.arrived, first.handled, first.backlog, first.largest_at) == (3, 2, 1, NIGHT.replace(minute=0))
    assert (second.arrived, second.backlog) == (1, 0)
    assert strains([Routed("a", 5)], (Queue("a", 1),)) == []


# Files

TEXTS = (
    "ليش خصمتوا المبلغ مرتين من حسابي",
    "والله ما عاد ينفع، التطبيق يعلق كل يوم",
    "سفارشم هنوز نرسیده، لطفاً پیگیری کنید",
    "ممنون از پاسخ سریع شما",
    "I was charged twice for one order",
    "Please tell me your opening hours",
)
GROUPS = {"en": "Assigned group", "ar": "القسم", "fa": "بخش"}
QUIET = Console(file=io.StringIO(), soft_wrap=True)


def export(group: str = "group") -> list[dict[str, Any]]:
    return [
        {"رقم": n, "Customer ID": f"c{n % 4}", "created_at": f"2026-05-0{n % 3 + 1}T0{n % 2 + 8}:15:00+03:00",
         "channel": ("واتساب", "email")[n % 2], "message": text, group: ("المالية", "امور مالی", "Desk")[n % 3]}
        for n, text in enumerate(TEXTS * 4)
    ]  # fmt: skip


@pytest.fixture
def settings() -> Settings:
    return Settings(routes=RULES)


Scoring = Callable[..., Path]


@pytest.fixture
def scored(tiny_bundle: Bundle, tmp_path: Path, settings: Settings) -> Scoring:
    """Writes `rows` scored by the tiny bundle under the rules of `settings`."""

    def write(rows: Sequence[Mapping[str, Any]], name: str = "scored.csv") -> Path:
        columns = list(rows[0])
        items = [Row(n, values) for n, values in enumerate(rows, 1)]
        roles = find_roles(columns, items)
        messages = [message(item, roles) for item in items]
        found = score(messages, tiny_bundle, settings.routes)
        with open_writer(tmp_path / name, columns=[*columns, *COLUMNS], types=TYPES) as writer:
            writer.write([{**row, **cells(each)} for row, each in zip(rows, found, strict=True)])
        return tmp_path / name

    return write


def read(path: Path) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    with open_source(path) as source:
        return source.columns, [dict(item.values) for item in source]


def run(source: Path, settings: Settings, **options: Any) -> tuple[Changes, Path]:
    out = source.with_name(f"routed{source.suffix}")
    return reroute(Job(str(source), str(out), **options), settings, QUIET), out


@pytest.mark.parametrize("name", ["s.csv", "s.tsv", "s.xlsx", "s.jsonl", "s.parquet"])
def test_the_same_rules_and_no_risk_change_nothing(scored: Scoring, settings: Settings, name: str) -> None:
    source = scored(export(), name)
    changes, out = run(source, settings)
    assert read(out) == read(source)
    assert (changes.rows, changes.banded, changes.moved) == (24, 0, {})
    if source.suffix in (".csv", ".tsv", ".jsonl"):
        assert out.read_bytes() == source.read_bytes()


def risk_table(folder: Path, rows: Sequence[Mapping[str, Any]]) -> str:
    path = folder / "risk.csv"
    with open_writer(path, columns=list(rows[0])) as writer:
        writer.write(rows)
    return str(path)


def test_a_customers_risk_decides_and_only_the_routes_columns_change(
    scored: Scoring, settings: Settings, tmp_path: Path
) -> None:
    source = scored(export())
    risk = risk_table(tmp_path, [{"customer": "c1", "risk": 90.5, "band": "critical"},
                                 {"customer": "c2", "risk": 5, "band": "low"}])  # fmt: skip
    changes, out = run(source, settings, risk=risk)
    (columns, before), (kept, after) = read(source), read(out)
    assert columns == kept
    for old, new in zip(before, after, strict=True):
        if old["Customer ID"] == "c1":
            changed = [new[name] for name in ("nabd_queue", "nabd_priority", "nabd_sla_minutes", "nabd_tags")]
            assert changed == ["retention", "urgent", "30", "vip"]
            assert new["nabd_route_reason"] == "lost: risk=critical"
        else:
            assert new == old
        decided = {"nabd_queue", "nabd_priority", "nabd_sla_minutes", "nabd_route_reason", "nabd_tags"}
        assert {k: v for k, v in new.items() if k not in decided} == {k: v for k, v in old.items() if k not in decided}
    assert (changes.banded, changes.moved.total(), changes.queues["retention"]) == (12, 6, 6)
    assert {now for _, now in changes.moved} == {"retention"}


def test_other_rules_see_every_column_and_the_channel(scored: Scoring, settings: Settings) -> None:
    source = scored(export("القسم"))
    rules = (
        Rule("money", "مالية", "high", 5, {"column:القسم": ("المالية",), "channel": ("واتساب",)}),
        Rule("never", "x", "high", 5, {"column:nabd_queue": ("desk", "billing", "care", "unsorted")}),
        Rule("rest", "desk", "low", 9),
    )
    _, out = run(source, Settings(routes=rules))
    queues = [row["nabd_queue"] for row in read(out)[1]]
    expected = [row["القسم"] == "المالية" and row["channel"] == "واتساب" for row in export("القسم")]
    assert queues == ["مالية" if here else "desk" for here in expected]
    assert sum(expected) == 4


def test_the_channel_decides_in_score_too(tiny_bundle: Bundle) -> None:
    rules = (Rule("chat", "chat", "low", 9, {"channel": ("واتساب",)}), RULES[-1])
    rows = [Row(n, row) for n, row in enumerate(export())]
    roles = find_roles(list(rows[0].values), rows)
    found = score([message(row, roles) for row in rows], tiny_bundle, rules)
    assert [each.decision.queue for each in found] == ["chat", "desk"] * 12


def test_a_file_that_lost_its_text_is_routed_all_the_same(scored: Scoring, settings: Settings, tmp_path: Path) -> None:
    columns, rows = read(scored(export()))
    kept = [name for name in columns if name != "message"]
    with open_writer(tmp_path / "kept.csv", columns=kept) as writer:
        writer.write([{name: row[name] for name in kept} for row in rows])
    _, out = run(tmp_path / "kept.csv", settings)
    assert out.read_bytes() == (tmp_path / "kept.csv").read_bytes()


def test_a_file_that_is_not_scored_is_refused(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "raw.csv"
    path.write_text("id,text\n1,where is it\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"no column nabd_language: run `nabd score .*raw\.csv -o"):
        run(path, settings)
    assert not (tmp_path / "routed.csv").exists()


def test_risk_needs_a_customer(scored: Scoring, settings: Settings, tmp_path: Path) -> None:
    rows = [{"message": text, "n": n} for n, text in enumerate(TEXTS)]
    risk = risk_table(tmp_path, [{"customer": "c1", "band": "left"}])
    with pytest.raises(ColumnError, match="name it with --customer"):
        run(scored(rows), settings, risk=risk)


BAD_RISK: dict[str, tuple[list[dict[str, Any]], str]] = {
    "no band": ([{"customer": "a", "score": 5}], "no column 'band'"),
    "no customer": ([{"name": "a", "band": "low"}], "no column 'customer'"),
    "unknown band": ([{"customer": "a", "band": "medium"}], "row 1: band 'medium', expected one of low, watch, high"),
    "twice": ([{"customer": "a", "band": "low"}, {"customer": "a", "band": "high"}], "row 2: its customer has a row"),
}


@pytest.mark.parametrize(("rows", "problem"), BAD_RISK.values(), ids=BAD_RISK)
def test_a_table_of_risk_that_is_none_is_refused(tmp_path: Path, rows: list[dict[str, Any]], problem: str) -> None:
    with pytest.raises(InputError) as error:
        read_bands(risk_table(tmp_path, rows))
    assert problem in str(error.value)


def test_a_customer_is_the_same_in_a_spreadsheet_and_a_text(tmp_path: Path) -> None:
    with open_writer(tmp_path / "risk.xlsx", columns=["customer", "band"]) as writer:
        writer.write([{"customer": 17.0, "band": "low"}, {"customer": " عميل ٤ ", "band": "left"}])
    assert read_bands(str(tmp_path / "risk.xlsx")) == {"17": "low", "عميل ٤": "left"}


# The dry run


def trial(source: Path, settings: Settings, **options: Any) -> DryRun:
    return dry_run(Job(str(source), **options), settings, QUIET)


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_a_dry_run_says_what_the_routes_would_do(scored: Scoring, group: str) -> None:
    source = scored(export(group))
    found = trial(source, Settings(routes=RULES, queues=(Queue("desk", 1),)))
    _, rows = read(source)
    queues = [row["nabd_queue"] for row in rows]
    assert {queue: each.messages for queue, each in found.loads.items()} == {q: queues.count(q) for q in set(queues)}
    assert found.everything.messages == together(found.misroutes).messages == 24
    assert sum(hour.mean for hour in found.everything.hours) * 3 == pytest.approx(24)
    assert {hour.hour for hour in found.everything.hours if hour.busiest} == {8, 9}
    assert found.group == group
    assert found.agreement is not None
    assert found.agreement.messages == 24
    assert found.agreement.same == sum(row[group] == "Desk" and row["nabd_queue"] == "desk" for row in rows)
    [strain] = found.strains
    assert strain.arrived == queues.count("desk") == strain.handled + strain.backlog
    unseen = [row for row in rows if not row["nabd_review"]]
    assert together(found.unreviewed).messages == len(unseen)
    assert found.notes == ["routes that ask for `risk` match nothing without --risk: 1"]


def test_expected_misroutes_are_what_the_listed_topics_leave(scored: Scoring, settings: Settings) -> None:
    source = scored(export())
    (columns, rows), expected = read(source), 0.0
    for number, row in enumerate(rows):
        row |= {"nabd_topic": "refund", "nabd_category": "billing", "nabd_topics": "refund:0.61;charge:0.22;fault:0.16"}
        row["nabd_review"] = "ambiguous" if number < 6 else ""
        expected += 1 - 0.83
    with open_writer(source, columns=columns) as writer:
        writer.write(rows)
    found = trial(source, settings)
    assert found.misroutes.keys() == {"billing"}
    assert found.misroutes["billing"].expected == pytest.approx(expected)
    assert found.unreviewed["billing"].expected == pytest.approx(18 * 0.17)


def test_what_is_not_there_is_left_out_and_said(scored: Scoring, settings: Settings, tmp_path: Path) -> None:
    columns, rows = read(scored([{"message": text, "direction": "in"} for text in TEXTS]))
    rows[0]["direction"] = "صادر"
    kept = [name for name in columns if name != "nabd_topics"]
    with open_writer(tmp_path / "kept.csv", columns=kept) as writer:
        writer.write([{name: row[name] for name in kept} for row in rows])
    found = trial(tmp_path / "kept.csv", Settings(routes=RULES, queues=(Queue("desk", 1),)))
    assert found.everything.messages == 5
    assert (found.everything.hours, list(found.strains), found.agreement, found.misroutes) == ((), [], None, {})
    notes = " | ".join(found.notes)
    for said in ("1 messages of the desk", "--time", "5 messages do not list their topics", "--group", "--risk"):
        assert said in notes
    screen = io.StringIO()
    print_dry_run(found, Console(file=screen, width=100))
    assert "5 messages, routed as they would be" in screen.getvalue()
    assert json.loads(to_json(found))["capacity"] == []


def test_a_group_is_named_by_hand(scored: Scoring, settings: Settings) -> None:
    source = scored(export("برچسب ما"))
    assert trial(source, settings).agreement is None
    assert trial(source, settings, group="برچسب ما").agreement is not None
    with pytest.raises(ColumnError, match="--group: there is no column 'برچسب'"):
        trial(source, settings, group="برچسب")


@pytest.mark.parametrize("queues", [(), (Queue("desk", 1), Queue("care", 2))])
def test_tables_and_json_say_the_same(scored: Scoring, queues: tuple[Queue, ...]) -> None:
    found = trial(scored(export()), Settings(routes=RULES, queues=queues))
    screen = io.StringIO()
    print_dry_run(found, Console(file=screen, width=160))
    printed, content = screen.getvalue(), json.loads(to_json(found))
    assert content["messages"] == 24
    for queue, load in content["queues"].items():
        assert f"\n{queue} " in printed
        assert len(load["hours"]) == 24
        assert datetime.fromisoformat(load["busiest"]["hour"]).minute == 0
    assert content["misroutes"]["all"]["messages"] == 24
    assert [each["queue"] for each in content["capacity"]] == [queue.name for queue in queues]
    assert ("SLA missed" in printed) == bool(queues)
    assert f"{content['misroutes']['all']['expected']:,.1f}" in printed


def test_changes_are_printed_with_a_rest(settings: Settings) -> None:
    changes, screen = Changes(), io.StringIO()
    for number in range(23):
        changes.add(f"q{number}", "desk", banded=number == 0)
    changes.add("desk", "desk", banded=False)
    print_changes(changes, Console(file=screen, width=100), risk=True)
    assert "3 more" in screen.getvalue()
    assert (
        "24 messages routed, 1 of them of customers with a known risk; 23 (96%) to another queue" in screen.getvalue()
    )


# The command

ROUTE = '[[route]]\nname = "all"\nqueue = "القسم"\npriority = "normal"\nsla_minutes = 60\n'
app = typer.Typer()
routing_commands(app)
app.callback()(lambda: None)


def typed(*words: str | Path) -> Any:
    return CliRunner().invoke(app, ["route", *map(str, words)])


def test_an_export_that_is_not_scored_is_scored_aside(tmp_path: Path) -> None:
    path = tmp_path / "raw.csv"
    with open_writer(path, columns=list(export()[0])) as writer:
        writer.write(export()[:6])
    found = typed(path, "--dry-run", "--json", "--model", "nabd-fast")
    assert found.exit_code == 0, found.output
    assert "Not scored yet" in found.stderr
    content = json.loads(found.stdout)
    assert (content["messages"], content["group"]) == (6, "group")
    assert sum(load["messages"] for load in content["queues"].values()) == 6
    assert 0 <= content["misroutes"]["all"]["share"] <= 1
    assert {each.name for each in tmp_path.iterdir()} == {"raw.csv"}
    assert not any(text in found.output for text in TEXTS)


def test_a_file_is_routed_anew_by_command(scored: Scoring, tmp_path: Path) -> None:
    source, out, rules = scored(export()), tmp_path / "out.csv", tmp_path / "nabd.toml"
    rules.write_text(ROUTE, encoding="utf-8")
    found = typed(source, "-o", out, "--settings", rules)
    assert found.exit_code == 0, found.output
    assert "24 messages routed; 24 (100%) to another queue" in found.stdout
    assert {row["nabd_queue"] for row in read(out)[1]} == {"القسم"}
    assert typed(source, "-o", out, "--settings", rules, "--quiet").stdout == ""
    piped = typed(source, "-o", "-", "--settings", rules)
    assert piped.stdout == out.read_text(encoding="utf-8")
    assert "24 messages routed" in piped.stderr


@pytest.mark.parametrize(
    "words", [(), ("-o", "x.csv", "--dry-run"), ("-o", "x.csv", "--json"), ("-o", "x", "--group", "g")]
)
def test_options_that_do_not_go_together_are_refused(words: tuple[str, ...]) -> None:
    found = typed("s.csv", *words)
    assert isinstance(found.exception, NabdError)
    assert "--dry-run" in str(found.exception)
