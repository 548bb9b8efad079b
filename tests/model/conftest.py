"""Every text of these tests, scored once by each bundle."""

from __future__ import annotations

from itertools import chain

import pytest

from pipeline.bundle import Bundle, load
from pipeline.records import Message
from pipeline.score import score
from pipeline.settings import model_folder

from .answers import BUNDLES, RULES, Answers
from .clear_messages import CLEAR
from .pairs import DISPLEASED, GOODBYE, HURRY, NAMED, NEGATED, OFF_TOPIC, PATIENT, UNSUPPORTED, extended
from .rewrites import EXACT, NEAR, rewritten


def every_text() -> list[str]:
    texts = [clear.text for clear in CLEAR]
    texts += [text for rewrite in (EXACT | NEAR).values() for _, text in rewritten(rewrite)]
    texts += [text for _, text in extended(DISPLEASED, GOODBYE) + extended(PATIENT, HURRY)]
    texts += chain.from_iterable(chain.from_iterable(chain(NEGATED.values(), NAMED.values())))
    texts += chain.from_iterable(chain(OFF_TOPIC.values(), UNSUPPORTED.values()))
    return list(dict.fromkeys(texts))


@pytest.fixture(scope="session", params=BUNDLES)
def answers(request: pytest.FixtureRequest, shipped: Bundle) -> Answers:
    bundle = shipped if request.param == shipped.name else load(model_folder(request.param), threads=2)
    texts = every_text()
    found = score([Message(text) for text in texts], bundle, RULES)
    return Answers(bundle, BUNDLES[request.param], dict(zip(texts, found, strict=True)))
