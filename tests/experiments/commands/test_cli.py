"""The command line. The runner is real where a test says so, elsewhere a stand-in of a few lines."""

import io
import json
import os
import resource
import subprocess
import sys
import types
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from experiments.commands import cli
from experiments.commands._terminal import print_study
from experiments.config.reading import default_config_text, parse_config
from experiments.records import (
    CellRecord,
    Comparison,
    Estimate,
    Measurement,
    ProblemRecord,
    Reference,
    StudyRecord,
    Verdict,
)
from experiments.report import ReportPaths
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance, fit
from tests.experiments.report import factory

EIGHT = [-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8]
BEST_ELBO, LOG_EVIDENCE = -18.716970286055, -17.990121876653  # docs/mathematics.md, 11

CONFIG = """\
name = "eight"

[[datasets]]
name = "eight"
source = "file"
path = "eight.csv"

[[models]]
name = "two"
family = "normal_known_variance"
components = 2
prior = {mean = 0.0, variance = 25.0}

[[methods]]
name = "cavi"
"""


@pytest.fixture
def here(here):
    """A folder with eight.csv (id, v), one.csv (v) and a configuration; the current one."""
    lines = [f"{i},{v}" for i, v in enumerate(EIGHT)]
    (here / "two-columns.csv").write_text("\n".join(["id,v", *lines]))
    (here / "eight.csv").write_text("\n".join(["v", *map(str, EIGHT)]))
    (here / "study.toml").write_text(CONFIG)
    return here


