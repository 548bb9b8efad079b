"""The service: `score()` behind HTTP, one bundle, one request scored at a time."""

from __future__ import annotations

from dataclasses import dataclass

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from pipeline import __version__
from pipeline.bundle import Bundle
from pipeline.records import Message
from pipeline.score import score
from pipeline.service.guard import MAX_BODY, Guard
from pipeline.service.problems import DOCUMENTED, add_problems
from pipeline.service.schemas import (
    LabelOut,
    ModelOut,
    ModelsAnswer,
    Ready,
    Scorable,
    ScoreAnswer,
    ScoredOut,
    ScoreRequest,
    State,
)
from pipeline.settings import Settings

NO_TELEMETRY: TelemetryConfig = {
    "tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False,
}  # fmt: skip


def create_app(bundle: Bundle, settings: Settings, *, max_body: int = MAX_BODY) -> FastAPI:
    """The ASGI app that serves `bundle`. Only /openapi.json describes it: FastAPI's pages load from a CDN."""
    service = Service(bundle, settings, CapacityLimiter(1))
    app = FastAPI(
        title="Nabd", version=__version__, summary="What each customer message needs and where it goes: ar, fa, en",
        docs_url=None, redoc_url=None, telemetry=NO_TELEMETRY, responses=DOCUMENTED,
    )  # fmt: skip
    app.add_api_route("/v1/score", service.score, methods=["POST"], response_model=ScoreAnswer)
    app.add_api_route("/v1/models", service.models, response_model=ModelsAnswer)
    app.add_api_route("/health", service.health, response_model=State)
    app.add_api_route("/ready", service.ready, response_model=Ready)
    add_problems(app)
    app.add_middleware(Guard, max_body=max_body)
    return app


@dataclass(frozen=True)
class Service:
    """The endpoints. Scoring waits its turn at `turns`: the encoder already uses every core it was given."""

    bundle: Bundle
    settings: Settings
    turns: CapacityLimiter

    async def score(self, request: Scorable) -> ScoreAnswer:
        """Label and route up to 1,000 messages; the answers come in their order."""
        return await to_thread.run_sync(self._score, request, limiter=self.turns)

    async def models(self) -> ModelsAnswer:
        """The model that is served, with every label's name in English, Arabic and Persian."""
        tasks = {
            task: [LabelOut.model_validate(label) for label in found]
            for task, found in self.bundle.taxonomy.named.items()
        }
        return ModelsAnswer(models=[ModelOut(version=self.bundle.version, encoder=self.bundle.encoder.id, tasks=tasks)])

    async def health(self) -> State:
        """The process is up."""
        return State(status="ok")

    async def ready(self) -> Ready:
        """The model is loaded."""
        return Ready(status="ready", model=self.bundle.version)

    def _score(self, request: ScoreRequest) -> ScoreAnswer:
        messages = [Message(each.text, each.columns) for each in request.messages]
        scored = score(messages, self.bundle, self.settings.routes, max_characters=self.settings.max_characters)
        return ScoreAnswer(results=[ScoredOut.model_validate(each) for each in scored])
