"""What stands for the truth: one file one reference, the best that applies first.

A reference qualifies itself or says why it does not; verdicts lean on qualified ones only. Its file, by whose
name it is found, has ``compute(problem, request)`` and declares at its top what it is (`_declared`):
``GIVES``, of ``evidence`` and ``draws``; ``CALLED``, its name in a sentence; and ``EXACT = True`` if it is.

``auto`` takes the first exact one that applies, with importance sampling as a second opinion; else moments
from the study's NUTS draws if they qualify, else from Gibbs, else from NUTS run for longer, else from
importance sampling, and log p(x) from bridge and importance sampling. What disagrees does not qualify.
"""

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from experiments.config.plugins import did_you_mean
from experiments.records import Estimate, Problem, Reference
from experiments.references._combining import combined
from experiments.references._declared import declared
from experiments.references.request import Request
from hand_cavi import InputError, Mixture
from hand_cavi.inputs import Seed, as_rows, as_sample_weight

N_DRAWS = 20_000
"""Draws from an exact reference: their Monte-Carlo error is 0.007 posterior sds."""

N_COMPARED = 2_000
"""Of importance sampling, whose sorted means a sampler's are compared with: 0.02 posterior sds."""

CHEAP = 2_000
"""Points times components up to which one more opinion is sought where one could do without it."""

CHEAP_COMPONENTS = 5
"""And components: averaging over their namings becomes dear."""


def exact() -> list[str]:
    """Return the names of the exact references, sorted: the order in which ``auto`` tries them."""
    return [name for name, one in declared().items() if one.exact]


def reference(
    problem: Problem,
    *,
    method: str | Sequence[str] = "auto",
    rng: Seed,
    nuts_draws: xr.DataTree | None = None,
    gibbs_draws: xr.DataTree | None = None,
    n_draws: int = N_DRAWS,
    budget: float = 0.0,
) -> Reference:
    """Return the best reference for a problem, or one that says why there is none.

    Parameters
    ----------
    method : str or sequence of str
        ``auto`` for the best that applies, ``none``, or one or more names: the first that qualifies gives
        the draws, the one of the smallest error gives log p(x), and all must agree.
    nuts_draws, gibbs_draws, n_draws, budget
        As in `Request`; `n_draws` are those of an exact reference.

    Raises
    ------
    InputError
        If a method is unknown.
    """
    asked = [method] if isinstance(method, str) else list(method)
    if asked == ["none"]:
        return Reference("none", False, "no reference was asked for")
    request = Request(np.random.default_rng(rng), n_draws, nuts_draws, gibbs_draws, budget)
    if asked == ["auto"]:
        return _automatic(problem, request)
    if unknown := [name for name in asked if name not in declared()]:
        there, meant = ", ".join(declared()), did_you_mean(unknown[0], declared())
        raise InputError(
            f"reference {unknown[0]!r} is unknown; there are {there}, and, alone, auto and none{meant}"
        )
    if not asked or len(set(asked)) < len(asked):
        raise InputError("the list of references is empty, or names one twice; name each once")
    found = [_ask(name, problem, request) for name in asked]
    return combined(found, _leading(found))


def log_evidence(
    mixture: Mixture, x: ArrayLike, *, method: str = "auto", rng: Seed, sample_weight: ArrayLike | None = None
) -> Estimate:
    """Return log p(x) in nats, theta, pi and the assignments integrated out.

    Parameters
    ----------
    x, sample_weight : array_like, shape (N,) or (N, D); (N,), optional
        A row of weight w is w points. With weights that are no whole numbers p(x) is the integral of the
        likelihood that CAVI bounds, each row's factor to the power of its weight.
    method : str
        ``enumeration``, ``quadrature``, ``bridge``, ``importance``, ``smc``; or ``auto``, the first of the
        first two that applies, else bridge and importance sampling, which then have to agree, and of which
        the one of the smaller error is returned. Exact methods do not use the generator.

    Raises
    ------
    InputError
        If the data cannot be used, or the method is unknown, does not apply, or found its own figure not fit
        to be leant on; the sentence says why.
    """
    ways = ["auto", *(name for name, one in declared().items() if "evidence" in one.gives)]
    if method not in ways:
        raise InputError(f"method {method!r} gives no log evidence; there are {', '.join(ways)}")
    rows = as_rows(x)
    weight = None if sample_weight is None else as_sample_weight(sample_weight, len(rows))
    problem, request = Problem(mixture, rows, weight), Request(np.random.default_rng(rng))
    found = []
    for name in exact() if method == "auto" else [method]:
        found.append(_ask(name, problem, request))
        if found[-1].qualified and found[-1].log_evidence is not None:
            return found[-1].log_evidence
    if method == "auto":
        found += [_ask("bridge", problem, request), _ask("importance", problem, request)]
    every = combined(found, _leading(found))
    if every.evidence is None:
        reason = every.reason if len(found) > 1 else f"{method}: {every.reason}"
        raise InputError(f"no way to log p(x) applies here; {reason}")
    return every.evidence


def _leading(found: Sequence[Reference]) -> Reference | None:
    """Return the first that qualifies and gives draws, else the first that qualifies."""
    good = [one for one in found if one.qualified]
    return next((one for one in good if one.draws is not None), good[0] if good else None)


def _ask(name: str, problem: Problem, request: Request) -> Reference:
    """Return one reference's answer; not qualified if it does not apply."""
    found: Reference = import_module(f"experiments.references.{name}").compute(problem, request)
    return replace(found, called=declared()[name].called)


def _automatic(problem: Problem, request: Request) -> Reference:
    """Return the best that applies."""
    n_points, n_components = len(problem.x), problem.mixture.n_components
    cheap = n_components <= CHEAP_COMPONENTS and n_points * n_components <= CHEAP
    no_draws = replace(request, n_draws=0)
    found = []
    for name in exact():
        found.append(_ask(name, problem, request))
        if found[-1].qualified:
            opinions = [_ask("importance", problem, no_draws)] if cheap else []
            return combined([found[-1], *opinions], found[-1])
    moments = _moments(problem, request, cheap)
    main = next((one for one in moments if one.qualified), None)
    few = replace(request, n_draws=min(request.n_draws, N_COMPARED))  # they show what a sampler has missed
    evidence = [_ask("bridge", problem, request), _ask("importance", problem, few if main else request)]
    return combined([*found, *moments, *evidence], main or _leading(evidence))


def _moments(problem: Problem, request: Request, cheap: bool) -> list[Reference]:
    """Return the samplers that were asked for draws, the first that qualifies among them.

    NUTS is compiled and run for longer only where the study ran it, and nothing cheaper qualified.
    """
    found = [_ask("nuts", problem, replace(request, budget=0.0))]
    if not found[0].qualified or cheap or request.gibbs_draws is not None:
        found.append(_ask("gibbs", problem, request))
    if request.nuts_draws is not None and request.budget and not any(one.qualified for one in found):
        found[0] = _ask("nuts", problem, request)
    return found
