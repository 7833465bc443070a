"""What stands for the truth: one file one reference, the best that applies first.

A reference qualifies itself or says in a sentence why it does not; verdicts lean on qualified ones only.
Each file offers ``applies(problem)``, None or the reason why it does not apply, and
``compute(problem, *, rng, nuts_draws=None, n_draws=...)``. ``auto`` takes

1. enumeration or quadrature, which are exact, with importance sampling as a second opinion; else
2. moments from the study's NUTS draws if they qualify, else from Gibbs, else from NUTS run for longer, else
   from importance sampling; and log p(x) from bridge sampling, with importance sampling as a second opinion.

Wherever two ways that qualify give the same figure they are compared; if they disagree, nothing qualifies.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from experiments.records import Estimate, Problem, Reference
from experiments.references import bridge, enumeration, gibbs, importance, nuts, quadrature, smc
from experiments.references._combining import combined
from experiments.references._gate import examine_chains
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
        **options: Any,
    ) -> Reference: ...


SOURCES = {
    "enumeration": cast(_Source, enumeration),
    "quadrature": cast(_Source, quadrature),
    "nuts": cast(_Source, nuts),
    "gibbs": cast(_Source, gibbs),
    "bridge": cast(_Source, bridge),
    "importance": cast(_Source, importance),
    "smc": cast(_Source, smc),
}
"""By name."""

EXACT = ("enumeration", "quadrature")
GIVE_EVIDENCE = ("enumeration", "quadrature", "bridge", "importance", "smc")
GIVE_DRAWS = ("enumeration", "quadrature", "nuts", "gibbs", "importance", "smc")

N_DRAWS = 20_000
"""Draws from an exact reference: their Monte-Carlo error is 0.007 posterior sds."""

CHEAP = 2_000
"""Points times components up to which one more opinion is sought where one could do without it."""

CHEAP_COMPONENTS = 5
"""And components: averaging over their namings becomes dear."""


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
    problem : Problem
    method : str or sequence of str
        ``auto`` for the best that applies, ``none``, or one or more names of `SOURCES`: the first that
        qualifies gives the draws, the first that knows it gives log p(x), and all must agree.
    rng : numpy.random.Generator or int
    nuts_draws, gibbs_draws : xarray.DataTree, optional
        The study's own draws, with their ``sample_stats``.
    n_draws : int
        How many draws an exact reference gives.
    budget : float
        Seconds that NUTS may go on for if the study's draws do not qualify, or there are none; 0 for none.

    Returns
    -------
    Reference
        Of method ``none`` if nothing qualifies; never qualified without a reason.

    Raises
    ------
    InputError
        If a method is unknown.
    """
    names = [method] if isinstance(method, str) else list(method)
    if names == ["none"]:
        return Reference("none", False, "no reference was asked for")
    generator = np.random.default_rng(rng)
    question = _Question(problem, generator, nuts_draws, gibbs_draws, n_draws, budget)
    if names == ["auto"]:
        return _automatic(question)
    for name in names:
        if name not in SOURCES:
            raise InputError(
                f"reference {name!r} is unknown; there are {', '.join(SOURCES)}, and, alone, auto and none"
            )
    if not names or len(set(names)) < len(names):
        raise InputError("the list of references is empty, or names one twice; name each once")
    found = [question.ask(name) for name in names]
    good = [one for one in found if one.qualified]
    with_draws = (one for one in good if one.draws is not None)
    return combined(found, next(with_draws, good[0] if good else None))


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
        ``enumeration``, ``quadrature``, ``bridge``, ``importance``, ``smc``; or ``auto``, the first of the
        exact two that applies, else bridge and importance sampling, which then have to agree.
    rng : numpy.random.Generator or int
        Unused by the exact methods.
    sample_weight : array_like, shape (N,), optional

    Raises
    ------
    InputError
        If the data cannot be used, or the method is unknown, does not apply, or found its own figure not fit
        to be leant on; the sentence says why.
    """
    if method not in ("auto", *GIVE_EVIDENCE):
        raise InputError(
            f"method {method!r} gives no log evidence; there are auto, {', '.join(GIVE_EVIDENCE)}"
        )
    rows = as_rows(x)
    weight = None if sample_weight is None else as_sample_weight(sample_weight, len(rows))
    question = _Question(Problem(mixture, rows, weight), np.random.default_rng(rng), n_draws=0)
    found = []
    for name in EXACT if method == "auto" else [method]:
        found.append(question.ask(name))
        if found[-1].qualified and found[-1].log_evidence is not None:
            return found[-1].log_evidence
    if method == "auto":
        found += [question.ask("bridge"), question.ask("importance")]
    every = combined(found, None)
    if every.log_evidence is None:
        reason = every.reason if len(found) > 1 else f"{method}: {every.reason}"
        raise InputError(f"no way to log p(x) applies here; {reason}")
    return every.log_evidence


@dataclass(frozen=True)
class _Question:
    """A problem, and what is at hand to find its reference."""

    problem: Problem
    rng: np.random.Generator
    nuts_draws: xr.DataTree | None = None
    gibbs_draws: xr.DataTree | None = None
    n_draws: int = 0
    budget: float = 0.0

    def ask(self, name: str, **options: Any) -> Reference:
        """Return one source's answer; not qualified if it does not apply."""
        if name == "gibbs" and self.gibbs_draws is not None:
            return self._study_gibbs(self.gibbs_draws)
        reason = SOURCES[name].applies(self.problem)
        if reason is not None:
            return Reference(name, False, reason)
        given: dict[str, Any] = {"n_draws": self.n_draws, "nuts_draws": self.nuts_draws}
        if name == "nuts":
            given["budget"] = self.budget
        return SOURCES[name].compute(self.problem, rng=self.rng, **(given | options))

    def _study_gibbs(self, draws: xr.DataTree) -> Reference:
        """Return the study's Gibbs draws if they qualify; else the reference's own, longer, runs."""
        quality, faults = examine_chains(self.problem, draws)
        if faults:
            return replace(self, gibbs_draws=None).ask("gibbs")
        reason = (
            f"the study's Gibbs draws qualified: largest R-hat {quality['r_hat']:.4f}, smallest effective "
            f"sample size {quality['ess_bulk']:.0f} (bulk) and {quality['ess_tail']:.0f} (tail)"
        )
        return Reference("gibbs", True, reason, draws=draws, quality=quality)


