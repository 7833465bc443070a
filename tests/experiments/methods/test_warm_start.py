"""NUTS started from CAVI's posterior: where chains start, what is said of it, and what it may not be."""

from types import SimpleNamespace

import numpy as np
import pytest

from experiments.config.options import ReferenceOptions, VerdictOptions
from experiments.config.reading import parse_config
from experiments.engine.store.files import write_tree
from experiments.methods import label, nuts
from experiments.methods.compiled_models import Compiled
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.starts import Starts
from experiments.records import Cell, CellRecord, Fitted, Problem, Reference, Told
from experiments.studies import judging as judge
from experiments.studies.judging import Case
from hand_cavi import (
    DirichletWeights,
    FixedWeights,
    InputError,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    fit,
)
from ppl_baselines.pymc.build import build
from ppl_baselines.pymc.coordinates import coordinates_of
from ppl_baselines.unconstrained import Coordinates

X = np.random.default_rng(4).normal([[-3.0]] * 60 + [[3.0]] * 40)


def coordinates(problem: Problem) -> Coordinates:
    return coordinates_of(build(problem.mixture, problem.x))


def test_starts_and_scales_are_those_of_q():
    """2,000 draws: a variance is off by more than 15 % in less than 1 of 10^5 seeds (chi-squared)."""
    problem = Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2), X)
    settings = nuts.Settings(sampler="pymc", chains=400, warm_start="cavi")
    starts = Starts(problem, 1)
    warm = nuts.warm_start(problem, coordinates(problem), settings, starts, 5)
    q = fit(problem.mixture, X, rng=5, starts=starts.responsibilities(nuts.STARTS_OF_CAVI))
    np.testing.assert_allclose(warm.variances, q.components.variance, rtol=0.15)
    # 400 chains: |z| <= 4.5 for two means, a false alarm in 1 of 70,000 seeds; all in the mode of q
    mu = np.array([start["mu"][:, 0] for start in warm.starts])
    error = np.sqrt(q.components.variance / 400)
    assert np.all(np.abs(mu.mean(axis=0) - q.components.mean[:, 0]) <= 4.5 * error)
    assert len(np.unique(mu[:, 0])) == 400
    assert warm.seconds > 0 and f"{warm.seconds:.2g} s, counted" in warm.sentence


def test_every_family_of_coordinates_is_reached():
    problem = Problem(Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), DirichletWeights(1.0), 2), X)
    where = coordinates(problem)
    settings = nuts.Settings(sampler="pymc", chains=2, warm_start="cavi")
    warm = nuts.warm_start(problem, where, settings, Starts(problem, 1), 5)
    assert warm.variances.shape == (where.size,) and np.all(warm.variances > 0)
    assert len(where.flat_starts(warm.starts)) == 2


def test_a_sampler_that_takes_no_scales_is_given_none_and_says_so():
    problem = Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2), X)
    settings = nuts.Settings(chains=2, warm_start="cavi")
    warm = nuts.warm_start(problem, coordinates(problem), settings, Starts(problem, 1), 5)
    assert warm.variances is None
    assert warm.info["mass_matrix"] == "the sampler's own"
    assert "scales" not in warm.sentence


def test_it_tunes_less_unless_told():
    assert nuts.Settings().tuning == nuts.TUNE > nuts.Settings(warm_start="cavi").tuning == nuts.TUNE_WARM
    assert nuts.Settings(warm_start="cavi", tune=7).tuning == 7


def test_it_never_stands_as_a_reference(tmp_path, monkeypatch):
    """Draws that qualify are handed on as a reference from a cold run, and not from a warm one."""
    given = {}
    found = Reference("none", True, "found")
    monkeypatch.setattr(judge, "reference", lambda problem, **options: given.update(options) or found)
    problem = Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2), X)
    tree = sampled(np.random.default_rng(1))
    for told, handed_on in ((Told(), True), (Told(warm_start="cavi"), False)):
        path = tmp_path / f"{handed_on}.nc"
        write_tree(path, tree)
        cell = CellRecord(Cell("d", "m", "nuts", 1, "key"), "ok", "", told=told, draws=path)
        case = Case(problem, (cell,), 1, ReferenceOptions(), VerdictOptions())
        assert judge._reference(case, {"key": tree}) is found
        assert (given["nuts_draws"] is tree) == handed_on


def sampled(rng):
    from ppl_baselines.draws import to_datatree

    return to_datatree(
        {"mu": rng.normal(size=(2, 5, 2, 1))},
        sample_stats={"diverging": np.zeros((2, 5), bool), "energy": rng.normal(size=(2, 5))},
    )


def test_it_is_named_apart():
    assert label("nuts_warm") == "NUTS (warm start)"
    entry = '[[methods]]\nname = "nuts"\nwarm_start = "cavi"\n'
    with pytest.raises(InputError, match='write name = "nuts_warm" and kind = "nuts"'):
        parse_config(CONFIG + entry)
    method = parse_config(CONFIG + entry.replace('"nuts"', '"nuts_warm"') + 'kind = "nuts"\n').methods[1]
    assert method.settings.tuning == nuts.TUNE_WARM


CONFIG = """
name = "warm"
[[datasets]]
name = "galaxies"
[[models]]
name = "two"
family = "normal_known_variance"
components = 2
prior = { mean = 20.0, variance = 100.0 }
[[methods]]
name = "cavi"
"""


def test_a_short_run_through_the_method_says_all_of_it(monkeypatch):
    """Sampling itself is not run here: what is handed to it is."""
    from ppl_baselines.pymc import nuts as ppl

    target = MixtureTarget(Problem(Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2), X))
    handed = {}

    def run(prepared, starts, **options):
        handed.update(options, starts=starts)
        tree = sampled(np.random.default_rng(1))
        stats = {name: tree["sample_stats"][name].to_numpy() for name in ("diverging", "energy")}
        return options["gather"]({"mu": tree["posterior"]["mu"].to_numpy()}, sample_stats=stats)

    monkeypatch.setattr(ppl, "run", run)
    log_density = SimpleNamespace(coordinates=coordinates(target.problem))
    monkeypatch.setattr(nuts, "compiled_for", lambda *_, **__: Compiled(log_density, False, True, 0.0))
    settings = nuts.Settings(sampler="pymc", chains=2, draws=5, warm_start="cavi")
    result = nuts.fit(target, settings, starts=target.starts(1), seed=3)
    assert isinstance(result, Fitted)
    assert handed["tune"] == nuts.TUNE_WARM and handed["variances"] is not None
    assert result.told.warm_start == "cavi"
    assert 0 < result.info["seconds_cavi"] <= result.seconds_run
    assert "all in one mode" in result.message