def in_a_process(*arguments, **options):
    command = [sys.executable, "-m", "experiments.commands.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


# fit

TEXTBOOK = ["--components", 2, "--mean", 0, "--variance", 25]


def test_fit_prints_one_json_document(here, elbowroom):
    code, out, err = elbowroom(
        "fit", "two-columns.csv", "--column", "v", *TEXTBOOK, "--noise-variance", 1, "--json"
    )
    assert code == 0 and err == ""
    document = json.loads(out)
    assert document["elbo"] == pytest.approx(BEST_ELBO, abs=1e-9)
    terms = document["elbo_terms"]
    total = sum(-v if name.startswith("kl_") else v for name, v in terms.items())
    assert total == pytest.approx(document["elbo"], abs=1e-9) and len(terms) == 5
    assert (
        document["elbo_trace"][-1] == document["elbo"] and len(document["elbo_trace"]) == document["sweeps"]
    )
    assert document["status"] == "converged" and document["counts"] == pytest.approx([4, 4], abs=0.01)
    assert document["means"][0][0] < 0 < document["means"][1][0]


def test_fit_prints_what_the_teaching_code_prints(here, elbowroom):
    code, out, _ = elbowroom("fit", "eight.csv", *TEXTBOOK, "--noise-variance", 1, "--trace")
    assert code == 0
    for piece in (
        "converged after",
        "ELBO -18.71697029 nats",
        "H[q(c)]",
        "- KL(q(theta), p(theta))",
        "mean ± sd",
    ):
        assert piece in out
    table = [line.split() for line in out.split("sweep  ELBO\n")[1].split("\n\n")[0].splitlines()]
    assert [int(row[0]) for row in table] == list(range(1, len(table) + 1))
    assert np.all(np.diff([float(row[1]) for row in table]) >= -1e-7)


def test_fit_says_whether_the_mixture_fits_the_data(here, elbowroom):
    fits = "The mixture fits the data, as far as they can tell (posterior predictive p = "
    _, out, _ = elbowroom("fit", "eight.csv", *TEXTBOOK, "--noise-variance", 1)
    assert fits in out
    (here / "three.csv").write_text("v\n" + "\n".join(str(v + shift) for shift in (0, 40, 90) for v in EIGHT))
    three = ("fit", "three.csv", "--components", 2, "--noise-variance", 1)
    _, out, _ = elbowroom(*three)
    said = next(line for line in out.splitlines() if line.startswith("The mixture does not fit the data"))
    assert "of the points have v at most" in said
    document = json.loads(elbowroom(*three, "--json")[1])
    assert document["data_sentence"] == said and document["data_fit"]["each feature"] < 1e-4


def test_fit_says_which_prior_it_chose_and_when_the_scale_is_silly(here, elbowroom):
    textbook = ["--components", 2, "--family", "normal_known_variance"]
    _, out, err = elbowroom("fit", "eight.csv", *textbook)
    assert (
        "mean = the data's mean, variance = the data's range squared, noise variance = 1" in out and not err
    )
    (here / "km.csv").write_text("v\n" + "\n".join(str(1000 * v) for v in EIGHT))
    code, _, err = elbowroom("fit", "km.csv", *textbook)
    assert code == 0 and "give --noise-variance" in err and err.count("\n") == 1
    _, _, err = elbowroom("fit", "km.csv", "--components", 2, "--noise-variance", 250000)
    assert err == ""


def test_fit_at_its_maximum_of_sweeps_is_not_converged(here, elbowroom):
    code, out, _ = elbowroom("fit", "eight.csv", *TEXTBOOK, "--max-sweeps", 1, "--json")
    assert code == 0 and json.loads(out)["status"] == "max_sweeps"


def test_fit_is_repeatable_and_its_seed_counts(here, elbowroom):
    runs = [elbowroom("fit", "eight.csv", *TEXTBOOK, "--seed", s, "--starts", 2, "--json") for s in (5, 5, 6)]
    assert runs[0] == runs[1] and json.loads(runs[2][1])["seed"] == 6


@pytest.mark.parametrize("name", ["p.png", "p.svg"])
def test_fit_draws_its_clusters(here, elbowroom, name):
    assert elbowroom("fit", "eight.csv", *TEXTBOOK, "--plot", name)[0] == 0
    assert (here / name).stat().st_size > 5000


@pytest.mark.parametrize(
    ("body", "warning"),
    [
        ("1.5\n", "1 point for 2 components"),
        ("2\n2\n2\n", "3 points with 1 value for 2"),
        ("1e4\n-1e4\n1e4\n", ""),
    ],
)
def test_fit_to_few_equal_or_far_points(here, elbowroom, body, warning):
    (here / "d.csv").write_text("v\n" + body)
    code, out, err = elbowroom("fit", "d.csv", "--components", 2, "--noise-variance", 1, "--json")
    assert code == 0 and np.isfinite(json.loads(out)["elbo"])
    assert warning in err if warning else err == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["none.csv", "--components", 2], 'there is no data file "none.csv"'),
        (
            ["two-columns.csv", "--components", 2],
            '(--column, or columns in a configuration); there are "id", "v"',
        ),
        (["two-columns.csv", "--components", 2, "--column", "w"], 'has no column "w"'),
        (["eight.csv", "--components", 2, "--variance", 0], "variance is"),
        (["eight.csv", "--components", 2, "--variance", -1], "variance is"),
        (["eight.csv", "--components", 2, "--noise-variance", 0], "noise_variance is"),
        (["eight.csv", "--components", 2, "--variance", "nan"], "variance is"),
        (["eight.csv", "--components", 2, "--mean", "inf"], "mean is"),
        (["text.csv", "--components", 2], "text.csv, line 3"),
        (["empty.csv", "--components", 2], "there must be at least one point"),
        (["eight.csv", "--components", 2, "--plot", "p.docx"], "must end in .png, .svg or .pdf"),
        (["eight.csv", "--components", 2, "--plot", "eight.csv/p.png"], "cannot be written"),
        (["none.csv", "--components", 2, "--plot", "p.docx"], "must end in .png"),  # before all work
        (["eight.csv", "--components", 2, "--prior", "mean"], "write FIELD=VALUE"),
        (["eight.csv", "--components", 2, "--prior", "mean=x"], "write FIELD=VALUE"),
        (["eight.csv", "--components", 2, "--prior", "meen=1"], 'did you mean "mean"?'),
        (["eight.csv", "--components", 2, "--prior", "mean=1", "--mean", 1], "once is enough"),
        (["eight.csv", "--components", 2, "--family", "normal_gama"], 'did you mean "normal_gamma"?'),
        (["eight.csv", "--components", 2, "--weights", "dirichlt"], 'did you mean "dirichlet"?'),
        (["eight.csv", *TEXTBOOK, "--concentration", 1], 'fixed has no field "concentration"'),
        (
            ["eight.csv", "--components", 2, "--weights", "dirichlet", "--concentration", 0],
            "concentration is",
        ),
        (["eight.csv", "--components", 2, "--family", "gamma_poisson"], "gamma_poisson is for counts"),
        (["eight.csv", "--components", 2, "--family", "gamma_poisson", "--variance", 1], "no field"),
    ],
)
@pytest.mark.parametrize("json_flag", [[], ["--json"]])
def test_fit_refuses_in_one_sentence(here, elbowroom, arguments, complaint, json_flag):
    (here / "text.csv").write_text("v\n1\ntwo\n")
    (here / "empty.csv").write_text("v\n")
    before = set(here.rglob("*"))
    code, out, err = elbowroom("fit", *arguments, *json_flag)
    assert (code, out) == (2, "") and complaint in err and err.count("\n") == 1
    assert set(here.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "eight.csv"],
        ["fit", "eight.csv", "--components", "0"],
        ["fit", "eight.csv", "--components", "2.5"],
        ["fit", "eight.csv", "--components", "two"],
        ["fit", "eight.csv", "--components", "2", "--starts", "0"],
        ["fit", "eight.csv", "--components", "2", "--tolerance", "nan"],
        ["fit", "eight.csv", "--components", "2", "--colum", "v"],
        ["run", "study.toml", "--workers", "0"],
        ["run", "one.toml", "two.toml"],
        ["validate"],
        ["ftt"],
        ["--versoin"],
    ],
)
def test_wrong_usage_is_2(here, elbowroom, arguments):
    code, out, err = elbowroom(*arguments)
    assert (code, out) == (2, "") and "Error" in err


