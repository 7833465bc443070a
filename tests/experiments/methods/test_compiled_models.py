"""Compiled once, given one data set after another: never another's data, never another prior's model."""

from functools import partial

import numpy as np
import pytest

from experiments.methods import advi, compiled_models, nuts
from experiments.methods.mixture_target import MixtureTarget
from experiments.posterior.draws import as_arrays
from experiments.records import Problem
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance
from ppl_baselines.pymc import compilation
from ppl_baselines.pymc import nuts as ppl_nuts
from ppl_baselines.pymc.log_density import compile_log_density
from tests.ppl_baselines.conftest import PLAIN

NUTS = {sampler: nuts.Settings(sampler=sampler, chains=1, draws=2, tune=2) for sampler in ("nutpie", "pymc")}
ADVI = advi.Settings(starts=2, screen_steps=5, keep=1, steps=10, draws=100)


def problem(seed: int, n: int, variance: float = 25.0, weighted: bool = False) -> Problem:
    rng = np.random.default_rng(seed)
    mixture = Mixture(NormalKnownVariance([0.0], variance), FixedWeights(), 2)
    x = rng.normal(rng.choice([-3.0, 3.0], size=n), 1.0)[:, np.newaxis]
    return Problem(mixture, x, rng.uniform(0.5, 2.0, n) if weighted else None)


def compiled(target):
    return compiled_models.compiled_for(compile_log_density, target, backend="numba")


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """Start without compiled models; and let PyMC's graphs run by numpy, which needs no compiling."""
    monkeypatch.setattr(compiled_models, "_kept", {})
    monkeypatch.setattr(compilation, "mode", lambda backend: PLAIN)


def fit_by(method, given: Problem):
    target = MixtureTarget(given)
    if method == "advi":
        return advi.fit(target, ADVI, starts=target.starts(1), seed=2)
    return nuts.fit(target, NUTS[method], starts=target.starts(1), seed=2)


def draws_of(fitted):
    return fitted.q.sample(np.random.default_rng(3), 50) if fitted.q else as_arrays(fitted.chains)


@pytest.mark.parametrize("method", ["nutpie", "pymc", "advi"])
def test_reused_code_sees_the_new_data_and_no_other(method, monkeypatch):
    """Another data set, of another size and weighted, as a fresh compile with the same seed has it."""
    first, second = problem(1, 30), problem(2, 45, weighted=True)
    assert not fit_by(method, first).told.reused
    result = fit_by(method, second)
    assert result.told.reused
    monkeypatch.setattr(compiled_models, "_kept", {})
    fresh = fit_by(method, second)
    assert not fresh.told.reused
    assert result.bound == fresh.bound
    for name, values in draws_of(fresh).items():
        np.testing.assert_array_equal(draws_of(result)[name], values)


def test_methods_share_what_is_compiled():
    given = problem(1, 30)
    assert not fit_by("advi", given).told.reused
    assert fit_by("nutpie", given).told.reused and fit_by("pymc", given).told.reused


def test_what_another_worker_of_the_run_compiled_counts_as_reused(tmp_path, monkeypatch):
    """Its seconds are those of who compiled it; a later run's are its own."""
    monkeypatch.setenv("ELBOWROOM_RUN", "1")
    for number in (0, 1):
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / f"worker-{number}" / "numba"))
        monkeypatch.setattr("os.getpid", lambda number=number: number)
        monkeypatch.setattr(compiled_models, "_kept", {})
        found = compiled(MixtureTarget(problem(1, 10)))
        if number == 0:
            first = found
    assert not first.reused and found.reused
    assert (found.seconds, found.cache_warm) == (first.seconds, first.cache_warm)
    monkeypatch.setenv("ELBOWROOM_RUN", "2")
    monkeypatch.setattr(compiled_models, "_kept", {})
    assert not compiled(MixtureTarget(problem(1, 10))).reused


def test_another_prior_is_another_model():
    first, second = (compiled(MixtureTarget(problem(1, 10, v))) for v in (25.0, 26.0))
    assert not second.reused
    assert first.prepared.model is not second.prepared.model
    again = compiled(MixtureTarget(problem(2, 10, 26.0)))
    assert again.reused and again.prepared.model is second.prepared.model


def test_what_was_prepared_first_keeps_its_own_data():
    """Preparing for a second data set does not change what the first one's run sees."""
    first, second = MixtureTarget(problem(1, 20)), MixtureTarget(problem(2, 30))
    prepared = [compiled(given).prepared for given in (first, second)]
    assert prepared[0].model is prepared[1].model
    run = partial(ppl_nuts.run, sampler="pymc", seed=1, chains=1, draws=1, tune=1)
    run(prepared[1], second.starts(1).parameters(1))
    run(prepared[0], first.starts(1).parameters(1))
    np.testing.assert_array_equal(prepared[0].model["x"].get_value(), first.problem.x)


def test_only_the_last_few_are_kept(monkeypatch):
    monkeypatch.setattr(compiled_models, "_MOST_KEPT", 2)
    for key, reused in (("a", False), ("b", False), ("a", True), ("c", False), ("a", True), ("b", False)):
        anew = compiled_models.Compiled(key, False, False, 2.5)
        found = compiled_models._kept_or((key,), lambda anew=anew: anew)
        assert (found.prepared, found.reused, found.seconds) == (key, reused, 2.5)
