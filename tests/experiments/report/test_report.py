"""The report: complete, offline, escaped, accessible, and the same whenever it is remade."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from experiments.commands._json import summary
from experiments.commands._terminal import print_study
from experiments.records import StudyRecord
from experiments.report import ReportPaths, write_report
from experiments.report.pages.finishing import script
from experiments.report.style.palette import ALL_COLOURS
from hand_cavi import FixedWeights, InputError, Mixture, NormalKnownVariance
from tests.experiments.report.factory import study

VOID = {"meta", "br", "hr", "img", "link", "input"}
SEEN, FOLDED = 1 + 6 + 5, 5 + 5
"""Figures of the study and its problems: the first has sd ratios and k-hats, the second chains."""


class Page(HTMLParser):
    """A page's elements in order, with their attributes, and whether tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> StudyRecord:
    return study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def paths(record) -> ReportPaths:
    return write_report(record, record.folder)


@pytest.fixture(scope="module")
def html(paths) -> str:
    return paths.html.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


@pytest.fixture(scope="module")
def markdown(paths) -> str:
    return paths.markdown.read_text(encoding="utf-8")


def test_the_verdict_comes_first_and_the_sections_follow_in_order(page, record):
    text = page.text
    wanted = [
        "undecided",
        record.verdict.sentence,
        "Overview",
        "Model",
        "eight points",
        "log p(x) = −17.990122",
        "−18.716970",
        "Clusters found by CAVI",
        "NUTS did not qualify",
        "How to read this",
        "Caveats",
        "Settings, versions, seeds",
        "20240607",
    ]
    text = text[text.index("elbowroom study a made-up study") :]  # the list of sections stands before
    places = [text.find(words, 0 if i < 2 else text.find(wanted[1])) for i, words in enumerate(wanted)]
    assert -1 not in places
    assert places[:3] + places[-1:] == sorted(places[:3] + places[-1:])


def test_the_headline_has_both_sentences_wherever_it_stands(record, tmp_path):
    both = (
        "It agrees; its widths too.",
        "The fitted mixture does not fit the data (p < 0.0001): so it says.",
    )
    verdict = replace(record.verdict, sentence=both[0], on_the_data=both[1])
    changed = replace(record, verdict=verdict, problems=())
    paths = write_report(changed, tmp_path)
    page, console = Page(paths.html.read_text(encoding="utf-8")), Console(file=StringIO(), width=200)
    print_study(changed, report="r", console=console)
    document = summary(changed)
    assert (document["verdict_sentence"], document["data_sentence"]) == both
    for text in (page.text, paths.markdown.read_text(encoding="utf-8"), console.file.getvalue()):
        first, second = (text.index(said.partition("(")[0]) for said in both)
        assert first < second < first + 60


def test_a_minus_is_a_minus_wherever_a_sentence_comes_from_and_the_configuration_stays(record, tmp_path):
    """Verdicts, data, references, notes of figures: sentences that other packages make with a hyphen."""
    said = "{} lies at -6.652, or 1e-07 from -0.5"
    first = record.problems[0]
    verdict = replace(record.verdict, sentence=said.format("a"), on_the_data=said.format("b"))
    cavi = first.cells[0]
    noted = {"own_bound": replace(cavi.measurements["own_bound"], note=said.format("c"))}
    cavi = replace(
        cavi, measurements=cavi.measurements | noted, verdict=replace(cavi.verdict, sentence=said.format("d"))
    )
    first = replace(
        first,
        cells=(cavi, *first.cells[1:]),
        about_data=said.format("e"),
        reference=replace(first.reference, reason=said.format("f"), quality={"energy": -1e-5}),
    )
    config = 'name = "x"\nmeans = [-2.0, -1e-3]'
    paths = write_report(
        replace(record, verdict=verdict, problems=(first, *record.problems[1:]), config=config), tmp_path
    )
    html, markdown = (path.read_text(encoding="utf-8") for path in (paths.html, paths.markdown))
    assert config in unescape(html) and config in markdown
    for text in (html, markdown):
        for letter in "abcdef":
            assert f"{letter} lies at −6.652, or 1e−07 from −0.5" in text
    words = re.sub(
        r"<svg.*?</svg>|<style>.*?</style>|<script>.*?</script>|<pre.*?</pre>|<[^>]*>",
        " ",
        html,
        flags=re.DOTALL,
    )
    for text in (words, markdown.replace(config, "")):
        assert not re.findall(r"[^\n]{0,20}(?:(?<=[ (\[])-\.?\d|\de-\d)[^\n]{0,20}", text)
    labels = re.findall(r"<text[^>]*>([^<]*)<", html)
    assert labels and not any(re.search(r"(^|[ (])-\d|\de-\d", label) for label in labels)


