"""A view as one HTML page that loads nothing."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from pipeline.report.sections import SECTIONS
from pipeline.report.view import View


def render(view: View) -> str:
    """The page; every text in it is escaped, and its content policy lets nothing be fetched or run."""
    loader = PackageLoader("pipeline.report")
    templates = Environment(loader=loader, autoescape=True, trim_blocks=True, keep_trailing_newline=True)
    style = Markup(loader.get_source(templates, "style.css")[0])
    words, locale = view.words, view.locale
    first, last = view.contacts[0].time, view.contacts[-1].time
    return templates.get_template("page.html").render(
        words=words,
        locale=locale,
        title=words("title"),
        period=words("period", start=locale.date(first), end=locale.date(last)),
        synthetic=view.synthetic,
        style=style,
        sections=[section(view) for section in SECTIONS],
        footer=words("footer", messages=locale.number(len(view.contacts))),
    )
