"""Every summary fits 80 columns of a terminal; what goes into a pipe is broken nowhere."""

import csv
import io
import re
import sys

import numpy as np
import pytest

from experiments.commands._terminal import print_study
from experiments.commands._wrapping import folded, pieces, print_aligned, say, wrapped
from experiments.engine import runner
from experiments.engine.workers.executors import executor
from tests.experiments.engine.test_runner import CAVI, config, odd, run
from tests.experiments.report.factory import study
from tests.experiments.report.test_kinds_of_study import calibration, own_study
from tests.experiments.report.test_large_studies import many

GIBBS = 'name = "a_sampler_with_a_long_name"\nkind = "gibbs"\ndraws = 200\ntune = 100'


@pytest.fixture
def wide(monkeypatch):
    """Set how many columns there are; None: stdout is a pipe."""

    def columns(number):
        monkeypatch.delenv("COLUMNS", raising=False)
        if number is not None:
            monkeypatch.setenv("COLUMNS", str(number))

    columns(None)
    return columns


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    mixtures = study(folder)
    kinds = {"own": own_study(folder), "calibration": calibration(folder)}
    return {"mixtures": mixtures, "many": many(mixtures, 20), **kinds}


def fits(text, width=80):
    """Say which lines are too long, but for words that are too long by themselves, such as paths."""
    return [line for line in text.splitlines() if len(line) > width and " " in line.strip()]


@pytest.mark.parametrize("kind", ["mixtures", "many", "own", "calibration"])
@pytest.mark.parametrize("width", [80, 140])
def test_summaries_of_studies_fit(records, kind, width, wide, monkeypatch):
    wide(width)
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    print_study(records[kind], report="studies/trial/report.html")
    said = out.getvalue()
    assert not fits(said, width)
    if kind != "many":  # nothing is cut off, wherever it stands
        assert "…" not in said
        wide(400)
        whole = io.StringIO()
        monkeypatch.setattr(sys, "stdout", whole)
        print_study(records[kind], report="studies/trial/report.html")
        assert set(whole.getvalue().split()) - set(said.split()) == set()


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "executor", lambda on, workers, on_start=None: executor("serial", 1, on_start))
        folder = tmp_path_factory.mktemp("stored") / "studies" / "trial"
        run(config(CAVI, GIBBS, odd("fail")), folder)
        (folder.parent / "trial.toml").write_text(config(CAVI, GIBBS, odd("fail")))
    return folder


@pytest.fixture
def data(here):
    rng = np.random.default_rng(1)
    rows = np.where(rng.random((60, 1)) < 0.4, -3.0, 3.0) + rng.standard_normal((60, 3))
    with (here / "many columns.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"a column with a long name {d}" for d in range(3)])
        writer.writerows(rows)
    with (here / "categories.csv").open("w") as file:
        file.write("one,two\n" + "".join(f"{'abc'[i % 3]},{'xyzw'[i % 4]}\n" for i in range(40)))
    return here


ALL = [word for d in range(3) for word in ("--column", f"a column with a long name {d}")]
COMMANDS = {
    "fit": ("fit", "many columns.csv", "--components", 2, "--starts", 2, "--moves", 0, "--trace", *ALL),
    "categories": (
        *("fit", "categories.csv", "--components", 2, "--starts", 2, "--family", "dirichlet_categorical"),
        *("--column", "one", "--column", "two"),
    ),
    "choose": (
        *("choose", "many columns.csv", "--components", "1-2", "--starts", 1, "--folds", 2),
        *("--column", "a column with a long name 0"),
    ),
    "list": ("list",),
    "init": ("init", "--list"),
    "status": ("status", "STUDY", "--cells"),
    "clean": ("clean", "STUDY"),
    "rerun": ("rerun", "STUDY", "points/two/cavi", "--config", "CONFIG"),
    "export": ("export", "STUDY", "--format", "csv", "--to", "figures.csv"),
    "merge": ("merge", "STUDY", "--output", "merged"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_what_commands_print_fits(name, data, stored, elbowroom, wide, monkeypatch):
    monkeypatch.setattr("experiments.engine.repeating.executor", lambda *_: executor("serial", 1, None))
    places = {"STUDY": stored, "CONFIG": stored.parent / "trial.toml"}
    arguments = [places.get(word, word) for word in COMMANDS[name]]
    wide(80)
    code, out, _ = elbowroom(*arguments)
    assert code in (0, 1) and out and not fits(out)


def test_a_pipe_breaks_no_line_and_every_word_is_there_in_both(data, elbowroom, wide):
    whole = elbowroom(*COMMANDS["fit"])[1]
    assert fits(whole)
    wide(80)
    narrow = elbowroom(*COMMANDS["fit"])[1]
    assert set(whole.split()) == set(narrow.split())
    assert re.search(r"component.*\n.*\n.*\n\ncomponent", narrow)  # the table goes on below


def test_pieces_have_the_first_columns_and_all_others_once():
    assert pieces([5, 10, 10], None) == [[0, 1, 2]]
    assert pieces([5, 10, 10], 29) == [[0, 1, 2]]  # with two blanks between them
    assert pieces([5, 10, 10], 28) == [[0, 1], [0, 2]]
    assert pieces([5, 5, 30, 30], 20, keys=2) == [[0, 1, 2], [0, 1, 3]]  # as many as there must be
    assert pieces([50], 20) == [[0]]


def test_text_is_wrapped_at_blanks_and_indented(wide, capsys):
    wide(40)
    line = "  " + "word " * 12
    found = wrapped(line.rstrip(), 2)
    assert (
        all(len(one) <= 40 for one in found) and found[0].startswith("  w") and found[1].startswith("    w")
    )
    assert " ".join(found).split() == line.split()
    say("a", "", "b")
    print_aligned([["k", "x" * 20, "y" * 20], ["1", "2", "3"]])
    print(folded(["a", "b", "c"], 15, "  1"))
    assert capsys.readouterr().out.splitlines() == [
        *("a", "", "b"),
        *("k  " + "x" * 20, "1" + " " * 21 + "2", "", "k  " + "y" * 20, "1" + " " * 21 + "3"),
        *("  1  " + " " * 14 + "a  " + " " * 14 + "b", " " * 5 + " " * 14 + "c"),
    ]
    wide(None)
    assert wrapped(line) == [line]
