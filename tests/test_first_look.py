"""The notebook runs from top to bottom, and what is kept of its outputs is small."""

import json
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "examples" / "first_look.ipynb"
LARGEST = 600_000
"""Bytes of the notebook with its outputs: a checkout stays light."""


def test_outputs_are_kept_and_small() -> None:
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    pictures = [o for cell in cells for o in cell["outputs"] if "image/png" in o.get("data", {})]
    assert len(pictures) >= 2
    assert NOTEBOOK.stat().st_size < LARGEST
    assert not [o for cell in cells for o in cell["outputs"] if o["output_type"] == "error"]
    assert "/home/" not in NOTEBOOK.read_text()


@pytest.mark.slow
@pytest.mark.weights
def test_the_notebook_runs(tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    table = next(
        o["text"] for cell in notebook.cells for o in cell.get("outputs", ()) if "csim" in o.get("text", "")
    )
    assert all(name in table for name in ("fev-gan-warp", "mean-motion", "copy", "true clips"))
    assert (tmp_path / "worst.png").exists()
    assert (tmp_path / "six.gif").exists()
