"""Every text of these tests, scored once by each bundle."""

from __future__ import annotations

import pytest

from pipeline.bundle import Bundle, load
from pipeline.settings import model_folder
from pipeline.training.behaviour.checks import Answers, ask, every_text

from .answers import BUNDLES


@pytest.fixture(scope="session", params=BUNDLES)
def answers(request: pytest.FixtureRequest, shipped: Bundle) -> Answers:
    bundle = shipped if request.param == shipped.name else load(model_folder(request.param), threads=2)
    return ask(bundle, every_text(), floors=BUNDLES[request.param])
