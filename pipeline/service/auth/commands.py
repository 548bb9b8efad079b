"""`nabd keys` and `nabd users`: options only; what they need is imported when they run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.service.extra import serving

SettingsFile = Annotated[Path | None, typer.Option("--settings", metavar="FILE", help="instead of ./nabd.toml")]
Scopes = Annotated[
    list[str], typer.Option("--scope", metavar="SCOPE", help="score, read, write or admin; can be given again")
]
KeyId = Annotated[str, typer.Argument(metavar="ID", help="as `nabd keys list` shows it")]
UserName = Annotated[str, typer.Argument(metavar="NAME", help="that the user logs in with")]

KEYS_HELP = """Make, list, revoke and rotate the API keys of the service.

nabd keys list
"""
USERS_HELP = """Add, list and remove those who log in to the console.

nabd users list
"""


def auth_commands(app: typer.Typer) -> None:
    """Adds the verbs of keys and users to `app`."""
    keys, users = (typer.Typer(no_args_is_help=True, help=text) for text in (KEYS_HELP, USERS_HELP))
    keys.command("create")(create_key)
    keys.command("list")(list_keys)
    keys.command("revoke")(revoke_key)
    keys.command("rotate")(rotate_key)
    users.command("create")(create_user)
    users.command("list")(list_users)
    users.command("remove")(remove_user)
    app.add_typer(keys, name="keys")
    app.add_typer(users, name="users")


def create_key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="whose it is, for people")],
    scope: Scopes,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="a day, a time, or such as 90d; then it works no longer")
    ] = None,
    settings: SettingsFile = None,
) -> None:
    """Make a key and print its token, this once: only a hash of it is kept.

    nabd keys create helpdesk --scope score --scope read --expires 90d
    """
    with serving():
        from pipeline.service.auth import administer
    token, note = administer.create_key(settings, name, scope, expires)
    typer.echo(note, err=True)
    typer.echo(token)


def list_keys(settings: SettingsFile = None) -> None:
    """List every key and what it may do; the tokens are not kept.

    nabd keys list
    """
    with serving():
        from pipeline.service.auth import administer
    administer.list_keys(settings)


def revoke_key(id: KeyId, settings: SettingsFile = None) -> None:
    """Stop a key from working.

    nabd keys revoke 3f9a1c07b2d4
    """
    with serving():
        from pipeline.service.auth import administer
    administer.revoke_key(settings, id)
    typer.echo(f"key {id} works no longer", err=True)


def rotate_key(
    id: KeyId,
    overlap: Annotated[int, typer.Option(metavar="HOURS", min=0, help="for which the old key still works")] = 24,
    settings: SettingsFile = None,
) -> None:
    """Make a key that may do the same as an old one, which works on for a while; print its token, this once.

    nabd keys rotate 3f9a1c07b2d4 --overlap 2
    """
    with serving():
        from pipeline.service.auth import administer
    token, note = administer.rotate_key(settings, id, overlap)
    typer.echo(note, err=True)
    typer.echo(token)


def create_user(name: UserName, scope: Scopes, settings: SettingsFile = None) -> None:
    """Add a user; the password is asked for, or is the first line of standard input.

    nabd users create lina --scope read --scope write
    """
    with serving():
        from pipeline.service.auth import administer
    administer.create_user(settings, name, _password(), scope)
    typer.echo(f"user {name} can log in", err=True)


def list_users(settings: SettingsFile = None) -> None:
    """List every user and what they may do.

    nabd users list
    """
    with serving():
        from pipeline.service.auth import administer
    administer.list_users(settings)


def remove_user(name: UserName, settings: SettingsFile = None) -> None:
    """Remove a user, who is logged out at once.

    nabd users remove lina
    """
    with serving():
        from pipeline.service.auth import administer
    administer.remove_user(settings, name)
    typer.echo(f"user {name} is removed", err=True)


def _password() -> str:
    """Asked for twice at a terminal; never an option, which other users of the machine could read."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")
