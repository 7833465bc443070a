"""What a reader can work with: results to sort and choose from, notes folded away, nothing said twice."""

import re
from collections import Counter
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from experiments.records import StudyRecord
from experiments.report import write_report
from experiments.report.figures import trade_off
from experiments.report.figures.picture import WIDE, figure_style, new_figure, settle
from experiments.report.outcomes import Outcome, outcomes_of
from experiments.report.pages.finishing import HOW_TO_READ, finished, script, without_repeats
from experiments.report.style.numbers import Shown
from experiments.report.style.palette import methods_of
from experiments.report.style.svg import inline_svg
from experiments.report.tables.all_results import results_table
from experiments.report.tables.table import Column, Row, Table
from tests.experiments.report.factory import study
from tests.experiments.report.test_report import Page


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> StudyRecord:
    return study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def html(record) -> str:
    return write_report(record, record.folder).html.read_text(encoding="utf-8")


def sentences(html: str) -> list[str]:
    """Return all sentences of a page with five words or more, but for titles, entries of tables and code."""
    text = re.sub(r"<(style|script|svg|pre|td|th|nav|strong)\b.*?</\1>", "\n", html, flags=re.DOTALL)
    text = re.sub(r"</?(p|li|dd|dt|figcaption|caption|div|ul|summary|strong|h\d)\b[^>]*>", "\n", text)
    lines = unescape(re.sub(r"<[^>]*>", "", text)).split("\n")
    found = (one for line in lines for one in re.split(r"(?<=[.?!])\s+(?=[A-Z“])", " ".join(line.split())))
    return [one for one in found if len(one.split()) >= 5 and one.endswith((".", "?", "!"))]


def test_no_sentence_stands_twice_on_a_page(html):
    counted = Counter(sentences(html))
    assert len(counted) > 60
    assert [one for one, number in counted.items() if number > 1] == []


def test_what_was_said_before_becomes_a_link_to_it():
    says = '<span class="says" data-again="{}">{}</span>'.format
    first, again = "Bars are two standard errors. Right is better.", "Bars are two standard errors."
    page = without_repeats(
        f"{says('', 'It is so here.')}|{says('as above', first)}|{says('as above', again)}|"
        f"{says('', f'{again} It is new here.')}|{says('as above', f'{again} And new.')}|"
        f"{says('', 'Mind: it is so. Mind: it is so.')}"
    )
    assert page.split("|") == [
        "It is so here.",
        f'<span id="said-1">{first}</span>',
        'Bars are two standard errors. … <a class="again" href="#said-1">as above</a>',
        "It is new here.",
        'And new. <a class="again" href="#said-1">(the rest as above)</a>',
        "Mind: it is so. Mind: it is so.",
    ]


def test_a_caption_that_was_said_before_links_to_where_it_explains_itself():
    says = f'<span class="says" data-again="{HOW_TO_READ}">{{}}</span>'.format
    whole = "Bars are two standard errors. Further right is better. Grey is the reference."
    page = without_repeats(f"{says(whole)}|{says(whole)}|{says(whole + ' NUTS has none here.')}")
    link = f'<a class="again" href="#said-0">{HOW_TO_READ}</a>'
    assert page.split("|")[1:] == [link, f"NUTS has none here. {link}"]


def test_headings_and_landmarks_are_unique_and_the_contents_lead_to_every_section(html):
    page = Page(html)
    heads = re.findall(r"<h[1-6][^>]*>(.*?)</h[1-6]>", html, re.DOTALL)
    assert len(heads) == len(set(heads))
    regions = [one["aria-labelledby"] for one in page.all("section")]
    assert len(regions) == len(set(regions)) and len(page.all("nav")) == len(page.all("main")) == 1
    contents = re.findall(r'href="#([^"]+)"', html[html.index("<nav") : html.index("</nav>")])
    assert contents == ["verdict", *(one["id"] for one in page.all("section"))]
    assert 'href="#main"' in html and page.all("main")[0]["id"] == "main"


def test_without_its_script_a_page_has_no_controls(html):
    page = Page(html)
    for tag in ("button", "select", "input", "dialog", "output"):
        assert page.all(tag) == []
    assert len(script().encode()) < 6000


def test_a_table_has_every_result_with_its_verdict_in_front(record):
    outcomes = [one for problem in record.problems for one in outcomes_of(problem)]
    links = {id(problem): f"#p{i}" for i, problem in enumerate(record.problems)}
    table = results_table("All", outcomes, links)
    assert [column.name for column in table.columns[:2]] == ["Method", "Verdict"]
    assert len(table.rows) == 8 and {row.link for row in table.rows} == {"#p0", "#p1"}
    cavi = table.rows[0]
    assert [one.plain for one in cavi.entries[:3]] == ["CAVI", "✓ pass", "0.310"]
    assert (
        cavi.entries[1].mark == "pass" and cavi.entries[2].exact == "0.31, standard error 0.022; mean_error"
    )


def test_a_column_of_which_nothing_is_known_is_left_out(record):
    bare = [Outcome(record.problems[0], "cavi", "none", "no verdict", "None.", seconds=2.0)]
    assert [column.name for column in results_table("All", bare, {}).columns] == ["Method", "Verdict", "Time"]


def test_entries_say_what_they_are_exactly(html):
    assert re.search(r'title="−\d+\.\d{6,}, standard error 0\.00021; nats, collapsed_bound of CAVI"', html)
    assert re.search(r'title="−\d+\.\d{6,}, standard error 0\.00021; nats, collapsed_bound"', html)


