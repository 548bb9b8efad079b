"""Labels with queues -> the `[[route]]` tables of a settings file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.route import Rule
from pipeline.settings import FILE, home, load_settings
from pipeline.taxonomy import Taxonomy
from pipeline.training.retrain.taxonomies import quoted

PRIORITY, SLA_MINUTES = "normal", 480  # of a label's own route, for the user to change
HEAD = f"""# Routes for the labels of {{name}}. Put them into {FILE} in place of its [[route]] tables: those that
# ask for labels which this model does not have are left out. Then set priorities and SLAs as you like.
"""


def render_routes(queues: Mapping[str, str], table: Taxonomy, name: str) -> str:
    """TOML: Nabd's own routes that hold for any labels, then one a queue, then the last of Nabd's own.

    `queues` is topic -> queue; topics that `table` does not have are passed over.
    """
    shipped = load_settings(home() / FILE, environment={}).routes
    general = [rule for rule in shipped[:-1] if _holds(rule, table)]
    taken: dict[str, list[str]] = {}
    for topic in table.topic_ids:
        if topic in queues:
            taken.setdefault(queues[topic], []).append(topic)
    own = [Rule(queue, queue, PRIORITY, SLA_MINUTES, {"topic": tuple(topics)}) for queue, topics in taken.items()]
    return HEAD.format(name=name) + "".join(map(_toml, [*general, *own, shipped[-1]]))


def _holds(rule: Rule, table: Taxonomy) -> bool:
    known = {"topic": table.topic_ids, "category": table.category_ids, "domain": tuple(table.domain_of.values())}
    return all(set(values) <= set(known[key]) for key, values in rule.when.items() if key in known)


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