# run, validate, report: with a stand-in for the runner


EVIDENCE = Estimate(LOG_EVIDENCE, 0.0, "enumeration", error_is="rounding")


def record_of(study, folder, *, decision="pass", status="ok", evidence=EVIDENCE, qualified=True):
    """Make up what a runner would return."""
    verdict = Verdict(
        decision, f"This is a {decision}.", 0.25, (Comparison("sorted mean 1", 0.1, 0.0, 0.1, 0.1, decision),)
    )
    measured = {
        "sorted_means": Measurement([[-1.9], [2.1]], [[0.0], [0.0]], "data"),
        "sorted_sds": Measurement([[0.5], [0.5]], [[0.0], [0.0]], "data"),
        "collapsed_bound": Measurement(-18.685, 0.002, "nats"),
        "symmetrised_bound": Measurement(float("nan"), None, "nats"),
    }
    problems = []
    for problem in study.problems:
        cells = tuple(
            CellRecord(
                planned.cell,
                status,
                "Made up.",
                "converged",
                0.0,
                0.01,
                BEST_ELBO,
                0.0,
                {"bad": float("inf")},
            )
            for planned in problem.cells
        )
        if status == "ok":
            cells = tuple(replace(cell, measurements=measured, verdict=verdict) for cell in cells)
        reference = Reference(evidence.method, qualified, "Exact.", None, evidence)
        entry = problem.entry
        about = (entry.about_data, entry.about_model, entry.unit, problem.content, reference, cells)
        problems.append(ProblemRecord(entry.dataset, entry.model, entry.repeat, *about))
    versions = {"numpy": np.__version__}
    return StudyRecord(
        study.name, folder, verdict, tuple(problems), study.config, study.seed, versions, {"cores": "2"}
    )


