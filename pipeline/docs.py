"""The pages of docs/ that say what the code says: settings, labels, commands. `python -m pipeline.docs` writes them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from typer.main import get_command

from pipeline.cli import app
from pipeline.language import Language
from pipeline.risk import BANDS
from pipeline.route import COLUMN, FIELDS, PRIORITIES, Rule
from pipeline.score import AMBIGUOUS, MASKED, MIXED, TOO_SHORT, TRUNCATED, UNSUPPORTED
from pipeline.service.settings import PREFIX, ServiceSettings
from pipeline.settings import NAMES, Settings, home, load_settings
from pipeline.taxonomy import DEFAULT, LABELS, OUT_OF_SCOPE, Label, Taxonomy
from pipeline.training.registry.margins import Margins

NOTE = "<!-- Written by `make docs` from the code; a test compares the two. -->\n"
REVIEW = {
    UNSUPPORTED: "it is in a language that Nabd does not read",
    OUT_OF_SCOPE: "it is not addressed to a company, or is like nothing the model knows",
    AMBIGUOUS: "the category is less sure than the model's threshold",
    TOO_SHORT: "it holds nothing to go by",
}
FLAGS = {
    TRUNCATED: "it was longer than `max_characters` and was read up to there",
    MIXED: "it is written in more than one language",
    MASKED: "personal numbers or addresses in it were masked before it was read",
}


def pages() -> dict[str, str]:
    """File name below docs/ -> its content."""
    settings = load_settings(home() / "nabd.toml", environment={})
    return {"settings.md": settings_page(settings), "labels.md": labels_page(DEFAULT), "commands.md": commands_page()}


def settings_page(settings: Settings) -> str:
    """Every setting, what a route may ask of a message, and the table of routes in `settings`."""
    flags = {flag for parameter in _commands()["score"].params for flag in parameter.opts}
    rows = []
    for entry in fields(Settings):
        if entry.name in NAMES:
            flag = "--" + entry.name.replace("_", "-")
            variable = f"`NABD_{entry.name.upper()}`"
            rows.append([f"`{entry.name}`", f"`{entry.default}`", variable, f"`{flag}`" if flag in flags else "",
                         entry.metadata["help"]])  # fmt: skip
    conditions, bands = (", ".join(f"`{name}`" for name in names) for names in (FIELDS, BANDS))
    return f"""{NOTE}# Settings

Nabd reads the file that `--settings` names, else the one in `NABD_SETTINGS`, else `nabd.toml` in the folder that it is
started from, else its own. A flag beats an environment variable, which beats the file. An unknown key is an error.

{table(("key", "default", "environment", "flag", ""), rows)}
## Routes

Each `[[route]]` has a `name`, a `queue`, a `priority` ({", ".join(PRIORITIES)}), `sla_minutes`, and if wanted `when`
and `tags`. The first route whose every condition holds decides; the last must have no `when`. A condition is on
{conditions}, or on a column of your own file, `"{COLUMN}NAME"`; a list means any of its values.
The values are in [labels.md](labels.md), or are the labels of the model that is used. A key or a value that is not
known, and a route that those above it leave nothing to, are errors that name the line. A file without routes gets those
that the model brings for [labels of its own](own-labels.md), or Nabd's.

`channel` is the value of the column that holds the channel, as it is in your file. `risk` is the band of the customer
({bands}). The service routes by the band that its customer had before the message, in the API, in webhooks
and in jobs. `nabd score` does not know it, so a route that asks for it matches nothing there; `nabd route SCORED --risk
RISK -o OUT` does, and routes a scored file anew without scoring it again. A customer who is not in RISK, or whom the
service never met, has no band.

`nabd route EXPORT --dry-run` writes nothing. It says how many messages each queue would get and when, how that
compares with the export's own groups, and how many would reach a wrong queue. With a `[[queue]]` for a queue, it also
works out hour by hour what the queue could not handle:

```toml
[[queue]]
name = "billing"
per_hour = 20
```

The routes of the `nabd.toml` that comes with Nabd:

{table(("name", "when", "queue", "priority", "SLA, minutes", "tags"), [_rule(rule) for rule in settings.routes])}
## Service

The `[service]` table, for `nabd serve` and the commands of its store. A list is written with commas in a variable. Keep
passwords and secrets in the environment, not in a file.

