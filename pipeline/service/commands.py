"""`nabd serve` and `nabd doctor`: options only; what they need is imported when they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import UsageError

FAULTS = 1

Host = Annotated[
    str, typer.Option(envvar="NABD_HOST", metavar="ADDRESS", help="other machines reach 0.0.0.0; it needs a key")
]
Model = Annotated[str | None, typer.Option(metavar="NAME", help="a shipped model, one of ./models, or a path")]
SettingsFile = Annotated[Path | None, typer.Option("--settings", metavar="FILE", help="instead of ./nabd.toml")]
Threads = Annotated[int | None, typer.Option(help="processor threads; 0: all cores")]


def service_commands(app: typer.Typer) -> None:
    """Adds the service's verbs to `app`; they need the `serve` extra."""
    app.command("serve")(serve)
    app.command("doctor")(doctor)


def serve(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="NABD_PORT", min=0, max=65_535, help="0: any free one")] = 8000,
    model: Model = None,
    settings: SettingsFile = None,
    threads: Threads = None,
) -> None:
    """Answer over HTTP, with a console for people: /v1 is described at /docs, the console is at /.

    nabd serve --port 8000
    """
    from pipeline import settings as files

    try:
        from pipeline.service.serve import run
        from pipeline.service.settings import load_service_settings
    except ModuleNotFoundError as error:
        raise _missing(error) from None

    chosen = files.load_settings(settings, model=model, threads=threads)
    run(chosen, load_service_settings(settings), host=host, port=port)


def doctor(host: Host = "127.0.0.1", model: Model = None, settings: SettingsFile = None) -> None:
    """Look whether all that the service needs is in order, and say what to do; exit code 1 when something is not.

    nabd doctor
    """
    from rich.console import Console

    from pipeline import settings as files

    try:
        from pipeline.service.doctor import examine, render_findings
        from pipeline.service.settings import load_service_settings
    except ModuleNotFoundError as error:
        raise _missing(error) from None

    chosen = files.load_settings(settings, model=model)
    findings = examine(chosen, load_service_settings(settings), host=host)
    Console(soft_wrap=True).print(render_findings(findings))
    if not all(each.good for each in findings):
        raise typer.Exit(FAULTS)


def _missing(error: ModuleNotFoundError) -> UsageError:
    return UsageError(f"serving needs {error.name}, which is not installed: pip install 'nabd[serve]'")
