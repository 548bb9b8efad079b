from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from exports import TEXTS
from fastapi.testclient import TestClient

from pipeline.errors import StoreError
from pipeline.service.store.engine import Store
from pipeline.service.store.tables import Audit, Customer, Message


def scored(client: TestClient, customer: str, count: int = 3, **fields: Any) -> list[str]:
    """Keeps messages of a customer, in the three languages; returns their ids."""
    messages = [
        {"text": TEXTS[n % 6], "customer": customer, "id": f"{customer}-{n}", "time": f"2026-11-1{n % 9}T08:00:00Z"}
        | fields
        for n in range(count)
    ]
    assert client.post("/v1/score", json={"messages": messages}).status_code == 200
    return [each["id"] for each in messages]


def test_customers_are_listed_by_risk_and_paged(client: TestClient) -> None:
    for number in range(7):
        scored(client, f"c-{number}", count=1 + number)
    everyone = client.get("/v1/customers").json()
    assert everyone["next"] is None
    risks = [each["risk"] for each in everyone["items"]]
    assert risks == sorted(risks, reverse=True)
    assert len(set(risks)) > 3
    seen, cursor = [], None
    while True:
        page = client.get("/v1/customers", params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [each["id"] for each in everyone["items"]]


def test_customers_are_filtered_by_band_and_searched(client: TestClient) -> None:
    for name in ("سارة-1", "سارا-2", "sara_3", "saraX3"):
        scored(client, name, count=6)
    everyone = client.get("/v1/customers").json()["items"]
    bands = {each["band"] for each in everyone}
    for band in bands:
        found = client.get("/v1/customers", params={"band": band}).json()["items"]
        assert [each["id"] for each in found] == [each["id"] for each in everyone if each["band"] == band]
    assert ids(client, search="سارة") == {"سارة-1"}
    assert ids(client, search="SARA") == {"sara_3", "saraX3"}
    assert ids(client, search="sara_") == {"sara_3"}  # no wildcard
    assert ids(client, search="%") == set()
    assert client.get("/v1/customers", params={"band": "worst"}).status_code == 422


def ids(client: TestClient, **query: str) -> set[str]:
    return {each["id"] for each in client.get("/v1/customers", params=query).json()["items"]}


@pytest.mark.parametrize("cursor", ["x", "e30", "eyJyaXNrIjoxfQ", "eyJyaXNrIjoiYSIsImlkIjoxfQ", "é"])
@pytest.mark.parametrize("path", ["/v1/customers", "/v1/customers/c", "/v1/review", "/v1/jobs"])
def test_a_cursor_that_is_none_is_a_problem(client: TestClient, path: str, cursor: str) -> None:
    scored(client, "c")
    answer = client.get(path, params={"cursor": cursor})
    if (path, cursor) == ("/v1/review", "e30"):
        assert answer.status_code == 200  # no language has begun
        return
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_customer_has_a_risk_with_reasons_and_a_timeline(client: TestClient) -> None:
    name = "user@example.com/دعم"
    kept = scored(client, name, count=6, ticket="t-1", channel="email")
    found = client.get(f"/v1/customers/{name}").json()
    assert found["id"] == name
    assert 0 < found["risk"] < 100
    assert found["drivers"] == sorted(found["drivers"], key=lambda each: -each["share"])
    assert {each for driver in found["drivers"] for each in driver["evidence"]} <= set(kept)
    timeline = found["timeline"]["items"]
    assert [each["id"] for each in timeline] == kept[::-1]
    assert [each["language"] for each in timeline] == ["en", "en", "fa", "fa", "ar", "ar"]
    assert set(timeline[0]["labels"]) == {"domain", "category", "topic", "sentiment", "emotion", "urgency", "churn"}
    assert (timeline[0]["ticket"], timeline[0]["channel"], timeline[0]["source"]) == ("t-1", "email", "api")
    first = client.get(f"/v1/customers/{name}", params={"limit": 4}).json()["timeline"]
    rest = client.get(f"/v1/customers/{name}", params={"cursor": first["next"]}).json()["timeline"]
    assert [each["id"] for each in first["items"] + rest["items"]] == kept[::-1]


@pytest.mark.parametrize("id", ["nobody", "x" * 300, "%00", "..%2F..%2Fetc%2Fpasswd"])
def test_nobody_is_a_problem(client: TestClient, id: str) -> None:
    for method in ("GET", "DELETE"):
        answer = client.request(method, f"/v1/customers/{id}")
        assert answer.status_code == 404
        assert "passwd" not in answer.text


def test_what_identifies_is_masked_in_the_timeline(client: TestClient) -> None:
    text = "راسلوني على sara@example.com أو 0501234567"
    client.post("/v1/score", json={"messages": [{"text": text, "customer": "c"}]})
    (shown,) = client.get("/v1/customers/c").json()["timeline"]["items"]
    assert "sara@example.com" not in shown["text"]
    assert "راسلوني" in shown["text"]
    assert "pii_masked" in shown["flags"]


def test_erasure_needs_an_admin_and_leaves_no_row(
    client: TestClient, store: Store, key_headers: Callable[..., dict[str, str]]
) -> None:
    kept = scored(client, "customer-erased")
    scored(client, "other")
    client.post("/v1/feedback", json={"message": kept[0], "task": "sentiment", "label": "negative"})
    read, admin = key_headers("read", "write"), key_headers("admin")
    assert client.delete("/v1/customers/customer-erased", headers=read).status_code == 403
    assert client.delete("/v1/customers/customer-erased", headers=admin).status_code == 204
    assert client.get("/v1/customers/customer-erased", headers=admin).status_code == 404
    with store.read() as session:
        assert session.get(Customer, "customer-erased") is None
        assert session.get(Message, kept[0]) is None
        assert session.get(Customer, "other") is not None
        for row in session.query(Audit):
            assert "customer-erased" not in f"{row.target} {row.detail}"


def test_an_erasure_that_was_cut_short_is_finished_by_asking_again(
    client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored(client, "customer-erased")
    scrubbed: list[bool] = []

    def scrub(self: Store) -> None:
        scrubbed.append(True)
        if len(scrubbed) == 1:
            raise StoreError("another process still reads the old pages")

    monkeypatch.setattr(Store, "scrub", scrub)
    answers = [client.delete("/v1/customers/customer-erased").status_code for _ in range(2)]
    assert (answers, len(scrubbed)) == ([503, 404], 2)


def test_reading_needs_its_scope(client: TestClient, key_headers: Callable[..., dict[str, str]]) -> None:
    score = key_headers("score")
    for path in ("/v1/customers", "/v1/customers/c", "/v1/review", "/v1/jobs"):
        assert client.get(path, headers=score).status_code == 403
        assert client.get(path).status_code == 401
