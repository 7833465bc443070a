"""What a command cannot write, or cannot do in the end, is refused before any work."""

import sys

import numpy as np
import pytest

from experiments.report import densities

EIGHT = "v\n-2.6\n-2.1\n-1.7\n-1.2\n1.4\n1.9\n2.3\n2.8\n"


@pytest.fixture
def no_work(here, monkeypatch):
    """Eight points in eight.csv, and no fit that is allowed to begin."""
    (here / "eight.csv").write_text(EIGHT)
    for place in ("commands._fitting.fit", "studies.choosing.fit", "posterior.held_out.fit"):
        monkeypatch.setattr(f"experiments.{place}", lambda *_, **__: pytest.fail("it was fitted"))
    return here


def refused(elbowroom, *arguments):
    code, out, err = elbowroom(*arguments)
    assert (code, out) == (2, "") and err.count("\n") == 1
    return err


def test_a_picture_of_a_family_that_has_none(no_work, elbowroom, monkeypatch):
    monkeypatch.setattr(densities, "_offers", lambda *_: False)
    err = refused(elbowroom, "fit", "eight.csv", "--components", 2, "--plot", "p.png")
    assert "there is no picture of normal_gamma yet; leave --plot out" in err


def test_one_file_for_two_things(no_work, elbowroom):
    both = ("--checkpoint", "a.csv", "--assignments", "./a.csv")
    err = refused(elbowroom, "fit", "eight.csv", "--components", 2, *both)
    assert '"a.csv" is used by this command already; --checkpoint needs another file' in err


@pytest.mark.parametrize("command", ["run", "validate", "calibrate"])
def test_verdicts_in_the_place_of_the_configuration(no_work, elbowroom, command):
    elbowroom("init", "s.toml")
    before = (no_work / "s.toml").read_text()
    assert "--junit needs another file" in refused(elbowroom, command, "s.toml", "--junit", "s.toml")
    assert (no_work / "s.toml").read_text() == before


@pytest.mark.parametrize("more", [["--derivation"], ["mine.json"]])
def test_a_schema_and_a_file(here, elbowroom, more):
    assert "--schema prints and writes no file" in refused(elbowroom, "init", "--schema", *more)
    assert not any(here.iterdir())


@pytest.mark.parametrize("folds", [1, 9])
def test_more_folds_than_points(no_work, elbowroom, folds):
    err = refused(elbowroom, "choose", "eight.csv", "--components", "1-2", "--folds", folds)
    assert f"8 points cannot make {folds} folds" in err


def test_few_points_are_compared_without_prediction_unless_folds_are_asked_for(here, elbowroom):
    (here / "three.csv").write_text("v\n1\n2\n4\n")
    code, out, err = elbowroom("choose", "three.csv", "--components", "1-2", "--starts", 2)
    assert code == 0 and "log p(x) is highest at K = " in out and "Held-out" not in out
    assert "fewer than 5 points; prediction of held-out ones is left out" in err


def test_a_picture_that_cannot_be_finished_leaves_the_old_one(here, elbowroom, monkeypatch):
    (here / "eight.csv").write_text(EIGHT)
    (here / "p.png").write_text("of old")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
    code, _, err = elbowroom("fit", "eight.csv", "--components", 1, "--plot", "p.png")
    assert code == 2 and "cannot be written: No space left" in err
    assert (here / "p.png").read_text() == "of old" and len(list(here.iterdir())) == 2


LATE = 'name = "s"\n[[datasets]]\nname = "d"\nsource = "file"\npath = "none.csv"\n'
LATE += '[[models]]\nname = "m"\nfamily = "normal_gamma"\ncomponents = 2\n[[methods]]\nname = "cavi"\n'


@pytest.mark.parametrize(
    "command",
    [
        ("fit", "none.csv", "--components", 2, "--plot", "a/b/p.png"),
        ("fit", "none.csv", "--components", 2, "--assignments", "a/b/p.csv", "--checkpoint", "c/d/fit"),
        ("fit", "eight.csv", "--components", 2, "--column", "w", "--plot", "a/b/p.png"),
        ("choose", "none.csv", "--components", "1-2", "--plot", "a/b/p.png"),
        ("check", "no_such:Thing", "--html", "a/b/p.html"),
        ("run", "late.toml", "--output", "a/b", "--junit", "c/d/p.xml"),
        ("run", "late.toml", "--on", "tcp://127.0.0.1:1", "--output", "a/b"),
        ("export", "no-such-study", "--format", "csv", "--to", "a/b/p.csv"),
    ],
)
def test_a_command_that_fails_leaves_no_folder(no_work, elbowroom, command):
    (no_work / "late.toml").write_text(LATE)
    before = sorted(no_work.rglob("*"))
    code, _, err = elbowroom(*command)
    assert code == 2 and err and sorted(no_work.rglob("*")) == before


@pytest.mark.parametrize("more", [(), ("--family", "normal_wishart", "--prior", "scale_inverse=1")])
def test_covariances_beyond_memory_are_refused_before_anything_is_made(no_work, elbowroom, monkeypatch, more):
    np.save("wide.npy", np.arange(3000.0).reshape(2, 1500))
    monkeypatch.setattr("hand_cavi.inputs.memory", lambda: 70_000_000)  # a 1500 x 1500 matrix has 18 MB
    eye = pytest.fail
    monkeypatch.setattr("hand_cavi.families.normal_wishart.np.eye", eye)
    err = refused(elbowroom, "fit", "wide.npy", "--components", 2, *more)
    assert "the covariances of 1500 features need 0.072 GB of memory, and this machine has 0.07 GB" in err


@pytest.mark.parametrize("command", ["fit", "choose"])
def test_components_whose_weights_no_memory_holds_are_refused(no_work, elbowroom, monkeypatch, command):
    monkeypatch.setattr("hand_cavi.inputs.memory", lambda: 10**10)
    code, out, err = elbowroom(command, "eight.csv", "--components", 26_000)
    assert (code, out) == (2, "")
    assert "mixtures of 26000 components need 10.8 GB of memory, and this machine has 10 GB" in err


def test_more_components_than_points_are_told_and_cost_no_pairs(here, elbowroom, monkeypatch):
    (here / "eight.csv").write_text(EIGHT)
    monkeypatch.setattr(sys.modules["hand_cavi.fit"], "MOST_MOVED", 9)
    monkeypatch.setattr("hand_cavi.ascent.split_merge.promising", pytest.fail)
    code, _, err = elbowroom("fit", "eight.csv", "--components", 10, "--starts", 2)
    assert code == 0 and "8 points for 10 components; at least 2 must stay empty" in err