{table(("key", "default", "environment", ""), map(_service_setting, fields(ServiceSettings)))}
## Gates

The `[gates]` table: what a model must hold to in `nabd promote`, beside the champion and on messages that neither
learnt from. Each statement on chance is a one-sided bound of a paired bootstrap.

{table(("key", "default", ""), map(_margin, fields(Margins)))}"""


def labels_page(labels: Taxonomy) -> str:
    """Every label with its meaning and its names in English, Arabic and Persian."""
    others = "\n".join(
        f"## {task.capitalize()}\n\n{table(('label', 'meaning', *_NAMES), map(_label, of_task))}"
        for task, of_task in LABELS.items()
    )
    return f"""{NOTE}# Labels

What Nabd says of a message. Its domain follows from its category, and its category from its topic: a category is as
probable as its topics together. A message that is `{OUT_OF_SCOPE}` has no sentiment.

## Category

{table(("label", "domain", "meaning", *_NAMES), map(_child, labels.categories))}
## Topic

{table(("label", "category", "meaning", *_NAMES), map(_child, labels.topics))}
{others}
## Language

{table(("label", "language"), ((f"`{each.value}`", each.name.capitalize()) for each in Language))}
## Review

Why a person should look at the message; empty means that the decision stands on its own.

{table(("reason", "meaning"), ((f"`{name}`", meaning) for name, meaning in REVIEW.items()))}
## Flags

{table(("flag", "meaning"), ((f"`{name}`", meaning) for name, meaning in FLAGS.items()))}"""


def commands_page() -> str:
    """Every command with its arguments and options; those of a group follow it."""
    found = {
        f"{name} {verb}".strip(): command
        for name, group in _commands().items()
        for verb, command in {"": group, **getattr(group, "commands", {})}.items()
    }
    return f"{NOTE}# Commands\n\n" + "\n".join(_command(name, each) for name, each in sorted(found.items()))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a bar inside a cell is escaped."""
    lines = [header, ["---"] * len(header), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


_NAMES = ("English", "Arabic", "Persian")


def _commands() -> dict[str, Any]:
    group: Any = get_command(app)
    return dict(group.commands)


def _label(label: Label) -> list[str]:
    return [f"`{label.id}`", label.meaning, label.en, label.ar, label.fa]


def _child(label: Label) -> list[str]:
    name, *rest = _label(label)
    return [name, f"`{label.parent}`", *rest]


def _rule(rule: Rule) -> list[str]:
    when = ", ".join(f"{key} = {' or '.join(values)}" for key, values in rule.when.items())
    return [rule.name, when, rule.queue, rule.priority, f"{rule.sla_minutes:,}", ", ".join(rule.tags)]


def _margin(entry: Field[Any]) -> list[str]:
    return [f"`{entry.name}`", f"`{entry.default}`", entry.metadata["help"]]


def _service_setting(entry: Field[Any]) -> list[str]:
    default = ", ".join(entry.default) if isinstance(entry.default, tuple) else str(entry.default)
    return [
        f"`{entry.name}`",
        f"`{default}`" if default else "",
        f"`{PREFIX}{entry.name.upper()}`",
        entry.metadata["help"],
    ]


def _command(name: str, command: Any) -> str:
    what, _, example = (command.help or "").partition("\n\n")
    rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
    shown = f"\n```sh\n{example.strip()}\n```\n" if example else ""
    return f"## nabd {name}\n\n{' '.join(what.split())}\n{shown}" + (f"\n{table(('', ''), rows)}" if rows else "")


def _parameter(parameter: Any) -> list[str]:
    if parameter.param_type_name == "argument":
        return [f"`{parameter.metavar}`", parameter.help or ""]
    value = "" if parameter.is_flag else f" {parameter.metavar or 'VALUE'}"
    names = ", ".join(f"`{flag}{value}`" for flag in (*parameter.opts, *parameter.secondary_opts))
    default = "" if parameter.is_flag or parameter.default in (None, "", ()) else f"default `{parameter.default}`"
    told = [parameter.help or "", default, f"also `{parameter.envvar}`" if parameter.envvar else ""]
    return [names, "; ".join(filter(None, told))]


def main(folder: str = "docs") -> None:
    for name, content in pages().items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
