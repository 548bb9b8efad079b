"""README and docs/ say what the code does: commands exist, pages are up to date, links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from pipeline.cli import app
from pipeline.docs import FLAGS, REVIEW, pages, table
from pipeline.score import FLAGS as SCORE_FLAGS
from pipeline.score import REVIEW_REASONS
from pipeline.settings import NAMES

ROOT = Path(__file__).parent.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {"README.md": README} | {
    f"docs/{path.name}": path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))
}
TARGETS = dict(re.findall(r"^([a-z]+):.*?## (.+)$", MAKEFILE, re.MULTILINE))
VARIABLES = set(re.findall(r"^([A-Z]+) \?=", MAKEFILE, re.MULTILINE)) | {"NABD_DATA_DIR"}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ENDS = {"|", "||", "&&", ";", ">", ">>", "<"}  # of a command, in a line of shell


def blocks(page: str) -> Iterator[str]:
    """What the page shows as typed into a shell."""
    for language, content in FENCE.findall(page):
        if language in ("sh", "bash", "console"):
            yield content.replace("\\\n", " ")


def commands(page: str) -> Iterator[list[str]]:
    """The `make` and `nabd` commands of a page, in words; of a block with prompts, only what follows them."""
    for block in blocks(page):
        prompts = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
        for line in prompts or block.splitlines():
            words = re.sub(r"^(?:[A-Z_]+=\S+ )+", "", line.strip())
            if re.match(r"(make|nabd)\b", words):
                yield shlex.split(words, comments=True)


SHOWN = [(name, command) for name, page in PAGES.items() for command in commands(page)]


def complaint(command: list[str]) -> str:
    """What is wrong with a command, empty when it could be typed."""
    program, *words = command
    end = next((place for place, word in enumerate(words) if word in ENDS), len(words))
    words = words[:end]
    return _make_complaint(words) if program == "make" else _nabd_complaint(words)


def _make_complaint(words: list[str]) -> str:
    for word in words:
        name, assigned, _ = word.partition("=")
        if name not in (VARIABLES if assigned else TARGETS):
            return f"the Makefile has no {'variable' if assigned else 'target'} {name}"
    return ""


def _nabd_complaint(words: list[str]) -> str:
    group: Any = get_command(app)
    known = {flag for parameter in group.params for flag in parameter.opts} | {"-h", "--help"}
    if words and not words[0].startswith("-"):
        command = group
        while (verbs := getattr(command, "commands", {})) and words and not words[0].startswith("-"):
            if words[0] not in verbs:
                return f"nabd has no command {words[0]}"
            command = verbs[words.pop(0)]
        parameters = command.params
        known = {flag for each in parameters for flag in (*each.opts, *each.secondary_opts)} | {"-h", "--help"}
    unknown = [word for word in words if word.startswith("-") and word != "-" and word.split("=")[0] not in known]
    return f"no option {unknown[0]}" if unknown else ""


@pytest.mark.parametrize(("page", "command"), SHOWN, ids=[f"{name}: {' '.join(words)}" for name, words in SHOWN])
def test_shown_commands_exist(page: str, command: list[str]) -> None:
    assert not complaint(command), f"{page} shows {' '.join(command)!r}"


@pytest.mark.parametrize(
    "command",
    [
        "make nothing",
        "make data COLOUR=red",
        "nabd scor in.csv",
        "nabd score in.csv --colour red",
        "nabd --colour",
    ],
)
def test_a_wrong_command_is_noticed(command: str) -> None:
    assert complaint(command.split())


def test_what_is_typed_is_found() -> None:
    page = "```console\n$ make demo\nmake is printed\n$ NABD_THREADS=2 nabd score a.csv \\\n  -o - | nabd head\n```\n"
    assert list(commands(page)) == [["make", "demo"], ["nabd", "score", "a.csv", "-o", "-", "|", "nabd", "head"]]
    assert list(commands("```sh\nmake test # all of it\n```\n```python\nmake = 1\n```\n")) == [["make", "test"]]


def test_the_readme_lists_every_make_target_as_its_help_does() -> None:
    assert dict(re.findall(r"^\| `make (\w+)` \| (.+) \|$", README, re.MULTILINE)) == TARGETS


def test_every_target_that_is_promised_is_there() -> None:
    """`.PHONY` and the help agree, so that `make` prints every verb."""
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == set(TARGETS)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_in_the_file_and_on_its_page(name: str) -> None:
    assert re.search(rf"^{name} = ", (ROOT / "nabd.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert f"| `{name}` |" in PAGES["docs/settings.md"]


@pytest.mark.parametrize("name", pages())
def test_written_pages_are_up_to_date(name: str) -> None:
    assert PAGES.get(f"docs/{name}") == pages()[name], f"docs/{name} is out of date: run `make docs`"


def test_reasons_and_flags_are_all_explained() -> None:
    assert tuple(REVIEW) == REVIEW_REASONS
    assert tuple(FLAGS) == SCORE_FLAGS


def test_every_command_has_an_example_that_is_right() -> None:
    shown = [command for command in commands(pages()["commands.md"]) if not complaint(command)]
    group: Any = get_command(app)
    assert {command[1] for command in shown} == set(group.commands)


def test_table_escapes_bars() -> None:
    assert table(("a", "b"), [("x|y", "")]) == "| a | b |\n| --- | --- |\n| x\\|y |  |\n"


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", PAGES[name]))
    local = [target for target in targets if not re.match(r"https?:|mailto:", target)]
    for target in local:
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), f"{name} links to {target}"
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), f"{name} links to {target}"


def test_every_threat_and_every_fault_has_its_test() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGES["docs/security.md"] + PAGES["docs/reliability.md"]))
    written = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text("utf-8"))
    }
    assert named
    assert named <= written, f"no such tests: {sorted(named - written)}"


def anchors(page: str) -> set[str]:
    """Of the headings, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_ci_and_readme_test_alike() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^exec make test$", script, re.MULTILINE)
    assert ["make", "test"] in list(commands(README))


def test_readme_shows_what_the_demo_prints(tmp_path: Path) -> None:
    """The same labels, and counts that differ by no more than processors' arithmetic does."""
    shown = next(block for block in blocks(README) if block.startswith("$ make demo\n")).splitlines()
    assert len(shown) <= 25
    out = tmp_path / "demo.scored.csv"
    run = [sys.executable, "-c", "from pipeline.cli import main; main()", "score", "data/demo.csv", "-o", str(out)]
    printed = subprocess.run(run, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    assert _counts(printed), "nothing was printed"
    expected, found = _counts("\n".join(shown)), _counts(printed)
    wrong = {name for name in expected.keys() | found.keys() if abs(expected[name] - found[name]) > 4}
    assert not wrong, f"README shows other counts of {sorted(wrong)}"


def _counts(output: str) -> Counter[str]:
    """Label -> count, of the summary table; the lines above and below it hold no such pairs."""
    body = output[output.find("Category ") :].partition("\n\n")[0]
    counts: Counter[str] = Counter()
    for name, count in re.findall(r"([A-Za-z][\w-]*)[^\S\n]+(\d+)", body):
        counts[name] += int(count)  # "billing" is a category and a queue
    return counts
