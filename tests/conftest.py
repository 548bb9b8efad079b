"""What several test files use: a whole bundle without a model file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny_models as tiny
from hypothesis import HealthCheck
from hypothesis import settings as effort
from levels import level

from pipeline.bundle import Bundle, load, save
from pipeline.calibrate import ANY
from pipeline.encoder import FakeEncoder
from pipeline.heads import Heads
from pipeline.settings import model_folder
from pipeline.taxonomy import DEFAULT, TASKS

# A busy machine may stop a test for longer than any deadline.
effort.register_profile("nabd", deadline=None, suppress_health_check=[HealthCheck.too_slow])
effort.load_profile("nabd")


@pytest.fixture(scope="session")
def tiny_bundle() -> Bundle:
    """Nabd's taxonomy over hashed trigrams and seeded random heads: its labels mean nothing, but differ by text."""
    encoder, random = FakeEncoder(), np.random.default_rng(7)
    labels = {task: DEFAULT.labels(task) for task in TASKS}
    shape = (encoder.width, sum(map(len, labels.values())))
    heads = Heads(random.normal(0, 6, shape).astype(np.float32), np.zeros(shape[1], np.float32), labels)
    return Bundle("tiny", encoder, heads, DEFAULT, {task: {ANY: 1.0} for task in TASKS}, level(0.3))


@pytest.fixture
def bundle_folder(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """`tiny_bundle` on disk, in a folder of models; load it with `encoder=FakeEncoder()`."""
    folder = tmp_path / "models" / "tiny"
    save(tiny_bundle, folder)
    return folder


@pytest.fixture(scope="session")
def shipped() -> Bundle:
    """The model that ships, with its real encoder."""
    return load(model_folder("nabd-base"), threads=2)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of fitted models, some worse than others; see `tiny_models.build`."""
    return tiny.build(tmp_path_factory.mktemp("tiny") / "models")