@pytest.fixture
def runner(monkeypatch):
    """Put a stand-in in the runner's place, and in the report's; returns it, to be told how runs end."""
    stand_in = types.ModuleType("experiments.engine.runner")
    stand_in.ending = {}
    stand_in.calls = []

    def run(plan, *, folder, workers, progress, on):
        stand_in.calls.append((plan, folder, workers, progress))
        if "raises" in stand_in.ending:
            raise stand_in.ending["raises"]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "study.sqlite").touch()
        return record_of(plan, folder, **stand_in.ending)

    def load(folder):
        from experiments.studies import plan_of

        return record_of(plan_of(parse_config(CONFIG, folder=folder.parents[1])), folder, **stand_in.ending)

    def write_report(record, folder, **options):
        return ReportPaths(folder / "report.html", folder / "report.md")

    stand_in.run, stand_in.load = run, load
    monkeypatch.setitem(sys.modules, "experiments.engine.runner", stand_in)
    monkeypatch.setattr("experiments.report.write_report", write_report)
    monkeypatch.setattr("experiments.engine.standing.damaged_files", lambda folder: ())
    return stand_in


def test_run_prints_one_json_document_of_the_agreed_form(here, elbowroom, runner):
    code, out, _ = elbowroom("run", "study.toml", "--json", "--workers", 1)
    document = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} in the document"))
    assert code == 0 and {"study", "store", "report", "verdict", "cells"} <= set(document)
    assert document["study"] == "eight" and document["verdict"] == "pass"
    assert document["store"] == os.path.join("studies", "eight", "study.sqlite")
    (cell,) = document["cells"]
    assert cell["dataset"] == "eight" and cell["method"] == "cavi" and cell["status"] == "ok"
    assert cell["seconds"] == {"compile": 0.0, "run": 0.01}
    assert (
        cell["elbo"] == BEST_ELBO and cell["log_evidence"] == LOG_EVIDENCE and cell["log_evidence_se"] == 0.0
    )
    assert cell["log_evidence_error_is"] == "rounding"
    assert cell["elbo_collapsed"] == -18.685 and cell["elbo_collapsed_se"] == 0.002
    assert (
        cell["elbo_symmetrised"] is None and cell["ess_per_second"] is None and cell["info"] == {"bad": None}
    )
    assert cell["means"] == [[-1.9], [2.1]] and cell["sds"] == [[0.5], [0.5]]
    assert runner.calls[0][2:] == (1, True)


def test_a_cell_that_failed_has_no_figures(here, elbowroom, runner):
    runner.ending = {"status": "timed_out", "decision": "none"}
    code, out, _ = elbowroom("run", "study.toml", "--json")
    cell = json.loads(out)["cells"][0]
    assert code == 1 and cell["status"] == "timed_out"
    assert all(cell[key] is None for key in ("means", "sds", "elbo_collapsed", "verdict"))


def test_run_says_the_verdict_first_and_where_the_report_lies(here, elbowroom, runner):
    code, out, _ = elbowroom("run", "study.toml")
    lines = out.splitlines()
    assert code == 0 and lines[0] == "This is a pass."
    assert lines[-1] == f"Report: {Path('studies/eight/report.html')}"
    assert (
        "log evidence \u221217.990122 nats (enumeration, exact up to rounding)" in out
        and "\u221218.6850 \u00b1 0.0020" in out
    )


@pytest.mark.parametrize(
    ("evidence", "qualified", "said"),
    [
        (
            Estimate(LOG_EVIDENCE, 2e-11, "quadrature", error_is="numerical"),
            True,
            "right to within 2e−11 nats)",
        ),
        (Estimate(LOG_EVIDENCE, 0.02, "importance"), True, "\u221217.990 \u00b1 0.020 nats (importance)"),
        (Estimate(LOG_EVIDENCE, 0.02, "importance"), False, "log evidence unknown"),
    ],
)
def test_a_log_evidence_is_told_as_what_it_is(here, elbowroom, runner, evidence, qualified, said):
    runner.ending = {"evidence": evidence, "qualified": qualified}
    out = elbowroom("run", "study.toml")[1]
    assert said in out and "exact" not in out.split("log evidence")[1].split("\n")[0]
    cell = json.loads(elbowroom("run", "study.toml", "--json")[1])["cells"][0]
    assert cell["log_evidence"] == (LOG_EVIDENCE if qualified else None)
    assert cell["log_evidence_error_is"] == (evidence.error_is if qualified else None)


