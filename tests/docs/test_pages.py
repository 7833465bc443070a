"""The documentation against the code: what pages print and show, their formulas, links and figures."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("myst_nb", reason="needs the group docs: uv run --group docs pytest")

from docs.making import DOCS, IMAGES, ROOT
from docs.making.example_report import CONFIG
from docs.making.figures import FIGURES, svg
from docs.making.mathml import formula
from docs.making.pages import pages, renewed
from docs.making.root_pages import PAGES, relinked
from docs.making.source_lines import place
from experiments.config.reading import load_config

MARKDOWN = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"-?\d+\.\d+|-?\d+")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", pages(), ids=name_of)
def test_a_page_says_what_its_code_prints(path):
    text = path.read_text(encoding="utf-8")
    assert renewed(text, name_of(path)) == text


def test_code_that_prints_needs_a_place_for_it():
    with pytest.raises(ValueError, match="has no block"):
        renewed("```python\nprint(1)\n```\n")


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_what_the_code_draws(name):
    there, made = (IMAGES / f"{name}.svg").read_text(encoding="utf-8"), svg(name)
    assert NUMBER.sub("#", there) == NUMBER.sub("#", made)
    numbers = (np.array(NUMBER.findall(text), dtype=float) for text in (there, made))
    np.testing.assert_allclose(*numbers, atol=0.3)  # of a point; a bound's last digit


def shown_lines():
    for path in MARKDOWN:
        text = path.read_text(encoding="utf-8")
        for source, lines in re.findall(
            r"^```\{lines-of\} (\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
        ):
            yield pytest.param(source, lines.splitlines(), id=f"{path.stem}-{lines.strip()[:30]}")


@pytest.mark.parametrize(("source", "lines"), list(shown_lines()))
def test_code_that_is_shown_stands_in_its_file(source, lines):
    assert place(source, lines) > 1


def test_code_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="0 times, not once"):
        place("examples/mutations/textbook.py", ["s2 = 1 / N_k"])
    with pytest.raises(ValueError, match="no file"):
        place("examples/mutations/none.py", ["s2 = 1 / N_k"])


def test_every_update_and_every_term_of_the_bound_is_shown():
    shown = "\n".join(line for found in shown_lines() for line in found.values[1])
    for right in (
        "s2 = 1 / (1 / self.sigma2 + N_k)",
        "m = s2 * (r.T @ self.x)",
        "log_r = np.outer(self.x, m)",
    ):
        assert right in shown
    for term in ("ln p(x | c, mu)", "ln p(c)", "ln p(mu)", "entropy_assignments", "entropy_components"):
        assert f'"{term}": ' in shown


def test_every_formula_can_be_shown():
    tried = 0
    for path in MARKDOWN:
        text = re.sub(r"`[^`\n]+`", "", FENCED.sub("", path.read_text(encoding="utf-8")))
        for block, within in re.findall(r"\$\$(.+?)\$\$|(?<!\$)\$([^$\n]+)\$", text, re.DOTALL):
            if DOCS in path.parents:
                assert "<math" in formula((block or within).strip(), block=bool(block))
                tried += 1
    assert tried > 100


def slug(heading: str) -> str:
    """Return a heading's anchor, as code hosts and MyST make it."""
    text = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(path: Path) -> set[str]:
    text = FENCED.sub("", path.read_text(encoding="utf-8"))
    return {slug(heading) for heading in re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("path", MARKDOWN, ids=name_of)
def test_links_lead_somewhere(path):
    text = re.sub(r"`[^`\n]+`", "", FENCED.sub("", path.read_text(encoding="utf-8")))
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", text):
        if "://" in target:
            continue
        there = (path.parent / target).resolve() if target else path
        assert there.exists() and ROOT in there.parents, target
        assert not anchor or there.suffix != ".md" or anchor in anchors(there), f"{target}#{anchor}"


def test_every_page_is_linked_from_the_readme_or_an_index():
    indexes = [ROOT / "README.md", *DOCS.rglob("index.md")]
    linked = {
        (index.parent / target).resolve()
        for index in indexes
        for target in re.findall(r"\]\(([^)#\s]+)", index.read_text(encoding="utf-8"))
    }
    stubs = set((DOCS / "project").glob("*.md"))
    unseen = set(DOCS.rglob("*.md")) - stubs - linked - {DOCS / "index.md"}
    assert not unseen, "link these from docs/use/index.md"


def test_links_to_pages_of_the_root_lead_to_their_stubs():
    page = DOCS / "use" / "which-model.md"
    assert relinked("[a](../../README.md#run-it)", page, page) == "[a](../project/readme.md#run-it)"
    stub = DOCS / "project" / "readme.md"
    said = relinked("[b](docs/checks.md) [c](LICENSE) [d](https://a.b/c.md)", PAGES["readme"], stub)
    assert said == "[b](../checks.md) [c](../../LICENSE) [d](https://a.b/c.md)"


def configurations():
    for path in (DOCS / "use").glob("*.md"):
        blocks = re.findall(
            r"^```toml\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        )
        yield from (pytest.param(block, id=path.stem) for block in blocks)


@pytest.mark.parametrize("text", list(configurations()))
def test_configurations_in_pages_can_be_read(text, tmp_path):
    for entry in tomllib.loads(text).get("datasets", ()):
        if "path" in entry:
            (tmp_path / entry["path"]).write_text("velocity\n1.0\n2.0\n", encoding="utf-8")
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    assert load_config(tmp_path / "study.toml").name


def test_the_example_reports_configuration_can_be_read():
    assert load_config(CONFIG).name == "example-report"


def test_the_citation_has_the_version_of_the_package():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_readme_says_what_its_fit_gives():
    block = re.search(
        r"```python\n(.*?)\n\nstudy = ", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    *lines, said = block[1].splitlines()
    known = {}
    exec("\n".join(lines), known)
    elbo, mean, status = eval(said, known)
    assert said.endswith(f"# {elbo:.5f}..., {mean.round(2).tolist()}, {status.name}")
