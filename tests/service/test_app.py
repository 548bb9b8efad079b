from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass, replace

import httpx2
import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel

from pipeline.bundle import Bundle
from pipeline.encoder import FakeEncoder, Vectors
from pipeline.records import Decision, Message, Outcome, Prediction, Scored
from pipeline.score import score
from pipeline.service import schemas
from pipeline.service.app import create_app
from pipeline.service.settings import ServiceSettings
from pipeline.settings import Settings
from pipeline.taxonomy import DOMAINS, TASKS

TEXTS = (
    "لم يصلني رمز التحقق منذ الصباح ولا أستطيع الدخول إلى حسابي",
    "يا جماعة خصمتوا مني الفلوس مرتين ومحد رد علي 😡",
    "عايز أعرف الأوردر بتاعي فين لو سمحتوا",
    "سفارشم هنوز نرسیده، لطفاً پیگیری کنید",
    "دستتون درد نکنه، عالی بود",
    "I was charged twice and nobody answers. I am leaving.",
    "How do I change my address?",
    "🙂",
)
SECRET = "کارت Sara-4412 بطاقتي"


SMALL = ServiceSettings(max_body=64_000, batch_wait_ms=0)


@pytest.fixture(scope="module")
def client(tiny_bundle: Bundle, settings: Settings) -> Iterator[TestClient]:
    """A service without a store: it scores and keeps nothing."""
    yield (found := client_of(tiny_bundle, settings))
    found.app.state.service.batcher.close()


def client_of(bundle: Bundle, settings: Settings, service: ServiceSettings = SMALL) -> TestClient:
    return TestClient(create_app(bundle, settings, service, local=True), base_url="http://localhost")


def ask(client: TestClient, *texts: str) -> list[dict]:
    answer = client.post("/v1/score", json={"messages": [{"text": text} for text in texts]})
    assert answer.status_code == 200
    return answer.json()["results"]


def test_the_answer_is_what_score_says_in_order(client: TestClient, tiny_bundle: Bundle, settings: Settings) -> None:
    expected = score([Message(text) for text in TEXTS], tiny_bundle, settings.routes)
    given = [{"id": None, **json.loads(json.dumps(asdict(each))), "topics": [each.topic.label]} for each in expected]
    assert ask(client, *TEXTS) == given
    assert [each.language for each in expected[:7]] == ["ar", "ar", "ar", "fa", "fa", "en", "en"]


def test_a_message_alone_equals_the_same_in_a_batch(client: TestClient) -> None:
    batch, singles = ask(client, *TEXTS), [ask(client, text)[0] for text in TEXTS]
    for one, other in zip(batch, singles, strict=True):
        assert one["decision"] == other["decision"]
        assert one["topic"]["label"] == other["topic"]["label"]
        assert one["topic"]["probabilities"] == pytest.approx(other["topic"]["probabilities"], abs=1e-6)
    assert len({each["topic"]["label"] for each in batch}) > 2


def test_columns_reach_the_routes(tiny_bundle: Bundle, settings: Settings) -> None:
    last = settings.routes[-1]
    gold = replace(last, name="gold", queue="vip", when={"column:plan": ("gold",)})
    client = client_of(tiny_bundle, replace(settings, routes=(gold, last)))
    messages = [{"text": text, "columns": {"plan": plan, "seats": 3, "paid": True, "note": None}}
                for text, plan in zip(TEXTS[:2], ("gold", "basic"), strict=True)]  # fmt: skip
    results = client.post("/v1/score", json={"messages": messages}).json()["results"]
    assert [each["decision"]["queue"] for each in results] == ["vip", last.queue]


def test_long_texts_are_read_up_to_the_setting(tiny_bundle: Bundle, settings: Settings) -> None:
    client = client_of(tiny_bundle, replace(settings, max_characters=30))
    assert [each["flags"] for each in ask(client, TEXTS[0], TEXTS[6])] == [["truncated"], []]


@pytest.mark.parametrize(
    ("record", "document"),
    [
        (Scored, schemas.ScoredOut),
        (Prediction, schemas.PredictionOut),
        (Decision, schemas.DecisionOut),
        (Outcome, schemas.OutcomeIn),
    ],
)
def test_the_documents_hold_every_field_of_the_records(record: type, document: type[BaseModel]) -> None:
    assert is_dataclass(record)
    ours = [name for name in document.model_fields if name not in ("id", "explanation")]
    assert [each.name for each in fields(record)] == ours


