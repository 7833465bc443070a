"""Numbers of components, and calibrations, from Python: what their commands print."""

import json

import matplotlib.pyplot as plt
import pytest

import elbowroom
from hand_cavi import InputError
from hand_cavi.ascent.cautions import CautionWarning
from tests.experiments.interactive.conftest import EIGHT, TEXTBOOK


@pytest.fixture(scope="module")
def chosen():
    return elbowroom.choose(EIGHT, range(1, 4), starts=3, folds=2)


def test_choose_says_what_the_command_says(chosen, tmp_path, command):
    (tmp_path / "eight.csv").write_text("v\n" + "\n".join(map(str, EIGHT)))
    said = (
        "choose",
        tmp_path / "eight.csv",
        "--components",
        "1-3",
        "--starts",
        "3",
        "--folds",
        "2",
        "--json",
    )
    document = json.loads(command(*said)[1])
    assert list(chosen.conclusion) == document["conclusion"]
    for one, other in zip(chosen.candidates, document["candidates"], strict=True):
        for name in ("elbo", "symmetrised", "held_out", "behind"):
            assert getattr(one, name) == pytest.approx(other[name], rel=1e-9)
    assert chosen.about == document["prior"]


def test_a_choice_shows_itself(chosen):
    assert repr(chosen).startswith("<Choice of K among 1, 2, 3: ")
    page = chosen._repr_html_()
    assert page.count("<tr>") == 4 and "Chosen here" in page and "<script" not in page
    table = chosen.table()
    assert list(table.index) == [1, 2, 3] and table.elbo[2] == chosen.candidates[1].elbo
    assert len(chosen.plot()) == 2
    _, two = plt.subplots(2)
    assert list(chosen.plot(two)) == list(two)


@pytest.mark.parametrize("components", [[], [0, 1], [2, 2]])
def test_numbers_of_components_that_cannot_be(components):
    with pytest.raises(InputError, match="components is .*; give numbers from 1 on, each once"):
        elbowroom.choose(EIGHT, components)


def test_what_looks_like_counts_is_told():
    with pytest.warns(CautionWarning, match="if they are counts"):
        elbowroom.choose([1, 1, 2, 2, 2, 1, 1, 2], [1], folds=0, starts=1)


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    return elbowroom.calibrate(
        TEXTBOOK,
        {"cavi": {"starts": 1}, "again": {"kind": "cavi", "starts": 2}},
        replicates=20,
        points=8,
        features=1,
        calibration={"draws": 50, "quantities": ["location"]},
        folder=tmp_path_factory.mktemp("calibrated") / "c",
        progress=False,
        on="serial",
    )


def test_a_calibration_has_verdict_table_figures_and_report(calibrated):
    assert repr(calibrated).startswith("<Comparison calibration (cavi, again): ")
    assert "shift" in set(calibrated.table().metric)
    page = calibrated._repr_html_()
    assert "<th>Shift (posterior sds)</th>" in page and page.count("<tr>") == 5
    assert len(calibrated.plot_ecdf()) == 2 and calibrated.plots == ("ecdf", "effects", "coverage")
    assert calibrated["again"].verdict.decision in ("pass", "undecided", "fail")
    assert "<tr>" in calibrated["cavi"]._repr_html_()
    with pytest.raises(InputError, match='studies of calibrations have no figure "ladder"'):
        calibrated.plot_ladder()
    assert calibrated.report().is_file()
    assert str(elbowroom.load(calibrated.folder).verdict) == str(calibrated.verdict)


def test_a_calibration_draws_from_a_prior():
    with pytest.raises(InputError, match="mixture is 3; give a Mixture"):
        elbowroom.calibrate(3)
    with pytest.raises(InputError, match=r"calibrate: calibration.replicates"):
        elbowroom.calibrate(TEXTBOOK, replicates=2)


def test_a_model_of_ones_own_is_calibrated_by_its_name(tmp_path):
    where = "tests.experiments.calibration.own_models:derivation_alone"
    found = elbowroom.calibrate(
        where, "cavi", replicates=20, folder=tmp_path / "c", workers=1, progress=False
    )
    table = found.table()
    assert {"beta[0]", "beta[1]"} <= set(table.quantity if "quantity" in table else table.entry)
    assert found["cavi"].verdict.decision in ("pass", "undecided")
