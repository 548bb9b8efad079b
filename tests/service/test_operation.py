"""What those who run the service see: health, metrics, the log, traces, the documentation; and the cursors of lists."""

from __future__ import annotations

import io
import json
import logging
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families
from served import HERE, MakeApp

from pipeline.errors import UsageError
from pipeline.service import cursors, logs
from pipeline.service.limiting import Limit
from pipeline.service.problems import Refusal
from pipeline.service.store.engine import Store
from pipeline.service.tracing import NoTracer, OtelTracer, tracer_to

MESSAGES = [{"text": "خصمتوا المبلغ مرتين"}, {"text": "سفارشم نرسیده"}, {"text": "😀"}]


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    found = logging.getLogger()
    handlers, level = found.handlers[:], found.level
    yield found
    found.handlers[:] = handlers
    found.setLevel(level)


def metrics(client: TestClient) -> dict[str, float]:
    """`name{label=value}` -> value."""
    found = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def test_the_metrics_count_requests_batches_labels_and_jobs(client: TestClient) -> None:
    results = client.post("/v1/score", json={"messages": MESSAGES}).json()["results"]
    client.get("/customers/Sara-4412")
    client.request("FOO", "/health")
    assert client.get("/docs/static/swagger-ui.css").status_code == 200
    assert client.get("/docs/static/Sara-4412").status_code == 404
    found = metrics(client)
    assert found["nabd_requests_total{method=POST,route=/v1/score,status=200}"] == 1
    assert found["nabd_requests_total{method=GET,route=(no such path),status=404}"] == 1
    assert found["nabd_requests_total{method=GET,route=/docs/static/{file},status=200}"] == 1
    assert found["nabd_requests_total{method=GET,route=/docs/static/{file},status=404}"] == 1
    assert found["nabd_requests_total{method=other,route=/health,status=405}"] == 1
    assert found["nabd_request_seconds_count{route=/v1/score}"] == 1
    assert found["nabd_batch_rows_sum{}"] == 3
    assert found["nabd_queue_rows{}"] == 0
    assert found["nabd_model{version=tiny@unsaved}"] == 1
    labels = [(each["category"]["label"], each["language"]) for each in results]
    for category, language in labels:
        name = f"nabd_messages_total{{category={category},language={language}}}"
        assert found[name] == labels.count((category, language))
    assert sum(value for name, value in found.items() if name.startswith("nabd_abstentions_total")) == sum(
        len(each["review"]) for each in results
    )
    assert not any("Sara" in name for name in found)


def test_the_service_is_not_ready_while_its_store_is_gone(
    client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/ready").status_code == 200
    monkeypatch.setattr(Store, "ready", lambda self: False)
    answer = client.get("/ready")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize("form", logs.FORMATS)
def test_a_line_of_the_log_holds_no_word_of_a_message_or_an_exception(
    form: str, root: logging.Logger, make_app: MakeApp
) -> None:
    logs.configure(form)
    stream = io.StringIO()
    root.handlers[0].stream = stream  # type: ignore[attr-defined]
    client = TestClient(make_app(), base_url=HERE)
    request = client.post("/v1/score?q=Sara-4412", json={"messages": [{"text": "Sara-4412"}]}).headers["x-request-id"]
    said = "-".join(("Sara", "4412"))  # the line of code itself is in the log
    try:
        raise ValueError(said)
    except ValueError:
        logging.getLogger("uvicorn.error").exception("it failed", extra={"color_message": "\x1b[36mit failed"})
    lines = stream.getvalue()
    assert "POST /v1/score 200" in lines
    assert "ValueError" in lines
    assert "Sara" not in lines
    assert "color_message" not in lines
    if form == "json":
        first = json.loads(lines.splitlines()[0])
        assert (first["level"], first["request"], first["status"]) == ("INFO", request, 200)
        assert all(json.loads(line) for line in lines.splitlines())


def test_an_unknown_form_of_log_or_rate_is_refused() -> None:
    with pytest.raises(UsageError, match="log_format"):
        logs.configure("xml")
    with pytest.raises(UsageError, match="rate_limit is 'often'"):
        Limit("often", "rate_limit")


def test_a_trace_holds_the_route_and_no_path_query_or_text(make_app: MakeApp) -> None:
    exporter = InMemorySpanExporter()
    app = make_app()
    tracer = OtelTracer(SimpleSpanProcessor(exporter))
    object.__setattr__(app.state.service, "tracer", tracer)
    app.user_middleware[0].kwargs["tracer"] = tracer
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    headers = {"traceparent": f"00-{trace}-{parent}-01"}
    client = TestClient(app, base_url=HERE)
    answer = client.post("/v1/score?q=Sara-4412", json={"messages": [{"text": "Sara-4412"}]}, headers=headers)
    score, request = exporter.get_finished_spans()
    assert (score.name, request.name) == ("score", "POST /v1/score")
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/score",
        "http.response.status_code": 200,
        "nabd.request_id": answer.headers["x-request-id"],
    }
    assert score.attributes == {"nabd.messages": 1}
    assert format(request.context.trace_id, "032x") == trace
    assert request.parent is not None
    assert format(request.parent.span_id, "016x") == parent
    assert score.parent is not None
    assert score.parent.span_id == request.context.span_id
    assert "Sara" not in str([span.to_json() for span in (score, request)])


