"""The synthetic year: its form, that it repeats, and that what it claims of satisfaction and leaving holds."""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from subprocess import run
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from pipeline.errors import InputError, UsageError
from pipeline.readers import open_source
from pipeline.synthetic import world
from pipeline.synthetic.chance import pick_each, stream
from pipeline.synthetic.commands import synthetic_commands
from pipeline.synthetic.rows import COLUMNS, TRUTH_COLUMNS, TYPES
from pipeline.synthetic.texts import Pool, load_pool
from pipeline.synthetic.threads import AFTERMATH_DAYS
from pipeline.synthetic.world import START, load_incidents, load_subjects
from pipeline.synthetic.year import Year, generate, synthetic_year
from pipeline.taxonomy import DEFAULT
from pipeline.training.sources.folder import PACKAGE

Rows = list[dict[str, Any]]
KINDS = {"string": str, "int": int, "float": float}
LEAVING = load_subjects().announcement
LAST_DAY = START + timedelta(days=world.DAYS - 1)


@cache
def year(*, null: bool = False, seed: int = 0) -> Year:
    return synthetic_year(messages=20_000, customers=3_000, seed=seed, null=null)


@cache
def authored() -> dict[str, dict[str, Any]]:
    """Text -> its labels."""
    files = (PACKAGE / "authored").glob("*.jsonl.gz")
    lines = b"".join(gzip.decompress(path.read_bytes()) for path in files).splitlines()
    return {row["text"]: row for row in map(json.loads, lines)}


def topic(row: dict[str, Any]) -> str | None:
    """Of the text of a row; None where it is an incident's."""
    return authored().get(row["message"], {}).get("topic")


def languages() -> dict[str, str]:
    return {row["text"]: row["lang"] for row in authored().values()} | {
        text: language for incident in load_incidents() for language, texts in incident.texts.items() for text in texts
    }


def moment(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["created_at"])


def by(rows: Rows, name: str) -> dict[str, Rows]:
    groups: dict[str, Rows] = defaultdict(list)
    for row in rows:
        groups[row[name]].append(row)
    return groups


def correlation(left: Sequence[float], right: Sequence[bool]) -> float:
    return float(np.corrcoef(left, right)[0, 1])


def leavers(found: Year) -> list[bool]:
    return [row["churned_at"] is not None for row in found.truth]


def tickets_a_day(found: Year) -> list[float]:
    """Of each customer, so that who left early is not counted as one who writes seldom."""
    counts = {name: len(by(rows, "ticket_id")) for name, rows in by(found.rows, "customer_id").items()}
    rates = []
    for row in found.truth:
        end = date.fromisoformat(row["churned_at"]) if row["churned_at"] else LAST_DAY + timedelta(days=1)
        days = (end - START).days - max(row["since_day"], 0)
        rates.append(counts.get(row["customer_id"], 0) / days)
    return rates


def test_equal_arguments_give_equal_rows_and_another_seed_others() -> None:
    arguments = {"messages": 400, "customers": 60}
    first = generate(**arguments, seed=3)
    assert generate(**arguments, seed=3) == first
    assert generate(**arguments, seed=4) != first
    assert generate(**arguments, seed=3, null=True) != first


@pytest.mark.parametrize(("messages", "customers"), [(1, 1), (2, 2), (7, None), (300, 300), (900, 1), (1500, 20)])
@pytest.mark.parametrize("null", [False, True])
def test_there_are_exactly_as_many_messages_as_asked_for(messages: int, customers: int | None, null: bool) -> None:
    found = synthetic_year(messages=messages, customers=customers, seed=1, null=null)
    assert len(found.rows) == messages
    assert len(found.truth) == (max(1, messages // 10) if customers is None else customers)


def test_rows_have_the_stated_columns_and_types() -> None:
    for row in year().rows:
        assert tuple(row) == COLUMNS
        assert all(value is None or type(value) is KINDS[TYPES[name]] for name, value in row.items())
    for row in year().truth:
        assert tuple(row) == TRUTH_COLUMNS
    always = ("message_id", "ticket_id", "created_at", "customer_id", "channel", "stage", "message", "status", "group")
    assert all(row[name] for row in year().rows for name in (*always, "vip", "revenue"))


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("channel", {"email", "chat", "whatsapp", "phone_note", "app_review", "web_form", "twitter"}),
        ("stage", {"onboarding", "use", "billing", "renewal"}),
        ("status", {"open", "pending", "solved", "reopened"}),
        ("csat", {None, 1, 2, 3, 4, 5}),
        ("nps", {None, *range(11)}),
        ("vip", {"yes", "no"}),
    ],
)
def test_every_value_of_a_column_with_few_values_occurs_and_no_other(name: str, allowed: set[Any]) -> None:
    assert {row[name] for row in year().rows} == allowed


