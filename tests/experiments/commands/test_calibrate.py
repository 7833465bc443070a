"""`elbowroom calibrate`: from the configuration to the report, resumed, crashed, and refused."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from experiments.commands._study import by_verdict
from experiments.config.reading import Config, load_config, parse_config
from experiments.engine import runner
from experiments.records import MethodCalibration, StudyRecord
from experiments.studies import plan_of
from hand_cavi import InputError

ROOT = Path(__file__).parents[3]
TEXT = """
name = "trial"
[calibration]
replicates = 24
points = 6
batch = 12
{options}
[[models]]
name = "two"
family = "normal_known_variance"
components = 2
prior = {{ mean = 0.0, variance = 4.0 }}
{methods}
"""
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
MIXTURE = """
name = "trial"
[[datasets]]
name = "points"
source = "simulated"
n = 8
means = [-2.0, 2.0]
[[models]]
name = "two"
family = "normal_known_variance"
components = 2
prior = { mean = 0.0, variance = 4.0 }
[[methods]]
name = "cavi"
starts = 2
"""
CAVI = '[[methods]]\nname = "cavi"\nstarts = 2'
GIBBS = '[[methods]]\nname = "gibbs"\nchains = 2\ndraws = 40\ntune = 10'


def text(*methods: str, options: str = "") -> str:
    return TEXT.format(options=options, methods="\n".join(methods))


def run(content: str, folder: Path) -> StudyRecord:
    return runner.run(plan_of(parse_config(content)), folder=folder, workers=1, progress=False)


def ranks(record: StudyRecord) -> list[np.ndarray]:
    return [q.ranks for one in methods(record) for q in one.quantities]


def methods(record: StudyRecord) -> list[MethodCalibration]:
    return [one for problem in record.problems if problem.details for one in problem.details.methods]


def elbowroom(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "experiments.commands.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=ENVIRONMENT)


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A small calibration, run once by the command."""
    folder = tmp_path_factory.mktemp("calibrated")
    (folder / "small.toml").write_text(text(CAVI, GIBBS))
    done = elbowroom("calibrate", "small.toml", "--json", "--workers", "1", "--junit", "a.xml", folder=folder)
    return folder, done


def test_the_command_runs_and_reports(calibrated) -> None:
    folder, done = calibrated
    assert done.returncode == 3, done.stderr  # 24 replicates decide nothing
    content = json.loads(done.stdout)
    assert (content["verdict"], content["replicates"]) == ("undecided", 24)
    found = {one["method"]: one for one in content["models"][0]["methods"]}
    assert found["gibbs"]["judged"] and not found["cavi"]["judged"]
    assert [len(one["quantities"]) for one in found.values()] == [5, 5]
    assert found["gibbs"]["quantities"][0]["coverage"][2]["level"] == 0.95
    html = (folder / content["report"]).read_text()
    assert "<svg" in html and "two points together" in html and "How it judges" in html
    assert "http" not in html.replace("http://www.w3.org", "").replace("http-equiv", "")
    markdown = (folder / content["report"]).with_suffix(".md").read_text()
    assert "| CAVI | " in markdown and "figures/model-1-ecdf.png" in markdown


@pytest.mark.parametrize("command", ["run", "validate", "calibrate"])
def test_run_validate_and_calibrate_are_one(calibrated, command: str) -> None:
    """All three resume what any of them ran, compute nothing, and say the same."""
    folder, first = calibrated
    draws = {path: path.stat().st_mtime_ns for path in (folder / "studies" / "trial" / "draws").iterdir()}
    assert len(draws) == 5  # two batches of each method, and their index
    again = elbowroom(command, "small.toml", "--json", "--junit", "b.xml", folder=folder)
    assert again.returncode == first.returncode and "start" not in again.stderr
    assert json.loads(again.stdout)["models"] == json.loads(first.stdout)["models"]
    there = (folder / "studies" / "trial" / "draws").iterdir()
    assert {path: path.stat().st_mtime_ns for path in there} == draws
    assert (folder / "b.xml").read_text() == (folder / "a.xml").read_text()


def test_a_judged_method_is_a_testcase(calibrated) -> None:
    folder, _ = calibrated
    suites = ET.fromstring((folder / "a.xml").read_text())
    (case,) = suites.iter("testcase")
    assert case.get("name") == "gibbs" and case.find("skipped") is not None
    assert suites.get("failures") == suites.get("errors") == "0"


def test_report_writes_it_again(calibrated) -> None:
    folder, first = calibrated
    page = folder / "studies" / "trial" / "report.html"
    before = page.read_bytes()
    page.unlink()
    again = elbowroom("report", "trial", "--json", folder=folder)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == json.loads(first.stdout)
    assert page.read_bytes() == before


def test_studies_of_two_kinds_never_share_a_folder(calibrated) -> None:
    folder, _ = calibrated
    (folder / "mixture.toml").write_text(MIXTURE)
    page = folder / "studies" / "trial" / "report.html"
    before = page.read_bytes()
    done = elbowroom("run", "mixture.toml", folder=folder)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert 'holds "trial", a study of another kind (calibration, this one is mixtures)' in done.stderr
    assert page.read_bytes() == before