def test_run_without_a_configuration_runs_the_built_in_study(here, elbowroom, runner):
    code, _, _ = elbowroom("run", "--output", "elsewhere")
    study, folder, workers, _ = runner.calls[0]
    assert code == 0 and study.config == default_config_text() and workers is None
    assert folder == Path("elsewhere") / study.name


@pytest.mark.parametrize(
    ("decision", "status", "code"),
    [("pass", "ok", 0), ("fail", "ok", 1), ("undecided", "ok", 3), ("none", "ok", 3), ("pass", "crashed", 1)],
)
def test_validate_tells_by_its_exit_code(here, elbowroom, runner, decision, status, code):
    runner.ending = {"decision": decision, "status": status}
    assert elbowroom("validate", "study.toml")[0] == code
    assert elbowroom("run", "study.toml")[0] == (0 if status == "ok" else 1)


@pytest.mark.parametrize(
    ("decision", "status", "element"),
    [
        ("pass", "ok", None),
        ("fail", "ok", "failure"),
        ("undecided", "ok", "skipped"),
        ("none", "crashed", "error"),
    ],
)
def test_validate_writes_junit_beside_its_json(here, elbowroom, runner, decision, status, element):
    runner.ending = {"decision": decision, "status": status}
    (here / "ci").mkdir()
    (here / "ci" / "verdicts.xml").write_text("an old one")
    _, out, _ = elbowroom("validate", "study.toml", "--json", "--junit", "ci/verdicts.xml")
    assert json.loads(out)["study"] == "eight"
    (case,) = ET.parse(here / "ci" / "verdicts.xml").iter("testcase")
    assert [child.tag for child in case] == ([element] if element else [])
    assert [path.name for path in (here / "ci").iterdir()] == ["verdicts.xml"]


def test_validate_that_is_interrupted_leaves_no_old_junit(here, elbowroom, runner):
    runner.ending = {"raises": KeyboardInterrupt()}
    (here / "verdicts.xml").write_text("an old one")
    assert elbowroom("validate", "study.toml", "--junit", "verdicts.xml")[0] == 130
    assert not (here / "verdicts.xml").exists()
    code, _, err = elbowroom("validate", "study.toml", "--junit", here)
    assert code == 2 and "is a folder" in err


def test_an_interrupted_run_says_that_it_can_go_on(here, elbowroom, runner):
    runner.ending = {"raises": KeyboardInterrupt()}
    code, out, err = elbowroom("run", "study.toml", "--json")
    assert (code, out) == (130, "") and "running again goes on from there" in err


def test_a_full_disk_is_a_sentence(here, elbowroom, runner):
    import errno

    runner.ending = {"raises": OSError(errno.ENOSPC, "No space left on device", "study.sqlite")}
    code, out, err = elbowroom("run", "study.toml")
    assert (code, out) == (2, "") and err.count("\n") == 1 and "No space left" in err


def test_a_fault_of_ours_is_no_fault_of_the_users(here, monkeypatch, runner):
    runner.ending = {"raises": ValueError("shapes differ")}
    monkeypatch.setattr(sys, "argv", ["elbowroom", "run", "study.toml"])
    with pytest.raises(ValueError, match="shapes differ"):
        cli.main()


