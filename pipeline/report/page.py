"""A view, or any sections, as one HTML page that loads nothing."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from pipeline.report.blocks import Section
from pipeline.report.sections import SECTIONS
from pipeline.report.view import View
from pipeline.report.words import Words


def render(view: View) -> str:
    """The page of a history."""
    words, locale = view.words, view.locale
    first, last = view.contacts[0].time, view.contacts[-1].time
    return render_page(
        words,
        period=words("period", start=locale.date(first), end=locale.date(last)),
        sections=[section(view) for section in SECTIONS],
        footer=words("footer", messages=locale.number(len(view.contacts))),
        synthetic=view.synthetic,
    )


def render_page(
    words: Words, *, period: str, sections: Sequence[Section], footer: str, synthetic: bool = False
) -> str:  # fmt: skip
    """The page; every text in it is escaped, and its content policy lets nothing be fetched or run.

    `period` is the line below the title; the first section's own title is for screen readers alone.
    """
    loader = PackageLoader("pipeline.report")
    templates = Environment(loader=loader, autoescape=True, trim_blocks=True, keep_trailing_newline=True)
    css = loader.get_source(templates, "style.css")[0]
    style = Markup(css)  # nosec B704 # our own file
    return templates.get_template("page.html").render(
        words=words,
        locale=words.locale,
        title=words("title"),
        period=period,
        synthetic=synthetic,
        style=style,
        sections=sections,
        footer=footer,
    )