def test_without_an_address_nothing_is_traced() -> None:
    assert isinstance(tracer_to(""), NoTracer)
    tracer = tracer_to("http://127.0.0.1:9/v1/traces")
    assert isinstance(tracer, OtelTracer)


def test_the_documentation_loads_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script>" not in page.text
    assert " style=" not in page.text
    assert "//" not in page.text
    for path in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js", "LICENSE"):
        assert client.get(f"/docs/static/{path}").status_code == 200
    assert client.get("/docs/static/../__init__.py").status_code == 404
    assert client.get("/docs/static/%2e%2e/%2e%2e/app.py").status_code == 404


def test_every_operation_is_described_and_says_what_it_needs(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert described["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation.get("description"), where
            assert {"4XX", "5XX"} < set(operation["responses"]), where
            is_open = path in ("/health", "/ready") or path.startswith("/v1/inbound/")
            assert operation.get("security", []) == ([] if is_open else [{"key": []}]), where


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/customers/c-1", "GET, DELETE"),
        ("/v1/jobs", "GET, POST"),
        ("/v1/jobs/x", "GET, DELETE"),
        ("/health", "GET"),
    ],
)
def test_a_method_too_many_is_told_all_that_the_path_takes(client: TestClient, path: str, methods: str) -> None:
    answer = client.patch(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, methods)


storable = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=50)
sort_keys = st.none() | st.integers(-(2**62), 2**62) | storable


@given(st.dictionaries(st.text(max_size=8), sort_keys, max_size=4))
def test_a_cursor_comes_back_as_it_went(keys: dict[str, str | int | None]) -> None:
    cursor = cursors.encode(keys)
    assert cursors.decode(cursor) == keys
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(st.text(max_size=60) | st.sampled_from(["W10", "MQ", "e30x", "eyJhIjpOYU59", "eyJhIjpbMV19", "x" * 9_000, "é"]))
def test_any_other_cursor_is_sort_keys_or_a_refusal(cursor: str) -> None:
    with suppress(Refusal):  # and nothing else
        assert isinstance(cursors.decode(cursor), dict)


def test_what_is_no_cursor_is_refused() -> None:
    unkept = [urlsafe_b64encode(f'{{"a":{value}}}'.encode()).decode() for value in ("1e999", 10**400, r'"\ud800"')]
    for cursor in ("W10", "MQ", "eyJhIjpOYU59", "eyJhIjpbMV19", "eyJhIjoiXHUwMDAwIn0", "!", "é", "x" * 9_000, *unkept):
        with pytest.raises(Refusal) as refused:
            cursors.decode(cursor)
        assert refused.value.status_code == 400


def test_the_vendored_files_are_whole() -> None:
    folder = Path(cursors.__file__).parent / "static" / "swagger"
    assert "Apache License" in (folder / "LICENSE").read_text(encoding="utf-8")
    assert (folder / "swagger-ui-bundle.js").stat().st_size > 1_000_000
