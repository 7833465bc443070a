"""Models of every family and weights prior, from TOML to a mixture and into the grid."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.config.reading import load_config, parse_config
from experiments.config.schema import json_schema
from experiments.methods.mixture_target import mixture_content
from experiments.studies import plan_of
from hand_cavi import DirichletWeights, FixedWeights, InputError, StickBreaking
from tests.experiments.family_cases import FAMILIES

ROOT = Path(__file__).parents[3]

START = """\
name = "small"
[[datasets]]
name = "d"
source = "file"
path = "d.csv"
[[methods]]
name = "cavi"
"""
PRIORS = {
    "normal_known_variance": "mean = [0.0, 1.0]\nvariance = 9.0\nnoise_variance = 0.5",
    "normal_gamma": "mean = 0.0\nprecision_scale = 0.1\nshape = 2\nrate = [1.0, 2.0]",
    "normal_wishart": (
        "mean = [0, 1]\nprecision_scale = 0.1\ndegrees_of_freedom = 4\nscale_inverse = [[2, 0.5], [0.5, 1]]"
    ),
    "gamma_poisson": "shape = [1.0, 2.0]\nrate = 0.3",
    "dirichlet_categorical": "concentration = [[1.0, 2.0, 1.0], [1.0, 1.0, 1.0]]",
}
WEIGHTS = {
    '"fixed"': FixedWeights(3),
    '{ name = "fixed" }': FixedWeights(3),
    '{ name = "dirichlet", concentration = 1.5 }': DirichletWeights(np.full(3, 1.5)),
    '{ name = "dirichlet", concentration = [1.0, 2.0, 3.0] }': DirichletWeights(np.array([1.0, 2.0, 3.0])),
    '{ name = "stick_breaking", concentration = 2 }': StickBreaking(2.0).for_components(3),
}


def text(family="normal_wishart", weights='"fixed"', prior=None, components="3"):
    fields = PRIORS[family] if prior is None else prior
    model = f'[[models]]\nname = "m"\nfamily = "{family}"\ncomponents = {components}\nweights = {weights}\n'
    return f"{START}{model}[models.prior]\n{fields}\n"


def refusal(*args, **kwargs):
    with pytest.raises(InputError) as caught:
        parse_config(text(*args, **kwargs), source="study.toml")
    return str(caught.value)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_with_every_weights_prior(family, weights):
    (model,) = parse_config(text(family, weights)).models
    mixture = model.mixture
    assert mixture.components.name == family and mixture.n_components == 3
    expected = WEIGHTS[weights]
    assert type(mixture.weights) is type(expected)
    np.testing.assert_array_equal(mixture.weights.mean(), expected.mean())
    content = mixture_content(mixture)
    assert json.loads(json.dumps(content)) == content


def test_weights_may_be_a_table_of_their_own():
    block = '[[models]]\nname = "m"\nfamily = "gamma_poisson"\ncomponents = 2\n'
    block += (
        '[models.weights]\nname = "dirichlet"\nconcentration = 3.0\n[models.prior]\nshape = 1\nrate = 1\n'
    )
    (model,) = parse_config(START + block).models
    np.testing.assert_array_equal(model.mixture.weights.concentration, [3.0, 3.0])


def test_a_matrix_arrives_whole():
    prior = parse_config(text()).models[0].mixture.components
    np.testing.assert_array_equal(prior.scale_inverse, [[2.0, 0.5], [0.5, 1.0]])
    np.testing.assert_array_equal(prior.mean, [0.0, 1.0])


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"weights": '"dirichlet"'}, "models[1].weights.concentration: missing"),
        ({"weights": '"dirichlt"'}, 'unknown weights "dirichlt"'),
        ({"weights": "1"}, "it must be a name (dirichlet, fixed, stick_breaking)"),
        ({"weights": "{ concentration = 1.0 }"}, "a table with a name and options"),
        ({"weights": '{ name = "dirichlet", concentratoin = 1.0 }'}, 'did you mean "concentration"?'),
        ({"weights": '{ name = "fixed", n_components = 2 }'}, "n_components: unknown key"),
        ({"weights": '{ name = "stick_breaking", concentration = 1.0, kept = [1.0] }'}, "kept: unknown key"),
        ({"weights": '{ name = "dirichlet", concentration = [1.0, 2.0] }'}, "2 concentrations for 3"),
        ({"weights": '{ name = "dirichlet", concentration = "1" }'}, "it must be a number, or a list"),
        ({"weights": '{ name = "dirichlet", concentration = -1 }'}, "concentration is -1"),
        (
            {"prior": "mean = 0\nprecision_scale = 1\ndegrees_of_freedom = 4"},
            "models[1].prior.scale_inverse: missing",
        ),
        (
            {"prior": PRIORS["normal_wishart"].replace("[0.5, 1]]", "[0.4, 1]]")},
            "scale_inverse is not symmetric",
        ),
        ({"prior": PRIORS["normal_wishart"].replace("[0.5, 1]]", "[3, 1]]")}, "not symmetric"),
        ({"prior": PRIORS["normal_wishart"].replace("[[2, 0.5]", "[[0.1, 0.5]")}, "not positive definite"),
        (
            {"prior": PRIORS["normal_wishart"].replace("[0.5, 1]]", "[0.5]]")},
            "cannot be read as real numbers",
        ),
        (
            {"prior": PRIORS["normal_wishart"].replace("freedom = 4", "freedom = 1")},
            "degrees_of_freedom is 1",
        ),
        ({"prior": PRIORS["normal_wishart"].replace("mean =", "meen =")}, 'did you mean "mean"?'),
        ({"family": "gamma_poisson", "prior": "shape = 1\nrate = 0"}, "rate is 0"),
        ({"family": "dirichlet_categorical", "prior": "concentration = 1.0"}, "one number per category"),
        ({"components": "[1, 1]"}, "none twice"),
        ({"components": "[]"}, "a list of such numbers"),
        ({"components": "[0, 1]"}, "at least 1"),
    ],
)
def test_what_is_wrong_with_a_model_is_one_line(changes, complaint):
    said = refusal(**changes)
    assert complaint in said and said.count("\n") == 0 and said.startswith("study.toml")


def test_a_prior_that_is_no_table():
    block = '[[models]]\nname = "m"\nfamily = "normal_gamma"\ncomponents = 2\nprior = 3\n'
    with pytest.raises(InputError, match="must be a table of mean, precision_scale, shape, rate"):
        parse_config(START + block)


def test_a_list_of_components_is_a_model_each():
    models = parse_config(text(components="[1, 2, 5]")).models
    assert [(m.name, m.series, m.mixture.n_components) for m in models] == [
        ("m-K1", "m", 1),
        ("m-K2", "m", 2),
        ("m-K5", "m", 5),
    ]
    clash = text(components="[1, 2]") + text().partition('[[methods]]\nname = "cavi"\n')[2].replace(
        '"m"', '"m-K2"'
    )
    with pytest.raises(InputError, match='"m-K2" is taken already'):
        parse_config(clash)


def test_the_schema_knows_matrices_weights_and_lists():
    schema = json_schema()
    model = schema["$defs"]["models_normal_wishart"]["properties"]
    assert {option.get("type") for option in model["components"]["anyOf"]} == {"integer", "array"}
    tables = [option["$ref"].rpartition("/")[2] for option in model["weights"]["anyOf"] if "$ref" in option]
    assert tables == ["prior_of_dirichlet", "prior_of_fixed", "prior_of_stick_breaking"]
    assert schema["$defs"]["prior_of_dirichlet"]["required"] == ["name", "concentration"]
    assert set(schema["$defs"]["prior_of_stick_breaking"]["properties"]) == {"name", "concentration"}
    prior = schema["$defs"]["prior_of_normal_wishart"]
    assert {"array", "number"} == {option["type"] for option in prior["properties"]["scale_inverse"]["anyOf"]}


@pytest.mark.parametrize(("name", "family"), [("faithful", "normal_wishart"), ("counts", "gamma_poisson")])
def test_the_shipped_studies_of_this_kind(name, family):
    config = load_config(ROOT / "configs" / f"{name}.toml")
    study = plan_of(config)
    (problem,) = study.problems
    assert problem.content.mixture.components.name == family
    assert problem.content.mixture.weights.name == "dirichlet"
    assert [cell.cell.method for cell in study.cells] == ["cavi", "advi", "fullrank_advi", "nuts"]
    assert config.reference.method == {"faithful": "auto", "counts": "nuts"}[name]
