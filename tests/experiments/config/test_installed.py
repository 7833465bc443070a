"""Methods, data sets and metrics of other distributions, found by their entry points."""

import json

import pytest

from experiments import metrics
from experiments.config import installed, plugins
from experiments.config.reading import parse_config
from experiments.engine.runner import run
from experiments.studies import plan_of
from hand_cavi import InputError

CODE = """
from pydantic import BaseModel
from experiments.datasets import Dataset
from experiments.methods import cavi
from experiments.metrics import metric
from experiments.records import Measurement


class Settings(BaseModel):
    n: int = 8


class plain_cavi:
    Settings, fit = cavi.Settings, staticmethod(cavi.fit)


def load(settings, rng):
    return Dataset(rng.normal(size=(settings.n, 1)), ("x",), "Drawn by their package.")


@metric(theme="Theirs", label="number of draws")
def their_number(context):
    \"\"\"The number of draws.\"\"\"
    return Measurement(float(context.draws["posterior"].sizes["draw"]))
"""

ENTRIES = """
[elbowroom.methods]
theirs = their_elbowroom:plain_cavi
cavi = their_elbowroom:taken

[elbowroom.datasets]
their_data = their_elbowroom

[elbowroom.metrics]
their_number = their_elbowroom:their_number
"""

STUDY = """
name = "theirs"

[[datasets]]
name = "their_data"

[[models]]
name = "two"
family = "normal_known_variance"
components = 2
prior = { mean = 0.0, variance = 25.0 }

[[methods]]
name = "theirs"
"""


def install(folder, name, entries, code=None):
    """Make a distribution that is there, and no more: metadata beside a module."""
    about = folder / f"{name.replace('-', '_')}-1.2.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text(entries)
    if code is not None:
        (folder / "their_elbowroom.py").write_text(code)


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A folder on the path; what is found there is forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    yield folder
    import sys

    sys.modules.pop("their_elbowroom", None)
    _forget()


def _forget():
    installed.entry_points_of.cache_clear()
    metrics.known.cache_clear()


@pytest.fixture
def theirs(path):
    install(path, "their-package", ENTRIES, CODE)
    _forget()
    return path


def test_they_are_listed_beside_the_built_in_ones_and_not_imported(theirs, elbowroom):
    import sys

    assert "theirs" in plugins.names("methods") and plugins.of_others("methods") == ["theirs"]
    assert plugins.about("datasets", "their_data") == "Offered by their-package 1.2."
    found = json.loads(elbowroom("list", "--json")[1])
    assert {"cavi", "theirs"} <= set(found["methods"]) and "their_number" in found["metrics"]
    assert "their_elbowroom" not in sys.modules
    assert plugins.find("methods", "cavi").__name__ == "experiments.methods.cavi"  # a name that is taken


def test_whose_code_runs_is_said_before_it_is_imported(theirs, monkeypatch):
    said = []
    monkeypatch.setattr(plugins, "_told", [said.append])
    plugins.find("datasets", "their_data")
    plugins.find("methods", "theirs")
    assert said == [f'"their_data" runs the code of {theirs / "their_elbowroom.py"}']


def test_a_study_of_theirs_runs_is_judged_and_measured(theirs, tmp_path):
    plan = plan_of(parse_config(STUDY))
    record = run(plan, folder=tmp_path / "study", progress=False, on="serial")
    (cell,) = record.problems[0].cells
    assert cell.status == "ok" and record.problems[0].about_data == "Drawn by their package."
    assert cell.measurements["their_number"].value == 10_000
    again = run(plan, folder=tmp_path / "study", progress=False, on="serial").problems[0].cells[0]
    assert again.measurements["their_number"] == cell.measurements["their_number"]


def test_a_change_of_their_metric_makes_judgements_stale(theirs):
    def key():
        return plan_of(parse_config(STUDY)).problems[0].entry.key

    with_it = key()
    (theirs / "their_package-1.2.dist-info" / "entry_points.txt").write_text(
        ENTRIES.split("[elbowroom.metrics]")[0]
    )
    _forget()
    assert key() != with_it


@pytest.mark.parametrize(
    ("entries", "code", "complaint"),
    [
        (ENTRIES, "raise RuntimeError('out of order')", "cannot be imported: RuntimeError: out of order"),
        (ENTRIES, "", "cannot be imported: AttributeError"),
        ("[elbowroom.methods]\ntheirs = os:path\n", "", "is a part of Python"),
        ("[elbowroom.methods]\ntheirs = their_elbowroom\n", "Settings = 1", "offers no fit"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(path, entries, code, complaint):
    install(path, "their-package", entries, code)
    _forget()
    with pytest.raises(InputError, match=complaint):
        plugins.find("methods", "theirs")


def test_a_name_that_two_distributions_offer(path):
    for name in ("their-package", "another"):
        install(path, name, "[elbowroom.methods]\ntheirs = their_elbowroom:plain_cavi\n", CODE)
    _forget()
    with pytest.raises(InputError, match=r"offered by .* and .*; uninstall all but one"):
        plugins.find("methods", "theirs")


def test_a_metric_that_is_none(path):
    install(path, "their-package", "[elbowroom.metrics]\ntheir_number = their_elbowroom:CODE\n", "CODE = 3")
    _forget()
    with pytest.raises(InputError, match="must be a function of that name under @metric"):
        metrics.known()
