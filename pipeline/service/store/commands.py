"""`nabd forget | migrate`, and with them `keys` and `users`: options only; what they need is imported when they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.service.auth.commands import auth_commands
from pipeline.service.extra import serving

SettingsFile = Annotated[Path | None, typer.Option("--settings", metavar="FILE", help="instead of ./nabd.toml")]


def store_commands(app: typer.Typer) -> None:
    """Adds the verbs of the service's store to `app`; they need the `serve` extra."""
    auth_commands(app)
    app.command("forget")(forget)
    app.command("migrate")(migrate)


def forget(
    customer: Annotated[str, typer.Option("--customer", metavar="ID", help="the customer's id")],
    settings: SettingsFile = None,
) -> None:
    """Erase every trace of a customer from the store and from the files of jobs and replays; there is no way back.

    nabd forget --customer C-1042
    """
    with serving():
        from pipeline.service.store import administer
    typer.echo(administer.forget(settings, customer))


def migrate(settings: SettingsFile = None) -> None:
    """Make the tables of the store, or bring them up to date; `nabd serve` does it, too, where it may.

    nabd migrate
    """
    with serving():
        from pipeline.service.store import administer
    typer.echo(administer.migrate(settings))