def test_everything_says_that_it_is_synthetic() -> None:
    for row in year().rows:
        assert row["synthetic"] == "yes"
        assert all(row[name].startswith("SYN-") for name in ("message_id", "ticket_id", "customer_id"))
    assert all(row["synthetic"] == "yes" and row["customer_id"].startswith("SYN-") for row in year().truth)


def test_no_latent_value_is_in_a_row() -> None:
    latent = set(TRUTH_COLUMNS) - {"customer_id", "churned_at", "synthetic"}
    assert not latent & set(COLUMNS)
    assert not {"topic", "sentiment", "emotion", "urgency", "churn", "kind"} & set(COLUMNS)


def test_rows_are_sorted_by_time_within_the_year_and_ids_are_unique() -> None:
    times = [moment(row) for row in year().rows]
    assert times == sorted(times)
    assert times[0].date() >= START
    assert times[-1].date() <= LAST_DAY
    assert all(time.utcoffset() == timedelta(hours=3) for time in times)
    ids = [row["message_id"] for row in year().rows]
    assert ids == sorted(set(ids))


def test_a_ticket_is_one_to_four_messages_of_one_customer_in_order() -> None:
    sizes = Counter[int]()
    for rows in by(year().rows, "ticket_id").values():
        sizes[len(rows)] += 1
        for name in ("customer_id", "channel", "stage", "group", "first_response_minutes"):
            assert len({row[name] for row in rows}) == 1
        assert moment(rows[0]) <= moment(rows[-1]) <= moment(rows[0]) + timedelta(days=AFTERMATH_DAYS + 1)
        assert {row["status"] for row in rows[:-1]} <= {"open"}
        assert all(row["resolution_minutes"] is None and row["csat"] is None for row in rows[:-1])
    assert set(sizes) == {1, 2, 3, 4}
    assert 0.25 < 1 - sizes[1] / sizes.total() < 0.75


def test_what_comes_after_the_last_message_is_recorded_only_once_it_has_come() -> None:
    end = datetime.fromisoformat(f"{LAST_DAY + timedelta(days=1)}T00:00:00{world.OFFSET}")
    for rows in by(year().rows, "ticket_id").values():
        last, opened = rows[-1], moment(rows[0])
        minutes = last["resolution_minutes"]
        assert (minutes is not None) == (last["status"] in ("solved", "reopened"))
        if minutes is not None:
            assert moment(last) - timedelta(minutes=1) <= opened + timedelta(minutes=minutes) <= end
        else:
            assert last["csat"] is None
        if last["first_response_minutes"] is not None:
            assert opened + timedelta(minutes=last["first_response_minutes"]) <= end


def test_subjects_are_the_first_words_of_the_ticket_in_channels_that_have_them() -> None:
    channels = Counter(row["channel"] for row in year().rows if row["subject"])
    assert set(channels) == {"email", "web_form"}
    for rows in by(year().rows, "ticket_id").values():
        first = rows[0]["subject"]
        if first is not None:
            assert rows[0]["message"].split()[:6] == first.split()
            assert {row["subject"] for row in rows[1:]} <= {f"Re: {first}"}


