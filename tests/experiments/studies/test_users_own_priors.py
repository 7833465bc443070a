"""A family and a prior of weights of the user's own: no file in the tree, the same study, store and keys."""

import importlib
import json
import sys
from pathlib import Path

import pytest

from elbowroom import InputError, load

MODULE = """\
from dataclasses import dataclass
from typing import ClassVar

from hand_cavi import DirichletWeights, NormalKnownVariance


@dataclass(frozen=True, eq=False)
class Rough(NormalKnownVariance):
    name: ClassVar[str] = "rough"


@dataclass(frozen=True, eq=False)
class Shares(DirichletWeights):
    name: ClassVar[str] = "shares"
"""
STUDY = """\
name = "own-priors"
[reference]
method = "none"
[[datasets]]
name = "six"
source = "file"
path = "six.csv"
[[models]]
name = "mine"
family = "priors_of_mine:Rough"
weights = {{ name = "priors_of_mine:Shares", concentration = 1.5 }}
components = 2
prior = {{ mean = 0.0, variance = 25.0 }}
[[methods]]
name = "cavi"
starts = 3
draws = {draws}
"""


@pytest.fixture
def module(here):
    """The user's module, in the folder in which the command is given."""
    path = here / "priors_of_mine.py"
    path.write_text(MODULE)
    (here / "six.csv").write_text("x\n-2\n-1.5\n-1\n1.2\n1.7\n2\n")
    (here / "study.toml").write_text(STUDY.format(draws=300))
    yield path
    sys.modules.pop("priors_of_mine", None)
    sys.path[:] = [entry for entry in sys.path if entry != str(here)]


def keys(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("studies/own-priors/draws/*.nc")}


def test_a_study_of_ones_own_family_and_weights_is_kept_and_read_again(here, elbowroom, module):
    code, out, err = elbowroom("run", "study.toml", "--json")
    document = json.loads(out)
    assert [cell["status"] for cell in document["cells"]] == ["ok"], err
    assert elbowroom("report", "studies/own-priors")[0] == 0
    first = keys(here)
    assert elbowroom("run", "study.toml")[0] == code and keys(here) == first  # nothing is computed again
    module.write_text(MODULE + "\n# edited\n")
    importlib.invalidate_caches()
    elbowroom("run", "study.toml")
    assert len(keys(here) - first) == 1  # its code is part of the key
    sys.modules.pop("priors_of_mine")
    module.write_text("open('ran', 'w').close()\n" + MODULE)
    for command in ("report", "status", "export", "clean", "rerun", "merge"):
        more = {"rerun": ["six/mine/cavi"], "merge": ["--output", "merged"], "export": ["--format", "csv"]}
        more = more.get(command, [])
        code, _, err = elbowroom(command, "studies/own-priors", *more)
        assert (
            not (here / "ran").exists() and "runs the code" not in err and "priors_of_mine" not in sys.modules
        )
        if command in ("report", "rerun"):
            assert code == 2 and "priors_of_mine:" in err and "with --config" in err
        else:
            assert code == 0, err
    with pytest.raises(InputError, match="a study's folder runs none"):
        load("studies/own-priors")
    assert "priors_of_mine" not in sys.modules
    assert load("studies/own-priors", config="study.toml").methods == ("cavi",)
    sys.modules.pop("priors_of_mine")
    (here / "ran").unlink()
    code, _, err = elbowroom("report", "studies/own-priors", "--config", "study.toml")
    assert code == 0 and "runs the code of" in err and (here / "ran").exists()