def test_the_page_is_well_formed_and_its_ids_are_unique(page):
    assert page.unbalanced == []
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in page.all("a"):
        assert attributes["href"].removeprefix("#") in ids
    for _, attributes in page.elements:
        for used in (attributes.get("aria-labelledby") or "").split():
            assert used in ids


def test_svg_references_lead_to_ids_of_the_page(html):
    ids = set(re.findall(r'\bid="([^"]+)"', html))
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', html))
    assert used
    assert {first or second for first, second in used} <= ids


def test_nothing_is_fetched_from_anywhere(html, page):
    assert not re.search(r'https?:|(src|href)="//|@import|url\((?!#)', html.replace("http://www.w3.org/", ""))
    assert all("src" not in attributes for attributes in page.all("script"))
    for tag in ("link", "img", "iframe", "object"):
        assert page.all(tag) == []


def test_text_from_outside_is_shown_and_never_run(html, page):
    assert html.count("<script") == 1
    assert html.count(f"<script>{script()}</script>") == 1
    assert page.text.count('<script>alert("x")</script>') >= 4  # data, footnotes, config


def test_every_figure_has_a_title_and_a_caption_and_those_not_folded_away_both_widths(page, html):
    assert len(page.all("figure")) == len(page.all("figcaption")) == SEEN + FOLDED
    pictures = [attributes for attributes in page.all("svg")]
    assert len(pictures) == 2 * SEEN + FOLDED
    assert all(picture["role"] == "img" and picture["aria-labelledby"] for picture in pictures)
    titles = re.findall(r"<svg [^>]*><title [^>]*>([^<]+)</title><desc [^>]*>([^<]+)</desc>", html)
    assert len(titles) == len(pictures)


def test_figures_take_their_colours_from_the_page(html):
    body = html[html.index("<body") :]
    for style in re.findall(r'style="([^"]*)"', body):
        assert not re.search(r"#[0-9a-f]{3,8}\b|font-family", style), style
    used = set(re.findall(r"var\(--([a-z0-9-]+)", html)) - {"pad", "len", "dot"}
    assert used <= {colour.name for colour in ALL_COLOURS}


def test_light_colours_are_distinct_and_legible():
    lights = [colour.light for colour in ALL_COLOURS]
    assert len(set(lights)) == len(lights)
    assert len({colour.name for colour in ALL_COLOURS}) == len(lights)

    def luminance(colour: str) -> float:  # WCAG 2.2, relative luminance
        channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    def contrast(one: str, other: str) -> float:
        bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
        return (bright + 0.05) / (dim + 0.05)

    by_name = {colour.name: colour for colour in ALL_COLOURS}
    paper = by_name["paper"]
    for colour in ALL_COLOURS:
        if colour.name in ("ink", "muted", "pass", "fail", "undecided", "none", "link"):
            least = 4.5  # text
        elif colour.name.startswith(("method", "cluster", "reference")):
            least = 3.0  # graphics
        else:
            continue
        assert contrast(colour.light, paper.light) >= least, colour
        assert contrast(colour.dark, paper.dark) >= least, colour


def test_a_cell_that_failed_is_in_the_table_with_its_message(page):
    assert "timed out" in page.text
    assert "stopped after 60 s, while compiling" in page.text


def test_a_figure_that_does_not_exist_is_a_dash_with_its_reason(html, page):
    row = html[html.index("sampled</span>") :]
    row = row[: row.index("</tr>")]
    assert row.count(">–<sup>") == 4  # own bound, F, F symmetrised, gap of NUTS
    assert 'title="a sampler has no q to bound with"' in row
    assert "a sampler has no q to bound with" in page.text


def test_the_largest_error_is_the_one_furthest_from_zero(page):
    assert "−0.310 ± 0.022" in page.text


def test_a_problem_without_reference_says_so_and_shows_no_gap(page):
    assert page.text.count("no verdict") >= 3
    assert "log p(x) is not known: NUTS did not qualify: R-hat is 1.04, above 1.01." in page.text


