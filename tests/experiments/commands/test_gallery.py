"""`elbowroom gallery` on made-up data: rows, ranks, published figures, resuming, and what goes wrong."""

import re
import sqlite3
from contextlib import closing

import pytest

from experiments.config import plugins
from experiments.config.published import exhibit_files, read_exhibit, shared_part, without_libraries
from experiments.engine import runner
from experiments.engine.workers.executors import executor
from hand_cavi import InputError

METHODS = """
[[methods]]
name = "cavi"
starts = 3
draws = 500
[[methods]]
name = "gibbs"
draws = 500
tune = 200
[[methods]]
name = "fail"
kind = "tests.experiments.engine.runner_methods:fail"
[reference]
method = "enumeration"
"""
ONE = """
name = "{name}"
[published]
data = "Made-up numbers."
provenance = "Typed in."
by = "A. Nobody (1999)"
why = "they are made up"
[[published.answers]]
what = "means"
figure = "means"
values = [-2.0, 2.0]
within = [0.5, 0.5]
[[published.answers]]
what = "wrong side"
figure = "misplaced"
values = [0]
column = "kind"
[[published.answers]]
what = "components"
figure = "components"
values = [2]
[[datasets]]
name = "{name}"
source = "file"
path = "{name}.csv"
columns = ["x"]
[[models]]
name = "two"
family = "normal_known_variance"
components = 2
prior = {{ mean = 0.0, variance = 25.0 }}
weights = "fixed"
"""
DATA = {
    "first": [-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8],
    "second": [-3.0, -2.2, -1.9, -1.0, 1.1, 2.1, 3.3],
}


def written(folder):
    folder.mkdir()
    (folder / "methods.toml").write_text(METHODS)
    for name, x in DATA.items():
        (folder / f"{name}.toml").write_text(ONE.format(name=name))
        rows = [f"{'low' if one < 0 else 'high'},{one}" for one in x]
        (folder / f"{name}.csv").write_text("\n".join(["kind,x", *rows]) + "\n")
    return folder


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(
        runner, "executor", lambda on, workers, on_start=None: executor("serial", 1, on_start)
    )


def fitted_cells(folder):
    """Return when each cell's result was written, by study."""
    found = {}
    for path in sorted(folder.glob("*/study.sqlite")):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            found[path.parent.name] = database.execute("SELECT since FROM task ORDER BY since").fetchall()
    return found


def test_a_gallery_from_nothing_and_again(here, elbowroom):
    place = written(here / "made_up")
    assert elbowroom("gallery", place, "--output", "out", "--quiet", "--page", "pages")[0] == 0
    page, details = (here / "pages" / name for name in ("index.md", "details.md"))
    text, more = page.read_text("utf-8"), details.read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith(("| [first", "| [second"))]
    first, second = (line for line in lines if "](details.md" in line and "| enumeration |" in line)
    assert first.count("✓") == second.count("✓") == 2 and first.count("*failed*") == 1
    assert "log p(x) = " in more
    assert "normal known variance, K = 2, N = 8, D = 1: mu_k ~ " in more
    assert "[first](details.md#first)" in first and "## first\n" in more
    assert text.index(first) < text.index("## Leaderboard") < text.index("## What others found")
    (answer,) = (line for line in lines if line.startswith("| [first]") and "| means |" in line)
    cells = [one.strip() for one in answer.split("|")[1:-1]]
    found = [float(one.replace("−", "-")) for one in re.findall(r"[−\d.]+", cells[3].partition("±")[0])]
    assert cells[2] == "−2, 2" and found == pytest.approx([-1.9, 2.1], abs=0.15) and float(cells[4]) < 1
    assert "| wrong side | 0 | 0 |" in text and "| components | 2 | 2 (bound of CAVI) |" in text
    assert "A. Nobody (1999)" in more and "CAVI" in more and "symmetrised" in more

    before, said = fitted_cells(here / "out"), text
    assert elbowroom("gallery", place, "--output", "out", "--quiet", "--page", "pages")[0] == 0
    assert fitted_cells(here / "out") == before and page.read_text("utf-8") == said

    (place / "second.csv").write_text("kind,y\nlow,1\n")
    (place / "third.toml").write_text("name = ")
    code, out, err = elbowroom("gallery", place, "--output", "out", "--quiet", "--page", "pages")
    assert (
        code == 1 and "3 data sets" in out and 'has no column "x"' in err and "third.toml is not TOML" in err
    )
    text = page.read_text("utf-8")
    assert first in text and text.count("*failed* | *failed*") == 2 and fitted_cells(here / "out") == before
    more = details.read_text("utf-8")
    assert 'has no column "x"' in more and "No result: third.toml is not TOML" in more


def test_an_interruption_keeps_what_is_done_and_goes_on(here, elbowroom, monkeypatch):
    place, run = written(here / "made_up"), runner.run

    def interrupted(plan, **options):
        if plan.name == "second":
            raise KeyboardInterrupt
        return run(plan, **options)

    monkeypatch.setattr(runner, "run", interrupted)
    command = ("gallery", place, "--output", "out", "--methods", "cavi")
    code, _, err = elbowroom(*command)
    assert code == 130 and "goes on from there" in err and not (here / "out/index.md").exists()
    before = fitted_cells(here / "out")
    monkeypatch.setattr(runner, "run", run)
    assert elbowroom(*command)[0] == 0
    assert fitted_cells(here / "out")["first"] == before["first"] and set(before) == {"first"}
    assert "Gibbs" not in (here / "out/index.md").read_text("utf-8")


def test_what_is_no_gallery_is_said(here, elbowroom, tmp_path):
    code, _, err = elbowroom("gallery", here)
    assert code == 2 and "it has no configurations" in err and not list(here.iterdir())
    place = written(here / "made_up")
    code, _, err = elbowroom("gallery", place, "--methods", "cavi,gibs")
    assert code == 2 and 'no method "gibs"; did you mean "gibbs"?' in err
    for change, complaint in (
        (("[published]", "[other]"), "published.data: missing"),
        (('figure = "means"', 'figure = "mean"'), "published.answers[1].figure"),
        (('name = "first"\n[', 'name = "fist"\n['), 'call it as its file, "first"'),
    ):
        (place / "first.toml").write_text(ONE.format(name="first").replace(*change))
        with pytest.raises(InputError, match=re.escape(complaint)):
            read_exhibit(exhibit_files(place)[0], shared_part(place))


def test_a_method_whose_libraries_are_missing_is_left_out_and_said(monkeypatch):
    monkeypatch.setattr(plugins, "find_spec", lambda name: None)
    values = {"methods": [{"name": "cavi"}, {"name": "flow", "kind": "numpyro_vi"}]}
    (why,) = without_libraries(values)
    assert values["methods"] == [{"name": "cavi"}] and "pip install" in why
