from __future__ import annotations

from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples" / "quickstart.ipynb"


def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="needs nbformat (extra 'dev')")
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient (extra 'dev')")
    pytest.importorskip("ipykernel", reason="needs ipykernel (extra 'dev')")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    client = nbclient.NotebookClient(
        notebook,
        timeout=600,
        startup_timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    text = "".join(output.get("text", "") for output in outputs)
    assert "detected 9 of 9 events" in text
    assert "WEBVTT" in text
    assert "sample.html" in text
    assert any("image/png" in output.get("data", {}) for output in outputs)
