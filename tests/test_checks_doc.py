"""The page on the checks: its example runs as it says, on the file of `elbowroom init --derivation`."""

import re
import sys
from pathlib import Path

from experiments.checks.loading import skeleton

PAGE = Path(__file__).parent.parent / "docs" / "checks.md"


def test_the_mistake_is_caught_as_the_page_says(tmp_path, monkeypatch, capsys):
    (tmp_path / "my_model.py").write_text(skeleton(), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_model", raising=False)
    code, said = re.search(
        r"```python\n(.*?)```\n\n```\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL
    ).groups()
    exec(compile(code, "docs/checks.md", "exec"), {"__name__": "page"})
    del sys.modules["my_model"]
    out = capsys.readouterr().out
    assert _without_figures(out) == _without_figures(said)


def _without_figures(text):
    """Return a text with its estimates blotted out, which depend on the generator's version."""
    return re.sub(r"\b0\.\d+", "#", text)