def test_the_days_and_hours_have_a_rhythm() -> None:
    opened = [moment(rows[0]) for rows in by(year().rows, "ticket_id").values()]
    days = Counter(time.weekday() for time in opened)
    assert min(days[day] for day in (5, 6, 0, 1, 2)) > 1.1 * days[3] > 1.3 * days[4]  # Saturday to Wednesday
    assert np.mean([8 <= time.hour < 22 for time in opened]) > 0.85


def test_customers_speak_three_languages_in_the_stated_shares_and_each_only_one() -> None:
    spoken = languages()
    for name, share in world.LANGUAGES.items():
        assert np.mean([row["language"] == name for row in year().truth]) == pytest.approx(share, abs=0.03)
        assert np.mean([spoken[row["message"]] == name for row in year().rows]) == pytest.approx(share, abs=0.04)
    of = {row["customer_id"]: row["language"] for row in year().truth}
    assert all(spoken[row["message"]] == of[row["customer_id"]] for row in year().rows)


def test_a_ticket_lies_in_its_topics_queue_but_for_some() -> None:
    group = {name: topic.group for name, topic in load_subjects().topics.items()}
    firsts = [rows[0] for rows in by(year().rows, "ticket_id").values() if rows[0]["message"] in authored()]
    right = np.mean([row["group"] == group[authored()[row["message"]]["topic"]] for row in firsts])
    assert right == pytest.approx(1 - world.WRONG_GROUP, abs=0.02)


@pytest.mark.parametrize("null", [False, True])
def test_who_left_is_said_in_every_row_and_writes_no_new_ticket(null: bool) -> None:
    churned = {row["customer_id"]: row["churned_at"] for row in year(null=null).truth}
    late = 0
    for rows in by(year(null=null).rows, "ticket_id").values():
        day = churned[rows[0]["customer_id"]]
        assert {row["churned_at"] for row in rows} == {day}
        if day is not None:
            left = date.fromisoformat(day)
            assert moment(rows[0]).date() < left <= LAST_DAY
            assert moment(rows[-1]).date() < left + timedelta(days=AFTERMATH_DAYS)
            late += moment(rows[-1]).date() >= left
    assert late < 60


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("null", [False, True])
def test_about_one_customer_in_nine_leaves(seed: int, null: bool) -> None:
    assert 0.08 < np.mean(leavers(year(null=null, seed=seed))) < 0.15


def test_with_signal_the_unhappy_leave_and_the_number_of_tickets_says_much_less() -> None:
    found = year()
    left = leavers(found)
    satisfaction = -correlation([row["satisfaction"] for row in found.truth], left)
    mood = -correlation([row["mood"] for row in found.truth], left)
    count = correlation(tickets_a_day(found), left)
    assert min(satisfaction, mood) > 0.2
    assert abs(count) < satisfaction / 2
    assert abs(correlation([row["usage"] for row in found.truth], left)) < 0.06


@pytest.mark.parametrize("seed", [0, 1])
def test_in_the_null_world_nothing_of_a_customer_foretells_who_leaves(seed: int) -> None:
    """With 3,000 customers a correlation of 0.06 is more than three standard errors from 0."""
    found = year(null=True, seed=seed)
    left = leavers(found)
    for name in ("mood", "usage"):
        assert abs(correlation([row[name] for row in found.truth], left)) < 0.06
    assert abs(correlation([row["satisfaction"] for row in found.truth], left)) < 0.09  # the year's end is an incident


def leaving_before(found: Year) -> tuple[float, float]:
    """(share of leavers who wrote of leaving in the 60 days before, share of the others who ever did)."""
    wrote: dict[str, list[date]] = defaultdict(list)
    for row in found.rows:
        if topic(row) == LEAVING:
            wrote[row["customer_id"]].append(moment(row).date())
    told, others = [], []
    for row in found.truth:
        days = wrote[row["customer_id"]]
        if row["churned_at"]:
            end = date.fromisoformat(row["churned_at"])
            told.append(any(end - timedelta(days=60) <= day < end for day in days))
        else:
            others.append(bool(days))
    return float(np.mean(told)), float(np.mean(others))