def test_the_answer_is_what_its_description_promises(client: TestClient) -> None:
    body = {"messages": [{"text": text} for text in TEXTS], "explain": True}
    answer = client.post("/v1/score", json=body).json()
    assert schemas.ScoreAnswer.model_validate(answer).model_dump(mode="json") == answer


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"messages": []}, "#/messages"),
        ({"messages": [{"text": "hi"}] * 1001}, "#/messages"),
        ({"messages": SECRET}, "#/messages"),
        ({}, "#/messages"),
        ([SECRET], "#"),
        (SECRET, "#"),
        ({"messages": [{"text": "hi"}, {"columns": {}}]}, "#/messages/1/text"),
        ({"messages": [{"text": [SECRET]}]}, "#/messages/0/text"),
        ({"messages": [{"text": None}]}, "#/messages/0/text"),
        ({"messages": [{"text": "hi", SECRET: SECRET}]}, "#/messages/0"),
        ({"messages": [{"text": "hi"}], SECRET: 1}, "#"),
        ({"messages": [{"text": "hi", "columns": {SECRET: {"a": SECRET}}}]}, "#/messages/0/columns"),
        ({"messages": [{"text": SECRET + "\ud800"}]}, "#/messages/0/text"),
        ({"messages": [{"text": "hi", "id": ""}]}, "#/messages/0/id"),
        ({"messages": [{"text": "hi", "customer": SECRET + "\0"}]}, "#/messages/0/customer"),
        ({"messages": [{"text": "hi", "customer": SECRET * 40}]}, "#/messages/0/customer"),
        ({"messages": [{"text": "hi", "time": SECRET}]}, "#/messages/0/time"),
        ({"messages": [{"text": "hi", "time": "9999-12-31T23:59:59-12:00"}]}, "#/messages/0/time"),
        ({"messages": [{"text": "hi", "outcome": {"status": SECRET}}]}, "#/messages/0/outcome/status"),
        ({"messages": [{"text": "hi", "outcome": {SECRET: 1}}]}, "#/messages/0/outcome"),
        ({"messages": [{"text": "hi", "outcome": {"csat": 1.1}}]}, "#/messages/0/outcome/csat"),
        ({"messages": [{"text": "hi", "columns": {str(n): n for n in range(201)}}]}, "#/messages/0/columns"),
        ({"messages": [{"text": "hi"}] * 21, "explain": True}, "#"),
    ],
)
def test_a_wrong_request_is_a_problem_that_points_and_quotes_nothing(
    client: TestClient, body: object, pointer: str
) -> None:
    answer = client.post("/v1/score", content=json.dumps(body), headers={"content-type": "application/json"})
    problem = check_problem(answer, 422)
    assert problem["errors"][0]["pointer"] == pointer


def test_a_text_over_the_limit_is_refused(tiny_bundle: Bundle, settings: Settings) -> None:
    client = client_of(tiny_bundle, settings, ServiceSettings())
    text = "م" * schemas.MAX_TEXT
    assert ask(client, text)[0]["flags"] == ["truncated"]
    problem = check_problem(client.post("/v1/score", json={"messages": [{"text": text + SECRET}]}), 422)
    assert problem["errors"] == [
        {"pointer": "#/messages/0/text", "detail": "String should have at most 1000000 characters"}
    ]


def test_many_errors_are_counted_and_the_first_listed(client: TestClient) -> None:
    problem = check_problem(client.post("/v1/score", json={"messages": [{"text": 1}] * 50}), 422)
    assert "50 found; the first 20 are listed" in problem["detail"]
    assert len(problem["errors"]) == 20


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"messages": [{"text": "Sara-4412', "application/json", 422),
        (b'{"messages": [{"text": "Sara-4412\xff"}]}', "application/json", 400),
        (b'{"messages": [{"text": "Sara-4412"}]}', "text/plain", 422),
        (b"[" * 30_000 + b"]" * 30_000, "application/json", 400),
        (b'{"messages": [{"text": "a", "columns": {"n": ' + b"9" * 5000 + b"}}]}", "application/json", 400),
        (b"", "application/json", 422),
    ],
    ids=["cut short", "not UTF-8", "not JSON", "nested", "huge number", "empty"],
)
def test_a_body_that_cannot_be_read_is_a_problem(client: TestClient, content: bytes, kind: str, status: int) -> None:
    check_problem(client.post("/v1/score", content=content, headers={"content-type": kind}), status)


