"""The sections of the page, in their order."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.report.blocks import Section
from pipeline.report.sections.customers import customers
from pipeline.report.sections.drivers import drivers
from pipeline.report.sections.emerging import emerging
from pipeline.report.sections.journey import journey
from pipeline.report.sections.moods import moods
from pipeline.report.sections.queues import queues
from pipeline.report.sections.service import service
from pipeline.report.sections.summary import summary
from pipeline.report.sections.trust import trust
from pipeline.report.sections.volumes import volumes
from pipeline.report.view import View

SECTIONS: tuple[Callable[[View], Section], ...] = (
    summary, customers, drivers, emerging, moods, volumes, queues, journey, service, trust,
)  # fmt: skip