def test_most_leavers_announce_it_and_some_go_in_silence() -> None:
    told, others = leaving_before(year())
    assert told == pytest.approx(world.ANNOUNCES, abs=0.1)
    assert 0.02 < others < told / 3


def test_in_the_null_world_as_many_write_of_leaving_and_it_means_nothing() -> None:
    told, _ = leaving_before(year(null=True))
    assert told < 0.12

    def share(found: Year) -> float:
        return [topic(row) for row in found.rows].count(LEAVING) / len(found.rows)

    assert share(year(null=True)) == pytest.approx(share(year()), rel=0.2)


def test_both_worlds_have_the_same_customers() -> None:
    same = ("customer_id", "language", "since_day", "mood", "usage")
    for ours, theirs in zip(year().truth, year(null=True).truth, strict=True):
        assert all(ours[name] == theirs[name] for name in same)


@pytest.mark.parametrize("null", [False, True])
def test_what_customers_write_and_answer_follows_their_satisfaction(null: bool) -> None:
    found, sign = year(null=null), {"negative": -1, "positive": 1}
    mood = {row["customer_id"]: row["mood"] for row in found.truth}
    said = [
        {**row, "sentiment": sign.get(authored()[row["message"]]["sentiment"], 0)} for row in found.rows if topic(row)
    ]
    for name in ("sentiment", "csat", "nps"):
        pairs = [(mood[row["customer_id"]], row[name]) for row in said if row[name] is not None]
        assert np.corrcoef(np.array(pairs, float).T)[0, 1] > 0.15, name


@pytest.mark.parametrize("place", [0, 1])
def test_an_incident_is_written_about_in_its_days_in_three_languages(place: int) -> None:
    incident = load_incidents()[place]
    texts = {text: language for language, several in incident.texts.items() for text in several}
    about = [row for row in year().rows if row["message"] in texts]
    days = [(moment(row).date() - START).days for row in about]
    assert len(about) > 100
    assert {texts[row["message"]] for row in about} == set(world.LANGUAGES)
    assert min(days) >= incident.first_day
    assert max(days) < incident.first_day + incident.days + AFTERMATH_DAYS


def test_the_last_incident_falls_in_the_last_two_weeks_and_the_first_long_before() -> None:
    first, last = load_incidents()
    assert last.first_day >= world.DAYS - 14
    assert last.first_day + last.days <= world.DAYS
    assert first.first_day + first.days < world.DAYS - 60


def test_an_incident_has_ten_to_fifteen_messages_in_each_language_and_no_two_alike() -> None:
    for incident in load_incidents():
        assert set(incident.texts) == set(world.LANGUAGES)
        for texts in incident.texts.values():
            assert 10 <= len(set(texts)) == len(texts) <= 15


def test_the_tables_name_topics_of_the_taxonomy_and_queues_of_the_routes() -> None:
    subjects = load_subjects()
    played = {subjects.announcement, subjects.chasing, subjects.unsolved, subjects.solved}
    assert set(subjects.topics) == set(DEFAULT.topic_ids) - {"out_of_scope"}
    assert played <= set(subjects.topics)
    assert {incident.topic for incident in load_incidents()} <= set(subjects.topics)
    assert {incident.product for incident in load_incidents()} <= set(world.PRODUCTS)


def texts_of(languages: Sequence[str]) -> Iterator[dict[str, Any]]:
    words = {"ar": "ما وصل", "fa": "نرسید", "en": "late"}
    for language in languages:
        for mood in ("negative", "positive"):
            yield {"lang": language, "topic": "delivery", "sentiment": mood, "text": f"{words[language]} {mood}"}


def test_a_text_of_the_customers_mood_is_drawn_more_often() -> None:
    pool = Pool(texts_of(("ar", "fa", "en")))
    for language in ("ar", "fa", "en"):
        unhappy = pool.draw(language, "delivery", np.full(500, -0.8), stream(0, "test"))
        happy = pool.draw(language, "delivery", np.full(500, 0.8), stream(0, "test"))
        assert sum(text.endswith("negative") for text in unhappy) > 400
        assert sum(text.endswith("positive") for text in happy) > 400


