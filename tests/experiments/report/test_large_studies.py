"""Reports that draw what has changed and nothing else, and those of studies too large for one page."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from io import StringIO

import numpy as np
import pytest
import typer
from rich.console import Console

from experiments.commands._asked import pages_called
from experiments.commands._drawing import DrawingProgress
from experiments.commands._json import summary
from experiments.commands._study import show
from experiments.commands._terminal import print_study
from experiments.records import StudyRecord, Verdict
from experiments.report import MOST_ON_ONE_PAGE, write_report
from experiments.report.figures import ladder, wall_time
from experiments.report.outcomes import NOTABLE, noted, outcomes_of, page_names
from experiments.report.pages import mixtures, worst_first, writer
from experiments.report.pages.finishing import script
from experiments.report.tables.groups import MOST_ROWS, bars, verdicts_by_dataset, verdicts_by_method
from hand_cavi import InputError
from tests.experiments.report.factory import study
from tests.experiments.report.test_kinds_of_study import calibration, own_study
from tests.experiments.report.test_report import Page

DECISIONS = ("pass", "fail", "undecided")


@pytest.fixture(autouse=True)
def few_figures(monkeypatch):
    """Draw two figures of a mixture in place of eleven: these tests are of what is drawn when."""
    monkeypatch.setattr(mixtures, "FIGURES", (ladder.picture, wall_time.picture))


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> StudyRecord:
    """Return the made-up study as if it came from a store."""
    record = study(tmp_path_factory.mktemp("study"))
    problems = (replace(one, content=f"content {i}") for i, one in enumerate(record.problems))
    return replace(record, problems=tuple(problems))


def many(record: StudyRecord, number: int) -> StudyRecord:
    """Return a study of as many problems: the first under other names, the verdicts of CAVI in turn."""
    first, problems = record.problems[0], []
    for i in range(number):
        name, decision = f"d{i:03d}", DECISIONS[i % 3]
        verdict = replace(first.cells[0].verdict, decision=decision, sentence=f"CAVI on {name}: {decision}.")
        cells = [
            replace(one, cell=replace(one.cell, dataset=name), verdict=verdict) for one in first.cells[:1]
        ]
        problems.append(replace(first, dataset=name, content=f"content {i}", cells=tuple(cells)))
    return replace(record, problems=tuple(problems))


class Drawing:
    """What is told before each part that is drawn."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.titles: list[str] = []
        self.stop_at = stop_at

    def __call__(self, done: int, total: int, what: str) -> None:
        if len(self.titles) == self.stop_at:
            raise KeyboardInterrupt
        self.titles.append(what)


def drawn(record: StudyRecord, folder, **options) -> list[str]:
    """Return what is drawn for a report, but for the picture of all problems together."""
    drawing = Drawing()
    write_report(record, folder, on_drawing=drawing, **options)
    return [title for title in drawing.titles if title != "Time against error"]