def test_fewer_points_than_components_is_said_on_stderr(here, elbowroom, runner):
    (here / "eight.csv").write_text("v\n1.0\n")
    code, out, err = elbowroom("run", "study.toml", "--json")
    assert code == 0 and json.loads(out) and "1 point for 2 components" in err


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("components = 2", "components = 0", "models[1].components"),
        ("components = 2", "components = 2.5", "it must be a whole number"),
        ("25.0", "-25.0", "variance is -25.0"),
        ("25.0", "nan", "it must be finite"),
        ('"cavi"', '"cavvi"', 'did you mean "cavi"?'),
        ('"cavi"', '"avdi"', 'did you mean "advi"?'),
        ("path =", "pth =", 'did you mean "path"?'),
        ('"eight.csv"', '"nine.csv"', "there is no data file"),
        ('"eight.csv"', '"eight.csv"\ncolumns = ["w"]', 'no column "w"'),
        ('name = "eight"\n\n', 'name = "eight\n', "is not TOML"),
    ],
)
@pytest.mark.parametrize("command", ["run", "validate"])
def test_a_bad_configuration_writes_nothing(here, elbowroom, runner, command, old, new, complaint):
    assert old in CONFIG
    (here / "study.toml").write_text(CONFIG.replace(old, new, 1))
    code, out, err = elbowroom(command, "study.toml")
    assert (code, out) == (2, "") and complaint in err and err.count("\n") == 1
    assert not (here / "studies").exists() and not runner.calls


def test_a_missing_configuration(here, elbowroom, runner):
    code, out, err = elbowroom("run", "none.toml")
    assert (code, out) == (2, "") and 'there is no configuration "none.toml"' in err


def test_an_output_folder_that_cannot_be(here, elbowroom, runner):
    (here / "file").touch()
    code, out, err = elbowroom("run", "study.toml", "--output", "file")
    assert (code, out) == (2, "") and "cannot be written to" in err and err.count("\n") == 1
    code, _, err = elbowroom("run", "study.toml", "--output", "new/" + "x" * 300)
    assert code == 2 and "cannot be written to" in err and not (here / "new").exists()
    if os.geteuid() != 0:  # root may write anywhere
        (here / "mine").mkdir(mode=0o500)
        code, _, err = elbowroom("run", "study.toml", "--output", "mine")
        assert code == 2 and "cannot be written to" in err


def test_report_by_folder_and_by_name(here, elbowroom, runner):
    elbowroom("run", "study.toml")
    for study in ("eight", "studies/eight"):
        code, out, _ = elbowroom("report", study)
        assert code == 0 and "report.html" in out
    assert json.loads(elbowroom("report", "eight", "--json")[1])["study"] == "eight"
    code, out, err = elbowroom("report", "eigth")
    assert (code, out) == (2, "") and 'did you mean "eight"?' in err


# init, list


def test_init_writes_a_configuration_and_never_over_another(here, elbowroom):
    code, out, _ = elbowroom("init", "mine.toml")
    assert code == 0 and "mine.toml" in out and parse_config((here / "mine.toml").read_text())
    (here / "mine.toml").write_text("precious")
    code, out, err = elbowroom("init", "mine.toml")
    assert (
        (code, out) == (2, "") and "exists already" in err and (here / "mine.toml").read_text() == "precious"
    )
    assert elbowroom("init", "none/mine.toml")[0] == 0 and (here / "none" / "mine.toml").exists()
    assert elbowroom("init")[0] == 0 and (here / "elbowroom.toml").exists()


def test_init_writes_an_example_with_its_data_or_nothing(here, elbowroom):
    code, out, _ = elbowroom("init", "--example", "eight-points")
    names = ["eight-points-close-together.csv", "eight-points-far-apart.csv", "eight-points.toml"]
    assert code == 0 and sorted(path.name for path in here.glob("eight-*")) == names
    assert '"elbowroom run eight-points.toml"' in out
    (here / names[2]).unlink()
    code, out, err = elbowroom("init", "--example", "eight-points")
    assert (code, out) == (2, "") and "exists already" in err and not (here / names[2]).exists()
    code, out, _ = elbowroom("init", "mine", "--example", "two_coins")
    assert code == 0 and (here / "mine" / "two_coins.py").is_file() and "in mine" in out
    code, out, _ = elbowroom("init", "--list")
    assert code == 0 and "galaxies" in out
    for arguments, says in (
        (("--example", "galaxys"), 'did you mean "galaxies"'),
        (("--example", "counts", "--derivation"), "ask for one"),
        (("--list", "x.toml"), "--list prints and writes no file"),
    ):
        code, out, err = elbowroom("init", *arguments)
        assert (code, out) == (2, "") and says in err
    code, out, err = elbowroom("run", "configs/galaxies.toml")
    assert code == 2 and '"elbowroom init --example galaxies" writes it' in err