def test_headings_do_not_skip_levels_and_headers_have_scopes(page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    assert all(attributes.get("scope") in ("col", "row") for attributes in page.all("th"))
    tables = [a for a in page.all("table") if a.get("role") != "presentation"]
    assert len(page.all("caption")) == len(tables)


def test_the_page_has_dark_mode_and_print(html):
    assert "prefers-color-scheme:dark" in html
    assert "@media print" in html


def test_markdown_links_pictures_that_exist_and_escapes(paths, markdown):
    pictures = re.findall(r"!\[[^\]]*\]\((figures/[^)]+\.png)\)", markdown)
    assert len(pictures) == SEEN + FOLDED
    for picture in pictures:
        assert (paths.markdown.parent / picture).read_bytes().startswith(b"\x89PNG")
    assert not re.search(r"(?<!\\)<script", markdown.partition("````toml")[0])
    rows = [line for line in markdown.splitlines() if line.startswith("| ")]
    blocks = re.split(r"\n(?!\| )", markdown)
    assert rows
    for block in blocks:
        bars = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines() if line.startswith("| ")}
        assert len(bars) <= 1, block


def test_the_configuration_is_whole_in_its_fence(markdown, record):
    assert f"````toml\n{record.config.rstrip()}\n````" in markdown


def test_remaking_gives_the_same_bytes_and_nothing_is_left_behind(paths, html, record, tmp_path):
    again = write_report(replace(record, problems=record.problems[:1]), tmp_path)
    figures = sorted((tmp_path / "figures").glob("*.png"))
    assert len(figures) == 12
    for figure in figures:
        same = (paths.html.parent / "figures" / figure.name).read_bytes() == figure.read_bytes()
        assert same or figure.name.startswith("study-")
    pictures = re.findall(r"<svg .*?</svg>", again.html.read_text(encoding="utf-8"), re.DOTALL)
    assert len(pictures) == 2 * 7 + 5
    assert all(picture in html for picture in pictures[2:])  # the first is of both problems
    assert {p.name for p in paths.html.parent.iterdir()} == {"draws", "figures", "report.html", "report.md"}


def test_a_report_without_its_draws_is_made_and_says_so(record, tmp_path):
    problem = record.problems[0]
    gone = tuple(replace(cell, draws=cell.draws and tmp_path / "gone.nc") for cell in problem.cells)
    lost = replace(record, problems=(replace(problem, cells=gone),))
    page = Page(write_report(lost, tmp_path).html.read_text(encoding="utf-8"))
    assert "its draws are not shown: the file is missing (gone.nc)" in page.text
    assert "The ladder of evidence" in page.text
    assert "Clusters found" not in page.text
    assert "Overview" not in page.text  # a single problem needs none


def test_a_problem_of_which_every_cell_failed_still_has_a_report(record, tmp_path):
    problem = record.problems[1]
    broken = replace(problem.cells[2], status="crashed", message="its process died")
    cells = tuple(replace(broken, cell=cell.cell) for cell in problem.cells)
    reference = replace(problem.reference, draws=None)
    changed = replace(problem, cells=cells, reference=reference)
    page = Page(write_report(replace(record, problems=(changed,)), tmp_path).html.read_text(encoding="utf-8"))
    assert "crashed" in page.text and "it crashed." in page.text
    assert page.all("figure") == []


def test_a_folder_that_cannot_be_written_is_one_sentence(record, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match="cannot write to the study"):
        write_report(replace(record, problems=()), tmp_path / "file" / "report")


def test_several_features_leave_out_the_pictures_of_one(record, tmp_path):
    rng = np.random.default_rng(1)
    mixture = Mixture(NormalKnownVariance([0.0, 0.0], 25.0), FixedWeights(), 2)
    problem = record.problems[0]
    plane = replace(problem.problem, mixture=mixture, x=rng.standard_normal((8, 2)))
    cells = tuple(replace(cell, draws=None) for cell in problem.cells)
    reference = replace(problem.reference, draws=None)
    changed = replace(problem, problem=plane, cells=cells, reference=reference)
    page = Page(write_report(replace(record, problems=(changed,)), tmp_path).html.read_text(encoding="utf-8"))
    titles = re.findall(
        r"The ladder|Time against error|Are the widths|importance weights be trusted|Bound against|Wall time",
        page.text,
    )
    assert len(page.all("figure")) == 6 == len(set(titles))


def test_importing_the_report_loads_neither_matplotlib_nor_jinja2():
    import subprocess
    import sys

    code = "import sys, experiments.report; print([m for m in ('matplotlib', 'jinja2') if m in sys.modules])"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"