def test_a_calibration_by_an_older_version_says_to_run_it_again(tmp_path: Path) -> None:
    (tmp_path / "studies" / "old" / "batches").mkdir(parents=True)
    done = elbowroom("report", "old", folder=tmp_path)
    assert done.returncode == 2 and "written by an older version; run it again" in done.stderr


def test_what_is_there_is_kept_and_more_is_added(tmp_path: Path) -> None:
    first = run(text(CAVI), tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "draws").iterdir()}
    more = run(text(CAVI, options="seed = 1").replace("replicates = 24", "replicates = 36"), tmp_path)
    after = {path.name: path.read_bytes() for path in (tmp_path / "draws").iterdir()}
    del before["index.csv"], after["index.csv"]  # which grows
    assert len(before) == 2 and len(after) == 3 and before.items() <= after.items()
    for few, many in zip(ranks(first), ranks(more), strict=True):
        assert np.array_equal(few, many[:24])


@pytest.mark.parametrize("replicates", [24, 36])
@pytest.mark.parametrize(
    "spoil", [Path.unlink, lambda path: os.truncate(path, 200)], ids=["gone", "cut short"]
)
def test_a_file_that_is_gone_or_damaged_is_computed_again(tmp_path: Path, spoil, replicates: int) -> None:
    first = run(text(CAVI), tmp_path)
    spoil(sorted((tmp_path / "draws").iterdir())[0])
    second = run(text(CAVI).replace("replicates = 24", f"replicates = {replicates}"), tmp_path)
    for one, two in zip(ranks(first), ranks(second), strict=True):
        assert len(two) == replicates and np.array_equal(one, two[:24])


@pytest.mark.parametrize(
    ("kind", "says"), [("crash", "a batch crashed"), ("fail", "a batch failed"), ("overflow", "")]
)
def test_a_batch_that_comes_to_nothing_is_recorded(tmp_path: Path, kind: str, says: str) -> None:
    odd = f'[[methods]]\nname = "odd"\nkind = "tests.experiments.engine.runner_methods:{kind}"'
    record = run(text(odd, options='judge = ["odd"]'), tmp_path)
    (one,) = methods(record)
    assert (one.replicates, one.quantities, one.decision) == (0, (), "undecided")
    assert record.verdict.decision == "undecided"
    if says:
        assert sum(one.failed.values()) == 24 and says in next(iter(one.failed))
        assert by_verdict(record) == 1
        stored = runner.load(tmp_path)
        assert {cell.status for cell in stored.problems[0].cells} == {says.split()[-1]}
    else:  # the method says itself that it has no posterior for these data
        assert sum(one.refused.values()) == 24 and by_verdict(record) == 3


# ---- configuration -------------------------------------------------------------------------------


def judged(config: Config) -> set[str]:
    return {planned.cell.method for planned in plan_of(config).cells if planned.judged}


def test_the_shipped_configuration_is_read() -> None:
    config = load_config(ROOT / "configs" / "calibration.toml")
    assert [one.name for one in config.methods] == ["cavi", "cavi_lr", "gibbs", "nuts"]
    assert judged(config) == {"gibbs", "nuts"}


def test_without_samplers_all_methods_are_judged() -> None:
    assert judged(parse_config(text(CAVI))) == {"cavi"}
    assert judged(parse_config(text(CAVI, GIBBS, options='judge = ["cavi"]'))) == {"cavi"}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (text(CAVI, options="replicats = 3"), 'replicats: unknown key; did you mean "replicates"'),
        (
            text(CAVI, options='judge = ["cavy"]'),
            'there is no method "cavy" in this study; did you mean "cavi"',
        ),
        (text(CAVI, options='quantities = ["mean"]'), "it must be 'location'"),
        (text(CAVI, options="judge = []"), "the list is empty, or names one twice"),
        (text(CAVI, options="error_rate = 1.0"), "must be below 0.5"),
        (text(CAVI, options="features = 0"), "must be at least 1"),
        (text(CAVI, options="features = 3").replace("mean = 0.0", "mean = [0.0, 1.0]"), "prior mean has 2"),
        (text(CAVI) + '[[datasets]]\nname = "galaxies"\n', "a calibration simulates its own data"),
        (text(CAVI, CAVI), '"cavi" is taken already'),
        (text('[[methods]]\nname = "cawi"'), 'unknown method "cawi"'),
        (text(), "methods: give at least one"),
        ("name = 3 4", "is not TOML"),
        (text(CAVI).replace("replicates = 24", "replicates = 3"), "must be at least 20"),
    ],
)
def test_bad_configurations_are_refused_in_a_sentence(content: str, complaint: str) -> None:
    with pytest.raises(InputError, match="(?s).*") as caught:
        parse_config(content)
    assert complaint in str(caught.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no configuration"):
        load_config(tmp_path / "none.toml")
