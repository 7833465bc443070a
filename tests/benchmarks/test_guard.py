"""When a row counts as slower, how sure of it, and what a wrong commit gets; no row is run."""

import math
import subprocess

import numpy as np
import pytest


@pytest.fixture
def compared(script):
    return script("guard_compared")


@pytest.mark.parametrize(("head", "said"), [(1.02, "slower"), (1.005, ""), (0.995, ""), (0.98, "faster")])
def test_instructions_move_beyond_one_percent(compared, head, said):
    row = compared.Compared("a", "instructions", 1e9, head * 1e9, head, head, head)
    assert row.moved == said
    assert row.cells["verdict"] == said


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ((1.10, 1.02, 1.20), "slower"),
        ((1.10, 0.99, 1.20), ""),  # 1 is in the interval
        ((1.04, 1.02, 1.06), ""),  # not by enough
        ((0.90, 0.80, 0.97), "faster"),
    ],
)
def test_times_move_if_the_interval_excludes_one(compared, interval, said):
    assert compared.Compared("a", "times", 1.0, interval[0], *interval).moved == said


def test_a_row_that_did_not_run_moved_nowhere(compared):
    row = compared.Compared("a", "times", why="gone")
    assert row.moved == ""
    assert row.cells["verdict"] == "not run: gone"


def test_the_interval_holds_the_median_as_often_as_it_says(compared):
    """Of 2,000 intervals at 99 % at least, 45 miss or more with a chance below 1e-5."""
    rng = np.random.default_rng(0)
    missed = 0
    for values in rng.standard_cauchy((2_000, 21)):
        _, low, high = compared.median_interval(list(values))
        missed += not low <= 0 <= high
    assert missed < 45


def test_too_few_rounds_decide_nothing(compared):
    middle, low, high = compared.median_interval([1.2, 1.3, 1.4])
    assert (middle, low, high) == (1.3, 0.0, math.inf)


def test_a_wrong_commit_is_told_in_one_sentence(script, capsys):
    with pytest.raises(SystemExit) as ended:
        script("guard").commit_of("no-such-commit")
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_worktrees_are_gone_whatever_happens(script, monkeypatch, tmp_path):
    guard = script("guard")
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True)
    monkeypatch.setattr(guard, "ROOT", tmp_path)
    commit = guard.commit_of("HEAD")
    with pytest.raises(ZeroDivisionError), guard.sides([commit, commit]) as both:
        assert all((side.tree / ".git").exists() for side in both)
        raise ZeroDivisionError
    told = subprocess.run(["git", "worktree", "list"], cwd=tmp_path, capture_output=True, text=True).stdout
    assert len(told.splitlines()) == 1
