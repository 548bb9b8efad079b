"""The routes of a model with its own labels: ready to use in its folder, and to be copied from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.route import Rule
from pipeline.routing.standard import standard_rules
from pipeline.settings import FILE, ROUTES, home, load_settings
from pipeline.taxonomy import DEFAULT, Taxonomy
from pipeline.training.retrain.labels import LabelSet
from pipeline.training.retrain.taxonomies import quoted

HEAD = f"""# Routes for the labels of {{name}}, used with it wherever {FILE} has none of its own. To change queues,
# priorities and SLAs, copy the tables into {FILE} and edit them there: `nabd retrain` writes this file anew.
"""


def routes_for(labels: LabelSet, base: Path, name: str) -> str | None:
    """The content of a model's own routes: those that the base brings where the labels are its own.

    None where Nabd's own routes do.
    """
    if labels.kind == "base":
        kept = base / ROUTES
        return kept.read_text(encoding="utf-8") if kept.exists() else None
    return render_routes(labels.queues, labels.taxonomy, name)


def render_routes(queues: Mapping[str, str], table: Taxonomy, name: str) -> str:
    """TOML: `standard_rules` for the labels of `table`; `queues` is topic -> queue, where the user names one."""
    shipped = load_settings(home() / FILE, environment={}, table=DEFAULT).routes
    return HEAD.format(name=name) + "".join(map(_toml, standard_rules(shipped, table, queues)))


def _toml(rule: Rule) -> str:
    lines = ["", "[[route]]", f"name = {quoted(rule.name)}"]
    if rule.when:
        lines.append(
            f"when = {{ {', '.join(f'{quoted(key)} = {_list(values)}' for key, values in rule.when.items())} }}"
        )
    lines += [
        f"queue = {quoted(rule.queue)}",
        f"priority = {quoted(rule.priority)}",
        f"sla_minutes = {rule.sla_minutes}",
    ]
    lines += [f"tags = {_list(rule.tags)}"] if rule.tags else []
    return "\n".join(lines) + "\n"


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(map(quoted, values))}]"
