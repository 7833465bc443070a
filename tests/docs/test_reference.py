"""Pages of the reference hold all that the code offers."""

import pytest
import typer.main

import elbowroom

pytest.importorskip("myst_nb", reason="needs the group docs: uv run --group docs pytest")

from docs.making import DOCS, api, command_line, configuration, families, metrics
from docs.making.writing import plain
from experiments.commands._app import app
from experiments.config.plugins import names
from experiments.config.schema import json_schema
from experiments.metrics import METRICS


def test_every_public_name_has_a_section_with_its_parameters():
    page = api.markdown("elbowroom")
    for name in elbowroom.__all__:
        assert name == "__version__" or f"## {plain(name)}\n" in page
    assert "| `sample_weight` | array\\_like, shape (N,), optional |" in page
    assert "fit(mixture, x, *, rng, starts=20," in page


def test_every_command_and_option_is_there():
    page = command_line.markdown()
    for name, command in typer.main.get_command(app).commands.items():
        section = page.partition(f"## elbowroom {name}\n")[2].partition("\n## ")[0]
        assert section
        for parameter in command.params:
            named = [(parameter.metavar or parameter.name).upper()]
            flags = parameter.opts if parameter.param_type_name == "option" else named
            assert all(f"{flag}`" in section or f"{flag}]`" in section for flag in flags)


def test_every_key_of_the_schema_is_there():
    page = configuration.markdown()
    for name, definition in json_schema()["$defs"].items():
        if not name.startswith("study_of"):
            for key in definition.get("properties", {}):
                assert f"| `{key}` |" in page, (name, key)
    assert "| `time_limit` | number, > 0 | `600` | seconds that one cell may take |" in page


def test_every_metric_has_its_formula():
    page = metrics.markdown()
    for name in METRICS:
        assert f"<br>`{name}` |" in page
    assert "margin of the evidence gap, nats" in page


def test_every_family_has_its_page():
    for name in names("families"):
        page = families.markdown(name)
        assert "<math>" in page and "ln Z" in page and "| name | type | what it is |" in page
        assert (DOCS / "reference" / "families" / f"{name.replace('_', '-')}.md").is_file()


def test_every_prior_of_weights_has_its_section():
    page = families.weights()
    for name in names("weights"):
        assert f"`{name}`. " in page
    assert "| `concentration` |" in page and "**Stick-breaking, truncated**" in page


def test_text_of_docstrings_is_shown_as_it_is():
    assert plain("Cov[phi] of `x_1`, |m|^2 < 1") == "Cov\\[phi\\] of `x_1`, \\|m\\|\\^2 \\< 1"
