"""Every notebook runs from top to bottom, whatever folder its kernel starts in, and is committed without outputs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECONDS = 300  # for a cell


class ThisPython(AsyncKernelManager):
    """The kernel is this interpreter, whatever kernels the machine has registered."""

    @property
    def kernel_spec(self) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="this Python", language="python")


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[Any]]]:
    """A notebook's name and outputs, run far from the checkout, where Jupyter and matplotlib keep their files too."""
    folder = tmp_path_factory.mktemp("kernel")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
            patch.setenv(name, str(folder / name.lower()))
        for name in ("NABD_MODEL", "NABD_THREADS", "NABD_SETTINGS"):
            patch.delenv(name, raising=False)
        client = NotebookClient(
            nbformat.read(request.param, as_version=4), kernel_manager_class=ThisPython, timeout=SECONDS,
            resources={"metadata": {"path": str(folder)}},
        )  # fmt: skip
        yield request.param.stem, outputs(client.execute())


def test_runs_quietly(ran: tuple[str, list[Any]]) -> None:
    _, shown = ran
    printed = "".join(output.text for output in shown if output.output_type == "stream")
    assert shown
    assert "Warning" not in printed
    assert str(ROOT) not in printed


def test_first_look_shows_what_it_promises(ran: tuple[str, list[Any]]) -> None:
    name, shown = ran
    assert name == "01_first_look"
    pages = [output.data["text/html"] for output in shown if "text/html" in output.get("data", {})]
    assert any("247 messages" in output.get("text", "") for output in shown)
    assert any("technical_fix" in page and "relationship" in page for page in pages), "categories by language"
    assert any("retention" in page and " of " in page for page in pages), "queues"
    assert any("ambiguous" in page and "no review" in page for page in pages), "reasons for review"
    assert any(page.count("<p dir='auto'") == 3 for page in pages), "three messages"
    assert any("last topic" in page and "C-0" in page for page in pages), "customers"
    assert sum("image/png" in output.get("data", {}) for output in shown) == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert not outputs(notebook)
    assert all(cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
