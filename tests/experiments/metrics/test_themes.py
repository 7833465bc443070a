"""Every metric is found by its name, in the code as in the lists that import nothing, and says what it is."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from experiments import metrics
from experiments.config import plugins
from experiments.engine import fingerprint
from experiments.metrics import Context, measure_all
from experiments.metrics._metric import Metric
from experiments.records import Measurement, MethodResult, Reference

FOLDER = Path(metrics.__file__).parent


def test_no_file_of_metrics_is_forgotten():
    there = {path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_")}
    assert {file.__name__.rpartition(".")[2] for file in metrics.FILES} == there


def test_lists_that_import_nothing_agree_with_the_code():
    assert plugins.names("metrics") == metrics.names()
    for name in metrics.names():
        assert plugins.about("metrics", name) == metrics.METRICS[name].about


def test_what_stands_in_a_table_has_a_theme_of_the_report_and_a_label_of_its_own():
    shown = [metric for metric in metrics.METRICS.values() if metric.theme]
    assert {metric.theme for metric in shown} == {
        *("Bounds", "Moments", "Fit to the data", "Prediction", "Cost", "Other metrics")
    }
    assert len({metric.label for metric in shown}) == len(shown)


def test_every_file_of_metrics_is_behind_a_judgement():
    path = fingerprint._path_of("experiments.studies.judging", fingerprint._roots())
    behind = {file.resolve() for file in fingerprint.closure(path, fingerprint._roots()).values()}
    assert {file.resolve() for file in FOLDER.glob("*.py")} <= behind


@pytest.mark.parametrize(("only", "applies"), [("", True), ("own", True), ("mixtures", False)])
def test_a_model_of_ones_own_has_what_it_can_have(only, applies):
    def anything(context: Context) -> Measurement:
        raise AssertionError

    context = Context(
        None, xr.DataTree(), MethodResult("", "", 0, 0, xr.DataTree()), Reference("none", False, "")
    )
    assert Metric(anything, "", "", only).applies(context) == applies


def test_figures_of_a_model_of_ones_own_are_numpys_in_the_order_asked_for():
    rng = np.random.default_rng(0)
    ours, theirs = (rng.normal([1.0, 5.0], [2.0, 3.0], size=(1, 500, 2)) for _ in range(2))
    truth = Reference("nuts", True, "", draws=stored(theirs, ["first", "second"]))
    result = MethodResult("converged", "", 0.5, 0.25, stored(ours, ["first", "second"]))
    found = measure_all(Context(None, result.draws, result, truth, names=("second", "first")))
    assert found["means"].entries == found["sd_ratio"].entries == ("second", "first")
    np.testing.assert_allclose(found["means"].value, ours.mean(axis=(0, 1))[::-1])
    sd, true_sd = (values.std(axis=(0, 1), ddof=1)[::-1] for values in (ours, theirs))
    apart = (ours.mean(axis=(0, 1)) - theirs.mean(axis=(0, 1)))[::-1]
    np.testing.assert_allclose(found["sds"].value, sd)
    np.testing.assert_allclose(found["sd_ratio"].value, sd / true_sd)
    np.testing.assert_allclose(found["mean_error"].value, apart / true_sd)
    assert found["wall_time"].value == 0.75
    assert not {"sorted_means", "symmetrised_bound", "held_out", "co_clustering"} & set(found)


def stored(values: np.ndarray, names: list[str]) -> xr.DataTree:
    """Draws whose quantities stand beside them, as a study keeps them."""
    posterior = {name: (("chain", "draw"), values[..., i]) for i, name in enumerate(names)}
    beside = {"value": (("chain", "draw", "quantity"), values)}
    return xr.DataTree.from_dict(
        {"posterior": xr.Dataset(posterior), "quantities": xr.Dataset(beside, {"quantity": names})}
    )
