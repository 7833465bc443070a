"""`elbowroom calibrate`: from the configuration to the report, resumed, crashed, and refused."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from experiments.calibration.records import CalibrationRecord
from experiments.commands.calibrate import exit_code
from experiments.studies import calibration as runner
from experiments.studies.calibration_config import load_calibration, parse_calibration
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
CAVI = '[[methods]]\nname = "cavi"\nstarts = 2'
GIBBS = '[[methods]]\nname = "gibbs"\nchains = 2\ndraws = 40\ntune = 10'


def text(*methods: str, options: str = "") -> str:
    return TEXT.format(options=options, methods="\n".join(methods))


def run(content: str, folder: Path) -> CalibrationRecord:
    return runner.run_calibration(parse_calibration(content), folder=folder, workers=1, progress=False)


def places(record: CalibrationRecord) -> list[np.ndarray]:
    return [q.ranks for model in record.models for one in model.methods for q in one.quantities]


def test_the_command_runs_reports_and_resumes(tmp_path: Path) -> None:
    config = tmp_path / "small.toml"
    config.write_text(text(CAVI, GIBBS))
    command = [sys.executable, "-m", "experiments.commands.cli", "calibrate", str(config), "--json"]
    command += ["--output", str(tmp_path / "studies"), "--workers", "1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 3, done.stderr  # 24 replicates decide nothing
    content = json.loads(done.stdout)
    assert (content["verdict"], content["replicates"]) == ("undecided", 24)
    methods = {one["method"]: one for one in content["models"][0]["methods"]}
    assert methods["gibbs"]["judged"] and not methods["cavi"]["judged"]
    assert [len(one["quantities"]) for one in methods.values()] == [5, 5]
    assert methods["gibbs"]["quantities"][0]["coverage"][2]["level"] == 0.95
    html = Path(content["report"]).read_text()
    assert "<svg" in html and "two points together" in html and "How it judges" in html
    assert "http" not in html.replace("http://www.w3.org", "")
    markdown = Path(content["report"]).with_suffix(".md").read_text()
    assert "| CAVI | " in markdown and "figures/model-1-ecdf.png" in markdown

    folder = tmp_path / "studies" / "trial"
    files = {path: path.stat().st_mtime_ns for path in (folder / "batches").iterdir()}
    again = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert {path: path.stat().st_mtime_ns for path in (folder / "batches").iterdir()} == files
    assert "start" not in again.stderr
    assert json.loads(again.stdout)["models"] == content["models"]


def test_what_is_there_is_kept_and_more_is_added(tmp_path: Path) -> None:
    first = run(text(CAVI), tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "batches").iterdir()}
    more = run(text(CAVI, options="seed = 1").replace("replicates = 24", "replicates = 36"), tmp_path)
    after = {path.name: path.read_bytes() for path in (tmp_path / "batches").iterdir()}
    assert len(before) == 2 and len(after) == 3 and before.items() <= after.items()
    for few, many in zip(places(first), places(more), strict=True):
        assert np.array_equal(few, many[:24])


def test_a_damaged_file_is_computed_again(tmp_path: Path) -> None:
    first = run(text(CAVI), tmp_path)
    victim = sorted((tmp_path / "batches").iterdir())[0]
    victim.write_text('{"status": "ok", "pla')
    second = run(text(CAVI), tmp_path)
    for one, two in zip(places(first), places(second), strict=True):
        assert np.array_equal(one, two)


@pytest.mark.parametrize(
    ("kind", "says"), [("crash", "a batch crashed"), ("fail", "a batch failed"), ("overflow", "")]
)
def test_a_batch_that_comes_to_nothing_is_recorded(tmp_path: Path, kind: str, says: str) -> None:
    odd = f'[[methods]]\nname = "odd"\nkind = "tests.experiments.engine.runner_methods:{kind}"'
    record = run(text(odd, options='judge = ["odd"]'), tmp_path)
    (one,) = record.models[0].methods
    assert (one.replicates, one.quantities, one.decision) == (0, (), "undecided")
    if says:
        assert sum(one.failed.values()) == 24 and says in next(iter(one.failed))
        assert exit_code(record) == 1
        stored = json.loads(next((tmp_path / "batches").glob("*.json")).read_text())
        assert stored["status"] in ("crashed", "failed") and stored["method"] == "odd"
    else:  # the method says itself that it has no posterior for these data
        assert sum(one.refused.values()) == 24 and exit_code(record) == 3


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    from experiments.studies.calibration_store import writing

    with writing(tmp_path), pytest.raises(InputError, match="another run is writing"), writing(tmp_path):
        pass


# ---- configuration -------------------------------------------------------------------------------


def test_the_shipped_configuration_is_read() -> None:
    config = load_calibration(ROOT / "configs" / "calibration.toml")
    assert [one.name for one in config.methods] == ["cavi", "cavi_lr", "gibbs", "nuts"]
    assert config.judged == ("gibbs", "nuts")


def test_without_samplers_all_methods_are_judged() -> None:
    assert parse_calibration(text(CAVI)).judged == ("cavi",)
    assert parse_calibration(text(CAVI, GIBBS, options='judge = ["cavi"]')).judged == ("cavi",)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (text(CAVI, options="replicats = 3"), 'replicats: unknown key; did you mean "replicates"'),
        (text(CAVI, options='judge = ["cavy"]'), 'there is no method "cavy" here; did you mean "cavi"'),
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
        parse_calibration(content)
    assert complaint in str(caught.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no configuration"):
        load_calibration(tmp_path / "none.toml")
