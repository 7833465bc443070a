"""One comparison that has been run, and one of many kinds of trouble that is made up."""

import matplotlib
import pytest

import elbowroom
from experiments.interactive.comparison import Comparison
from tests.experiments.report import factory

EIGHT = [-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8]
TEXTBOOK = elbowroom.Mixture(elbowroom.NormalKnownVariance(0.0, 25.0), elbowroom.FixedWeights(), 2)


@pytest.fixture(autouse=True)
def without_windows():
    import matplotlib.pyplot as plt

    before = matplotlib.get_backend()
    plt.switch_backend("Agg")
    yield
    plt.close("all")
    plt.switch_backend(before)


@pytest.fixture
def command(elbowroom):
    """The command line, by a name that is not the package's."""
    return elbowroom


@pytest.fixture(scope="session")
def eight(tmp_path_factory):
    """Eight points by CAVI and Gibbs, run in this process."""
    folder = tmp_path_factory.mktemp("compared") / "eight"
    methods = {"cavi": {"starts": 2}, "gibbs": {}}
    return elbowroom.compare(
        EIGHT, TEXTBOOK, methods, folder=folder, name="eight", unit="km", progress=False, on="serial"
    )


@pytest.fixture(scope="session")
def made_up(tmp_path_factory):
    """The report's made-up study: two problems, four methods, one failure."""
    return Comparison(factory.study(tmp_path_factory.mktemp("made_up")))
