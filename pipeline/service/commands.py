"""`nabd serve`: options only; what it needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import UsageError


def service_commands(app: typer.Typer) -> None:
    """Adds the service's verb to `app`; it needs the `serve` extra."""
    app.command("serve")(serve)


def serve(
    host: Annotated[
        str, typer.Option(envvar="NABD_HOST", metavar="ADDRESS", help="an address of this machine alone")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="NABD_PORT", min=0, max=65_535, help="0: any free one")] = 8000,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="a folder in models/, or a path")] = None,
    settings: Annotated[Path | None, typer.Option(metavar="FILE", help="instead of ./nabd.toml")] = None,
    threads: Annotated[int | None, typer.Option(help="processor threads; 0: all cores")] = None,
) -> None:
    """Answer over HTTP on this machine: POST /v1/score; described by /openapi.json.

    nabd serve --port 8000
    """
    from pipeline import settings as files

    try:
        from pipeline.service.serve import run
    except ModuleNotFoundError as error:
        raise UsageError(f"serving needs {error.name}, which is not installed: pip install 'nabd[serve]'") from None

    run(files.override(files.load_settings(settings), model=model, threads=threads), host=host, port=port)
