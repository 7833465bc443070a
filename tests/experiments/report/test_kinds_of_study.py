"""The pages of own models and of calibrations: one writer, what each says, and what they do without."""

import re
from dataclasses import replace
from math import nan
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from experiments.records import (
    Cell,
    CellRecord,
    Comparison,
    Coverage,
    Design,
    Effect,
    Measurement,
    MethodCalibration,
    ModelCalibration,
    ProblemRecord,
    QuantityCalibration,
    Reference,
    StudyRecord,
    Threshold,
    Told,
    Verdict,
)
from experiments.report import write_report
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance
from tests.experiments.report.test_report import Page

QUANTITIES = ("mu", "log <tau>")
MIXTURE = Mixture(NormalKnownVariance(0.0, 4.0), FixedWeights(), 2)


def own_cell(folder: Path, method: str, kind: str, shift: float, **fields) -> CellRecord:
    """Return a cell with draws of two quantities, the first of mean `shift`, and what is measured of them."""
    rng = np.random.default_rng(4)
    draws = rng.standard_normal((2, 500, 2)) + [shift, 0.0]
    path = folder / f"{kind}.nc"
    value = xr.Dataset({"value": (("chain", "draw", "quantity"), draws)}, {"quantity": list(QUANTITIES)})
    xr.DataTree.from_dict({"quantities": value}).to_netcdf(path, engine="h5netcdf")
    moments = {
        "means": Measurement([shift, 0.0], [0.03, 0.03], "data", entries=QUANTITIES),
        "sds": Measurement([1.0, 1.0], [0.02, 0.02], "data", entries=QUANTITIES),
    }
    fields["measurements"] = moments | fields.get("measurements", {})
    return CellRecord(Cell("d", "coin", method, 1, f"key of {method}", kind), "ok", "", draws=path, **fields)


def own_study(folder: Path) -> StudyRecord:
    """Return a study of one model: CAVI, an ADVI that failed, and NUTS, which is the reference."""
    far = Comparison("mean of mu", 0.5, 0.04, 0.4, 0.6, "fail", margin=0.2)
    cavi = own_cell(
        folder,
        "by hand",
        "cavi",
        0.5,
        outcome="converged",
        seconds_compile=0.0,
        seconds_run=0.01,
        bound=-21.5,
        bound_se=0.0,
        told=Told(bound_of="theta"),
        measurements={
            "own_bound": Measurement(-21.5, 0.0, "nats"),
            "collapsed_bound": Measurement(-21.4, 0.01, "nats"),
            "k_hat": Measurement(0.4, 0.05, threshold=Threshold(0.7, "at most", "Vehtari et al. (2024)")),
            "monotonicity": Measurement(-3e-16, 0.0, "relative", threshold=Threshold(-1e-10, "at least")),
            "step_gain": Measurement(0.0021, 0.0004, "nats"),
            "mean_error": Measurement([0.5, 0.01], [0.04, 0.04], "reference sd", entries=QUANTITIES),
            "sd_ratio": Measurement([1.0, 0.99], [0.03, 0.03], "", entries=QUANTITIES),
        },
        verdict=Verdict("fail", "By hand does not agree with the long NUTS run.", 0.2, (far,)),
    )
    failed = CellRecord(Cell("d", "coin", "advi", 1, "key of advi", "advi"), "crashed", "its process <died>")
    nuts = own_cell(folder, "long run", "nuts", 0.0, outcome="sampled", seconds_compile=2.0, seconds_run=1.0)
    problem = ProblemRecord(
        "d",
        "coin",
        1,
        "Twenty tosses.",
        "A coin of two sides.",
        "",
        None,  # type: ignore[arg-type]
        Reference("nuts", True, "NUTS qualified: largest R-hat 1.0010", quality={"r_hat": 1.001}),
        (cavi, failed, nuts),
        reference_cell="key of long run",
    )
    verdict = Verdict("fail", "By hand does not agree.", 0.2)
    return StudyRecord("own <study>", folder, verdict, (problem,), "name = 1\n", 7, {"numpy": "2"}, {}, "own")


def quantity(name: str, decision: str, ranks: np.ndarray) -> QuantityCalibration:
    """Return a made-up judgement of ranks."""
    coverage = tuple(Coverage(level, level - 0.1, level - 0.2, level) for level in (0.5, 0.8, 0.95))
    shift, width = Effect(-0.1, -0.3, 0.1, 0.3), Effect(1.3, 1.1, 1.6, 0.002)
    findings = () if decision == "calibrated" else (decision,)
    return QuantityCalibration(name, decision, findings, shift, width, 5e-6, 0.41, coverage, ranks)


