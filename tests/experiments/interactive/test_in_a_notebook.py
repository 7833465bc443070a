"""docs/in-a-notebook.md, run in the kernel of a notebook."""

import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient

PAGE = Path(__file__).parents[3] / "docs" / "in-a-notebook.md"


def test_the_page_runs_in_a_kernel(tmp_path):
    """Worker processes need no guard there; progress is plain lines, and results show themselves."""
    code = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(block) for block in code])
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    lines = "".join(output["text"] for output in outputs if output["output_type"] == "stream")
    assert "start  cavi on speeds (mixture)" in lines and "\x1b" not in lines and "\r" not in lines
    shown = [output["data"] for output in outputs if "data" in output]
    html = "".join(data.get("text/html", "") for data in shown)
    assert "components (normal_known_variance, weights fixed)" in html  # a fit
    assert html.count("data:image/png;base64,") == 1  # the ladder
    assert "What speaks for each number of components" in html
    assert sum("image/png" in data for data in shown) == 2  # figures, each shown once
    assert (tmp_path / "speeds.html").is_file()