def _automatic(question: _Question) -> Reference:
    """Return the best that applies."""
    n_points, n_components = len(question.problem.x), question.problem.mixture.n_components
    cheap = n_components <= CHEAP_COMPONENTS and n_points * n_components <= CHEAP
    found = []
    for name in EXACT:
        found.append(question.ask(name))
        if found[-1].qualified:
            opinions = [question.ask("importance", n_draws=0)] if cheap else []
            return combined([found[-1], *opinions], found[-1])
    moments = _moments(question, cheap)
    main = next((one for one in moments if one.qualified), None)
    evidence = [question.ask("bridge"), question.ask("importance", n_draws=0 if main else question.n_draws)]
    main = main or next((one for one in evidence if one.qualified and one.draws is not None), None)
    return combined([*found, *moments, *evidence], main)


def _moments(question: _Question, cheap: bool) -> list[Reference]:
    """Return the samplers that were asked for draws, the first that qualifies among them.

    NUTS is compiled and run for longer only where the study ran it, and nothing cheaper qualified.
    """
    found = [replace(question, budget=0.0).ask("nuts")]
    if not found[0].qualified or cheap or question.gibbs_draws is not None:
        found.append(question.ask("gibbs"))
    if question.nuts_draws is not None and question.budget and not any(one.qualified for one in found):
        found[0] = question.ask("nuts")
    return found