def calibration(folder: Path) -> StudyRecord:
    """Return a calibration of one model: CAVI too sure of itself, a sampler calibrated, one that failed."""
    rng = np.random.default_rng(5)
    good, bad = rng.random(40), rng.beta(0.5, 0.5, 40)
    methods = (
        MethodCalibration(
            "mine",
            "cavi",
            True,
            "over-confident",
            "CAVI is over-confident.",
            (quantity("sorted mean 1", "over-confident", bad), quantity("log joint", "calibrated", good)),
            40,
            {"too few points": 3},
            ranked=1000.0,
        ),
        MethodCalibration(
            "gibbs",
            "gibbs",
            False,
            "calibrated",
            "Gibbs is calibrated.",
            (quantity("sorted mean 1", "calibrated", good),),
            40,
            ranked=120.4,
        ),
        MethodCalibration("nuts", "nuts", True, "undecided", "No replicate.", (), 0, failed={"it died": 40}),
    )
    design = Design(40, 50, 0.01, 0.002, 0.25, 1.25)
    model = ModelCalibration("two & two", MIXTURE, "mu_k ~ N(0, 4)", methods, design)
    none = Reference("none", False, "")
    judged = ProblemRecord("", "two & two", 1, "", "", "", None, none, (), details=model)  # type: ignore[arg-type]
    waiting = ProblemRecord("", "three", 1, "", "mu_k ~ N(0, 9)", "", None, none, ())  # type: ignore[arg-type]
    verdict = Verdict("fail", "1 of 2 judged methods is flagged.", nan)
    problems = (judged, waiting)
    return StudyRecord("sbc", folder, verdict, problems, "[calibration]\n", 3, {}, {}, "calibration")


@pytest.fixture(scope="module", params=[own_study, calibration])
def written(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    paths = write_report(request.param(folder), folder / "report")
    return paths.html.read_text(encoding="utf-8"), paths.markdown.read_text(encoding="utf-8"), paths


def test_every_kind_of_page_is_well_formed_offline_and_has_its_figures(written):
    html, markdown, paths = written
    page = Page(html)
    assert page.unbalanced == [] and page.open == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["href"].removeprefix("#") for a in page.all("a")} <= set(ids)
    assert not re.search(r"https?:", html.replace("http://www.w3.org/", ""))
    assert "How to read this" in page.text and "Settings, versions, seeds" in page.text
    pictures = re.findall(r"!\[[^\]]*\]\((figures/[^)]+\.png)\)", markdown)
    assert pictures and len(page.all("svg")) == 2 * len(pictures)
    assert all((paths.markdown.parent / one).read_bytes().startswith(b"\x89PNG") for one in pictures)
    assert "&lt;" not in markdown and not re.search(r"(?<!\\)<(?!sup|/sup)", markdown)


def test_the_page_of_own_models_has_what_that_of_mixtures_has(tmp_path):
    paths = write_report(own_study(tmp_path), tmp_path / "report")
    html = paths.html.read_text(encoding="utf-8")
    text = Page(html).text
    assert (
        text.index("By hand does not agree.")
        < text.index("A coin of two sides.")
        < text.index("Twenty tosses.")
    )
    assert "ADVI: its process <died>" in text
    assert "NUTS qualified: largest R-hat 1.0010." in text and "r hat 1.001" in text
    for caption in ("The methods, on one scale", "Posterior means, ±", "Distance from the reference"):
        assert html.count(f'aria-label="{caption}') == 1
    row = html[: html.index("sampled</span>")].rpartition("<tr>")[2]
    assert "reference</span>" in row  # the reference's verdict is that it is it
    assert "gain of one step on" in text and "smallest gain of a half-step" in text
    assert "0.500 [0.40, 0.60] ✗" in text
    assert "Caveats" not in text
    assert "The grey band and line are the reference" in text and "reference (long run)" in html


def test_an_own_model_without_a_reference_or_its_draws_still_has_a_page(tmp_path):
    record = own_study(tmp_path)
    problem = record.problems[0]
    unqualified = replace(problem.reference, qualified=False, reason="NUTS does not qualify")
    cells = (replace(problem.cells[0], draws=tmp_path / "gone.nc"), *problem.cells[1:])
    changed = replace(problem, reference=unqualified, cells=cells)
    paths = write_report(replace(record, problems=(changed,)), tmp_path / "report")
    text = Page(paths.html.read_text(encoding="utf-8")).text
    assert "grey band" not in text and "Grey is the reference" not in text
    assert "coin, by hand: its draws are not shown: the file is missing (gone.nc)." in text


def test_the_page_of_a_calibration_says_who_is_calibrated_and_by_which_rules(tmp_path):
    paths = write_report(calibration(tmp_path), tmp_path / "report")
    html = paths.html.read_text(encoding="utf-8")
    text = Page(html).text
    assert '<span class="badge fail"><span aria-hidden="true">✗</span> flagged</span>' in html
    assert "40 sets of 50 points" in text and "probability 99.8 %" in text
    assert "3 left out, for the method refuses them: too few points." in text
    assert "Not judged: it does not count" in text and "40 failed: it died." in text
    row = html[html.index('aria-label="Sorted mean 1"') :]
    assert "over-confident" in row[: row.index("</tr>", row.index("<tbody>"))]
    assert "−0.10" in text and "[−0.30, 0.10]" in text and "&lt; 0.0001" in html
    assert "This model has not been judged yet." in text
    assert "with a chance of at most 1 %" in text and "a factor of 1.25" in text
    empty = replace(calibration(tmp_path), problems=(), verdict=Verdict("none", "Not judged yet.", nan))
    assert "no verdict" in Page(write_report(empty, tmp_path / "none").html.read_text(encoding="utf-8")).text
