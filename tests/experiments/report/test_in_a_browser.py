"""The report in the system's Chromium, through Playwright: what it does, and whether everybody can use it.

Run by ``pytest -m browser``; it is left out only where there is no Chromium.
"""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.report import MOST_ON_ONE_PAGE, write_report
from experiments.report.changes import changes_between
from experiments.report.figures import co_clustering, forest, ladder, wall_time
from experiments.report.pages import mixtures
from experiments.report.pages.check import write_check_page
from experiments.report.pages.compared import write_comparison
from tests.experiments.report.factory import study
from tests.experiments.report.test_check_page import BAD, FAULT, GOOD, report
from tests.experiments.report.test_kinds_of_study import calibration, own_study

pytestmark = pytest.mark.browser

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)
WIDTHS = (390, 800, 1400)
FIGURES = (ladder.picture, forest.picture, co_clustering.picture, wall_time.picture)
"""Of a mixture: some that are seen, and some that are folded away."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    """Return a page of every kind."""
    folder = tmp_path_factory.mktemp("study")
    record = study(folder)
    first = record.problems[0]
    many = tuple(replace(first, dataset=f"d{i:02d}") for i in range(MOST_ON_ONE_PAGE + 1))
    many = tuple(replace(one, cells=first.cells[i % 2 :]) for i, one in enumerate(many))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("experiments.report.pages.writer.DRAWN", 1)
        patch.setattr(mixtures, "FIGURES", FIGURES)
        small = write_report(record, folder).html
        large = write_report(replace(record, problems=many), folder / "large").html
    cavi = replace(first.cells[0], verdict=first.cells[1].verdict)
    changed = replace(record, problems=(replace(first, cells=(cavi, *first.cells[1:])),), config="seed = 2\n")
    compared = write_comparison(changes_between(record, changed), folder / "compared").html
    (alone,) = (large.parent / "problems").iterdir()
    found = {"small": small, "large": large, "problem": alone, "comparison": compared}
    for name, make in (("own", own_study), ("calibration", calibration)):
        (folder / name).mkdir()
        found[name] = write_report(make(folder / name), folder / name).html
    found["check"] = folder / "check.html"
    write_check_page({"one": report(*GOOD), "two": report(BAD, faults=[FAULT])}, found["check"], seed=1)
    return found


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed here")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def show(browser, pages):
    """Return what opens a page; nothing may be said on the console, and nothing fetched."""
    said: list[str] = []
    opened = []

    def opening(name: str, width: int = 1400, **options):
        page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        opened.append(page)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "request", lambda request: request.url.startswith(("file:", "data:")) or said.append(request.url)
        )
        page.goto(pages[name].as_uri())
        return page

    yield opening
    for page in opened:
        page.close()
    assert said == []


def column(page, table: str, index: int) -> list[str]:
    """Return a column of the rows that can be seen; 0 has their heads."""
    rows = page.locator(f"{table} tbody tr:visible").all()
    return [row.locator("th, td").nth(index).inner_text().strip() for row in rows]


def test_tables_sort_by_click_and_by_key(show):
    page = show("small")
    table = "#summary table"
    heads = page.locator(f"{table} thead th")
    as_made = column(page, table, 1)
    heads.nth(2).get_by_role("button").click()
    assert heads.nth(2).get_attribute("aria-sort") == "ascending"
    words = [text.split()[-1] for text in column(page, table, 2)]
    assert words[:2] == ["fail", "undecided"] and words[-1] == "pass"
    heads.nth(3).get_by_role("button").focus()
    page.keyboard.press("Enter")
    errors = column(page, table, 3)
    known = [float(text) for text in errors if text != "–"]
    assert known == sorted(known) and errors[len(known) :] == ["–"] * (len(errors) - len(known))
    page.keyboard.press("Enter")
    assert heads.nth(3).get_attribute("aria-sort") == "descending"
    assert heads.nth(2).get_attribute("aria-sort") is None
    assert column(page, table, 3)[-1] == "–"  # what is missing stays last
    assert sorted(column(page, table, 1)) == sorted(as_made)


def test_rows_are_chosen_by_problem_method_and_verdict(show):
    page = show("small")
    table, filters = "#summary table", page.locator("#summary .filters")
    for name, choice, at in (("Method", "CAVI", 1), ("Problem", "eight points, textbook", 0)):
        filters.get_by_label(name).select_option(choice)
        assert set(column(page, table, at)) == {choice}
    assert filters.locator("output").inner_text() == "1 of 8"
    filters.get_by_label("Method").select_option("")
    filters.get_by_label("Verdict").select_option("✗ fail")
    assert column(page, table, 1) == ["ADVI"]


def test_all_results_of_a_large_study_can_be_sorted_and_chosen_from(show):
    page = show("large")
    page.locator("#results summary").click()
    table, filters = "#results table", page.locator("#results .filters")
    number = len(column(page, table, 0))
    assert number == 7 * 4 + 6 * 3
    filters.get_by_label("Verdict").select_option("✗ fail")
    assert set(column(page, table, 1)) == {"ADVI"}
    assert filters.locator("output").inner_text() == f"13 of {number}"
    page.locator(f"{table} thead button").first.click()
    heads = column(page, table, 0)
    assert heads == sorted(heads) and len(heads) == 13


def test_what_an_entry_is_exactly_shows_on_hover_and_by_keys(show):
    page = show("small")
    tip = page.locator("#tip")
    assert tip.is_hidden()
    page.locator("#summary td.n").first.hover()
    assert "standard error 0.022" in tip.inner_text()
    page.keyboard.press("Escape")
    assert tip.is_hidden()
    page.locator("#summary .scroll").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    page.wait_for_timeout(120)
    assert page.evaluate("document.activeElement.cellIndex") == 3 and tip.is_visible()
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "tip"


def test_figures_enlarge_and_come_back(show):
    page = show("small")
    button = page.get_by_role("button", name="Enlarge The ladder of evidence").first
    figure = button.locator("xpath=ancestor::figure")
    before = figure.locator("svg").count()
    button.click()
    assert page.locator("dialog svg").is_visible() and figure.locator("svg").count() == before - 1
    page.keyboard.press("Escape")
    assert not page.locator("dialog").is_visible() and figure.locator("svg").count() == before
    page.wait_for_function("document.activeElement.className === 'enlarge'")


def test_the_list_of_sections_stays_and_marks_the_one_that_is_read(show):
    page = show("small", reduced_motion="reduce")
    for width, name in zip(WIDTHS, ("Caveats", "eight points, textbook", "How to read this"), strict=True):
        page.set_viewport_size({"width": width, "height": 900})
        page.locator(".contents a", has_text=name).click()
        page.wait_for_function(
            "name => document.querySelector('.contents [aria-current]')?.textContent === name", arg=name
        )
        assert page.locator(".contents").bounding_box()["y"] == 0


def test_links_lead_somewhere_and_open_what_is_folded(show, pages):
    for name, path in pages.items():
        page = show(name)
        links = set(page.evaluate("[...document.links].map(one => one.getAttribute('href'))"))
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
        assert len(ids) == len(set(ids))
        for link in links:
            file, _, anchor = link.partition("#")
            assert not file or (path.parent / file).is_file(), link
            assert not anchor or anchor in ids, link
    page = show("small")
    page.evaluate("document.querySelector('details h4, details td').closest('details').id = 'there'")
    page.evaluate("location.hash = 'there'")
    page.wait_for_function("document.getElementById('there').open")


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        *(("small", "light"), ("small", "dark"), ("large", "dark"), ("problem", "light")),
        *(("comparison", "light"), ("comparison", "dark"), ("own", "light"), ("calibration", "dark")),
        *(("check", "light"), ("check", "dark")),
    ],
)
def test_everybody_can_use_it(show, name, scheme):
    """axe-core finds nothing serious or critical, folded parts open; landmarks and headings are unique."""
    from axe_playwright_python.sync_playwright import Axe

    page = show(name, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    wrong = [
        (one["id"], one["nodes"][0]["html"][:120])
        for one in found
        if one["impact"] in ("serious", "critical") or one["id"] in ("landmark-unique", "heading-order")
    ]
    assert wrong == []
    heads = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map(one => [+one.tagName[1], one.textContent])"
    )
    levels, texts = zip(*heads, strict=True)
    assert len(set(texts)) == len(texts)
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_nothing_is_cut_off_at_any_width(show, pages):
    unfold = "document.querySelectorAll('details').forEach(one => { one.open = true; })"
    for name in pages:
        page = show(name)
        for before in ("", unfold):
            page.evaluate(before)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)


def test_every_verdict_is_seen_on_a_telephone(show):
    page = show("small", 390, has_touch=True, is_mobile=True)
    boxes = page.evaluate(
        "[...document.querySelectorAll('#summary tbody td:nth-child(3), .badge')]"
        ".map(one => one.getBoundingClientRect()).map(box => [box.left, box.right, box.width])"
    )
    assert len(boxes) > 12 and all(left >= 0 and right <= 390 and size > 0 for left, right, size in boxes)
    small = page.evaluate(
        "[...document.querySelectorAll('button, select, .contents a')].filter(one => one.offsetHeight)"
        ".filter(one => one.offsetHeight < 43).map(one => one.outerHTML.slice(0, 80))"
    )
    assert small == []  # large enough for a finger


def test_without_script_everything_is_there_but_the_controls(show):
    page = show("small", java_script_enabled=False)
    assert page.locator("button, select, dialog").count() == 0
    assert page.locator("#summary tbody tr").count() == 8
    assert re.search("standard error", page.locator("#summary td.n").first.get_attribute("title"))


def test_print_leaves_out_the_controls(show):
    page = show("small")
    page.emulate_media(media="print")
    for selector in (".contents", ".filters", ".enlarge", ".skip", ".arrow"):
        assert page.locator(selector).first.is_hidden(), selector
    assert page.locator("#summary tbody tr").first.is_visible()
