"""`elbowroom init --data`: a configuration for a file of one's own, with the model that `fit` chooses."""

import json

import numpy as np
import pandas as pd
import pytest

from experiments.config.reading import load_config
from experiments.studies import plan_of
from hand_cavi import fit


@pytest.fixture
def measured(here):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 2)) + rng.choice([-3.0, 3.0], (90, 1))
    (here / "data").mkdir()
    pd.DataFrame(x, columns=["a", "b"]).to_csv(here / "data" / "my points.csv", index=False)
    return here


@pytest.mark.parametrize(("columns", "family"), [(["a"], "normal_gamma"), (["a", "b"], "normal_wishart")])
def test_the_model_is_the_one_that_fit_chooses(measured, elbowroom, columns, family):
    named = [word for name in columns for word in ("--column", name)]
    file = "data/my points.csv"
    code, out, err = elbowroom("init", "sub/own.toml", "--data", file, "--components", 2, *named)
    assert code == 0 and 'Then: "elbowroom run sub/own.toml".' in out and err == ""
    config = load_config(measured / "sub" / "own.toml")
    assert [method.name for method in config.methods] == ["cavi", "cavi_lr", "advi", "nuts"]
    assert config.name == config.datasets[0].name == "my-points"
    fitted = json.loads(elbowroom("fit", file, "--components", 2, *named, "--json", "--starts", 2)[1])
    assert f'family = "{family}"' in (measured / "sub" / "own.toml").read_text()
    problem = plan_of(config).problems[0].content
    found = fit(problem.mixture, problem.x, rng=1, starts=2)
    assert found.elbo == pytest.approx(fitted["elbo"], rel=1e-9)


def test_what_does_not_go_together_is_said(measured, elbowroom):
    file = "data/my points.csv"
    for arguments, words in (
        (("--data", file), "give --components"),
        (("--components", 2), "name it with --data"),
        (("--data", file, "--components", 2), "name the columns to use"),
        (("--data", "none.csv", "--components", 2), 'there is no data file "none.csv"'),
        (("--data", file, "--derivation"), "--derivation and --data write different files"),
    ):
        code, out, err = elbowroom("init", *arguments)
        assert code == 2 and words in err and err.count("\n") == 1 and out == ""
    assert sorted(path.name for path in measured.iterdir()) == ["data"]
