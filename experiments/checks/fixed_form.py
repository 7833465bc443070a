"""Fixed form: an update that is the best of its own form, such as gaussian, not of all densities.

The regression of ln p - ln q_j on the scores s is told in docs/checks.md, "What is checked". Scores of other
factors and products of scores, which are uncorrelated with s, take noise out.
"""

import numpy as np

from experiments.checks.control_variates import ROUNDING, ControlVariates, control_variates_at
from experiments.checks.parameters import FactorParameters
from experiments.checks.sequential_test import Sample, plausible
from experiments.checks.setup import Setup
from hand_cavi import InputError


def parameters_of(setup: Setup, factor: str) -> FactorParameters:
    """Return the parameters along which a factor of fixed form is checked, or refuse what has none."""
    if found := [own for own in setup.parameters if own.factor == factor]:
        return found[0]
    raise InputError(
        f"q({factor}) states a form, and a form is checked along its parameters; add parameters(state, "
        'factor) and with_parameters, see "What a derivation offers" in docs/checks.md'
    )


def sample(setup: Setup, state: object, own: FactorParameters, rng: np.random.Generator, n: int) -> Sample:
    """Test whether the slopes vanish; the effect is the root mean square of the regression's part along s."""
    from scipy.stats import f as fisher

    guarded = setup.guarded
    others = tuple(one for one in setup.controlling if one.factor != own.factor)
    known = control_variates_at((own, *others), guarded.factors, state, products=True)
    values = guarded.draw(state, rng, n)
    log_p, log_q = guarded.log_p(values), guarded.log_density(state, own.factor, values)
    chosen = known or ControlVariates((own,), state)
    design = chosen.functions_at(values)
    kept = np.isfinite(design).all(axis=1) & np.isfinite(log_p - log_q)
    design, y = design[kept] - design[kept].mean(axis=0), (log_p - log_q)[kept]
    along, rest = design[:, : own.space.free], design[:, own.space.free :]
    size, axes = np.linalg.eigh(along.T @ along / len(y))
    varies = size > 1e-10 * max(size[-1], 1e-10)
    axes = axes[:, varies] / np.sqrt(size[varies])
    if not axes.size:
        return Sample(1.0, 0.0, 0.0, np.inf, n)
    white = along @ axes  # variance 1 each
    columns = np.column_stack([white, rest])
    found = np.linalg.lstsq(columns, y - y.mean(), rcond=1e-10)[0]
    left = (y - y.mean() - columns @ found) * np.sqrt(len(y) / max(1, len(y) - columns.shape[1] - 1))
    slope, rank = found[: axes.shape[1]], axes.shape[1]
    effect = float(np.linalg.norm(slope))
    step = axes @ slope  # the natural gradient
    i = int(np.argmax(np.abs(step) * along.std(axis=0)))
    note = f"; {own.space.coordinate(i)} of its parameters should be {'larger' if step[i] > 0 else 'smaller'}"
    rounding = ROUNDING * max(1.0, float(np.abs(log_p).max()))
    if np.abs(left).max() < rounding:
        return Sample.without_noise(effect > rounding, effect, rounding, n, note)
    covariance = np.atleast_2d(np.cov(white * left[:, np.newaxis], rowvar=False)) / len(y)
    statistic = float(slope @ np.linalg.pinv(covariance) @ slope)
    p_value = float(fisher.sf(statistic * (len(y) - rank) / (rank * (len(y) - 1)), rank, len(y) - rank))
    bound = plausible(effect, float(np.sqrt(np.trace(covariance))))
    return Sample(p_value, statistic, effect, bound, n, note)