def test_an_oversize_body_is_refused_whether_or_not_its_length_is_told(client: TestClient) -> None:
    body = json.dumps({"messages": [{"text": "Sara-4412 " * 7_000}]}).encode()

    def pieces() -> Iterator[bytes]:
        yield body[:40_000]
        yield body[40_000:]

    for content in (body, pieces()):
        answer = client.post("/v1/score", content=content, headers={"content-type": "application/json"})
        assert "64,000 bytes" in check_problem(answer, 413)["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/score", 405), ("GET", "/Sara-4412", 404), ("FOO", "/health", 405)]
)
def test_other_refusals_are_problems_too(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    check_problem(answer, status)
    assert status != 405 or answer.headers["allow"] in ("POST", "GET")


def test_the_log_holds_no_text_even_when_scoring_fails(
    tiny_bundle: Bundle, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(FakeEncoder):
        def encode(self, texts: object) -> Vectors:
            raise RuntimeError(f"cannot encode {texts}")

    caplog.set_level(logging.DEBUG)
    client = client_of(replace(tiny_bundle, encoder=Broken()), settings)
    check_problem(client.post("/v1/score?q=Sara-4412", json={"messages": [{"text": "Sara-4412"}]}), 500)
    client.get("/Sara-4412")
    lines = [record.getMessage() for record in caplog.records if record.name == "pipeline.service.guard"]
    assert lines[0].startswith("RuntimeError\n")
    assert "in encode" in lines[0]
    assert lines[1].startswith("POST /v1/score 500 ")
    assert lines[2].startswith("GET (no such path) 404 ")
    assert not any("Sara" in line for line in lines)


def test_requests_are_scored_one_at_a_time(tiny_bundle: Bundle, settings: Settings) -> None:
    class Counting(FakeEncoder):
        inside, most, lock = 0, 0, threading.Lock()

        def encode(self, texts: object) -> Vectors:
            with self.lock:
                Counting.inside += 1
                Counting.most = max(Counting.most, Counting.inside)
            threading.Event().wait(0.02)
            with self.lock:
                Counting.inside -= 1
            return super().encode(texts)  # type: ignore[arg-type]

    with client_of(replace(tiny_bundle, encoder=Counting()), settings) as client:
        threads = [threading.Thread(target=ask, args=(client, text)) for text in TEXTS]
        for thread in threads:
            thread.start()
        assert client.get("/health").status_code == 200
        for thread in threads:
            thread.join()
    assert Counting.most == 1


def test_health_ready_and_models(client: TestClient, tiny_bundle: Bundle) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ready", "model": tiny_bundle.version}
    model, *others = client.get("/v1/models").json()["models"]
    assert [each["served"] for each in (model, *others)] == [True] + [False] * len(others)
    assert (model["version"], model["encoder"]) == (tiny_bundle.version, tiny_bundle.encoder.id)
    assert set(model["tasks"]) == {"domain", "category", *TASKS}
    refund = next(label for label in model["tasks"]["topic"] if label["id"] == "refund")
    assert (refund["en"], refund["ar"], refund["fa"]) == ("Refund", "استرداد المال", "بازگشت وجه")


def test_every_label_a_score_can_hold_is_among_the_models_labels(client: TestClient, tiny_bundle: Bundle) -> None:
    model = client.get("/v1/models").json()["models"][0]
    for task in TASKS:
        assert tuple(label["id"] for label in model["tasks"][task]) == tiny_bundle.taxonomy.labels(task)
        assert all(label["en"] and label["ar"] and label["fa"] for label in model["tasks"][task])
    assert {label["id"] for label in model["tasks"]["domain"]} == {label.id for label in DOMAINS}


def test_the_description_has_examples_that_work(client: TestClient) -> None:
    described = client.get("/openapi.json").json()["paths"]["/v1/score"]["post"]
    examples = described["requestBody"]["content"]["application/json"]["examples"]
    languages = [
        client.post("/v1/score", json=each["value"]).json()["results"][0]["language"] for each in examples.values()
    ]
    assert languages == list(examples) == ["ar", "fa", "en"]
    assert set(described["responses"]) == {"200", "4XX", "5XX"}


def check_problem(answer: httpx2.Response, status: int) -> dict:
    """Asserts a problem document that quotes nothing; returns it."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert not any(word in answer.text for word in ("Sara", "4412", "کارت", "بطاقتي"))
    problem = answer.json()
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert problem["title"]
    assert problem["detail"]
    return problem
