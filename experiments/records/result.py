"""What methods find, and what stands for the truth."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from experiments.records.target import Approximation

if TYPE_CHECKING:
    import xarray as xr

type Tree = xr.DataTree
"""Draws as they are stored; evaluated only when asked for, since importing xarray takes long."""


@dataclass(frozen=True)
class Told:
    """What a method tells of its run that somebody reads; None where it has nothing to tell.

    Attributes
    ----------
    family : str
        What it searches: ``mean field``, ``full rank``, or a name of its own; empty if unknown.
    bound_of : str
        What its bound is, so that it can be recomputed: ``theta`` for E_q[ln p(x, theta) - ln q(theta)],
        ``theta and assignments`` for the bound with the best q(c) beside the same q(theta), ``theta and what
        is summed out`` for that of an own model's derivation; empty: unknown.
    smallest_gain : float
        Of any half-step of any start, as a share of max(1, |bound|).
    bound_left, bound_left_se, elbo_left : float
        Nats of F(q_sym), and of its own bound, that going on from the end would gain.
    step_gain, step_gain_se : float
        Nats of F that one step on from a Gaussian q gains.
    log_mass, log_mass_se : float
        Ln of what q's density integrates to beside its own draws, in nats.
    held_out, held_out_se : float
        Mean log predictive density per held-out point.
    sampler, warm_start : str
        ``nutpie``, ``gibbs``, ...; where chains started, if all in one mode. Empty for an approximation.
    language : str
        In what the model is written whose density it works on: ``pymc``, ``numpyro``, ``hand_cavi``. Samplers
        of different languages share no code of the model, and are held against each other.
    cache_warm, reused : bool
        Whether the compiler's cache was warm; whether the worker had compiled the model for other data.
    occupied : int
        Components that hold points.
    """

    family: str = ""
    bound_of: str = ""
    smallest_gain: float | None = None
    bound_left: float | None = None
    bound_left_se: float | None = None
    elbo_left: float | None = None
    step_gain: float | None = None
    step_gain_se: float | None = None
    log_mass: float | None = None
    log_mass_se: float | None = None
    starts: int | None = None
    starts_at_best: int | None = None
    held_out: float | None = None
    held_out_se: float | None = None
    sampler: str = ""
    warm_start: str = ""
    language: str = ""
    cache_warm: bool | None = None
    reused: bool | None = None
    occupied: int | None = None


@dataclass(frozen=True)
class Fitted:
    """What a method found and how it ended, as in `MethodResult`; nothing is scored yet.

    It is a variational method's q, or a sampler's chains: draws with their ``sample_stats``.
    """

    outcome: str
    message: str
    seconds_compile: float
    seconds_run: float
    q: Approximation | None = None
    chains: Tree | None = None
    bound: float | None = None
    bound_se: float | None = None
    trace: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    told: Told = field(default_factory=Told)
    info: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class MethodResult:
    """What a method gives for a problem.

    Attributes
    ----------
    outcome, message : str
        How it ended, in one word of its own (``converged``, ``max_steps``, ``sampled``, ...); in a sentence.
    seconds_compile, seconds_run : float
        Preparing (building, compiling) and running, apart.
    draws : xarray.DataTree
        Canonical draws in group ``posterior``. Group ``sample_stats`` holds, for a sampler, what it says
        of each draw (``diverging``, ``energy``, ...); for an approximation the log densities of each draw:
        ``log_joint`` = log p(x, theta), ``log_q``, ``log_q_symmetrised``.
    bound, bound_se : float or None
        The bound that the method itself optimises, in nats, and its standard error, 0 where it is exact;
        None for a sampler.
    trace : ndarray, shape (T, 3)
        (seconds of running, best own bound so far of any start, standard error); T may be 0.
    info : dict
        What else is worth showing, JSON values only; nobody decides anything by it.
    """

    outcome: str
    message: str
    seconds_compile: float
    seconds_run: float
    draws: Tree
    bound: float | None = None
    bound_se: float | None = None
    trace: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    info: Mapping[str, object] = field(default_factory=dict)
    told: Told = field(default_factory=Told)


@dataclass(frozen=True)
class NotFinite:
    """What comes of a method whose numbers overflowed, and where they did."""

    message: str


@dataclass(frozen=True)
class Estimate:
    """A number, how it was obtained, and how far off it may be.

    Attributes
    ----------
    standard_error : float
        What `error_is` says; 0 where nothing but rounding is left, and that was not estimated.
    quality : dict
        How far the error may be trusted (k-hat, effective sample size, ...), JSON values only.
    error_is : str
        ``sampling``, a standard error; ``numerical``, what a deterministic approximation may be off by; or
        ``rounding``, what float64 may have lost of a figure that is exact but for that.
    """

    value: float
    standard_error: float
    method: str
    quality: Mapping[str, object] = field(default_factory=dict)
    error_is: str = "sampling"

    @property
    def is_exact(self) -> bool:
        """Whether nothing but rounding is left."""
        return self.standard_error == 0 or self.error_is == "rounding"

    @property
    def accuracy(self) -> str:
        """How good a log evidence is, in words; empty if by a standard error, which stands beside it."""
        if self.is_exact:
            about = f" of about {self.standard_error:.1g} nats" if self.standard_error > 0 else ""
            return f"exact up to rounding{about}"
        return f"right to within {self.standard_error:.1g} nats" if self.error_is == "numerical" else ""


@dataclass(frozen=True)
class Bracket:
    """Bounds on log p(x) of simulated data whose parameters were drawn from the model's own prior, in nats.

    They hold in expectation, whatever the sampler: E[lower] <= log p(x) <= E[upper], and each is on the wrong
    side by more than b nats with a chance of at most exp(-b) (`hand_cavi.gibbs.annealed`). Their errors are
    the spread over `chains`; those of the upper bound start from one exact draw, and the spread over such
    draws is not in its error. `temperatures` are the steps between prior and posterior.
    """

    lower: Estimate
    upper: Estimate
    chains: int
    temperatures: int


@dataclass(frozen=True)
class Reference:
    """What stands for the truth about a problem, and how sure of it.

    Attributes
    ----------
    method, called : str
        The file of `experiments.references` that it comes from, or ``none``; what a sentence calls it, such
        as ``the long NUTS run``, empty if `method` says it all.
    qualified, reason : bool, str
        Whether verdicts may lean on it; in one sentence, why or why not.
    draws : xarray.DataTree or None
        Canonical draws from the exact posterior (independent unless `method` is a sampler).
    log_evidence : Estimate or None
        log p(x) in nats; of several ways that qualify the one of the smallest error.
    quality : dict
        The figures behind `qualified` (R-hat, ESS, ...), JSON values only.
    opinions : tuple of Estimate
        log p(x) by other ways, each independent of `log_evidence`; a qualified reference agrees with them.
        Of a reference that does not qualify, what those said that are not leant on.
    bracket : Bracket or None
        Bounds on log p(x) that lean on no sampler, nor on this reference.
    """

    method: str
    qualified: bool
    reason: str
    draws: Tree | None = None
    log_evidence: Estimate | None = None
    quality: Mapping[str, object] = field(default_factory=dict)
    opinions: tuple[Estimate, ...] = ()
    called: str = ""
    bracket: Bracket | None = None

    @property
    def evidence(self) -> Estimate | None:
        """The log p(x) that may be leant on, or None."""
        return self.log_evidence if self.qualified else None