def files(folder) -> dict[str, tuple[int, bytes]]:
    """Return all files of a report with the times of their last change and their bytes."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}


def test_what_is_unchanged_is_not_drawn(small, tmp_path, monkeypatch):
    assert drawn(small, tmp_path) == ["eight points, textbook", "five clusters, textbook"]
    before = files(tmp_path)
    monkeypatch.setattr("experiments.report.pages.writer.write", pytest.fail)
    assert drawn(small, tmp_path) == [] and files(tmp_path) == before


def test_a_change_of_one_problem_draws_that_problem_alone(small, tmp_path):
    drawn(small, tmp_path)
    before = (tmp_path / "report.html").read_text()
    first, second = small.problems
    changed = replace(small, problems=(first, replace(second, unit="metres", content="another")))
    assert drawn(changed, tmp_path) == ["five clusters, textbook"]
    after = (tmp_path / "report.html").read_text()
    assert "metres" in after and "metres" not in before
    apart = tmp_path / "apart"
    write_report(changed, apart)
    assert (apart / "report.html").read_text() == after
    assert (apart / "report.md").read_text() == (tmp_path / "report.md").read_text()
    kept = {path.name for path in (tmp_path / "figures" / ".cache").iterdir()}
    assert kept == {path.name for path in (apart / "figures" / ".cache").iterdir()}  # nothing is left over


def test_a_word_about_the_study_draws_no_figure(small, tmp_path):
    drawn(small, tmp_path)
    assert drawn(replace(small, verdict=Verdict("pass", "All is well now.", 0.2)), tmp_path) == []
    assert "All is well now." in (tmp_path / "report.html").read_text()


def test_what_is_missing_spoilt_or_drawn_by_other_code_is_drawn_again(small, tmp_path, monkeypatch):
    one = replace(small, problems=small.problems[:1])
    drawn(one, tmp_path)
    (tmp_path / "report.html").unlink()
    assert drawn(one, tmp_path) == [] and (tmp_path / "report.html").is_file()
    next((tmp_path / "figures").glob("*-ladder.png")).write_bytes(b"cut")
    (tmp_path / "report.md").write_text("mine")  # so that the report is looked at
    assert drawn(one, tmp_path) == ["eight points, textbook"]
    for part in (tmp_path / "figures" / ".cache").iterdir():
        part.write_text("{")
    (tmp_path / "figures" / ".cache" / "report.json").write_text("[]")
    assert drawn(one, tmp_path) == ["eight points, textbook"]
    monkeypatch.setattr("experiments.report.drawn_parts.drawing_code", lambda: "another")
    assert drawn(one, tmp_path) == ["eight points, textbook"]


def test_what_is_in_no_store_is_drawn_whenever_it_is_asked_for(small, tmp_path):
    made_up = replace(small, problems=(replace(small.problems[0], content=""),))
    assert len(drawn(made_up, tmp_path)) == len(drawn(made_up, tmp_path)) == 1
    assert not (tmp_path / "figures" / ".cache").exists()


def test_an_interruption_leaves_a_page_that_says_what_is_missing_and_goes_on_there(small, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_report(small, tmp_path, on_drawing=Drawing(stop_at=2))
    page = Page((tmp_path / "report.html").read_text())
    assert "Drawing was interrupted: 1 of 3 parts of this report are missing." in page.text
    assert "log p(x) = −17.990122" in page.text and not page.unbalanced
    assert "Drawing was interrupted" in (tmp_path / "report.md").read_text()
    assert drawn(small, tmp_path) == ["five clusters, textbook"]
    assert "Drawing was interrupted" not in (tmp_path / "report.html").read_text()


def test_what_came_out_is_said_even_if_drawing_is_interrupted(small, tmp_path, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("experiments.report.write_report", interrupted)
    with pytest.raises(typer.Exit) as end:
        show(small, tmp_path, json=False)
    out, err = capsys.readouterr()
    assert end.value.exit_code == 130 and "goes on from there" in err
    assert small.verdict.sentence[:40] in out and out.endswith("Report: not drawn yet\n")
    with pytest.raises(typer.Exit):
        show(small, tmp_path, json=True)
    assert json.loads(capsys.readouterr().out)["report"] is None


def test_the_overview_grows_with_groups_not_with_problems(small, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "DRAWN", 0)
    monkeypatch.setattr(worst_first, "MOST_RESULTS", 30)
    sizes, listed = [], []
    for number in (40, 160):
        folder = tmp_path / str(number)
        write_report(many(small, number), folder)
        text = (folder / "report.html").read_text()
        sizes.append(len(text))
        page = Page(text)
        listed.append(len(re.findall(r"CAVI on d\d+", page.text)))
        assert not page.unbalanced and "Verdicts by model and method" in page.text
        assert f"{number} problems, {number} results of problem and method" in page.text
        assert not (folder / "problems").exists() and "problems/" not in text
    assert listed == [NOTABLE, NOTABLE]
    assert sizes[1] < 1.02 * sizes[0] < 500_000


def test_a_page_has_all_results_up_to_a_thousand_and_a_row_of_them_is_short(small, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "DRAWN", 0)
    sizes = []
    for number in (40, 160):
        text = write_report(many(small, number), tmp_path / str(number)).html.read_text()
        assert text.count('<th scope="row">d') == number + 1  # what they are put together as
        assert f"All {number} results, the worst first" in text
        sizes.append(len(text))
    assert worst_first.MOST_RESULTS * (sizes[1] - sizes[0]) / 120 < 1e6  # bytes
    rows = re.findall(r'<th scope="row">(d\d+), textbook</th>.*?<td class="(\w+)">', text, re.DOTALL)
    assert len(rows) == 160 and [mark for _, mark in rows[:54]] == ["fail"] * 53 + ["undecided"]


def test_the_worst_have_pages_and_what_is_asked_for(small, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "DRAWN", 1)
    record = many(small, MOST_ON_ONE_PAGE + 3)
    assert drawn(record, tmp_path) == ["d001, textbook"]
    assert drawn(record, tmp_path, problems=["d003-textbook"]) == ["d003, textbook"]
    text = (tmp_path / "report.html").read_text()
    links = [one["href"] for one in Page(text).all("a") if "problems/" in (one["href"] or "")]
    assert links[-2:] == ["problems/d001-textbook.html", "problems/d003-textbook.html"]
    assert set(links) == set(links[-2:])
    page = Page((tmp_path / links[-1]).read_text())
    assert not page.unbalanced and "The ladder of evidence" in page.text and "Caveats" not in page.text
    assert any(one["href"] == "../report.html" for one in page.all("a"))
    assert drawn(record, tmp_path) == [] and (tmp_path / links[-1]).is_file()
    other = replace(record.problems[3], content="another")
    changed = replace(record, problems=(*record.problems[:3], other, *record.problems[4:]))
    assert drawn(changed, tmp_path) == [] and not (tmp_path / links[-1]).exists()  # it was of other results
    assert links[-1] not in (tmp_path / "report.html").read_text()


def test_pages_run_their_own_script_alone_whatever_a_kept_part_holds(small, tmp_path):
    one = replace(small, problems=small.problems[:1])
    write_report(one, tmp_path, problems=page_names(one))
    for path in (tmp_path / "report.html", *(tmp_path / "problems").iterdir()):
        policies = [meta["content"] for meta in Page(path.read_text()).all("meta") if "http-equiv" in meta]
        proof = b64encode(sha256(script().encode()).digest()).decode()
        assert policies == [
            f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{proof}'"
        ]
        assert path.read_text().count("<script") == 1


def test_a_small_study_has_pages_of_its_problems_when_they_are_asked_for(small, tmp_path):
    one = replace(small, problems=small.problems[:1])
    drawn(one, tmp_path)
    assert drawn(one, tmp_path, problems=page_names(one)) == ["eight points, textbook"]
    page = Page((tmp_path / "problems" / "eight_points-textbook.html").read_text())
    assert "its verdict" not in page.text and "<script>" in page.text and len(page.all("script")) == 1


@pytest.mark.parametrize("make", [own_study, calibration])
def test_large_studies_of_other_kinds_have_overviews_too(make, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "DRAWN", 1)
    (tmp_path / "draws").mkdir()
    record = make(tmp_path / "draws")
    problems = [
        replace(record.problems[0], model=f"m{i}", content=f"content {i}")
        for i in range(MOST_ON_ONE_PAGE + 1)
    ]
    record = replace(record, problems=tuple(problems))
    assert len(drawn(record, tmp_path)) == 1 and drawn(record, tmp_path) == []
    page = Page((tmp_path / "report.html").read_text())
    assert not page.unbalanced and "Verdicts by model and method" in page.text
    assert [path.name for path in (tmp_path / "problems").iterdir()] == ["m0.html"]
    assert not Page((tmp_path / "problems" / "m0.html").read_text()).unbalanced


def test_the_worst_come_first_then_what_failed_then_the_undecided(small):
    record = many(small, 7)
    broken = replace(record.problems[0].cells[0], status="crashed", message="it died", verdict=None)
    record = replace(record, problems=(replace(record.problems[0], cells=(broken,)), *record.problems[1:]))
    order = [one.problem.dataset for one in noted(record)]
    assert order == ["d001", "d004", "d000", "d002", "d005", "d003", "d006"]
    first = outcomes_of(record.problems[1])[0]
    assert (first.error, first.gap, first.seconds) == (0.31, pytest.approx(0.00235, rel=0.01), 0.0123)
    assert first.width == 0.92  # of 0.93 and 0.92


def test_pages_have_names_of_their_own(small):
    first = small.problems[0]
    same = (replace(first, dataset="a-b", model="c"), replace(first, dataset="a", model="b-c"))
    record = replace(small, problems=(*same, replace(first, dataset="../x", model="m/n", repeat=2)))
    assert page_names(record) == ["a-b-c", "a-b-c~2", ".._x-m_n-2"]
    assert pages_called(record, ["a"]) == ["a-b-c~2"] and pages_called(record, ["all"]) == page_names(record)
    assert pages_called(record, ["a-b, c", "a-b-c"]) == ["a-b-c"]
    with pytest.raises(InputError, match='no problem "a-d" in this study; did you mean "a-b"'):
        pages_called(record, ["a-d"])


def test_numbered_data_sets_are_one_group_and_tables_stay_short(small):
    outcomes = [one for problem in many(small, 90).problems for one in outcomes_of(problem)]
    table = verdicts_by_dataset(outcomes)
    assert [row.head for row in table.rows] == ["d… (90 data sets)"]
    assert [entry.text for entry in table.rows[0].entries] == ["90", "30", "30", "30"]
    few = verdicts_by_dataset(outcomes[:5])
    assert [row.head for row in few.rows] == [f"d{i:03d}" for i in range(5)]
    assert verdicts_by_dataset(outcomes[:1]) is None
    models = [replace(one, problem=replace(one.problem, model=f"m{i}")) for i, one in enumerate(outcomes)]
    table = verdicts_by_method(models)
    assert len(table.rows) == MOST_ROWS and table.rows[-1].head == f"{90 - MOST_ROWS + 1} others"
    assert sum(int(row.entries[0].text) for row in table.rows) == 90


def test_bars_show_every_bin_that_is_not_empty():
    values = np.array([0.0] * 800 + [0.4] + [1.0] * 400)
    assert bars(values, np.linspace(0, 1, 5)) == "█▁\N{FIGURE SPACE}▄"
    assert bars(np.ones(3), np.ones(5)) == "█"


@pytest.mark.parametrize("number", [3, 10, 300])
def test_a_summary_has_fewer_than_sixty_lines(small, number):
    record = many(small, number)
    console = Console(file=StringIO(), width=100)
    print_study(record, report="r.html", console=console)
    lines = console.file.getvalue().splitlines()
    assert len(lines) < 60 and lines[-1] == "Report: r.html"
    assert any("undecided" in line for line in lines)
    if number > MOST_ON_ONE_PAGE:
        named = [line for line in lines if "CAVI on d" in line]
        assert "d001" in named[0] and all(line.startswith("fail") for line in named)
        assert any("and 285 more, which --json has" in line for line in lines)
    document = json.loads(json.dumps(summary(record)))
    assert len(document["cells"]) == number


def test_a_few_problems_with_many_methods_are_cut_too(small):
    cells = tuple(
        replace(small.problems[0].cells[0], cell=replace(small.problems[0].cells[0].cell, method=f"m{i}"))
        for i in range(70)
    )
    console = Console(file=StringIO(), width=100)
    record = replace(small, problems=(replace(small.problems[0], cells=cells),))
    print_study(record, report="r.html", console=console)
    assert len(console.file.getvalue().splitlines()) < 60


def test_drawing_shows_its_progress_now_and_then():
    stream, now = StringIO(), iter([0.0, 1.0, 4.0, 7.0, 9.0, 16.0])
    with DrawingProgress(stream, lambda: next(now)) as progress:
        for done in range(5):
            progress(done, 8, f"d{done}")
    said = stream.getvalue().splitlines()
    assert said == ["drawing d2: 2 of 8 done, about 18 s left", "drawing d4: 4 of 8 done, about 15 s left"]


def test_a_cache_that_was_altered_is_drawn_anew(small, tmp_path):
    write_report(small, tmp_path)
    before = (tmp_path / "report.md").read_text()
    for path in (tmp_path / "figures" / ".cache").glob("*.json"):
        path.write_text('{"key": 1, "html": 1, "figures": []}')
    write_report(small, tmp_path)
    assert (tmp_path / "report.md").read_text() == before