def notes(number: int) -> Table:
    entries = [(Shown("1", note=f"note {i}"), Shown("–", note="note 0")) for i in range(number)]
    rows = tuple(Row(f"row {i}", pair) for i, pair in enumerate(entries))
    return Table("t", (Column("first"), Column("second")), rows)


def test_few_notes_are_footnotes_and_more_are_folded_away_by_row():
    few, many = notes(4), notes(5)
    assert few.footnote(few.rows[1].entries[0]) == "b" and few.folded_notes == []
    assert many.footnote(many.rows[1].entries[0]) == ""
    assert many.folded_notes[0] == ("row 0; row 1; row 2; row 3; row 4 (first, second)", "note 0")
    assert many.folded_notes[1] == ("row 1 (first)", "note 1")


def test_no_table_of_a_page_has_many_footnotes(html):
    under = re.findall(r'<ul class="notes">(.*?)</ul>', html, re.DOTALL)
    assert under and max(one.count("<li>") for one in under) <= 4


def test_lines_are_steps_that_add_up_to_where_they_were():
    rng = np.random.default_rng(2)
    x, y = np.cumsum(rng.random(200)), rng.standard_normal(200)
    with figure_style():
        figure = new_figure(4.0, 2.0)
        axes = figure.subplots()
        (line,) = axes.plot(x, y, color="#0072b2")
        settle(figure)
        wanted = axes.transData.transform(np.column_stack([x, y])) * 72 / figure.dpi
        wanted[:, 1] = 2.0 * 72 - wanted[:, 1]
        text = inline_svg(figure, "k", "t", "d")
    path = max(re.findall(r' d="(M[^"]*l[^"]*)"', text), key=len)
    start, steps = path[1:].split("l")
    numbers = [float(one) for one in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", steps)]
    reached = np.cumsum([[float(one) for one in start.split()], *np.reshape(numbers, (-1, 2))], axis=0)
    kept = wanted if len(reached) == len(wanted) else wanted[[0, -1]]  # matplotlib drops what lies on a line
    assert np.abs(reached[[0, -1]] - kept[[0, -1]]).max() < 0.051
    assert len(path) < 10 * len(reached)


def test_images_of_a_page_may_be_seen(html):
    """Heat maps are images within the page, which the policy must allow."""
    assert "img-src data:" in html and re.search(r'<image[^>]*href="data:image/png', html)


def outcome(problem, method: str, seconds: float, error: float | None, error_se: float = 0.01) -> Outcome:
    return Outcome(problem, method, "pass", "pass", "s", error, None, None, seconds, error_se)


def test_time_against_error_says_who_is_fast_and_who_is_close(record):
    one, styles = record.problems[0], methods_of(record)
    found = [outcome(one, "cavi", 0.1, 0.2), outcome(one, "advi", 10.0, 0.05), outcome(one, "nuts", 20, 0.1)]
    picture = trade_off.picture(found, styles, 0.25)
    assert picture is not None and picture.caption.startswith(
        "On eight points, textbook, CAVI is the fastest: 0.10 s, 100 times as fast as ADVI, which is the "
        "closest; CAVI is off by 0.200 posterior standard deviations, ADVI by 0.0500. NUTS is both slower "
        "and further off than another."
    )
    near = [outcome(one, "cavi", 0.1, 0.06), outcome(one, "advi", 10.0, 0.05)]
    assert "their errors cannot be told apart" in trade_off.picture(near, styles, 0.25).caption
    best = [outcome(one, "cavi", 0.1, 0.01), outcome(one, "advi", 10.0, 0.05)]
    assert "CAVI is both the fastest and the closest" in trade_off.picture(best, styles, 0.25).caption
    with figure_style():
        words = [one.get_text() for one in picture.draw(WIDE).axes[0].texts]
    assert {"CAVI", "ADVI", "NUTS", "allowed"} == set(words)  # named where they stand


def test_methods_are_compared_on_the_problems_that_all_have(record):
    first, second = record.problems
    found = [
        outcome(first, "cavi", 0.1, 0.2),
        outcome(first, "advi", 1.0, 0.1),
        outcome(second, "cavi", 0.1, 0.9),
        Outcome(second, "advi", "none", "no verdict", "s", seconds=1.0),
    ]
    caption = trade_off.picture(found, methods_of(record), 0.25).caption
    assert "CAVI is off by 0.200" in caption
    assert "Without an error to show: ADVI on five clusters, textbook." in caption


def test_there_is_no_picture_of_one_method(record):
    alone = [outcome(record.problems[0], "cavi", 0.1, 0.2)]
    assert trade_off.picture(alone, methods_of(record), 0.25) is None


def test_a_page_of_many_problems_shows_their_medians(record):
    problems = [replace(record.problems[0], dataset=f"d{i}") for i in range(6)]
    found = [outcome(one, m, t, e) for one in problems for m, t, e in (("cavi", 0.1, 0.2), ("advi", 9, 0.1))]
    picture = trade_off.picture(found, methods_of(record), 0.25)
    assert "In the median of 6 problems" in picture.caption and "Small marks are problems" in picture.caption
    with figure_style():
        assert len(picture.draw(WIDE).axes) == 1


def test_only_whole_pages_are_finished():
    page = finished(
        "<!DOCTYPE html><!--contents--><h2 id=\"a-head\">A &amp; B</h2><!--script-->'SCRIPT-HASH'"
    )
    assert '<li><a href="#a">A &amp; B</a></li>' in page and "SCRIPT-HASH" not in page
