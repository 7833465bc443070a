"""Old Faithful, simulated data of every family, and columns of categories."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from experiments.datasets import faithful, file, simulated_family
from experiments.families.lookup import offered
from hand_cavi import InputError
from tests.experiments.family_cases import FAMILIES


def simulate(seed=1, **settings):
    return simulated_family.load(simulated_family.Settings(**settings), np.random.default_rng(seed))


def test_old_faithful_in_minutes_and_standardised():
    data = faithful.load(faithful.Settings(), np.random.default_rng(0))
    assert data.x.shape == (272, 2) and data.features == ("eruption", "waiting") and data.unit == "minutes"
    np.testing.assert_array_equal(data.x[[0, 1, -1]], [[3.6, 79], [1.8, 54], [4.467, 74]])
    np.testing.assert_allclose(data.x.mean(axis=0), [3.487783, 70.897059], atol=1e-6)  # as in R
    np.testing.assert_allclose(data.x.var(axis=0, ddof=1), [1.302728, 184.823312], atol=1e-6)
    scaled = faithful.load(faithful.Settings(standardise=True), np.random.default_rng(0))
    np.testing.assert_allclose(scaled.x.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.x.std(axis=0), 1)
    assert "standard deviation" in scaled.about


N = 100_000
GIVEN = {
    "normal_wishart": {
        "mu": [[0, 1], [5, 6]],
        "covariance": [[[2, 0.6], [0.6, 1]], [[1, -0.5], [-0.5, 0.5]]],
    },
    "normal_gamma": {"mu": [[0, 1], [5, 6]], "variance": [[2, 1], [1, 0.5]]},
    "gamma_poisson": {"rate": [[2, 9], [8, 3]]},
    "dirichlet_categorical": {"probability": [[[0.8, 0.2], [0.3, 0.7]], [[0.1, 0.9], [0.5, 0.5]]]},
}


@pytest.mark.parametrize("family", [name for name in FAMILIES if offered(name, "from_parameters")])
def test_given_parameters_have_their_moments(family):
    """Means and variances within 5 standard errors, of 24 in all: false alarm below 2e-5."""
    data = simulate(family=family, n=N, parameters=GIVEN[family], weights=(0.3, 0.7))
    c = data.truth["assignments"]
    assert data.x.shape == (N, 2) and abs(np.mean(c == 0) - 0.3) < 5 * np.sqrt(0.21 / N)
    given = {key: np.array(value, dtype=float) for key, value in GIVEN[family].items()}
    for k in range(2):
        x = data.x[c == k]
        if family == "dirichlet_categorical":
            mean = given["probability"][k, :, 1]
            variance = mean * (1 - mean)
        elif family == "gamma_poisson":
            mean = variance = given["rate"][k]
        else:
            mean = given["mu"][k]
            variance = given["variance"][k] if family == "normal_gamma" else np.diag(given["covariance"][k])
        assert np.all(np.abs(x.mean(axis=0) - mean) < 5 * np.sqrt(variance / len(x)))
        np.testing.assert_allclose(x.var(axis=0), variance, rtol=0.05)
        if family == "normal_wishart":
            np.testing.assert_allclose(np.cov(x.T), given["covariance"][k], atol=0.05)


def test_parameters_drawn_from_a_prior_are_in_the_truth():
    prior = {"mean": [0.0, 1.0, 2.0], "precision_scale": 0.1, "degrees_of_freedom": 6.0, "scale_inverse": 2.0}
    data = simulate(family="normal_wishart", n=50, prior=prior, components=4)
    assert data.x.shape == (50, 3) and data.truth["precision"].shape == (4, 3, 3)
    again = simulate(family="normal_wishart", n=50, prior=prior, components=4)
    np.testing.assert_array_equal(data.x, again.x)
    with pytest.raises(InputError, match="simulating normal_wishart: degrees_of_freedom is 1"):
        simulate(family="normal_wishart", n=5, prior=prior | {"degrees_of_freedom": 1.0}, components=2)


def test_one_feature_needs_no_inner_lists():
    data = simulate(family="gamma_poisson", n=20, parameters={"rate": [2.0, 9.0]})
    assert data.x.shape == (20, 1) and data.features == ("x",)
    assert "2 components of gamma_poisson" in data.about


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"family": "gamma_poisson", "parameters": {"rat": [1.0]}}, "they must be rate"),
        ({"family": "gamma_poisson", "parameters": {"rate": [0.0]}}, "above zero"),
        ({"family": "gamma_poisson", "parameters": {"rate": [["a"]]}}, "lists of numbers"),
        ({"family": "gamma_poisson", "parameters": {"rate": [[1.0], [1.0, 2.0]]}}, "equally long"),
        ({"family": "normal_gamma", "parameters": {"mu": [0.0], "variance": [-1.0]}}, "above zero"),
        ({"family": "normal_wishart", "parameters": {"mu": [[0.0]], "covariance": [1.0]}}, "3 axes"),
        (
            {
                "family": "normal_wishart",
                "parameters": {"mu": [[0.0, 0.0]], "covariance": [[[1.0, 2.0], [2.0, 1.0]]]},
            },
            "not positive definite",
        ),
        ({"family": "dirichlet_categorical", "parameters": {"probability": [[[0.5, 0.6]]]}}, "sum to 1"),
        ({"family": "normal_known_variance", "parameters": {"mu": [0.0]}}, "give a prior"),
        ({"family": "no", "parameters": {"mu": [0.0]}}, 'unknown family "no"'),
        ({"family": "gamma_poisson", "prior": {"shap": 1.0}, "components": 2}, "shap"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(settings, complaint):
    with pytest.raises(InputError, match=complaint):
        simulate(n=10, **settings)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "give either parameters, or a prior"),
        ({"prior": {"shape": 1.0, "rate": 1.0}}, "give both or neither"),
        ({"parameters": {"rate": [1.0, 2.0]}, "components": 2}, "give both or neither"),
        ({"parameters": {"rate": [1.0, 2.0]}, "weights": [1.0]}, "weights are 1, but components 2"),
        ({"parameters": {"rate": [1.0, 2.0]}, "weights": [0.5, 0.6]}, "sum to 1"),
    ],
)
def test_settings_that_contradict_each_other(settings, complaint):
    with pytest.raises(ValidationError, match=complaint):
        simulated_family.Settings.model_validate_json(
            __import__("json").dumps({"family": "gamma_poisson", "n": 5, **settings})
        )


def categories(path, *columns):
    return file.load(file.Settings(path=str(path), columns=columns, categories=True), np.random.default_rng())


def test_text_and_whole_numbers_become_codes(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text('kind,size,other\n"dog", 10,x\ncat,2,y\n\ndog,2,z\n')
    data = categories(path, "size", "kind")
    np.testing.assert_array_equal(data.x, [[1, 1], [0, 0], [0, 1]])
    assert data.categories == (("2", "10"), ("cat", "dog"))  # numbers by size, text by the alphabet
    assert data.about == "Categories of c.csv, as codes: size (0 = 2, 1 = 10); kind (0 = cat, 1 = dog)."


def test_categories_of_parquet_and_npy(tmp_path):
    table = pa.table({"kind": ["b", "a", "b"], "level": [3, 1, 1]})
    pq.write_table(table, tmp_path / "c.parquet")
    data = categories(tmp_path / "c.parquet", "kind", "level")
    np.testing.assert_array_equal(data.x, [[1, 1], [0, 0], [1, 0]])
    assert data.categories == (("a", "b"), ("1", "3"))
    np.save(tmp_path / "c.npy", np.array([[3.0, 1.0], [1.0, 1.0]]))
    assert categories(tmp_path / "c.npy").categories == (("1", "3"), ("1",))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("kind\ncat\n,\n", r'c.csv, line 3: column "kind" holds nothing'),
        ("kind\n", "must be at least one point"),
        ("kind\n" + "\n".join(map(str, range(1001))), "1001 different values"),
        ("sort\ncat\n", 'has no column "kind"'),
    ],
)
def test_categories_that_cannot_be_used(tmp_path, text, complaint):
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(InputError, match=complaint):
        categories(tmp_path / "c.csv", "kind")


def test_a_hole_in_parquet_is_found(tmp_path):
    pq.write_table(pa.table({"kind": ["b", None]}), tmp_path / "c.parquet")
    with pytest.raises(InputError, match="row 1 .* holds nothing"):
        categories(tmp_path / "c.parquet", "kind")


def test_categories_have_no_scale():
    with pytest.raises(ValidationError, match="neither scale nor centre"):
        file.Settings(path="c.csv", categories=True, scale=2.0)
