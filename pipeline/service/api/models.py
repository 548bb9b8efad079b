"""GET /v1/models: what is served, what else lies beside it, and what was certified; POST /v1/models/reload."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from pipeline.errors import BundleError, NabdError
from pipeline.service import catalogue
from pipeline.service.access import needs
from pipeline.service.auth.access import Actor
from pipeline.service.problems import Refusal
from pipeline.service.schemas import Answer, Question
from pipeline.service.state import Service, service_of
from pipeline.settings import model_folder

log = logging.getLogger(__name__)
router = APIRouter(prefix="/v1/models", tags=["models"])


class LabelOut(Answer):
    id: str
    en: str
    ar: str
    fa: str
    meaning: str
    parent: str = Field(description="the category of a topic, the domain of a category")


class CertificateOut(Answer):
    """How far the probabilities of one task are true, on labelled messages that the model never saw."""

    language: str = Field(description="ar, fa, en or all")
    task: str
    n: int
    ece: float = Field(description="expected calibration error, over bins of equal mass")
    ceiling: float = Field(description="what chance alone gives a perfectly calibrated model on as many messages")
    within: bool = Field(description="whether the error is no more than that")
    brier: float = Field(description="in [0, 2]; 0 is perfect")


class ModelOut(Answer):
    name: str
    version: str
    served: bool
    encoder: str | None = Field(description="sha256 of everything that shapes the vectors; null for a cascade")
    built: str | None = Field(description="the day")
    certificate: list[CertificateOut] = Field(description="empty: none of this version")
    tasks: dict[str, list[LabelOut]] = Field(description="of the model that is served; empty for the others")


class ModelsAnswer(Answer):
    models: list[ModelOut] = Field(description="the one that is served first")


class ReloadRequest(Question):
    model: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="one that GET /v1/models names; left out: the same from disk once more"
    )


class ReloadAnswer(Answer):
    model: str = Field(description="the version that answers from now on")


@router.get("", dependencies=[Depends(needs("score"))])
def models(request: Request) -> ModelsAnswer:
    """Every model that can be served, with its certificate and every label's name in English, Arabic and Persian."""
    service = service_of(request)
    bundle, served = service.model.bundle, model_folder(service.model.name, service.settings.tracking)
    tasks = {name: [LabelOut.model_validate(label) for label in found] for name, found in bundle.taxonomy.named.items()}
    own = catalogue.describe(served) or {}
    if own.get("version") != bundle.version:  # it was replaced on disk since, or never saved
        own = {"name": bundle.name, "built": None, "certificate": []}
    own |= {"version": bundle.version, "served": True, "encoder": bundle.encoder.id, "tasks": tasks}
    found = (catalogue.describe(folder) for folder in catalogue.models(served.parent).values())
    others = [{**each, "served": False, "tasks": {}} for each in found if each and each["version"] != bundle.version]
    return ModelsAnswer.model_validate({"models": [own, *others]})


@router.post("/reload")
def reload(
    request: Request, actor: Annotated[Actor, Depends(needs("admin"))], asked: ReloadRequest | None = None
) -> ReloadAnswer:
    """Serve another model, or the same one from disk once more. Requests in progress end with the one they began with.

    A model that is broken, or whose labels the routes do not name, is refused (409), and the one before answers on.
    """
    return ReloadAnswer(model=serve(service_of(request), asked.model if asked else None, actor))


def serve(service: Service, model: str | None, actor: Actor) -> str:
    """The version that answers from now on. Raises Refusal: 404 for no model's name, 409 for a model that cannot."""
    name = _known(service, model) if model else None
    try:
        version = service.model.reload(name)
    except NabdError as error:
        log.error("the model was not reloaded: %s", error)
        fault = "is broken" if isinstance(error, BundleError) else "has other labels than the routes"
        detail = f"this model {fault}, so the one before answers on; the log says what is wrong"
        raise Refusal(409, detail) from None
    log.info("%s answers from now on", version, extra={"actor": actor.id})
    return version


def _known(service: Service, name: str) -> str:
    """The path of a model of this name beside the one that is served; no other path is ever opened."""
    folder = catalogue.models(model_folder(service.model.name, service.settings.tracking).parent).get(name)
    if folder is None:
        raise Refusal(404, "no model of this name; GET /v1/models names those there are")
    return str(folder)