def test_init_schema_prints_one_document_and_writes_nothing(here, elbowroom):
    before = set(here.iterdir())
    code, out, _ = elbowroom("init", "--schema")
    assert code == 0 and json.loads(out)["$schema"] and set(here.iterdir()) == before


def test_list(elbowroom):
    code, out, _ = elbowroom("list")
    assert code == 0 and "Coordinate-ascent" in out and "galaxies" in out
    document = json.loads(elbowroom("list", "--json")[1])
    kinds = {"methods", "own methods", "datasets", "metrics", "references", "families", "weights"}
    assert set(document) == kinds | {"derivations"}


# As a process


def test_help_is_quick_and_loads_nothing_heavy():
    """Processor seconds rather than the clock's: other tests may be running beside this one."""
    in_a_process("--help")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = in_a_process("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0 and "validate" in done.stdout
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5
    heavy = (
        "print(*{'numpy', 'pydantic', 'pymc', 'pandas', 'xarray', 'matplotlib', 'rich'} & set(sys.modules))"
    )
    code = f"import sys, experiments.commands; {heavy}"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "\n"
    )


def test_listing_imports_no_method():
    code = (
        "import sys; from experiments.config.plugins import PACKAGES, about, names; "
        "[about(r, n) for r in PACKAGES for n in names(r)]; "
        "print(*{'numpy', 'pymc', 'hand_cavi'} & set(sys.modules))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "\n"
    )


def test_without_the_extra_one_sentence_says_what_to_install(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['typer'] = None\n")
    done = in_a_process(
        "--help", env={**os.environ, "PYTHONPATH": str(tmp_path)}, cwd=Path(__file__).parents[3]
    )
    assert done.returncode == 2 and done.stdout == ""
    assert (
        done.stderr
        == 'elbowroom: this command needs typer; install it with: pip install "elbowroom[compare]"\n'
    )


@pytest.mark.slow
def test_a_real_run_of_cavi_holds_the_textbooks_fixture(here):
    """The whole way, in a process: store, worker, enumeration, verdict, report."""
    done = in_a_process("run", "study.toml", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    (cell,) = document["cells"]
    assert cell["elbo"] == pytest.approx(BEST_ELBO, abs=1e-9)
    assert cell["log_evidence"] == pytest.approx(LOG_EVIDENCE, abs=1e-9)
    errors = [cell["elbo_collapsed_se"], cell["elbo_symmetrised_se"]]
    assert cell["elbo_collapsed"] == pytest.approx(-18.685226, abs=1e-4 + 4.5 * errors[0])
    assert cell["elbo_symmetrised"] == pytest.approx(-17.992079, abs=1e-4 + 4.5 * errors[1])
    assert Path(document["report"]).is_file() and Path(document["store"]).is_file()
    mixture = Mixture(NormalKnownVariance(np.array(0.0), np.array(25.0)), FixedWeights(), 2)
    ours = fit(mixture, EIGHT, rng=1).sample(2, 200_000)["mu"][..., 0]
    np.testing.assert_allclose(np.ravel(cell["means"]), np.sort(ours, axis=1).mean(axis=0), atol=0.03)
    again = in_a_process("report", "eight", "--json")
    assert again.returncode == 0 and json.loads(again.stdout)["cells"] == document["cells"]


@pytest.mark.parametrize("words", ["km [/h]", "[bold]"])
def test_brackets_of_a_user_are_printed_as_they_are(tmp_path, words):
    record = factory.study(tmp_path)
    problems = tuple(
        replace(problem, unit=words, about_model=words, dataset=words) for problem in record.problems
    )
    out = io.StringIO()
    print_study(replace(record, problems=problems), report="r", console=Console(file=out, width=200))
    assert f"({words})" in out.getvalue() and f"{words}, " in out.getvalue()
