"""Every operation of the API, asked at random from its own description: no fault, and no answer that it does not name.

NABD_FUZZ_EXAMPLES asks each operation more often: `NABD_FUZZ_EXAMPLES=500 pytest tests/service/test_fuzz.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from exports import as_csv, rows
from fastapi.testclient import TestClient
from helpdesks import SECRETS, signed
from hypothesis import assume, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from schemathesis import GenerationMode
from served import MakeApp

from pipeline.service.settings import ServiceSettings
from pipeline.service.store.engine import Store

EXAMPLES = int(os.environ.get("NABD_FUZZ_EXAMPLES", "8"))
ALL = ("score", "read", "write", "admin")
OPERATIONS = (
    "POST /v1/score", "GET /v1/models", "POST /v1/models/reload", "GET /health", "GET /ready", "GET /metrics",
    "POST /v1/uploads", "GET /v1/jobs", "POST /v1/jobs", "GET /v1/jobs/{id}", "DELETE /v1/jobs/{id}",
    "GET /v1/jobs/{id}/result", "GET /v1/jobs/{id}/rejects", "GET /v1/customers", "GET /v1/customers/{id}",
    "DELETE /v1/customers/{id}", "POST /v1/feedback", "GET /v1/review", "POST /v1/inbound/{provider}",
)  # fmt: skip
Headers = dict[str, str]

# Where the description cannot say all that is refused: times of no desk, cursors and labels of others, files that are
# no export, webhooks without a signature.
REFUSES_MORE = (
    "POST /v1/score", "POST /v1/uploads", "POST /v1/jobs", "GET /v1/jobs", "GET /v1/customers",
    "GET /v1/customers/{id}", "POST /v1/feedback", "GET /v1/review", "POST /v1/inbound/{provider}",
)  # fmt: skip


class Desk:
    """The service behind its doors, one key that opens all, and whom it has heard of."""

    def __init__(self, client: TestClient, key: Headers) -> None:
        self.client, self.key, self._numbers = client, key, count(1)

    def known(self, path: str) -> str:
        """The id of something new that a path such as /v1/customers/{id} finds."""
        number = next(self._numbers)
        if path.startswith("/v1/customers"):
            customer = f"مشتری-{number}"
            body = {"messages": [{"text": "سفارشم نرسیده", "customer": customer}]}
            assert self.client.post("/v1/score", json=body, headers=self.key).status_code == 200
            return customer
        files = {"file": ("export.csv", as_csv(rows(3)))}
        return str(self.client.post("/v1/jobs", files=files, headers=self.key).json()["id"])


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'nabd.db'}"


@pytest.fixture
def desk(
    make_app: MakeApp, store: Store, service_settings: ServiceSettings, key_headers: Callable[..., Headers]
) -> Iterator[Desk]:
    secrets = {f"{name}_secret": secret for name, secret in SECRETS.items()}
    settings = replace(service_settings, rate_limit="1000000/minute", **secrets)
    with TestClient(make_app(store=store, service=settings, local=False)) as client:
        yield Desk(client, key_headers(*ALL))


@pytest.fixture
def description(desk: Desk) -> Any:
    unchecked = {"positive_data_acceptance": {"enabled": False}}
    operations = [{"include-name": name, "checks": unchecked} for name in REFUSES_MORE]
    generated = {"with-security-parameters": False}  # the key is the desk's; a check of its own asks without it
    config = schemathesis.Config.from_dict({"operations": operations, "generation": generated})
    return schemathesis.openapi.from_asgi("/openapi.json", desk.client.app, config=config)


def test_every_operation_is_asked(description: Any) -> None:
    assert sorted(each.ok().label for each in description.get_all_operations()) == sorted(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_answer_is_one_that_the_description_names(description: Any, desk: Desk, operation: str) -> None:
    asked = description.find_operation_by_label(operation)
    modes = list(GenerationMode) if list(asked.iter_parameters()) or len(asked.body) else [GenerationMode.POSITIVE]

    @effort(max_examples=EXAMPLES, derandomize=True, database=None)
    @given(case=st.one_of(*(asked.as_strategy(generation_mode=mode) for mode in modes)), is_known=st.booleans())
    def ask(case: schemathesis.Case, is_known: bool) -> None:
        assume(not any(isinstance(value, list) for value in case.query.values()))  # of two, the last one counts
        if is_known and "id" in case.path_parameters:
            case.path_parameters["id"] = desk.known(case.path)
        if is_known and "provider" in case.path_parameters:
            case.path_parameters["provider"] = "freshdesk"
        case.call_and_validate(headers={**desk.key, **signed("freshdesk", b"")})

    ask()
