"""What a base install, which is without NumPyro, says of NumPyro's methods."""

import subprocess
import sys

import pytest

from experiments.config import plugins
from experiments.config.plugins import about, find, names
from experiments.config.reading import parse_config
from experiments.config.schema import json_schema
from experiments.engine import fingerprint
from experiments.methods import label, numpyro_nuts
from experiments.studies.fitting import libraries_of
from hand_cavi import InputError

MIXTURES = """
name = "s"
[[datasets]]
name = "galaxies"
source = "galaxies"
[[models]]
name = "m"
family = "normal_gamma"
components = 2
prior = { mean = 0.0, precision_scale = 0.1, shape = 2.0, rate = 2.0 }
[[methods]]
name = "numpyro_flow"
kind = "numpyro_vi"
guide = "flow"
[[methods]]
name = "numpyro_nuts"
"""


def missing(monkeypatch, *absent):
    there = plugins.find_spec
    monkeypatch.setattr(plugins, "find_spec", lambda name: None if name in absent else there(name) or "there")


def test_they_are_listed_and_have_names_for_readers():
    assert {"numpyro_nuts", "numpyro_vi"} <= set(names("methods"))
    assert "NumPyro" in about("methods", "numpyro_nuts")
    assert (label("numpyro_nuts"), label("numpyro_flow")) == ("NumPyro NUTS", "NumPyro flow")


def test_without_the_extra_a_configuration_is_refused_with_how_to_install_it(monkeypatch):
    missing(monkeypatch, "jax", "numpyro")
    with pytest.raises(InputError) as refused:
        parse_config(MIXTURES)
    said = str(refused.value)
    assert (
        said.count('needs jax and numpyro, which this Python has not: pip install "elbowroom[numpyro]"') == 2
    )
    assert 'methods[1].kind: "numpyro_vi" needs' in said and 'methods[2].name: "numpyro_nuts" needs' in said


def test_with_it_the_same_is_read(monkeypatch):
    missing(monkeypatch)
    kinds = [(one.name, one.kind) for one in parse_config(MIXTURES).methods]
    assert kinds == [("numpyro_flow", "numpyro_vi"), ("numpyro_nuts", "numpyro_nuts")]


def test_for_a_model_of_ones_own_they_are_refused():
    with pytest.raises(
        InputError, match='"numpyro_nuts" is for mixtures alone; for a model of your own there'
    ):
        find("own methods", "numpyro_nuts")


def test_their_libraries_count_for_their_own_results_and_for_no_others(monkeypatch):
    missing(monkeypatch)
    assert libraries_of("methods", "numpyro_nuts") == numpyro_nuts.LIBRARIES == ("jax", "numpyro")
    assert libraries_of("methods", "nuts") == ()
    assert set(fingerprint.versions(("jax",))) - set(fingerprint.versions()) == {"jax"}


def test_the_folder_says_what_it_needs_where_it_is_not_installed():
    """Whatever is installed: jax and numpyro are made to be absent in a process of its own."""
    code = """
import sys
sys.modules["numpyro"] = None
try:
    import ppl_baselines.numpyro
except ValueError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        'NumPyro needs the package numpyro, which is not installed: pip install "elbowroom[numpyro]"'
    )


def test_without_the_extra_all_else_is_as_it_was(monkeypatch):
    """They are listed, have options in the schema, and are in no other study's way."""
    missing(monkeypatch, "jax", "numpyro")
    assert "numpyro_nuts" in str(json_schema())
    parse_config(MIXTURES.partition("[[methods]]")[0] + '[[methods]]\nname = "cavi"\n')