def test_a_topic_without_texts_takes_the_languages_other_topics() -> None:
    pool = Pool(texts_of(("ar", "fa", "en")))
    drawn = pool.draw("fa", "refund", np.array([-1.0, 1.0]), stream(0, "test"))
    assert all(text.startswith("نرسید") for text in drawn)


def test_a_language_without_texts_is_refused() -> None:
    with pytest.raises(InputError, match="no fa text"):
        Pool(texts_of(("ar", "en")))


def test_the_shipped_texts_cover_every_topic_in_every_language() -> None:
    pool = load_pool()
    for language in world.LANGUAGES:
        for topic in load_subjects().topics:
            (text,) = pool.draw(language, topic, np.zeros(1), stream(0, topic))
            assert (authored()[text]["lang"], authored()[text]["topic"]) == (language, topic)


def test_a_weight_of_nothing_is_never_drawn() -> None:
    weights = np.tile([0.0, 1.0, 0.0, 3.0, 0.0], (4000, 1))
    drawn = Counter(pick_each(weights, stream(0, "test")).tolist())
    assert set(drawn) == {1, 3}
    assert drawn[3] / 4000 == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"messages": 0}, "messages is 0, expected 1 or more"),
        ({"messages": 5, "customers": 6}, "customers is 6, expected 1 to 5"),
        ({"messages": 5, "customers": 0}, "customers is 0, expected 1 to 5"),
        ({"messages": 5, "seed": -1}, "seed is -1"),
        ({"messages": 5, "start": date(1, 1, 1)}, "expected a day from 1900"),
    ],
)
def test_numbers_that_cannot_be_met_are_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        generate(**arguments)


def test_the_year_begins_on_the_day_that_is_asked_for() -> None:
    rows = generate(messages=300, seed=2, start=date(2024, 2, 1))
    assert rows[0]["created_at"].startswith("2024-02-0")
    assert rows[-1]["created_at"].startswith("2025-01-")


def command(*words: str) -> Any:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    synthetic_commands(app)
    return CliRunner().invoke(app, ["synthetic", *words])


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "csv.gz", "parquet", "xlsx"])
def test_the_command_writes_every_format(tmp_path: Path, suffix: str) -> None:
    out, truth = tmp_path / f"year.{suffix}", tmp_path / "truth.csv"
    result = command("-o", str(out), "--messages", "120", "--customers", "30", "--truth", str(truth))
    assert result.exit_code == 0, result.output
    assert "120 synthetic messages" in result.stderr
    with open_source(out) as source:
        assert tuple(source.columns) == COLUMNS
        rows = list(source)
    assert [row.values["message"] for row in rows] == [row["message"] for row in generate(messages=120, customers=30)]
    with open_source(truth) as source:
        assert tuple(source.columns) == TRUTH_COLUMNS
        assert len(list(source)) == 30


@pytest.mark.parametrize("suffix", ["csv", "jsonl.gz", "parquet"])
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    paths = [tmp_path / f"{name}.{suffix}" for name in ("first", "second")]
    for path in paths:
        assert command("-o", str(path), "--messages", "90", "--seed", "5", "--null").exit_code == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_the_command_refuses_a_day_that_is_none_and_one_file_for_two_things(tmp_path: Path) -> None:
    out = str(tmp_path / "year.csv")
    assert "expected a day such as" in str(command("-o", out, "--start", "1/11/2025").exception)
    assert "name two files" in str(command("-o", out, "--truth", out).exception)
    assert not list(tmp_path.iterdir())


def test_it_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'sklearn', 'scipy', 'pandas', 'datasets', 'mlflow', 'transformers'}"
    code = f"import sys, pipeline.synthetic.files; sys.exit(', '.join({heavy} & set(sys.modules)))"
    assert run([sys.executable, "-c", code], check=False, capture_output=True, text=True).stderr.strip() == ""
    code = "import sys, pipeline.synthetic.commands; sys.exit('numpy' in sys.modules)"
    assert run([sys.executable, "-c", code], check=False).returncode == 0
