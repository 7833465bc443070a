"""What stands for the truth: one file one reference, the best that applies first.

A reference qualifies itself or says in a sentence why it does not; verdicts lean on qualified ones only.
Each file offers ``applies(problem)``, None or the reason why it does not apply, and
``compute(problem, *, rng, nuts_draws=None, n_draws=...)``.
"""

from typing import Protocol, cast

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from experiments.records import Estimate, Problem, Reference
from experiments.references import enumeration, nuts, quadrature
from hand_cavi import InputError, Mixture
from hand_cavi.inputs import Seed, as_rows, as_sample_weight


class _Source(Protocol):
    def applies(self, problem: Problem) -> str | None: ...

    def compute(
        self,
        problem: Problem,
        *,
        rng: np.random.Generator,
        nuts_draws: xr.DataTree | None = None,
        n_draws: int = 0,
    ) -> Reference: ...


SOURCES = {
    "enumeration": cast(_Source, enumeration),
    "quadrature": cast(_Source, quadrature),
    "nuts": cast(_Source, nuts),
}
"""By name, the best first."""

N_DRAWS = 20_000
"""Draws from an exact reference: their Monte-Carlo error is 0.007 posterior sds."""


def reference(
    problem: Problem,
    *,
    method: str = "auto",
    rng: Seed,
    nuts_draws: xr.DataTree | None = None,
    n_draws: int = N_DRAWS,
) -> Reference:
    """Return the best reference for a problem, or one that says why there is none.

    Parameters
    ----------
    problem : Problem
    method : str
        ``auto`` for the best that applies, or ``enumeration``, ``quadrature``, ``nuts``, ``none``.
    rng : numpy.random.Generator or int
    nuts_draws : xarray.DataTree, optional
        The study's NUTS draws, with their ``sample_stats``.
    n_draws : int
        How many draws an exact reference gives.

    Returns
    -------
    Reference
        Of method ``none`` if ``auto`` found nothing; never qualified without a reason.

    Raises
    ------
    InputError
        If the method is unknown.
    """
    if method == "none":
        return Reference("none", False, "no reference was asked for")
    if method != "auto" and method not in SOURCES:
        raise InputError(f"reference {method!r} is unknown; there are auto, {', '.join(SOURCES)}, none")
    generator = np.random.default_rng(rng)
    reasons = []
    for name in SOURCES if method == "auto" else [method]:
        reason = SOURCES[name].applies(problem)
        if reason is None:
            found = SOURCES[name].compute(problem, rng=generator, nuts_draws=nuts_draws, n_draws=n_draws)
            if found.qualified or method != "auto":
                return found
            reason = found.reason
        reasons.append(f"{name}: {reason}")
    return Reference("none" if method == "auto" else method, False, "; ".join(reasons))


def log_evidence(
    mixture: Mixture,
    x: ArrayLike,
    *,
    method: str = "auto",
    rng: Seed,
    sample_weight: ArrayLike | None = None,
) -> Estimate:
    """Return log p(x) in nats, theta, pi and the assignments integrated out.

    Parameters
    ----------
    mixture : Mixture
    x : array_like, shape (N,) or (N, D)
    method : str
        ``auto``, ``enumeration`` or ``quadrature``.
    rng : numpy.random.Generator or int
        Unused by the exact methods.
    sample_weight : array_like, shape (N,), optional

    Raises
    ------
    InputError
        If the data cannot be used, or the method is unknown or does not apply; the sentence says why.
    """
    exact = [name for name in SOURCES if name != "nuts"]
    if method not in ("auto", *exact):
        raise InputError(f"method {method!r} gives no log evidence; there are auto, {', '.join(exact)}")
    rows = as_rows(x)
    weight = None if sample_weight is None else as_sample_weight(sample_weight, len(rows))
    problem = Problem(mixture, rows, weight)
    reasons = []
    for name in exact if method == "auto" else [method]:
        reason = SOURCES[name].applies(problem)
        if reason is None:
            found = SOURCES[name].compute(problem, rng=np.random.default_rng(rng), n_draws=0)
            if found.log_evidence is not None:
                return found.log_evidence
            reason = found.reason
        reasons.append(f"{name}: {reason}")
    raise InputError(f"no way to log p(x) applies here; {'; '.join(reasons)}")
