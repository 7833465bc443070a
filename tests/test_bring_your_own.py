"""The derivations of examples/bring_your_own against quadrature, enumeration and differences."""

import importlib.util
import sys
from dataclasses import fields, replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy.special import betaln, gammaln, logsumexp, roots_hermitenorm

from hand_cavi.derivation import AscentStatus, ascend

DOC = Path(__file__).parent.parent / "docs" / "bring-your-own.md"
FOLDER = Path(__file__).parent.parent / "examples" / "bring_your_own"
NAMES = ("normal", "regression", "two_coins")
OWN = {  # the fields of the state that belong to each factor
    "normal": {"mu": ("m", "l"), "tau": ("a", "b")},
    "regression": {"coefficients": ("m", "v", "a", "b"), "alpha": ("c", "d")},
    "two_coins": {"bias": ("a", "b"), "coin": ("r",)},
}


def load(name):
    spec = importlib.util.spec_from_file_location(f"bring_your_own_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


MODULES = {name: load(name) for name in NAMES}


def bound(derivation, state):
    return sum(derivation.elbo(state).values())


def draws_of(derivation, state, rng, n):
    draws, log_q = {}, np.zeros(n)
    for factor in derivation.factors:
        values = derivation.sample(state, factor, rng, n)
        log_q += derivation.log_density(state, factor, values)
        draws |= values if isinstance(values, dict) else {factor: values}
    return draws, log_q


@pytest.mark.parametrize("name", NAMES)
def test_the_bound_is_what_it_is_defined_to_be(name):
    """E_q[ln p - ln q] by draws, on the way and at the optimum: |z| <= 4.5, twice.

    A false alarm in 1 of 70,000 seeds of each model.
    """
    module, rng = MODULES[name], np.random.default_rng(11)
    derivation = module.Derivation()
    state = derivation.update(derivation.initial(rng), derivation.factors[0])
    for at in (state, ascend(derivation, 1, starts=3).state):
        draws, log_q = draws_of(derivation, at, rng, 100_000)
        difference = module.log_joint(draws) - log_q
        error = difference.std(ddof=1) / np.sqrt(difference.size)
        assert abs(difference.mean() - bound(derivation, at)) <= 4.5 * error
        assert error < 0.5


def steps(value, size=1e-5):
    """Small changes of a parameter, one a free entry: symmetric of a matrix, adding up to 0 of rows."""
    array = np.asarray(value, dtype=float)
    if array.ndim == 2 and array.shape[0] == array.shape[1]:
        for i, j in zip(*np.tril_indices(len(array)), strict=True):
            change = np.zeros_like(array)
            change[i, j] = change[j, i] = size
            yield change
    elif array.ndim == 2:
        for i in range(len(array)):
            if array[i].min() > 10 * size:
                change = np.zeros_like(array)
                change[i] = (size, -size)
                yield change
    else:
        for i in range(array.size):
            yield size * np.eye(array.size)[i].reshape(array.shape)


@pytest.mark.parametrize("name", NAMES)
def test_no_small_step_from_an_updated_factor_raises_the_bound_to_first_order(name):
    derivation, rng = MODULES[name].Derivation(), np.random.default_rng(5)
    for factor in derivation.factors:
        state = derivation.update(derivation.initial(rng), factor)
        n_steps = 0
        for parameter in OWN[name][factor]:
            value = getattr(state, parameter)
            for step in steps(value):
                up, down = (
                    bound(derivation, replace(state, **{parameter: value + s})) for s in (step, -step)
                )
                slope = (up - down) / (2 * np.abs(step).max())
                assert abs(slope) < 2e-4, (factor, parameter)
                assert max(up, down) <= bound(derivation, state) + 1e-8
                n_steps += 1
        assert n_steps >= 2


@pytest.mark.parametrize("name", NAMES)
def test_updates_leave_the_other_factors_and_their_input_alone(name):
    derivation = MODULES[name].Derivation()
    state = derivation.initial(np.random.default_rng(2))
    before = {field.name: np.array(getattr(state, field.name)) for field in fields(state)}
    for factor, own in OWN[name].items():
        after = derivation.update(state, factor)
        for field, value in before.items():
            assert np.array_equal(getattr(state, field), value)
            assert field in own or np.array_equal(getattr(after, field), value)


@pytest.mark.parametrize("name", NAMES)
def test_coordinate_ascent_converges(name):
    ascent = ascend(MODULES[name].Derivation(), 3, starts=5)
    assert ascent.status is AscentStatus.CONVERGED
    assert np.diff(ascent.update_trace.ravel()).min() > -1e-9


def test_the_bound_of_the_normal_by_quadrature():
    """Gauss-Hermite in mu, which enters squared; the trapezium rule in ln tau, whose density fades."""
    module = MODULES["normal"]
    derivation, rng = module.Derivation(), np.random.default_rng(8)
    nodes, weights = roots_hermitenorm(5)
    for _ in range(3):
        state = derivation.initial(rng)
        log_tau = np.linspace(-40, 8, 20_001)
        tau = np.exp(log_tau)
        mass = np.exp(derivation.log_density(state, "tau", tau) + log_tau) * (log_tau[1] - log_tau[0])
        total = 0.0
        for node, weight in zip(nodes, weights / weights.sum(), strict=True):
            mu = np.full(tau.size, state.m + node / np.sqrt(state.l))
            log_p = module.log_joint({"mu": mu, "tau": tau})
            log_q = derivation.log_density(state, "mu", mu) + derivation.log_density(state, "tau", tau)
            total += weight * np.sum(mass * (log_p - log_q))
        assert mass.sum() == pytest.approx(1, abs=1e-10)
        assert bound(derivation, state) == pytest.approx(total, rel=1e-9)


def test_the_normal_stays_below_its_exact_evidence():
    """ln p(x) of the normal-gamma model in closed form (Murphy 2007, equation 95)."""
    module = MODULES["normal"]
    x, a0, b0, l0, m0 = module.X, module.A0, module.B0, module.LAMBDA0, module.MU0
    n, mean = len(x), x.mean()
    a, l = a0 + n / 2, l0 + n
    b = b0 + ((x - mean) ** 2).sum() / 2 + l0 * n * (mean - m0) ** 2 / (2 * l)
    evidence = gammaln(a) - gammaln(a0) + a0 * np.log(b0) - a * np.log(b) + np.log(l0 / l) / 2
    evidence -= n / 2 * np.log(2 * np.pi)
    elbo = ascend(module.Derivation(), 1, starts=3).elbo
    assert evidence - 0.1 < elbo < evidence


def test_the_two_coins_stay_below_their_evidence_by_enumeration():
    module = MODULES["two_coins"]
    log_p = []
    for coins in product((0, 1), repeat=len(module.HEADS)):
        first = np.array(coins) == 0
        pairs = [(module.HEADS[s].sum(), (module.TOSSES - module.HEADS[s]).sum()) for s in (first, ~first)]
        log_p.append(
            sum(betaln(module.A0 + h, module.B0 + t) - betaln(module.A0, module.B0) for h, t in pairs)
        )
    evidence = logsumexp(log_p) - len(module.HEADS) * np.log(2) + module.LOG_CHOOSE.sum()
    elbo = ascend(module.Derivation(), 1, starts=5).elbo
    assert elbo < evidence
    assert evidence - elbo == pytest.approx(np.log(2), abs=0.1)  # the other numbering of the coins


@pytest.mark.parametrize("name", NAMES)
def test_the_pymc_model_is_the_same_model(name):
    """Evaluated without compiling; of the two coins the assignments are summed out by enumeration."""
    from pytensor.compile.mode import Mode

    module, rng = MODULES[name], np.random.default_rng(4)
    model, derivation = module.model(), MODULES[name].Derivation()
    draws, _ = draws_of(derivation, derivation.initial(rng), rng, 3)
    names = [variable.name for variable in model.free_RVs]
    graph = model.logp(jacobian=False)
    expected = module.log_joint(draws)
    if name == "two_coins":
        coins = np.array(list(product((0, 1), repeat=len(module.HEADS))))
        each = [
            module.log_joint({"bias": np.broadcast_to(bias, (len(coins), 2)), "coin": coins})
            for bias in draws["bias"]
        ]
        expected = logsumexp(each, axis=1)
    for i in range(3):
        values = {}
        for variable, value_name in zip(model.free_RVs, names, strict=True):
            transform = model.rvs_to_transforms[variable]
            theta = draws[value_name][i]
            kind = type(transform).__name__
            u = {
                "NoneType": lambda t: t,
                "LogTransform": np.log,
                "LogOddsTransform": lambda t: np.log(t / (1 - t)),
            }
            values[model.rvs_to_values[variable]] = np.asarray(u[kind](theta))
        found = graph.eval(values, mode=Mode(linker="py", optimizer=None))
        assert float(found) == pytest.approx(expected[i], rel=1e-9)


# ---- docs/bring-your-own.md ----------------------------------------------------------------------


def block(of):
    """Return the code block that follows the line in which the tutorial names a file."""
    text = DOC.read_text(encoding="utf-8")
    return text.split(f"`{of}`:\n\n```", 1)[1].split("\n", 1)[1].split("```", 1)[0]


def test_the_tutorials_model_is_the_example():
    assert block("my_model.py") == (FOLDER / "normal.py").read_text(encoding="utf-8")


def test_the_tutorials_mistake_is_caught(tmp_path, monkeypatch):
    from experiments.checks import check
    from experiments.checks.loading import load_derivations

    text = block("my_model.py")
    assert text.count("(n + 1) / 2") == 1  # what its sed command changes
    (tmp_path / "my_mistake.py").write_text(text.replace("(n + 1) / 2", "n / 2"))
    monkeypatch.chdir(tmp_path)
    ((_, derivation, log_joint),) = load_derivations("my_mistake.py:Derivation", None)
    report = check(derivation, None, log_joint, rng=1)
    assert report.passed is False
    assert {fault.factor for fault in report.faults} == {"tau"}


def test_the_tutorials_fit_prints_what_it_says(tmp_path, monkeypatch, capsys):
    (tmp_path / "my_model.py").write_text(block("my_model.py"))
    monkeypatch.syspath_prepend(tmp_path)
    exec(compile(block("my_fit.py"), "my_fit.py", "exec"), {})
    assert capsys.readouterr().out == block("python my_fit.py")


def test_the_tutorials_study_is_a_study(tmp_path):
    from experiments.config.reading import parse_config
    from experiments.studies import plan_of

    (tmp_path / "my_model.py").write_text(block("my_model.py"))
    study = plan_of(parse_config(block("my_study.toml"), folder=tmp_path))
    methods = [planned.cell.method for planned in study.cells]
    assert (study.kind, methods) == ("own", ["cavi", "advi", "fullrank_advi", "nuts"])
